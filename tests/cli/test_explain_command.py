"""``genomark explain``: tables, arrays, drawings and a page, for models of every kind."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from genomark import models
from genomark.cli import explain as module
from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import Fitting, load_model
from genomark.models.composition import gc_content
from genomark.scoring import ModelIdentity
from genomark.sequences import LabelledSequences, TaskSplit

sys.path.append(str(Path(__file__).parents[1] / "models" / "hub"))

INFO = ModelIdentity(id="letters", version="1", digest="d")


class Letters:
    """Counts of the four bases as vectors."""

    info = INFO

    def embed(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        return np.array([[each.count(base) for base in "ACGT"] for each in sequences], np.float32)

    def embed_positions(self, sequences, progress=lambda done: None) -> list[Any]:
        raise AssertionError("nobody is to ask this")


class Scored(Letters):
    """And a likelihood: three a C."""

    likelihood = "masked"

    def log_likelihoods(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        return np.array([3.0 * each.count("C") for each in sequences])


MODELS = {"letters": Letters, "scored": Scored}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "own-cache"))
    monkeypatch.setattr(
        models, "load_model", lambda spec: MODELS[spec]() if spec in MODELS else load_model(spec)
    )
    (tmp_path / "in.fa").write_text(">../one<b> first\nACGTNC\n>two\nGGA\n")
    return tmp_path


def explain(*words: str) -> None:
    """As the command line does, but that errors stay errors."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(module.explain)
    said = CliRunner().invoke(app, ["-i", "in.fa", "-o", "out", *words])
    if said.exception is not None and not isinstance(said.exception, SystemExit):
        raise said.exception
    assert said.exit_code == 0, said.output


def table(name: str) -> pl.DataFrame:
    return pl.read_csv(f"out/{name}", separator="\t")


def test_a_predictor_is_explained_by_its_points(here: Path) -> None:
    explain("-m", "gc")
    names = [f"sequence-000{number}.{kind}" for number in (1, 2) for kind in ("svg", "tsv")]
    assert sorted(each.name for each in (here / "out").iterdir()) == sorted(
        ["effects.npz", "index.html", *names]
    )
    found = table("sequence-0001.tsv")
    assert found.columns == ["position", "reference", "output", *"ACGT", "importance"]
    assert found["position"].to_list() == [1, 2, 3, 4, 5, 6]
    assert found["reference"].to_list() == list("ACGTNC")
    for row in found.iter_rows(named=True):
        where, own = row["position"] - 1, row["reference"]
        if own == "N":
            assert row["A"] is row["importance"] is None
            continue
        mutants = ["ACGTNC"[:where] + base + "ACGTNC"[where + 1 :] for base in "ACGT"]
        expected = gc_content(mutants) - gc_content(["ACGTNC"])
        np.testing.assert_allclose([row[base] for base in "ACGT"], expected, atol=1e-12)
        np.testing.assert_allclose(row["importance"], -expected.sum() / 3, atol=1e-12)
    with np.load("out/effects.npz") as arrays:
        assert arrays["ids"].tolist() == ["../one<b>", "two"]
        assert arrays["effects_1"].shape == (6, 4)
        np.testing.assert_allclose(arrays["effects_2"][:, 0], [-1 / 3, -1 / 3, 0])


def test_ids_are_data(here: Path) -> None:
    explain("-m", "gc")
    page = (here / "out" / "index.html").read_text()
    assert "../one&lt;b&gt;" in page
    assert "<b>" not in page
    assert not (here / "one<b>.svg").exists()
    assert [each.name for each in here.iterdir() if each.suffix in (".svg", ".tsv")] == []


def test_the_same_twice_gives_the_same_bytes(here: Path) -> None:
    def digests() -> list[str]:
        files = sorted((here / "out").iterdir())
        return [hashlib.sha256(each.read_bytes()).hexdigest() for each in files]

    explain("-m", "gc")
    first = digests()
    explain("-m", "gc")
    assert digests() == first


