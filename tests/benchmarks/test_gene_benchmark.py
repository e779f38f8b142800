"""Numbers of tasks on genes, against scikit-learn fitted fold by fold on the same matrix."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score

from genomark.benchmarks import Asking, GeneBenchmark, GeneOptions
from genomark.benchmarks.controls import control
from genomark.errors import CapabilityError, UsageError
from genomark.genes import GeneTask, make_task
from genomark.models.genes.table import GeneTable
from genomark.probes import parse_probe
from genomark.scoring import ModelIdentity

DRAW = np.random.default_rng(7)
GENES = [f"GENE{number}" for number in range(240)]
# Dimensions of very different scale, and one that is constant.
VECTORS = np.hstack([DRAW.standard_normal((240, 12)) * np.logspace(-1, 1, 12), np.ones((240, 1))])
VECTORS = VECTORS.astype(np.float32)
HIDDEN = VECTORS[:, :12] / VECTORS[:, :12].std(axis=0) @ DRAW.standard_normal(12)


class Embedding:
    """Vectors of some genes; a GeneEmbedder."""

    def __init__(self, vectors: np.ndarray, names: Sequence[str] = GENES, id: str = "toy") -> None:
        self.info = ModelIdentity(id=id, version="1", digest=str(hash(vectors.tobytes())))
        self.table = GeneTable(list(names), vectors.astype(np.float32), self.info.digest)

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        if kind != "symbol":
            raise CapabilityError(f"knows genes, not {kind}")
        return self.table


def benchmark(task: GeneTask, probe: str = "linear", **options: object) -> GeneBenchmark:
    chosen = GeneOptions(probe=parse_probe(probe), **options)
    return GeneBenchmark(
        f"tasks:{task.name}", task.name, lambda: task, family="toy", citation="-", options=chosen
    )


def asked(made: GeneBenchmark, model: object, folder: Path, limit: int | None = None, **asking):
    """Rows by name, coverage, predictions and report of one evaluation."""
    made.identify(model)
    told: dict = {}
    (part,) = made.parts(limit)
    frame = made.answer(model, part, Asking(**asking, tell=told.update))
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    frame.write_parquet(path)
    scores = made.scored(path, limit)
    rows = {
        (row.name, row.group) if row.group else row.name: row
        for row in scores.rows(Asking(**asking))
    }
    return rows, scores.coverage(), frame, told


def task_of(outcomes: dict | Sequence, genes: Sequence[str] = GENES, **more) -> GeneTask:
    table = pl.DataFrame(outcomes if isinstance(outcomes, dict) else {"Outcomes": outcomes})
    return make_task("toy", pl.DataFrame({"symbol": genes}), table, **more)


def noisy(scale: float = 3.0) -> np.ndarray:
    return HIDDEN + DRAW.standard_normal(240) * scale


BINARY = task_of((noisy() > 0.8).astype(int))


def of_variance_1(vectors: np.ndarray) -> np.ndarray:
    spread = vectors.astype(float).std(axis=0)
    return (vectors - vectors.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)


def standardised(vectors: np.ndarray) -> np.ndarray:
    """Every dimension of the same variance, and a mean squared length of 1."""
    scaled = of_variance_1(vectors)
    return scaled / np.sqrt((scaled**2).sum(axis=1).mean())


def exact(strength: float = 1.0) -> LogisticRegression:
    return LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000)


def fold_mean(matrix, answer, fold, score, head=exact) -> float:
    values = []
    for number in np.unique(fold):
        test = fold == number
        values.append(score(head().fit(matrix[~test], answer[~test]), matrix[test], answer[test]))
    return float(np.mean(values))


def auroc(head, matrix, answer) -> float:
    return roc_auc_score(answer, head.decision_function(matrix))


@pytest.mark.parametrize(
    ("probe", "matrix", "strength"),
    [
        ("linear", standardised(VECTORS), 1.0),
        ("linear:scale=variance", of_variance_1(VECTORS), 1.0),
        ("linear:scale=none", VECTORS.astype(float), 1.0),
        ("linear:C=0.01", standardised(VECTORS), 0.01),
    ],
)
def test_binary_auroc_is_the_mean_over_folds_of_scikit_learns(tmp_path, probe, matrix, strength):
    rows, coverage, frame, told = asked(benchmark(BINARY, probe), Embedding(VECTORS), tmp_path)
    fold, answer = frame["fold"].to_numpy(), BINARY.targets[:, 0]
    expected = fold_mean(matrix, answer, fold, auroc, lambda: exact(strength))
    # 240 rows in 5 folds: one crossed pair would move it by 1 / 5 / (about 570).
    assert rows["auroc"].value == pytest.approx(expected, abs=1e-9)
    assert 0.6 < expected < 0.95
    low, high = rows["auroc"].interval
    assert low < expected < high
    assert coverage.answered == 240
    assert told["relative_decrement"] < 1e-12


def test_scores_are_decision_values_and_auroc_is_not_that_of_hard_labels(tmp_path):
    rows, _, frame, _ = asked(benchmark(BINARY), Embedding(VECTORS), tmp_path)
    fold, answer = frame["fold"].to_numpy(), BINARY.targets[:, 0]
    found = frame["value"].explode().to_numpy()
    matrix = standardised(VECTORS)
    for number in range(5):
        test = fold == number
        head = exact().fit(matrix[~test], answer[~test])
        np.testing.assert_allclose(found[test], head.decision_function(matrix[test]), atol=2e-5)
    hard = np.mean([roc_auc_score(answer[fold == n], found[fold == n] > 0) for n in range(5)])
    assert abs(rows["auroc"].value - hard) > 0.01
    assert rows["balanced_accuracy"].value == pytest.approx(hard, abs=1e-12)


def test_the_scale_of_an_embedding_matters_only_if_that_is_asked_for(tmp_path):
    small, moved = VECTORS * np.float32(0.01), VECTORS + np.float32(2)
    for probe, same in (("linear", True), ("linear:scale=none", False)):
        made = benchmark(BINARY, probe)
        values = [
            asked(made, Embedding(each), tmp_path)[0]["auroc"].value for each in (VECTORS, small)
        ]
        assert (values[0] == pytest.approx(values[1], abs=1e-3)) is same
    made = benchmark(BINARY)
    first, second = (
        asked(made, Embedding(each), tmp_path)[2]["value"].explode() for each in (VECTORS, moved)
    )
    np.testing.assert_allclose(first.to_numpy(), second.to_numpy(), atol=1e-3)


def test_multi_label_auroc_is_the_mean_over_labels(tmp_path):
    labels = {name: (noisy() > cut).astype(int) for name, cut in (("a", 0.0), ("b", 1), ("c", 3))}
    task = task_of(labels)
    assert task.kind == "multi-label"
    rows, _, frame, _ = asked(benchmark(task), Embedding(VECTORS), tmp_path)
    fold = frame["fold"].to_numpy()
    expected = {
        name: fold_mean(standardised(VECTORS), np.array(values), fold, auroc)
        for name, values in labels.items()
    }
    for name, value in expected.items():
        assert rows["auroc", name].value == pytest.approx(value, abs=1e-9)
    assert rows["mean_auroc"].value == pytest.approx(np.mean(list(expected.values())), abs=1e-9)


def test_multi_class_auroc_is_one_against_the_rest_of_softmax_shares(tmp_path):
    said = np.array(["low", "middle", "high"])[np.digitize(noisy(2), [-1.5, 1.5])]
    task = task_of(said.tolist())
    rows, _, frame, _ = asked(benchmark(task), Embedding(VECTORS), tmp_path)
    fold, matrix = frame["fold"].to_numpy(), standardised(VECTORS)
    shares = np.empty((240, 3))
    for number in range(5):
        test = fold == number
        head = exact().fit(matrix[~test], said[~test])
        shares[test] = head.predict_proba(matrix[test])
    assert task.labels == ("high", "low", "middle")
    np.testing.assert_allclose(np.stack(frame["value"].to_list()), shares, atol=2e-6)
    by_class = [
        np.mean([roc_auc_score(said[fold == n] == label, shares[fold == n, k]) for n in range(5)])
        for k, label in enumerate(task.labels)
    ]
    assert rows["mean_auroc"].value == pytest.approx(np.mean(by_class), abs=1e-9)
    right = np.array(task.labels)[shares.argmax(axis=1)] == said
    accuracy = np.mean([right[fold == n].mean() for n in range(5)])
    assert rows["accuracy"].value == pytest.approx(accuracy, abs=1e-12)


def test_regression_is_least_squares_when_alpha_is_0(tmp_path):
    task = task_of(noisy(1).tolist())
    assert task.kind == "regression"
    rows, _, frame, _ = asked(benchmark(task, "linear:alpha=0"), Embedding(VECTORS), tmp_path)
    fold, matrix = frame["fold"].to_numpy(), VECTORS[:, :12].astype(float)

    def score(head, test, answer):
        return spearmanr(head.predict(test), answer).statistic

    answer = task.targets[:, 0]
    expected = fold_mean(matrix, answer, fold, score, LinearRegression)
    assert rows["spearman"].value == pytest.approx(expected, abs=1e-6)
    r2 = fold_mean(matrix, answer, fold, lambda head, x, y: head.score(x, y), LinearRegression)
    assert rows["r2"].value == pytest.approx(r2, abs=1e-4)


def pair_task(n: int = 400) -> tuple[GeneTask, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    first, second = draw.integers(240, size=(2, n))
    answer = (HIDDEN[first] + HIDDEN[second] + draw.standard_normal(n) * 4 > 0).astype(int)
    names = np.array(GENES)
    entities = pl.DataFrame({"symbol": names[first], "symbol.1": names[second]})
    return make_task("toy", entities, pl.DataFrame({"Outcomes": answer})), first, second


@pytest.mark.parametrize("pairs", ["average", "concat"])
def test_pairs_are_the_explicit_matrix(tmp_path, pairs):
    task, first, second = pair_task()
    rows, _, frame, _ = asked(benchmark(task, pairs=pairs), Embedding(VECTORS), tmp_path)
    each = standardised(VECTORS)
    matrix = (
        (each[first] + each[second]) / 2
        if pairs == "average"
        else np.hstack([each[first], each[second]])
    )
    expected = fold_mean(matrix, task.targets[:, 0], frame["fold"].to_numpy(), auroc)
    assert rows["auroc"].value == pytest.approx(expected, abs=1e-9)
    assert "genes (both of a pair)" in rows["auroc"].method
    assert rows["auroc"].n_clusters == len(np.unique([first, second]))


def test_folds_are_the_same_for_every_model_and_whatever_genes_it_lacks(tmp_path):
    made = benchmark(BINARY)
    folds = [
        asked(made, model, tmp_path)[2].select("item_id", "fold")
        for model in (
            Embedding(VECTORS),
            Embedding(VECTORS[:150, :4], GENES[:150]),
            control("random"),
            control("oracle"),
        )
    ]
    assert all(each.equals(folds[0]) for each in folds)
    # Another process, another order of the rows: the same fold for the same gene.
    shuffled = np.random.default_rng(0).permutation(240)
    other = task_of(
        BINARY.targets[shuffled, 0].astype(int).tolist(), [GENES[place] for place in shuffled]
    )
    again = asked(benchmark(other), Embedding(VECTORS), tmp_path)[2].select("item_id", "fold")
    assert again.sort("item_id").equals(folds[0].sort("item_id"))
    another = asked(made, Embedding(VECTORS), tmp_path, seed=1)[2].select("item_id", "fold")
    assert not another.equals(folds[0])


def test_missing_genes_have_no_answer_and_are_counted(tmp_path):
    model = Embedding(VECTORS[:200], GENES[:200])
    rows, coverage, frame, told = asked(benchmark(BINARY), model, tmp_path)
    assert (coverage.asked, coverage.answered) == (240, 200)
    assert [(each.reason, each.items) for each in coverage.failed] == [
        ("no vector for the symbol", 40)
    ]
    assert frame["value"].null_count() == 40
    assert rows["auroc"].n == 200
    fold, answer = frame["fold"].to_numpy()[:200], BINARY.targets[:200, 0]
    expected = fold_mean(standardised(VECTORS[:200]), answer, fold, auroc)
    assert rows["auroc"].value == pytest.approx(expected, abs=1e-9)
    assert told["notes"] == []


@pytest.mark.parametrize("missing", ["zero", "noise"])
def test_made_up_vectors_are_answers_only_if_asked_for_and_said(tmp_path, missing):
    model = Embedding(VECTORS[:200], GENES[:200])
    made = benchmark(BINARY, missing=missing)
    first, coverage, frame, told = asked(made, model, tmp_path)
    assert coverage.answered == 240
    assert told["notes"] == ["40 vectors were made up, as asked for"]
    assert made.settings()["missing"] == missing
    again = asked(made, model, tmp_path, threads=2)[2]
    assert again.equals(frame)
    assert first["auroc"].n == 240


def test_the_oracle_is_perfect_in_every_kind_of_task(tmp_path):
    tasks = [
        (BINARY, "auroc"),
        (task_of({"a": (noisy() > 0).astype(int), "b": (noisy() > 1).astype(int)}), "mean_auroc"),
        (task_of(np.array(["x", "y", "z"])[np.digitize(noisy(), [-1, 1])].tolist()), "mean_auroc"),
        (task_of(noisy().tolist()), "spearman"),
        (pair_task()[0], "auroc"),
    ]
    for task, headline in tasks:
        rows, coverage, _, told = asked(benchmark(task), control("oracle"), tmp_path)
        assert rows[headline].value == pytest.approx(1.0, abs=1e-12)
        assert coverage.answered == len(task)
        assert told == {}


def test_of_answers_that_hang_on_nothing_the_interval_of_random_vectors_holds_a_half(tmp_path):
    null = task_of(np.random.default_rng(5).integers(2, size=240).tolist())
    rows = asked(benchmark(null), control("random"), tmp_path)[0]
    low, high = rows["auroc"].interval
    assert low < 0.5 < high


def test_shuffled_answers_give_about_a_half_and_say_so(tmp_path):
    easy = task_of((noisy(0.1) > 0).astype(int).tolist())
    assert asked(benchmark(easy), Embedding(VECTORS), tmp_path)[0]["auroc"].value > 0.98
    made = benchmark(easy, "linear:permuted=true")
    value = asked(made, Embedding(VECTORS), tmp_path)[0]["auroc"].value
    # Standard error of an AUROC of 240 genes, half of them positive: about 0.04.
    assert abs(value - 0.5) < 0.13
    assert "a control: answers were shuffled among the rows" in made.settings()["notes"]
    restricted = made.restricted([Embedding(VECTORS)])
    assert sum("shuffled" in note for note in restricted.settings()["notes"]) == 1
    np.testing.assert_array_equal(restricted.task.targets, made.task.targets)


def test_onehot_is_for_pairs_alone():
    with pytest.raises(CapabilityError, match="about pairs only"):
        benchmark(BINARY).identify(control("onehot"))


def test_onehot_finds_genes_that_are_often_positive(tmp_path):
    task, first, second = pair_task(2000)
    rows, _, frame, _ = asked(benchmark(task), control("onehot"), tmp_path)
    matrix = np.zeros((2000, 240))
    for side in (first, second):
        np.add.at(matrix, (np.arange(2000), side), 0.5)
    expected = fold_mean(matrix, task.targets[:, 0], frame["fold"].to_numpy(), auroc)
    assert rows["auroc"].value == pytest.approx(expected, abs=1e-6)


def test_two_kinds_are_skipped_by_models_that_know_one():
    entities = pl.DataFrame({"symbol": GENES, "diseaseId": [f"EFO_{n % 7}" for n in range(240)]})
    outcomes = pl.DataFrame({"Outcomes": BINARY.targets[:, 0].astype(int)})
    made = benchmark(make_task("toy", entities, outcomes))
    with pytest.raises(CapabilityError, match="knows genes, not diseaseId"):
        made.identify(Embedding(VECTORS))
    with pytest.raises(CapabilityError, match="pairs of one kind only"):
        made.identify(control("onehot"))
    assert made.identify(control("random"))[0].id == "control:random"


class _Predictor:
    info = ModelIdentity(id="gc", version="1", digest="d")

    def predict(self, request):
        raise AssertionError("nobody is to ask this")


def test_a_predictor_is_told_in_one_line_what_is_needed():
    with pytest.raises(CapabilityError, match=r"'gc' gives no vectors for genes: .*GeneEmbedder"):
        benchmark(BINARY).identify(_Predictor())


def test_settings_name_the_positive_class_the_probe_and_what_was_left_out():
    yes = task_of(["Yes" if value else "No" for value in BINARY.targets[:, 0]])
    settings = benchmark(yes, "linear:C=nested,folds=3").settings()
    assert settings["positive_class"] == "Yes"
    assert settings["probe"]["C"] == "nested"
    assert settings["probe"]["folds"] == 3
    assert settings["pairs"] is None
    labels = {"common": BINARY.targets[:, 0].astype(int), "rare": [1] * 4 + [0] * 236}
    settings = benchmark(task_of(labels)).settings()
    (note,) = settings["notes"]
    assert note.startswith("1 of 2 labels left out: rare (4 positive rows")
    assert settings["positive_class"] is None


def test_the_digest_changes_with_the_question_alone():
    same = task_of(BINARY.targets[:, 0].astype(int).tolist())
    digest = benchmark(BINARY).digest
    assert benchmark(same).digest == digest
    flipped = BINARY.targets[:, 0].astype(int)
    flipped[0] = 1 - flipped[0]
    renamed = make_task(
        "toy",
        pl.DataFrame({"diseaseId": GENES}),
        pl.DataFrame({"Outcomes": BINARY.targets[:, 0].astype(int)}),
    )
    others = [
        benchmark(task_of(flipped.tolist())).digest,
        benchmark(task_of(BINARY.targets[:, 0].astype(int).tolist(), GENES[::-1])).digest,
        benchmark(renamed).digest,
        benchmark(BINARY, "linear:C=2").digest,
        benchmark(BINARY, missing="zero").digest,
        benchmark(BINARY, exclude=("GENE0",)).digest,
    ]
    assert len({digest, *others}) == 1 + len(others)


def test_limit_asks_evenly_spaced_genes(tmp_path):
    rows, coverage, frame, _ = asked(benchmark(BINARY), Embedding(VECTORS), tmp_path, limit=60)
    assert coverage.asked == rows["auroc"].n == 60
    assert frame["item_id"][0] == "GENE0"
    assert frame["item_id"][-1] == "GENE239"
    kept = [int(name.removeprefix("GENE")) for name in frame["item_id"]]
    answer = BINARY.targets[kept, 0]
    expected = fold_mean(standardised(VECTORS)[kept], answer, frame["fold"].to_numpy(), auroc)
    assert rows["auroc"].value == pytest.approx(expected, abs=1e-9)


def test_repeats_are_means_over_all_their_folds(tmp_path):
    rows, coverage, frame, _ = asked(
        benchmark(BINARY, "linear:repeats=2"), Embedding(VECTORS), tmp_path
    )
    assert coverage.asked == 240
    assert frame.height == 480
    values = [
        fold_mean(
            standardised(VECTORS),
            BINARY.targets[:, 0],
            frame.filter(pl.col("repeat") == repeat)["fold"].to_numpy(),
            auroc,
        )
        for repeat in (0, 1)
    ]
    assert values[0] != values[1]
    assert rows["auroc"].value == pytest.approx(np.mean(values), abs=1e-9)
    assert rows["auroc"].n_clusters == 240


def test_models_are_compared_on_the_genes_that_both_answered(tmp_path):
    made = benchmark(BINARY)
    scores = {}
    models = {"whole": Embedding(VECTORS), "half": Embedding(VECTORS[:160, :3], GENES[:160])}
    for name, model in models.items():
        (part,) = made.parts()
        path = tmp_path / f"{name}.parquet"
        made.answer(model, part, Asking()).write_parquet(path)
        scores[name] = made.scored(path, None)
        scores[name].rows(Asking())
    (compared,) = made.compare(scores, Asking())
    assert compared.n == 160
    frame = pl.read_parquet(tmp_path / "whole.parquet")[:160]
    expected = [
        np.mean(
            [roc_auc_score(BINARY.targets[:160, 0][fold == n], values[fold == n]) for n in range(5)]
        )
        for values, fold in (
            (each["value"].explode().to_numpy(), each["fold"].to_numpy())
            for each in (frame, pl.read_parquet(tmp_path / "half.parquet")[:160])
        )
    ]
    assert compared.difference == pytest.approx(expected[0] - expected[1], abs=1e-9)


def test_common_genes_are_those_of_models_that_can_be_asked(tmp_path):
    whole, part = Embedding(VECTORS), Embedding(VECTORS[:150], GENES[:150], id="part")
    made = benchmark(BINARY, sub_sample=0.5)
    restricted = made.restricted([whole, part, control("oracle"), _Predictor()])
    assert len(restricted.task) == 75
    assert any("150 of 240 rows" in note for note in restricted.task.notes)
    assert set(restricted.task.entities["symbol"]) <= set(GENES[:150])
    for model in (whole, part):
        _, coverage, _, _ = asked(restricted, model, tmp_path)
        assert coverage.asked == coverage.answered == 75
    with pytest.raises(UsageError, match="no row is covered by all models"):
        _ = made.restricted([Embedding(VECTORS[:1], ["OTHER"]), whole]).task


def test_a_model_that_cannot_be_asked_has_no_say_in_what_is_common():
    entities = pl.DataFrame({"symbol": GENES, "diseaseId": [f"EFO_{n % 7}" for n in range(240)]})
    outcomes = pl.DataFrame({"Outcomes": BINARY.targets[:, 0].astype(int)})
    made = benchmark(make_task("toy", entities, outcomes))
    assert made.covered_by(Embedding(VECTORS[:10], GENES[:10])).all()


@pytest.mark.parametrize(
    "task", [BINARY, task_of(noisy().tolist()), pair_task()[0]], ids=["binary", "values", "pairs"]
)
@pytest.mark.parametrize("probe", ["knn:k=5", "linear:C=nested,alpha=nested"])
def test_other_probes_answer_every_gene(tmp_path, task, probe):
    rows, coverage, _, _ = asked(benchmark(task, probe), Embedding(VECTORS), tmp_path)
    assert coverage.answered == len(task)
    assert next(iter(rows.values())).value > 0.5


def test_a_forest_sees_the_axes_as_they_are_though_genes_are_few(tmp_path):
    from sklearn.ensemble import RandomForestClassifier

    # More dimensions than genes, and answers that hang on one of them.
    draw = np.random.default_rng(9)
    wide = draw.standard_normal((240, 300)).astype(np.float32)
    task = task_of((wide[:, 17] > 0).astype(int).tolist())
    rows, _, frame, _ = asked(benchmark(task, "forest:n_estimators=60"), Embedding(wide), tmp_path)

    def score(head, matrix, answer):
        return roc_auc_score(answer, head.predict_proba(matrix)[:, 1])

    expected = fold_mean(
        of_variance_1(wide),
        task.targets[:, 0],
        frame["fold"].to_numpy(),
        score,
        lambda: RandomForestClassifier(60, random_state=0),
    )
    assert expected > 0.7
    assert rows["auroc"].value == pytest.approx(expected, abs=0.08)


def test_genes_of_one_fold_leave_nothing_to_learn_from(tmp_path):
    folds = asked(benchmark(BINARY), Embedding(VECTORS), tmp_path)[2]["fold"].to_numpy()
    kept = np.flatnonzero(folds == 2)
    model = Embedding(VECTORS[kept], [GENES[row] for row in kept])
    with pytest.raises(UsageError, match="48 of 240 rows, and all of them are in one fold"):
        asked(benchmark(BINARY), model, tmp_path)


def test_a_fold_of_one_class_is_left_out_of_the_mean(tmp_path):
    folds = asked(benchmark(BINARY), Embedding(VECTORS), tmp_path)[2]["fold"].to_numpy()
    answer = BINARY.targets[:, 0]
    # A model that knows no positive of fold 2.
    kept = np.flatnonzero((folds != 2) | (answer == 0))
    model = Embedding(VECTORS[kept], [GENES[row] for row in kept])
    rows, coverage, frame, _ = asked(benchmark(BINARY), model, tmp_path)
    assert coverage.answered == kept.size < 240
    found = np.array([each[0] if each is not None else np.nan for each in frame["value"].to_list()])
    by_fold = [
        roc_auc_score(answer[kept][folds[kept] == n], found[kept][folds[kept] == n])
        for n in (0, 1, 3, 4)
    ]
    assert rows["auroc"].value == pytest.approx(np.mean(by_fold), abs=1e-9)


def test_an_answer_that_is_no_number_is_told_as_none(tmp_path, monkeypatch):
    from genomark.probes import Fit

    def broken(design, kind, targets, fold, probe, curvature, *, seed, threads):
        scores = np.linspace(-1, 1, 240)[:, None]
        scores[[3, 5], 0] = np.nan, np.inf
        return Fit(scores)

    # The package has a function of the module's name.
    module = sys.modules["genomark.benchmarks.genes.gene_benchmark"]
    monkeypatch.setattr(module, "cross_validate", broken)
    rows, coverage, frame, _ = asked(benchmark(BINARY), Embedding(VECTORS), tmp_path)
    assert [(each.reason, each.items) for each in coverage.failed] == [
        ("the probe gave no finite number", 2)
    ]
    assert frame["value"].is_null().arg_true().to_list() == [3, 5]
    assert rows["auroc"].n == 238
