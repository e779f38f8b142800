"""The study of tokenizers: one command, one table, nothing twice."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import genomark
from genomark.cli import study as command
from genomark.errors import GenomarkError, UsageError
from genomark.studies import crew, work
from genomark.studies.config import read_config, variants
from genomark.studies.plot import study_svg
from genomark.studies.table import study_table
from genomark.studies.tokenizers import Study, study_tokenizers

DRAWS = np.random.default_rng(11)


def dna(length: int) -> str:
    return "".join(DRAWS.choice(list("ACGT"), length))


def settled(folder: Path, *, architecture: str = "esm", downstream: bool = True) -> Path:
    """Write a genome, a task on whether a sequence has many CG, and the file of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "genome.fa").write_text(f">one\n{'N' * 500}{dna(6_000)}\n>two\n{dna(2_000)}\n")
    task = folder / "task"
    task.mkdir(exist_ok=True)
    for name, count in (("train", 60), ("valid", 30), ("test", 40)):
        rows = ["sequence,label"]
        for number in range(count):
            rich = number % 2
            rows.append(
                f"{''.join(DRAWS.choice(list('CGCGCGAT' if rich else 'ATATATCG'), 80))},{rich}"
            )
        (task / f"{name}.csv").write_text("\n".join(rows) + "\n")
    benchmarks = f'benchmarks = ["sequences:{task}"]' if downstream else ""
    path = folder / "study.toml"
    path.write_text(f"""
[data]
fasta = "genome.fa"
held_out = ["one:5000-6500"]
window = 128
[[tokenizers]]
kind = "character"
[[tokenizers]]
kind = "bpe"
size = [30, 60]
[[tokenizers]]
kind = "kmer-overlap"
k = 3
[network]
architecture = "{architecture}"
width = 16
layers = 1
heads = 2
[pretraining]
bases = 5_120
batch = 8
[judging]
rounds = 1
markov = [0, 2]
[downstream]
{benchmarks}
fits = 1
{'beside = ["kmer:k=3"]' if downstream else ""}
""")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(place: Path, cache: Path) -> Study:
    return study_tokenizers(settled(place), place / "out", workers=1, progress=False)


def test_each_tokenizer_is_told_beside_the_same_network_before_it_learned(study: Study) -> None:
    names = ["character", "bpe-30", "bpe-60", "kmer-overlap-3"]
    assert [each.name for each in study.lines] == names
    table = study_table(study)
    assert table.height == 2 * 4 + 2 + 1
    own = table.filter(pl.col("pretrained").is_not_null())
    assert own["tokenizer"].to_list() == [name for name in names for _ in (0, 1)]
    assert own.filter(pl.col("pretrained"))["seen_bases"].unique().to_list() == [5_120]
    assert own.filter(~pl.col("pretrained"))["seen_bases"].unique().to_list() == [0]
    characters = study.lines[0].pretrained
    assert characters.tokenized.words == 4
    assert characters.tokenized.tokens_per_base == 1.0
    assert study.lines[2].pretrained.tokenized.tokens_per_base < 0.6
    assert {each.pretrained.bits.bases for each in study.lines} == {study.markov[0].bases}


def test_a_gain_is_the_difference_of_the_two_scores(study: Study) -> None:
    (benchmark,) = study.lines[0].scores
    for line in study.lines:
        score, control = line.scores[benchmark].value, line.controls[benchmark].value
        gain = line.gains[benchmark]
        assert score is not None
        assert control is not None
        assert gain.value == pytest.approx(score - control, abs=1e-12)
        assert gain.interval is not None
        assert gain.interval[0] <= gain.value <= gain.interval[1]
    assert study.results is not None
    told = study.results.of(benchmark)[-1]
    assert study.beside["kmer:k=3"][benchmark].value == told.metrics[0].value


def test_random_sequence_has_two_bits_a_base_and_nobody_finds_less(study: Study) -> None:
    for bits in study.markov.values():
        assert bits.per_base == pytest.approx(2.0, abs=0.06)
    for line in study.lines:
        assert line.pretrained.bits.per_base > 1.94


