"""``genomark finetune``: from a file to a fit, whatever interrupts it, and with scores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("safetensors")

for place in ("training", "models/hub"):
    sys.path.append(str(Path(__file__).parents[1] / place))
import tiny_checkpoints  # noqa: E402
from training_tasks import planted, random_sequences  # noqa: E402

from genomark.cli import finetune as module  # noqa: E402
from genomark.cli.finetune import Method, TaskKind, finetune  # noqa: E402
from genomark.errors import CapabilityError, GenomarkError, UnknownNameError, UsageError  # noqa: E402
from genomark.sequences import LabelledSequences  # noqa: E402
from genomark.training.saved import FIT, UNFINISHED, WEIGHTS, load_fit  # noqa: E402

SMALL = "cnn:channels=8,layers=2,width=7,places=4,hidden=8,epochs=3,batch_size=16"
COMMAND = "import typer; from genomark.cli.finetune import finetune; typer.run(finetune)"


def write(path: str, told: LabelledSequences) -> None:
    rows = zip(told.ids, told.sequences, told.targets[:, 0], strict=True)
    lines = [f"{name},{sequence},{label:g}\n" for name, sequence, label in rows]
    Path(path).write_text("id,sequence,label\n" + "".join(lines))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    write("train.csv", planted(120, 0))
    write("valid.csv", planted(40, 7))
    write("test.csv", planted(60, 11))
    return tmp_path


def fit(spec: str, output: str = "fit", **more: object) -> None:
    paths = {name: Path(str(more.pop(name))) for name in ("valid", "test") if name in more}
    finetune(spec, Path(str(more.pop("train", "train.csv"))), Path(output), **paths, **more)


def content(folder: str | Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in Path(folder).iterdir()}


def test_a_fit_is_made_from_files(capsys):
    fit(SMALL, valid="valid.csv")
    assert set(content("fit")) == {FIT, WEIGHTS}
    told = load_fit(Path("fit")).record
    assert (told.task, told.kind, told.labels, told.seed) == ("train.csv", "binary", ("1",), 0)
    assert (told.learned_from.train, told.learned_from.valid) == (120, 40)
    assert told.learned_from.select_by == "accuracy"
    said = capsys.readouterr().err
    assert "fit: fitted on 120 sequences, best of 3 epochs: " in said
    assert f"{SMALL}, seed 0: epoch " in said


def test_without_a_validation_file_a_tenth_is_set_apart_and_that_is_told(capsys):
    fit("onehot")
    told = load_fit(Path("fit")).record
    assert (told.learned_from.train, told.learned_from.valid) == (108, 12)
    assert "no validation file: 12 of 120 training sequences set apart" in capsys.readouterr().err


def test_the_same_command_gives_the_same_bytes_and_does_nothing_twice(capsys):
    fit(SMALL, "one")
    fit(SMALL, "two")
    assert content("one") == content("two")
    before = Path("one", WEIGHTS).stat().st_mtime_ns
    fit(SMALL, "one")
    assert "one: this fit is there already" in capsys.readouterr().err
    assert Path("one", WEIGHTS).stat().st_mtime_ns == before


def test_scores_of_a_test_are_those_of_scikit_learn(capsys):
    fit("onehot", test="test.csv")
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0]: line.split()[1] for line in lines if line.strip()}
    test = planted(60, 11)
    answers = np.asarray(load_fit(Path("fit")).answers(test.sequences))[:, 0]
    assert told["auroc"] == f"{roc_auc_score(test.targets[:, 0], answers):.4f}"
    assert told["accuracy"] == f"{((answers > 0) == test.targets[:, 0]).mean():.4f}"
    assert any(" to " in line for line in lines)


def test_sequences_of_the_test_that_were_learned_from_are_told(capsys):
    fit("onehot", test="train.csv")
    said = " ".join(capsys.readouterr().err.split())
    assert "120 of 120 test sequences have a near duplicate among those that were learned" in said


def test_each_seed_has_a_folder_and_all_are_scored_together(capsys):
    fit(SMALL, "fits", seed=[0, 3], test="test.csv")
    assert sorted(each.name for each in Path("fits").iterdir()) == ["seed-0", "seed-3"]
    weights = [Path("fits", f"seed-{each}", WEIGHTS).read_bytes() for each in (0, 3)]
    assert weights[0] != weights[1]
    assert "and 2 fits" in " ".join(capsys.readouterr().out.split())
    fit(SMALL, "alone", seed=[3])
    assert content("alone") == content("fits/seed-3")


@pytest.mark.slow
def test_killed_outright_it_ends_with_the_same_bytes(here):
    spec = SMALL.replace("epochs=3", "epochs=12,patience=12")
    words = ["-m", spec, "--train", "train.csv", "--output"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, "killed"], env=environment, stderr=subprocess.PIPE
    ) as process:
        checkpoint = here / "killed" / UNFINISHED / "training.safetensors"
        deadline = time.monotonic() + 120
        while not checkpoint.exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not (here / "killed" / FIT).exists()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words, "killed"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Going on from epoch" in done.stderr
    fit(spec, "never-killed")
    assert content("killed") == content("never-killed")


def test_interrupted_it_says_so_and_goes_on(monkeypatch, capsys):
    def interrupt(self: object, line: str) -> None:
        if line.startswith("epoch 2 "):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module._Told, "tell", interrupt)
        with pytest.raises(typer.Exit) as end:
            fit(SMALL)
    assert end.value.exit_code == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert [each.name for each in Path("fit").iterdir()] == [UNFINISHED]
    fit(SMALL)
    assert "Going on from epoch 2" in capsys.readouterr().err
    fit(SMALL, "never-stopped")
    assert content("fit") == content("never-stopped")


def test_several_columns_are_several_values(capsys):
    rows = [
        {"sequence": each, "g": each.count("G"), "c": each.count("C") / 10}
        for each in random_sequences(60, 1)
    ]
    Path("train.json").write_text(json.dumps(rows))
    fit(
        "kmer:k=1,strands=single", train="train.json", label=["g", "c"], kind=TaskKind.REGRESSION,
        test="train.json", select_by="pearson",
    )  # fmt: skip
    told = load_fit(Path("fit")).record
    assert (told.kind, told.labels) == ("regression", ("g", "c"))
    assert told.learned_from.select_by == "pearson"
    lines = capsys.readouterr().out.splitlines()
    # Values are linear in counts of letters: nothing but the penalty stands between.
    found = next(line.split() for line in lines if line.startswith("mean_pearson"))
    assert float(found[1]) > 0.99


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_checkpoints.esm(tmp_path_factory.mktemp("tiny") / "esm"))


@pytest.mark.parametrize(
    ("method", "how"), [(None, "probe"), (Method.LORA, "lora"), (Method.FULL, "full")]
)
def test_a_checkpoint_is_probed_or_tuned_as_asked(checkpoint, method, how):
    if method is Method.LORA:
        pytest.importorskip("peft")
    write("train.csv", planted(24, 0))
    fit(f"hf:{checkpoint}", method=method, label=["label"])
    told = load_fit(Path("fit")).record
    assert told.model.id == f"hf:{checkpoint} ({how})"


def test_a_folder_of_another_fit_or_of_anything_else_is_left_alone(here):
    fit("onehot")
    before = content("fit")
    with pytest.raises(UsageError, match="holds a fit of another model, other data, another"):
        fit("onehot:C=1")
    with pytest.raises(UsageError, match="holds a fit of another"):
        fit("onehot", valid="valid.csv")
    assert content("fit") == before
    with pytest.raises(UsageError, match="holds something other than a saved fit"):
        fit("onehot", str(here))


Refusal = tuple[dict[str, object], type[GenomarkError], str]
REFUSED: dict[str, Refusal] = {
    "no label": ({"train": "bare.csv"}, UsageError, r"bare\.csv: no column for a label"),
    "no such label": ({"label": ["y"]}, UsageError, r"train\.csv: no column 'y'; there are 'id'"),
    "no sequence": ({"train": "none.csv"}, UsageError, r"none\.csv: no column for a sequence"),
    "other labels": (
        {"valid": "other.csv"}, UsageError, r"other\.csv, row 2: .* label '2' is none of '0', '1'",
    ),
    "other labels in the test": (
        {"test": "other.csv"}, UsageError, r"other\.csv, row 2: .* label '2' is none of '0', '1'",
    ),
    "no such metric": ({"select_by": "f2"}, UnknownNameError, "metric to select by in a binary"),
    "a kind the model cannot answer": (
        {"train": "pairs.json", "kind": TaskKind.PAIR_CLASSES}, CapabilityError,
        "onehot cannot answer pair-classes tasks",
    ),
    "seeds that change nothing": (
        {"seed": [0, 1]}, UsageError, "'onehot' is the same with every seed",
    ),
    "a method of no checkpoint": (
        {"method": Method.LORA}, UsageError, "--method is for checkpoints as hf:NAME, not",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_on_is_refused_in_one_line(case):
    Path("bare.csv").write_text("id,sequence\na,ACGT\n")
    Path("none.csv").write_text("id,label\na,1\n")
    Path("other.csv").write_text("sequence,label\nACGT,1\nACGA,2\n")
    pairs = {"sequence": "AC", "label": [[0, 1], [1, 0]]}
    Path("pairs.json").write_text(json.dumps([pairs, {**pairs, "sequence": "CA"}]))
    given, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message) as caught:
        fit("onehot", **given)
    assert "\n" not in str(caught.value)
    assert not Path("fit").exists()


def test_a_model_that_cannot_be_fitted_is_refused():
    with pytest.raises(CapabilityError, match="'gc' can neither be fitted to labelled sequences"):
        fit("gc")


def test_on_a_terminal_it_is_told_in_place(monkeypatch, capsys):
    monkeypatch.setattr("genomark.bars.interactive", lambda: True)
    fit(SMALL)
    assert "epoch 1 of 3" not in capsys.readouterr().out
    assert load_fit(Path("fit")).record.seed == 0


def test_the_command_takes_what_its_examples_show(capsys: Callable[[], object]):
    app = typer.Typer()
    app.command()(finetune)
    words = "--train train.csv --kind binary --label label --seed 4 --select-by mcc -o my_fit"
    said = CliRunner().invoke(app, ["-m", "onehot", *words.split()])
    assert said.exit_code == 0, said.output
    assert load_fit(Path("my_fit")).record.seed == 4
    assert "genomark finetune -m hf:org/name" in CliRunner().invoke(app, ["--help"]).output