def test_models_that_learn_are_fitted_first(no_data: None, monkeypatch) -> None:
    class Learner:
        info = INFO

        def default_split(self):
            return "a split"

        def identity(self, split):
            return INFO

        def fit(self, split):
            assert split == "a split"
            return load_model("gc")

    monkeypatch.setitem(MODELS, "learner", Learner)
    explain("-m", "learner", "--deletions", "--positions", "2-3")
    found = table("sequence-0001.tsv")
    assert found["position"].to_list() == [2, 3]
    # ACGTNC without its C: 2 of 5; gc leaves N out of neither.
    expected = gc_content(["AGTNC", "ACTNC"]) - gc_content(["ACGTNC"])
    np.testing.assert_allclose(found["deletion"].to_list(), expected)


def test_rna_is_asked_as_dna_of_predictors(here: Path) -> None:
    (here / "in.fa").write_text(">one\nACGUR\n")
    explain("-m", "gc")
    assert table("sequence-0001.tsv")["reference"].to_list() == list("ACGUR")


def test_a_likelihood_goes_before_a_distance() -> None:
    explain("-m", "scored")
    found = table("sequence-0002.tsv")
    assert found["output"].unique().to_list() == ["pseudo-log-likelihood"]
    assert found["C"].to_list() == [3.0, 3.0, 3.0]
    explain("-m", "scored", "--effect", "distance")
    distance = table("sequence-0002.tsv")
    explain("-m", "letters")
    assert table("sequence-0002.tsv").equals(distance)
    # GGA to AGA: (1, 2) and (2, 1).
    np.testing.assert_allclose(distance["A"][0], 4 / 5 - 1, atol=1e-7)


def labelled(kind: str, labels: tuple[str, ...]) -> LabelledSequences:
    random = np.random.default_rng(0)
    sequences = tuple("".join(random.choice(list("ACGT"), 20)) for _ in range(60))
    codes = np.array([each.count("G") % len(labels) for each in sequences])
    targets = np.eye(len(labels))[codes]
    return LabelledSequences(
        kind=kind,
        labels=labels,
        ids=tuple(map(str, range(60))),
        sequences=sequences,
        targets=targets if kind != "binary" else targets[:, :1],
    )


@pytest.mark.parametrize("form", ["{}", "fit:{}"])
def test_a_saved_fit_is_explained_by_its_labels(form: str, here: Path) -> None:
    from genomark.training.saved import save_fit

    data = labelled("multi-class", ("low", "mid", "high"))
    split = TaskSplit("t", data.take(range(40)), data.take(range(40, 60)), "mcc")
    model = load_model("kmer:k=2")
    fitted = model.fit_task(split, Fitting())
    save_fit(here / "fit", fitted, model=model, split=split, seed=0)
    explain("-m", form.format("fit"))
    found = table("sequence-0001.tsv")
    assert found["output"].to_list() == ["low", "mid", "high"] * 6
    answers = np.asarray(fitted.answers(["ACGTNC", "CCGTNC"]), dtype=np.float64)
    np.testing.assert_allclose(found["C"].to_list()[:3], answers[1] - answers[0], atol=1e-9)
    drawings = sorted(each.name for each in (here / "out").glob("sequence-0001*.svg"))
    assert drawings == [f"sequence-0001-output-00{number}.svg" for number in (1, 2, 3)]
    with np.load("out/effects.npz") as arrays:
        assert arrays["outputs"].tolist() == ["low", "mid", "high"]
        assert arrays["effects_2"].shape == (3, 4, 3)
    with pytest.raises(CapabilityError, match="'multi-class' task is explained by what it predict"):
        explain("-m", "fit", "--effect", "distance")