def test_a_second_run_computes_nothing(
    study: Study, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    for name in ("pretrain", "held_out_bits", "markov_bits", "train_tokenizer"):
        monkeypatch.setattr(work, name, never)
    before = {each: each.stat().st_mtime_ns for each in (place / "out" / "stages").rglob("*.*")}
    again = study_tokenizers(place / "study.toml", place / "out", workers=1, progress=False)
    assert study_table(again).equals(study_table(study))
    after = {each: each.stat().st_mtime_ns for each in (place / "out" / "stages").rglob("*.*")}
    assert after == before


@pytest.mark.slow
def test_processes_side_by_side_make_the_same_bytes(
    study: Study, place: Path, tmp_path: Path
) -> None:
    text = (place / "study.toml").read_text()
    (place / "bits.toml").write_text(re.sub(r"(?s)\[downstream\].*", "", text))
    again = study_tokenizers(place / "bits.toml", tmp_path, workers=2, progress=False)
    assert again.results is None
    for one, other in zip(study.lines, again.lines, strict=True):
        weights = [
            (each.pretrained.checkpoint / "model.safetensors").read_bytes() for each in (one, other)
        ]
        assert weights[0] == weights[1]
        assert one.pretrained.bits.per_base == other.pretrained.bits.per_base
    assert "benchmark" in study_table(again).columns


@pytest.mark.slow
def test_killed_it_leaves_no_process_behind_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = settled(tmp_path, downstream=False)
    path.write_text(path.read_text().replace("bases = 5_120", "bases = 61_440"))
    out = tmp_path / "out"
    file = Path(__file__).with_name("study_process.py")
    process = subprocess.Popen([sys.executable, str(file), str(path), str(out)])
    until = time.monotonic() + 60
    while not list(out.glob("stages/networks/*/stage.json")) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # A worker that lived on would go on writing; what it is in the middle of takes a moment.
    time.sleep(1.0)
    left = {each: each.stat().st_mtime_ns for each in out.rglob("*.*")}
    time.sleep(1.0)
    assert {each: each.stat().st_mtime_ns for each in out.rglob("*.*")} == left
    again = study_tokenizers(path, out, workers=2, progress=False)
    fresh = study_tokenizers(path, tmp_path / "fresh", workers=2, progress=False)
    for one, other in zip(again.lines, fresh.lines, strict=True):
        found = [
            (each.pretrained.checkpoint / "model.safetensors").read_bytes() for each in (one, other)
        ]
        assert found[0] == found[1]


def test_another_budget_leaves_tokenizers_and_untrained_networks_as_they_are(
    study: Study, place: Path
) -> None:
    text = (
        place / "bits.toml" if (place / "bits.toml").exists() else place / "study.toml"
    ).read_text()
    (place / "more.toml").write_text(text.replace("5_120", "6_144").replace("[30, 60]", "30"))
    stages = place / "out" / "stages"
    before = {kind: set((stages / kind).iterdir()) for kind in ("tokenizers", "networks")}
    study_tokenizers(place / "more.toml", place / "out", workers=1, progress=False)
    assert set((stages / "tokenizers").iterdir()) == before["tokenizers"]
    new = set((stages / "networks").iterdir()) - before["networks"]
    assert sorted(each.name.rpartition("-")[0] for each in new) == [
        "bpe-30",
        "character",
        "kmer-overlap-3",
    ]


def test_a_t5_is_studied_too(tmp_path: Path) -> None:
    path = settled(tmp_path, architecture="t5", downstream=False)
    found = study_tokenizers(path, tmp_path / "out", workers=1, progress=False)
    assert all(line.pretrained.bits.per_base < line.untrained.bits.per_base for line in found.lines)


def test_a_checkpoint_is_gone_on_from_with_its_own_tokenizer(
    study: Study, place: Path, tmp_path: Path
) -> None:
    folder = study.lines[1].pretrained.checkpoint
    text = (place / "study.toml").read_text().replace("genome.fa", str(place / "genome.fa"))
    entry = f'[[tokenizers]]\ncheckpoint = "{folder}"\n[network]'
    text = re.sub(r"(?s)\[\[tokenizers\]\].*\[network\]", lambda _: entry, text)
    (tmp_path / "on.toml").write_text(re.sub(r"(?s)\[downstream\].*", "", text))
    found = study_tokenizers(tmp_path / "on.toml", tmp_path / "out", workers=1, progress=False)
    (line,) = found.lines
    assert line.name == "checkpoint"
    # Before it learned more, it was what the first study had made.
    assert line.untrained.bits.per_base == study.lines[1].pretrained.bits.per_base
    assert line.pretrained.bits.per_base != line.untrained.bits.per_base


def test_the_image_shows_every_network_and_is_well_formed(study: Study) -> None:
    root = ElementTree.fromstring(study_svg(study))
    titles = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 2 * 4 + 4
    assert {each.partition(":")[0] for each in titles} == {each.name for each in study.lines}


@pytest.mark.slow
def test_the_command_writes_a_table_a_document_and_an_image(study: Study, place: Path) -> None:
    told = CliRunner().invoke(
        command.app, ["tokenizers", str(place / "study.toml"), "--out", str(place / "out")]
    )
    assert told.exit_code == 0, told.output
    assert "Held-out bits per base" in told.output
    assert "kmer-overlap-3" in told.output
    written = pl.read_csv(place / "out" / "table.csv")
    assert written.columns == study_table(study).columns
    document = json.loads((place / "out" / "study.json").read_text())
    assert document["config"]["pretraining"]["seed"] == 0
    assert len(document["rows"]) == written.height
    assert (place / "out" / "study.svg").read_text().startswith("<svg")


def test_lines_say_how_far_it_is_where_nobody_watches(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crew, "_SECONDS_BETWEEN_LINES", 0.0)
    watch = crew._Watch([100, 300], ["one", "two"])
    with caplog.at_level(logging.INFO, "genomark.studies"):
        watch.teller(0)(50)
    assert re.fullmatch(r"one: 50 of 400 bases, about \d+ s left", caplog.messages[-1])


def test_a_benchmark_that_cannot_be_had_is_an_error(place: Path, study: Study) -> None:
    text = (place / "study.toml").read_text()
    (place / "lost.toml").write_text(text.replace(str(place / "task"), str(place / "nowhere")))
    with pytest.raises(GenomarkError, match="nowhere"):
        study_tokenizers(place / "lost.toml", place / "out", workers=1, progress=False)


def test_what_a_file_must_not_say_is_told_in_one_line(tmp_path: Path) -> None:
    path = settled(tmp_path)
    text = path.read_text()
    for old, new, said in (
        ("window = 128", "window = 12", "windows of 12 bases"),
        ("window = 128", "windows = 128", "unknown field `windows`"),
        ('kind = "character"', 'kind = "charakter"', "Invalid enum value 'charakter'"),
        ("k = 3\n", "k = 30\n", "k is 30; expected 2 to 8"),
        ("size = [30, 60]", "size = [30, 30]", "bpe-30: there twice"),
        ('kind = "character"', 'checkpoint = "lost"', "no checkpoint"),
        ("batch = 8", "batch = 8\nhiding = {every = 200}", "expected 200 or more"),
        ("rounds = 1", "rounds = 0", "Expected `int` >= 1"),
        ("width = 16", "width = 17", "expected a width of 16"),
        ("[data]", "[data", "study.toml"),
        ("one:5000-6500", "nine", "no chromosome 'nine'"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(UsageError, match=re.escape(said)):
            study_tokenizers(path, tmp_path / "out", workers=1, progress=False)
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_two_studies_do_not_share_a_folder(study: Study, place: Path) -> None:
    from filelock import FileLock

    with (
        FileLock(place / "out" / "study.lock"),
        pytest.raises(UsageError, match="another study runs in this folder"),
    ):
        study_tokenizers(place / "study.toml", place / "out", workers=1, progress=False)


def test_the_shipped_example_is_well_formed() -> None:
    path = Path(genomark.__file__).parents[2] / "docs" / "tokenisation-study.toml"
    if not path.is_file():
        pytest.skip("installed without its documentation")
    config = read_config(path)
    assert len(variants(config, path.parent)) == 11
