"""``genomark predict``: a table for every kind of fit, in every form of file."""

from __future__ import annotations

import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("safetensors")

sys.path.append(str(Path(__file__).parents[1] / "training"))
from training_tasks import SELECT_BY, random_sequences, task_of_kind

from genomark.cli.predict import predict
from genomark.errors import CapabilityError, UsageError
from genomark.models import Fitting
from genomark.training.feature_models import Onehot
from genomark.training.models import Cnn
from genomark.training.saved import load_fit, save_fit

SEQUENCES = random_sequences(6, 4, (3, 9))
IDS = [f"s{row}" for row in range(6)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [f">{name}\n{each}\n" for name, each in zip(IDS, SEQUENCES, strict=True)]
    (tmp_path / "in.fa").write_text("".join(lines))
    return tmp_path


def save(folder: str, kind: str, seed: int = 0, model: object = None) -> None:
    made = model or Cnn(channels=4, layers=2, width=5, places=4, hidden=4, epochs=1)
    split = task_of_kind(kind)
    fit = made.fit_task(split, Fitting(seed=seed))
    save_fit(Path(folder), fit, model=made, split=split, seed=seed)


def asked(*models: str, output: str | None = None, input: str = "in.fa", **more: object) -> None:
    predict(list(models), Path(input), None if output is None else Path(output), **more)


def table(capsys: pytest.CaptureFixture[str], *models: str) -> pl.DataFrame:
    asked(*models)
    return pl.read_csv(io.StringIO(capsys.readouterr().out))


def test_yes_and_no_are_log_odds_and_their_probability(capsys):
    save("fit", "binary")
    found = table(capsys, "fit")
    assert found.columns == ["id", "value", "probability"]
    assert found["id"].to_list() == IDS
    known = np.asarray(load_fit(Path("fit")).answers(SEQUENCES))[:, 0]
    assert found["value"].to_numpy().astype(np.float32).tobytes() == known.tobytes()
    expected = [1 / (1 + math.exp(-value)) for value in known.tolist()]
    assert found["probability"].to_list() == pytest.approx(expected)


def test_classes_are_probabilities_and_the_likeliest(capsys):
    save("fit", "multi-class")
    found = table(capsys, "fit")
    assert found.columns == ["id", *"ACGT", "class"]
    shares = found.select(*"ACGT").to_numpy()
    assert shares.sum(axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    assert found["class"].to_list() == ["ACGT"[row.argmax()] for row in shares]


def test_values_have_the_names_of_their_labels(capsys):
    save("fit", "regression")
    found = table(capsys, "fit")
    assert found.columns == ["id", "gc", "shifted"]
    known = np.asarray(load_fit(Path("fit")).answers(SEQUENCES))
    assert found.select("gc", "shifted").to_numpy() == pytest.approx(known)


def test_positions_are_rows_counted_from_one(capsys):
    save("fit", "token-classes")
    found = table(capsys, "fit")
    assert found.columns == ["id", "position", *"ACGT", "class"]
    expected = [(n, i) for n, s in zip(IDS, SEQUENCES, strict=True) for i in range(1, len(s) + 1)]
    assert found.select("id", "position").rows() == expected
    known = np.concatenate(load_fit(Path("fit")).answers(SEQUENCES))
    assert found.select(*"ACGT").to_numpy() == pytest.approx(known)


def test_pairs_of_positions_are_rows(capsys):
    save("fit", "pair-regression")
    found = table(capsys, "fit")
    assert found.columns == ["id", "first", "second", "value"]
    assert found.height == sum(len(each) ** 2 for each in SEQUENCES)
    third = load_fit(Path("fit")).answers(SEQUENCES)[2]
    one = found.filter(pl.col("id") == "s2", pl.col("first") == 2, pl.col("second") == 3)
    assert one["value"].to_list() == pytest.approx([float(third[1, 2, 0])], rel=1e-5)


@pytest.mark.parametrize("kind", SELECT_BY)
def test_several_fits_are_averaged_with_their_spread(kind, capsys):
    for seed in (0, 1):
        save(f"fits/seed-{seed}", kind, seed)
    singles = [table(capsys, f"fits/seed-{seed}") for seed in (0, 1)]
    both = table(capsys, "fits/seed-0", "fits/seed-1")
    assert both.equals(table(capsys, "fits/seed-1", "fits/seed-0"))
    assert both.equals(table(capsys, "fits"))
    labels = [name.removesuffix(" spread") for name in both.columns if name.endswith(" spread")]
    assert len(labels) == len(task_of_kind(kind).labels)
    for label in labels:
        one, other = (each[label].to_numpy() for each in singles)
        assert both[label].to_numpy() == pytest.approx((one + other) / 2, rel=1e-4, abs=1e-6)
        apart = np.abs(one - other) / math.sqrt(2)
        assert both[f"{label} spread"].to_numpy() == pytest.approx(apart, rel=1e-3, abs=1e-5)


READERS = {
    ".csv": pl.read_csv,
    ".tsv": lambda path: pl.read_csv(path, separator="\t"),
    ".parquet": pl.read_parquet,
    ".json": lambda path: pl.DataFrame(json.loads(path.read_text())),
    ".jsonl": lambda path: pl.DataFrame([json.loads(line) for line in path.open()]),
}


@pytest.mark.parametrize("suffix", READERS)
def test_every_form_of_file_holds_the_same_rows(suffix, here, capsys):
    save("fit", "multi-class", model=Onehot())
    printed = table(capsys, "fit")
    outputs = [here / "deeper" / f"{name}{suffix}" for name in "ab"]
    for output in outputs:
        asked("fit", output=str(output))
    assert capsys.readouterr().err.count("answers to 6 sequences are in ") == 2
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    found = READERS[suffix](outputs[0])
    assert found.columns == printed.columns
    for name in printed.columns[1:-1]:
        assert found[name].to_list() == pytest.approx(printed[name].to_list(), rel=1e-12)


def test_batches_of_other_sizes_give_the_same_table(capsys, monkeypatch):
    save("fit", "token-regression")
    whole = table(capsys, "fit")
    monkeypatch.setattr("genomark.cli.predict._TOGETHER", 4)
    monkeypatch.setattr("genomark.cli.predict._BASES_TOGETHER", 10)
    parts = table(capsys, "fit")
    assert parts.select("id", "position").equals(whole.select("id", "position"))
    for name in ("up", "down"):
        assert parts[name].to_numpy() == pytest.approx(whole[name].to_numpy(), rel=1e-4, abs=1e-5)


def test_sequences_are_answered_together_and_never_one_by_one(monkeypatch, capsys):
    save("fit", "binary", model=Onehot())
    asked_of: list[int] = []
    features = Onehot.task_features

    def counted(self, sequences, longest):
        asked_of.append(len(sequences))
        return features(self, sequences, longest)

    monkeypatch.setattr(Onehot, "task_features", counted)
    table(capsys, "fit")
    assert asked_of == [6]


def test_a_label_called_like_another_column_is_told_apart(capsys):
    split = task_of_kind("multi-class")
    parts = [
        type(part)(part.kind, ("id", "class", "G", "T"), part.ids, part.sequences, part.targets)
        for part in (split.train, split.valid)
    ]
    split = type(split)("named", *parts, split.select_by)
    save_fit(Path("fit"), Onehot().fit_task(split, Fitting()), model=Onehot(), split=split, seed=0)
    found = table(capsys, "fit")
    assert found.columns == ["id", "label id", "label class", "G", "T", "class"]


def test_regions_are_cut_out_of_a_genome(here, capsys):
    save("fit", "binary", model=Onehot())
    (here / "genome.fa").write_text(">chr1\nACGTACGTAAAATTTT\n")
    (here / "in.bed").write_text("chr1\t4\t12\tone\n")
    (here / "same.fa").write_text(">one\nACGTAAAA\n")
    asked("fit", input="in.bed", genome=here / "genome.fa")
    of_regions = capsys.readouterr().out
    asked("fit", input="same.fa")
    assert of_regions == capsys.readouterr().out


def test_a_function_predicts_one_number_a_sequence(here, capsys):
    (here / "own.py").write_text(
        "import numpy as np\ndef g(sequences):\n"
        "    return np.array([s.count('G') for s in sequences], float)\n"
    )
    asked("py:./own.py:g")
    captured = capsys.readouterr()
    found = pl.read_csv(io.StringIO(captured.out))
    assert found.columns == ["id", "value"]
    assert found["value"].to_list() == [each.count("G") for each in SEQUENCES]
    assert "answers of py:./own.py:g: NA, NA, NA, log scale" in captured.err


def test_what_a_model_does_not_answer_is_empty_and_told(here, capsys):
    (here / "own.py").write_text(
        "def g(sequences):\n    return [float('nan')] + [1.0] * (len(sequences) - 1)\n"
    )
    asked("py:./own.py:g")
    captured = capsys.readouterr()
    assert captured.out.startswith("id,value\ns0,\ns1,1.0\n")
    assert "1 of 6 have no answer, the first: the answer is nan" in captured.err


class Letters:
    info = Onehot().info

    def embed(self, sequences, progress=None): ...

    def embed_positions(self, sequences, progress=None): ...


def test_what_cannot_answer_is_refused_with_what_to_do(here, monkeypatch):
    with pytest.raises(UsageError, match=r"out\.txt: expected a name that ends in \.csv, \.tsv"):
        asked("gc", output="out.txt")
    with pytest.raises(CapabilityError, match="genomark finetune -m cnn --train FILE"):
        asked("cnn")
    with pytest.raises(CapabilityError, match="does not predict from sequences"):
        asked("symbol-ngrams")
    monkeypatch.setattr("genomark.models.load_model", lambda spec: Letters())
    with pytest.raises(CapabilityError, match="gives vectors, not answers: genomark embed"):
        asked("hf:org/name")


def test_folders_that_are_no_fits_or_not_of_one_task_are_refused(here):
    save("one", "binary", model=Onehot())
    save("two", "multi-class", model=Onehot())
    with pytest.raises(UsageError, match="only fits of one task can be averaged"):
        asked("one", "two")
    with pytest.raises(UsageError, match="only saved fits can be averaged: name folders"):
        asked("one", "gc")
    with pytest.raises(UsageError, match=r"no saved fit \(there is no such folder\)"):
        asked("./nowhere")
    with pytest.raises(UsageError, match=r"no saved fit \(holds no fit\.json\)"):
        asked("fit:.")


def test_an_input_without_sequences_is_refused(here):
    save("one", "binary", model=Onehot())
    (here / "in.csv").write_text("id,letters\na,ACGT\n")
    with pytest.raises(UsageError, match=r"in\.csv: no column for a sequence"):
        asked("one", input="in.csv")
    (here / "in.csv").write_text("id,sequence\n")
    with pytest.raises(UsageError, match=r"in\.csv: no sequences in it"):
        asked("one", input="in.csv")


def test_the_command_takes_what_its_examples_show(here):
    save("my_fits/seed-0", "binary", model=Onehot())
    app = typer.Typer()
    app.command()(predict)
    said = CliRunner().invoke(app, ["-m", "fit:my_fits", "-i", "in.fa", "-o", "out.jsonl"])
    assert said.exit_code == 0, said.output
    assert len((here / "out.jsonl").read_text().splitlines()) == 6
    assert "genomark predict -m my_fit -i new.fa" in CliRunner().invoke(app, ["--help"]).output
