"""``genomark augment``: copies in files that are read back with their labels."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from genomark.cli import augment as module
from genomark.errors import CapabilityError, UsageError
from genomark.sequences import read_labelled, read_sequences

pytest.importorskip("torch")
sys.path.append(str(Path(__file__).parents[1] / "models" / "hub"))
import tiny_checkpoints

CSV = "name,seq,label,group\na,ACGTTGCANACGATTACGGAT,1,g1\nb,GGGCCCAAATTTGGGCCCAAA,0,g2\n"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{tiny_checkpoints.bert_of_letters(tmp_path_factory.mktemp('tiny') / 'bert')}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "own-cache"))
    (tmp_path / "in.csv").write_text(CSV)
    return tmp_path


def augment(*words: str) -> str:
    """As the command line does, but that errors stay errors."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(module.augment)
    said = CliRunner().invoke(app, list(words))
    if said.exception is not None and not isinstance(said.exception, SystemExit):
        raise said.exception
    assert said.exit_code == 0, said.output
    return said.output


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".fasta", ".fa"])
def test_labels_and_groups_are_carried_over(suffix: str, checkpoint: str) -> None:
    output = f"deeper/more{suffix}"
    augment("-m", checkpoint, "-i", "in.csv", "-o", output, "--copies", "3", "--share", "0.3")
    before, after = read_labelled("in.csv"), read_labelled(output)
    assert after.kind == before.kind == "binary"
    assert after.ids == tuple(f"{name}-augmented-{n}" for name in "ab" for n in (1, 2, 3))
    assert np.array_equal(after.targets, np.repeat(before.targets, 3, axis=0))
    assert after.groups == ("g1",) * 3 + ("g2",) * 3
    for place, copy in enumerate(after.sequences):
        original = before.sequences[place // 3]
        assert len(copy) == len(original)
        assert set(copy) <= set("ACGTN")
        assert 0 < sum(a != b for a, b in zip(copy, original, strict=True)) <= 6


def test_the_seed_says_it_all(checkpoint: str) -> None:
    words = ["-m", checkpoint, "-i", "in.csv", "--temperature", "1"]
    augment(*words, "-o", "one.csv")
    augment(*words, "-o", "two.csv")
    augment(*words, "-o", "three.csv", "--seed", "1")
    one, two, three = (Path(f"{name}.csv").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def test_labels_of_positions_stay_in_place(here: Path, checkpoint: str) -> None:
    rows = [{"sequence": "ACGUACGU", "label": [0, 1, 0, 1, 0, 1, 1, 1]}]
    (here / "in.json").write_text(json.dumps(rows))
    for output in ("more.jsonl", "more.csv"):
        augment("-m", checkpoint, "-i", "in.json", "-o", output)
        found = read_labelled(output)
        assert found.kind == "token-classes"
        assert found.targets[0].tolist() == rows[0]["label"]
        assert "T" not in found.sequences[0]


def test_sequences_without_labels_need_none(here: Path, checkpoint: str) -> None:
    (here / "in.fa").write_text(">one\nACGTACGTACGT\n>two\nACGT\n")
    augment("-m", checkpoint, "-i", "in.fa", "-o", "more.fa")
    assert read_sequences("more.fa")[0] == ("one-augmented-1", "two-augmented-1")
    assert Path("more.fa").read_text().startswith(">one-augmented-1\n")


def test_what_a_header_cannot_hold_is_refused(here: Path, checkpoint: str) -> None:
    (here / "in.csv").write_text("id,sequence,label\na,ACGT,two words\n")
    with pytest.raises(UsageError, match=r"'label=two words' of 'a-augmented-1' has no place"):
        augment("-m", checkpoint, "-i", "in.csv", "-o", "more.fasta")
    assert not (here / "more.fasta").exists()


def test_what_cannot_be_done_is_said_before_anything_is_written(
    here: Path, checkpoint: str
) -> None:
    with pytest.raises(UsageError, match=r"more\.txt: expected a name that ends in \.jsonl, "):
        augment("-m", checkpoint, "-i", "in.csv", "-o", "more.txt")
    with pytest.raises(CapabilityError, match="'gc': cannot fill in tokens"):
        augment("-m", "gc", "-i", "in.csv", "-o", "more.csv")
    causal = f"hf:{tiny_checkpoints.gpt2(here / 'gpt2')}"
    with pytest.raises(CapabilityError, match=r"names GPT2LMHeadModel\), so it cannot") as raised:
        augment("-m", causal, "-i", "in.csv", "-o", "more.csv")
    assert "\n" not in str(raised.value)
    with pytest.raises(UsageError, match=r"Cannot read none\.csv"):
        augment("-m", checkpoint, "-i", "none.csv", "-o", "more.csv")
    assert not list(here.glob("more*"))