def test_of_many_outputs_those_that_change_most_are_drawn(here: Path) -> None:
    from genomark.models.explain.mutagenesis import mutagenesis
    from genomark.results.explanation_folder import ExplanationFolder

    weights = np.zeros(40)
    weights[25:] = np.arange(15) + 1

    def function(sequences: list[str]) -> np.ndarray:
        return np.outer([each.count("C") for each in sequences], weights)

    made = ExplanationFolder(here / "out", ["one"])
    made.add_mutagenesis(mutagenesis(function, "ACG"), "value", [f"y{i}" for i in range(40)])
    made.finish("title", [])
    drawings = sorted(each.name for each in (here / "out").glob("*.svg"))
    assert drawings == [f"sequence-0001-output-{number:03}.svg" for number in range(29, 41)]
    assert table("sequence-0001.tsv").height == 3 * 40
    assert "Drawn: those 12 of 40 that change most" in (here / "out" / "index.html").read_text()


def test_attention_of_a_checkpoint(here: Path) -> None:
    pytest.importorskip("torch")
    import tiny_checkpoints

    from genomark.models.explain.attention import attention
    from genomark.models.hub.model import hub_model

    spec = f"hf:{tiny_checkpoints.esm(here / 'esm', k=6)}"
    explain("-m", spec, "--method", "attention")
    (expected,) = attention(hub_model(str(here / "esm")), ["ACGTNC"])
    with np.load("out/attention.npz") as arrays:
        assert np.array_equal(arrays["attention_1"], expected.of_bases())
        assert arrays["attention_2"].shape == (3, 3)
    found = table("sequence-0001.tsv")
    assert found["layer"].to_list() == [0, 0, 1, 1]
    assert found["head"].to_list() == [0, 1, 0, 1]
    np.testing.assert_allclose(found["entropy"].to_list(), expected.summary().entropy.ravel())
    assert "<svg" in (here / "out" / "sequence-0002.svg").read_text()
    assert "mean over layers, mean over heads" in (here / "out" / "index.html").read_text()
    explain("-m", spec, "--method", "attention", "--layer", "-1", "--head", "1")
    assert table("sequence-0001.tsv").select("layer", "head").rows() == [(1, 1)]
    # Likelihood is what a checkpoint with a head is asked for otherwise.
    explain("-m", spec, "--positions", "2")
    assert table("sequence-0001.tsv")["output"].to_list() == ["pseudo-log-likelihood"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["-m", "onehot"], CapabilityError, "'onehot': has no answer to compare"),
        (["-m", "letters", "--effect", "likelihood"], CapabilityError, "has no likelihood to"),
        (["-m", "gc", "--method", "attention"], CapabilityError, "'gc': has no attention to show"),
        (["-m", "gc", "--layer", "1"], UsageError, "--layer and --head are of --method attention"),
        (["-m", "gc", "--method", "attention", "--positions", "1-2"], UsageError, "--positions, "),
        (["-m", "gc", "--positions", "0-3"], UsageError, "--positions 0-3: expected a range"),
        (["-m", "gc", "--positions", "5-3"], UsageError, "--positions 5-3: expected a range"),
        (["-m", "gc", "--positions", "x"], UsageError, "--positions x: expected a range"),
        (["-m", "gc", "--positions", "2-4"], UsageError, r"in.fa: 'two' has 3 bases, and --pos"),
        (["-m", "nothing"], UsageError, "No model named 'nothing'"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(words, error, message, here: Path) -> None:
    with pytest.raises(error, match=message) as raised:
        explain(*words)
    assert "\n" not in str(raised.value)
    assert not (here / "out").exists()


def test_a_folder_that_is_no_fit_is_said_to_be_none(here: Path) -> None:
    (here / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: no saved fit"):
        explain("-m", "empty")


def test_a_model_without_an_answer_says_why(monkeypatch) -> None:
    from genomark.models.python_function import function_predictor

    monkeypatch.setitem(
        MODELS, "odd", lambda: function_predictor(lambda texts: [float("nan")] * len(texts), "odd")
    )
    with pytest.raises(ModelError, match="'odd' has no answer to a mutant: the answer is nan"):
        explain("-m", "odd")
