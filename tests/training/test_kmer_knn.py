"""Neighbours by k-mers against scikit-learn's, on counts made by Python."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor
from training_tasks import labelled, random_sequences

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import Fitting
from genomark.sequences import TaskSplit
from genomark.training import neighbours
from genomark.training.fit_parts import FitParts
from genomark.training.neighbours import NEIGHBOURS, KmerKnn, kmer5_knn

UNSEEN = random_sequences(50, 77, (150, 300))


def counts(sequences, k):
    """Counts of k-mers, strands apart, by hand."""
    words = [""]
    for _ in range(k):
        words = [a + rest for a in "ACGT" for rest in words]
    return np.array(
        [
            [sum(s[i : i + k] == word for i in range(len(s) - k + 1)) for word in words]
            for s in sequences
        ],
        float,
    )


def a_task(kind="regression", n=300):
    """Values that follow from composition; the last third is the validation part."""
    draws = np.random.default_rng(1)
    sequences = [
        "".join(draws.choice(list("ACGT"), draws.integers(150, 300), p=[p, 0.5 - p, 0.5 - p, p]))
        for p in draws.uniform(0.15, 0.35, n)
    ]
    gc = np.array([100 * (s.count("G") + s.count("C")) / len(s) for s in sequences])
    gc = gc + 3 * draws.normal(size=n)
    if kind == "multi-class":
        targets = np.eye(3)[np.searchsorted([45, 55], gc)]
    else:
        targets = (gc if kind == "regression" else (gc > 50) * 1.0)[:, None]
    labels = ("low", "mid", "high") if kind == "multi-class" else ("y",)
    told = labelled(kind, labels, sequences, targets)
    cut = 2 * n // 3
    return TaskSplit("t", told.take(range(cut)), told.take(range(cut, n)), "spearman")


def model_of(number):
    return KNeighborsRegressor(number, metric="cosine", algorithm="brute")


@pytest.mark.parametrize("kind", ["regression", "binary", "multi-class"])
def test_answers_are_means_over_scikit_learns_neighbours_as_many_as_ranked_best(kind):
    split = a_task(kind)
    # Long enough that no two are equally near.
    table = counts([*split.train.sequences, *split.valid.sequences], 3)
    targets = np.concatenate([split.train.targets, split.valid.targets])
    n_train = len(split.train)
    tried = {}
    for number in NEIGHBOURS:
        fit = model_of(min(number, n_train)).fit(table[:n_train], targets[:n_train])
        given = fit.predict(table[n_train:]).reshape(-1, targets.shape[1])
        truth = targets[n_train:]
        values = [
            spearmanr(a, b).statistic if kind == "regression" else roc_auc_score(b, a)
            for a, b in zip(given.T, truth.T, strict=True)
            if np.ptp(a) > 1e-9
        ]
        tried[number] = np.mean(values) if values else None
    best = max(NEIGHBOURS, key=lambda each: tried[each] or -1)
    expected = model_of(best).fit(table, targets).predict(counts(UNSEEN, 3))

    fitted = KmerKnn(k=3, strands="single").fit_task(split, Fitting())
    assert fitted.report["neighbours"] == best
    found = dict(fitted.report["tried"])
    for number, value in tried.items():
        # As many as there are give one answer to everything: no order.
        if value is None:
            assert found[number] in (None, 0.5)
        else:
            assert found[number] == pytest.approx(value, abs=1e-9)
    answers = fitted.answers(UNSEEN)
    np.testing.assert_allclose(
        answers + (0.5 if kind == "binary" else 0.0),
        expected.reshape(answers.shape),
        rtol=1e-12,
        atol=1e-12,
    )


def test_what_is_parted_otherwise_gives_the_same_bits(monkeypatch):
    split = a_task()
    whole = KmerKnn(k=4).fit_task(split, Fitting()).answers(UNSEEN)
    monkeypatch.setattr(neighbours, "_ASKED", 7)
    monkeypatch.setattr(neighbours, "_SEEN", 19)
    fitted = KmerKnn(k=4).fit_task(split, Fitting(threads=3))
    np.testing.assert_array_equal(fitted.answers(UNSEEN), whole)
    np.testing.assert_array_equal(np.concatenate([fitted.answers([s]) for s in UNSEEN]), whole)
    monkeypatch.setattr(neighbours, "_EXACT", 0.0)
    np.testing.assert_array_equal(fitted.answers(UNSEEN), whole)


def test_of_equally_near_sequences_the_first_goes_first():
    # All have the same words, so that all are equally near.
    part = labelled(
        "regression", ("y",), ["ACGTACGTACGT"] * 6, np.array([[5.0], [1], [2], [9], [9], [9]])
    )
    split = TaskSplit("t", part.take(range(4)), part.take(range(4, 6)), "spearman")
    for number, expected in ((1, 5.0), (3, 8 / 3), (6, 35 / 6), (100, 35 / 6)):
        fitted = KmerKnn(k=3, neighbours=number).fit_task(split, Fitting())
        assert fitted.answers(["ACGTACGT"])[0, 0] == pytest.approx(expected, rel=1e-12)


def test_sequences_are_equally_near_where_their_cosines_are_the_same_fraction():
    # 1 / sqrt(2) of A, C, and 3 / sqrt(18) of three times as many.
    part = labelled("regression", ("y",), ["AAACCC", "AC", "AACC", "G"], np.arange(4.0)[:, None])
    for order in ([0, 1, 2, 3], [2, 0, 1, 3], [1, 2, 0, 3]):
        turned = part.take(order)
        split = TaskSplit("t", turned, turned.take([3]), "spearman")
        fitted = KmerKnn(1, 1, "single").fit_task(split, Fitting())
        assert fitted.answers(["A"])[0, 0] == order[0]


def test_neighbours_for_a_label_are_among_the_rows_of_which_it_is_told():
    split = a_task()
    parts = []
    for part in (split.train, split.valid):
        targets = np.repeat(part.targets, 2, axis=1)
        targets[np.arange(len(part)) % 2 == 0, 1] = np.nan
        parts.append(labelled("regression", ("a", "b"), list(part.sequences), targets))
    both = KmerKnn(k=3, neighbours=5).fit_task(TaskSplit("t", *parts, "spearman"), Fitting())
    answers = both.answers(UNSEEN)
    halves = [part.take(range(1, len(part), 2)) for part in (split.train, split.valid)]
    for column, pieces in enumerate(([split.train, split.valid], halves)):
        alone = KmerKnn(k=3, neighbours=5).fit_task(TaskSplit("t", *pieces, "s"), Fitting())
        np.testing.assert_array_equal(answers[:, column], alone.answers(UNSEEN)[:, 0])


def test_a_sequence_without_words_is_answered_all_the_same():
    fitted = KmerKnn(k=3, neighbours=2).fit_task(a_task(), Fitting())
    assert np.isfinite(fitted.answers(["AC", "NNNNNN"])).all()


def test_a_fit_of_its_parts_answers_as_before():
    split, model = a_task("binary"), KmerKnn(k=3)
    fitted = model.fit_task(split, Fitting())
    parts = model.parts(fitted, split)
    assert parts.arrays["counts"].dtype == np.uint16
    again = model.restored(parts)
    np.testing.assert_array_equal(again.answers(UNSEEN), fitted.answers(UNSEEN))
    for lacking, facts in (({}, parts.facts), (parts.arrays, {})):
        with pytest.raises(ModelError, match=r"saved neighbours have \w+; here is none"):
            model.restored(FitParts(parts.kind, parts.labels, lacking, facts, {}))


def test_settings_out_of_range_and_other_tasks_are_refused():
    with pytest.raises(UsageError, match="kmer-knn: k must be from 1 to 7, not 9"):
        KmerKnn(9)
    with pytest.raises(UsageError, match="neighbours must be 1 or more, or 'valid', not 0"):
        KmerKnn(neighbours=0)
    with pytest.raises(CapabilityError, match="kmer-knn cannot answer token-classes tasks"):
        KmerKnn().check_task("token-classes")


def test_the_id_names_what_is_not_as_usual():
    assert KmerKnn().info.id == "kmer-knn:k=5"
    assert KmerKnn(4, 7, "single").info.id == "kmer-knn:k=4,neighbours=7,strands=single"
    assert kmer5_knn().info.id == kmer5_knn().spec == "kmer5-knn"
