"""Support vectors on k-mers against scikit-learn on an independent count of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC, LinearSVR
from training_tasks import labelled, random_sequences

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import Fitting
from genomark.sequences import TaskSplit
from genomark.training import support_vectors
from genomark.training.fit_parts import FitParts
from genomark.training.support_vectors import STRENGTHS, KmerSvr, kmer5_svr

_OTHER = str.maketrans("ACGT", "TGCA")
UNSEEN = random_sequences(50, 77, (30, 90))


def shares(sequences, k):
    """Shares of k-mers, both strands as one, by str.count of every k-mer with overlaps."""
    found = []
    for sequence in sequences:
        words = [sequence[i : i + k] for i in range(len(sequence) - k + 1)]
        found.append([min(each, each[::-1].translate(_OTHER)) for each in words])
    known = sorted({"".join(w) for w in _all(k)})
    canonical = sorted({min(w, w[::-1].translate(_OTHER)) for w in known})
    return np.array([[each.count(w) / max(1, len(each)) for w in canonical] for each in found])


def _all(k):
    return [""] if k == 0 else [a + rest for a in "ACGT" for rest in _all(k - 1)]


def scaled(table):
    mean = table.mean(axis=0)
    centred = table - mean
    factor = 1 / np.sqrt((centred**2).sum() / len(table))
    return centred * factor, lambda more: (more - mean) * factor


def a_task(kind="regression", n=300, seed=0):
    """Values that follow from the number of two words; the last third is the validation part."""
    draws = np.random.default_rng(seed)
    sequences = random_sequences(n, seed, (30, 90))
    value = np.array([s.count("GAT") + s.count("ATC") - s.count("CG") for s in sequences])
    value = value + draws.normal(size=n)
    targets = (value if kind == "regression" else (value > 0).astype(float))[:, None]
    told = labelled(kind, ("y",), sequences, targets)
    cut = 2 * n // 3
    return TaskSplit("t", told.take(range(cut)), told.take(range(cut, n)), "spearman")


def both(split):
    sequences = [*split.train.sequences, *split.valid.sequences]
    return sequences, np.concatenate([split.train.targets, split.valid.targets])[:, 0]


def regression(strength, epsilon=0.1):
    return LinearSVR(
        C=strength, epsilon=epsilon, loss="squared_epsilon_insensitive", dual=False,
        intercept_scaling=10, tol=1e-8, max_iter=10_000,
    )  # fmt: skip


def test_values_are_those_of_scikit_learns_linear_svr_with_the_c_that_ranked_best():
    split = a_task()
    sequences, values = both(split)
    n_train = len(split.train)
    table, of = scaled(shares(sequences, 3))
    found = []
    for strength in STRENGTHS:
        y = values[:n_train]
        machine = regression(strength).fit(table[:n_train], (y - y.mean()) / y.std())
        found.append(spearmanr(machine.predict(table[n_train:]), values[n_train:]).statistic)
    best = STRENGTHS[int(np.argmax(found))]
    machine = regression(best).fit(table, (values - values.mean()) / values.std())
    expected = machine.predict(of(shares(UNSEEN, 3))) * values.std() + values.mean()

    fitted = KmerSvr(k=3).fit_task(split, Fitting())
    assert fitted.report["strength"] == [best]
    tried = dict(fitted.report["tried"]["y"])
    assert list(tried) == list(STRENGTHS)
    assert list(tried.values()) == pytest.approx(found, abs=2e-3)
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 0], expected, rtol=1e-3, atol=1e-3)
    assert spearmanr(fitted.answers(UNSEEN)[:, 0], expected).statistic > 0.9999


def test_yes_and_no_are_decision_values_of_scikit_learns_linear_svc():
    split = a_task("binary")
    sequences, values = both(split)
    n_train = len(split.train)
    table, of = scaled(shares(sequences, 2))

    def machine(strength):
        return LinearSVC(C=strength, dual=False, intercept_scaling=10, tol=1e-8, max_iter=10_000)

    found = [
        roc_auc_score(
            values[n_train:],
            machine(c).fit(table[:n_train], values[:n_train]).decision_function(table[n_train:]),
        )
        for c in STRENGTHS
    ]
    best = STRENGTHS[int(np.argmax(found))]
    expected = machine(best).fit(table, values).decision_function(of(shares(UNSEEN, 2)))
    fitted = KmerSvr(k=2).fit_task(split, Fitting())
    assert fitted.report["strength"] == [best]
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 0], expected, rtol=1e-3, atol=1e-3)


def test_a_c_that_is_given_and_errors_that_cost_nothing_are_as_scikit_learn_has_them():
    split = a_task()
    sequences, values = both(split)
    table, of = scaled(shares(sequences, 2))
    machine = regression(0.5, epsilon=0.7).fit(table, (values - values.mean()) / values.std())
    expected = machine.predict(of(shares(UNSEEN, 2))) * values.std() + values.mean()
    fitted = KmerSvr(k=2, C=0.5, epsilon=0.7).fit_task(split, Fitting())
    assert fitted.report["tried"] == {"y": [[0.5, None]]}
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 0], expected, rtol=1e-3, atol=1e-3)


def with_two_labels(split):
    """The task twice, the second label told of every third row only."""
    parts = []
    for part in (split.train, split.valid):
        targets = np.repeat(part.targets, 2, axis=1)
        targets[np.arange(len(part)) % 3 != 0, 1] = np.nan
        parts.append(labelled(part.kind, ("all", "some"), list(part.sequences), targets))
    return TaskSplit("t", *parts, "spearman")


def test_a_label_is_learned_from_the_rows_of_which_it_is_told():
    split = a_task()
    fitted = KmerSvr(k=2, C=0.1).fit_task(with_two_labels(split), Fitting())
    alone = KmerSvr(k=2, C=0.1).fit_task(split, Fitting())
    np.testing.assert_array_equal(fitted.answers(UNSEEN)[:, 0], alone.answers(UNSEEN)[:, 0])
    sequences, values = both(split)
    told = np.r_[np.arange(0, len(split.train), 3), len(split.train) + np.arange(0, 100, 3)]
    table, of = scaled(shares(sequences, 2))
    y = values[told]
    machine = regression(0.1).fit(table[told], (y - y.mean()) / y.std())
    expected = machine.predict(of(shares(UNSEEN, 2))) * y.std() + y.mean()
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 1], expected, rtol=1e-3, atol=1e-3)


def test_a_label_of_which_nothing_is_told_is_refused_in_one_line():
    split = a_task()
    untold = labelled("regression", ("y",), ["ACGTACGT"] * 2, np.full((2, 1), np.nan))
    with pytest.raises(UsageError, match="'t': nothing is told of 'y' in the training part"):
        KmerSvr().fit_task(TaskSplit("t", untold, split.valid, "spearman"), Fitting())


def test_a_label_that_never_changes_is_answered_as_it_is():
    sequences = random_sequences(20, 0)
    told = np.column_stack([np.ones(20), np.zeros(20), np.arange(20) % 2])
    part = labelled("multi-label", ("yes", "no", "both"), sequences, told)
    answers = KmerSvr(k=2).fit_task(TaskSplit("t", part, part, "auroc"), Fitting()).answers(UNSEEN)
    assert (answers[:, 0] == 1).all()
    assert (answers[:, 1] == -1).all()
    assert np.ptp(answers[:, 2]) > 0


def test_of_too_many_rows_evenly_spaced_ones_are_taken_and_told_of(monkeypatch):
    split = a_task()
    monkeypatch.setattr(support_vectors, "_MOST_CELLS", 10 * 150)
    fitted = KmerSvr(k=2, C=0.1).fit_task(split, Fitting())
    assert fitted.report["rows"] == 150
    assert fitted.report["notes"] == ["fitted on 150 of 300 sequences, evenly spaced"]
    sequences, values = both(split)
    table, of = scaled(shares(sequences[::2], 2))
    y = values[::2]
    machine = regression(0.1).fit(table, (y - y.mean()) / y.std())
    expected = machine.predict(of(shares(UNSEEN, 2))) * y.std() + y.mean()
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 0], expected, rtol=1e-3, atol=1e-3)


def test_the_same_fit_gives_the_same_answers_in_any_batch():
    split = a_task()
    one, two = (KmerSvr(k=3).fit_task(split, Fitting(threads=n)).answers(UNSEEN) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    fitted = KmerSvr(k=3).fit_task(split, Fitting())
    alone = np.concatenate([fitted.answers([each]) for each in UNSEEN])
    np.testing.assert_array_equal(one, alone)


@pytest.mark.parametrize("kind", ["multi-class", "token-regression", "pair-classes"])
def test_other_kinds_of_tasks_are_refused(kind):
    with pytest.raises(CapabilityError, match=f"kmer-svr cannot answer {kind} tasks"):
        KmerSvr().check_task(kind)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"k": 0}, "kmer-svr: k must be from 1 to 7, not 0"),
        ({"k": 8}, "not 8"),
        ({"C": 0.0}, "C must be above 0, or 'valid', not 0"),
        ({"C": float("inf")}, "not inf"),
        ({"epsilon": -1.0}, "epsilon must be 0 or more, not -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        KmerSvr(**settings)


def test_the_id_names_what_is_not_as_usual():
    assert KmerSvr().info.id == "kmer-svr:k=5"
    told = KmerSvr(4, "single", 0.25, 0.0).info
    assert told.id == "kmer-svr:k=4,strands=single,C=0.25,epsilon=0"
    assert told.digest != KmerSvr(4).info.digest
    assert kmer5_svr().info.id == kmer5_svr().spec == "kmer5-svr"


def test_the_published_name_answers_as_the_usual_settings():
    split = a_task()
    named, usual = (each.fit_task(split, Fitting()) for each in (kmer5_svr(), KmerSvr()))
    np.testing.assert_array_equal(named.answers(UNSEEN), usual.answers(UNSEEN))


def test_a_fit_of_its_parts_answers_as_before():
    split, model = a_task("binary"), KmerSvr(k=3)
    fitted = model.fit_task(split, Fitting())
    parts = model.parts(fitted, split)
    again = KmerSvr(k=3).restored(parts)
    np.testing.assert_array_equal(again.answers(UNSEEN), fitted.answers(UNSEEN))
    assert again.report == fitted.report
    lacking = FitParts(parts.kind, parts.labels, {}, {}, {})
    with pytest.raises(ModelError, match="saved weights of words have weights; here is none"):
        model.restored(lacking)


def test_how_far_it_has_come_is_told():
    lines: list[str] = []
    KmerSvr(k=2).fit_task(a_task(), Fitting(tell=lines.append))
    assert any("C = 0.01" in line for line in lines)
