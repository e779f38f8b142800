"""Scores of a share: those of scipy and scikit-learn, and of no label of the other share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from genomark.errors import UsageError
from genomark.results.submission.hidden import HiddenTruth
from genomark.results.submission.referee import Referee
from genomark.scoring.kernels import draw_counts

N = 400


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def private():
    return np.random.default_rng(4).permutation(N // 2).repeat(2) % 2 == 0


def hidden(truth, private):
    return HiddenTruth(np.asarray(truth, float), np.arange(N) // 2, private)


def drawn_items(seed, replicate, clusters, n):
    """Items of a replicate, each as often as its cluster was drawn."""
    counts = np.empty(n, np.int32)
    draw_counts(np.uint64(seed), replicate, counts)
    return np.repeat(np.arange(clusters.size), counts[clusters])


@pytest.mark.parametrize("which", [False, True])
def test_spearman_is_that_of_the_share(rng, private, which):
    truth = rng.integers(0, 5, (N, 1))
    prediction = truth + rng.normal(size=(N, 1)) * 3
    (score,) = Referee(hidden(truth, private), ("y",), 7).scores(prediction, private=which)
    share = private == which
    expected = spearmanr(prediction[share, 0], truth[share, 0]).statistic
    assert score.value == pytest.approx(expected, abs=1e-12)
    assert (score.name, score.group, score.n) == ("spearman", None, share.sum())
    assert score.n_clusters == share.sum() / 2
    row = score.row()
    assert row.interval[0] < expected < row.interval[1]


def test_replicates_draw_whole_clusters(rng, private):
    truth = rng.integers(0, 5, (N, 1))
    prediction = truth + rng.normal(size=(N, 1)) * 3
    (score,) = Referee(hidden(truth, private), ("y",), 7).scores(prediction, private=False)
    x, y = prediction[~private, 0], truth[~private, 0]
    clusters = np.arange(x.size) // 2
    for replicate in (0, 999):
        # The last cluster stays the last, as all have truths.
        chosen = drawn_items(7, replicate, clusters, x.size // 2)
        expected = spearmanr(x[chosen], y[chosen]).statistic
        assert score.drawn[replicate] == pytest.approx(expected, abs=1e-12)


def test_no_public_score_rests_on_private_labels(rng, private):
    truth = rng.integers(0, 5, (N, 1)).astype(float)
    prediction = truth + rng.normal(size=(N, 1)) * 3
    other = np.where(private[:, None], rng.permutation(truth), truth)
    scrambled = np.where(private[:, None], rng.normal(size=(N, 1)), prediction)
    first = Referee(hidden(truth, private), ("y",), 7).scores(prediction, private=False)[0]
    second = Referee(hidden(other, private), ("y",), 7).scores(scrambled, private=False)[0]
    assert first.value == second.value
    np.testing.assert_array_equal(first.drawn, second.drawn)


def test_of_several_labels_the_mean_is_first_and_draws_the_same_clusters(rng, private):
    truth = rng.integers(0, 5, (N, 4)).astype(float)
    truth[rng.random((N, 4)) < 0.3] = np.nan
    # The last item of the public share is told of no label: the numbering must not end with it.
    truth[np.flatnonzero(~private)[-2:], 1:] = np.nan
    prediction = np.nan_to_num(truth) + rng.normal(size=(N, 4)) * 3
    labels = ("a", "b", "c", "d")
    mean, *each = Referee(hidden(truth, private), labels, 7).scores(prediction, private=False)
    assert (mean.name, mean.group) == ("mean_spearman", None)
    assert [(score.name, score.group) for score in each] == [("spearman", x) for x in labels]
    expected = []
    for number in range(4):
        told = ~private & np.isfinite(truth[:, number])
        expected.append(spearmanr(prediction[told, number], truth[told, number]).statistic)
        assert each[number].value == pytest.approx(expected[-1], abs=1e-12)
        assert each[number].n == told.sum()
    assert mean.value == pytest.approx(np.mean(expected), abs=1e-12)
    np.testing.assert_allclose(mean.drawn, np.mean([score.drawn for score in each], axis=0))


def test_labels_that_say_the_same_have_the_same_replicates(rng, private):
    truth = rng.integers(0, 5, (N, 1)).astype(float).repeat(2, axis=1)
    truth[np.flatnonzero(~private)[:40], 0] = np.nan
    truth[np.flatnonzero(~private)[:40], 1] = np.nan
    prediction = np.nan_to_num(truth[:, :1]).repeat(2, axis=1) + rng.normal(size=(N, 1))
    _, a, b = Referee(hidden(truth, private), ("a", "b"), 7).scores(prediction, private=False)
    np.testing.assert_array_equal(a.drawn, b.drawn)


def test_binary_labels_have_an_auroc_too(rng, private):
    truth = (rng.random((N, 1)) < 0.4).astype(float)
    prediction = truth + rng.normal(size=(N, 1))
    scores = Referee(hidden(truth, private), ("y",), 7).scores(prediction, private=False)
    assert [score.name for score in scores] == ["spearman", "auroc"]
    expected = roc_auc_score(truth[~private, 0], prediction[~private, 0])
    assert scores[1].value == pytest.approx(expected, abs=1e-12)
    low, high = scores[1].row().interval
    assert low < expected < high


def test_threads_change_no_number(rng, private):
    truth = rng.integers(0, 5, (N, 1))
    prediction = truth + rng.normal(size=(N, 1)) * 3
    one, two = (
        Referee(hidden(truth, private), ("y",), 7, threads).scores(prediction, private=True)[0]
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one.drawn, two.drawn)


def test_a_prediction_that_is_constant_on_the_share_has_no_score(rng, private):
    truth = (rng.random((N, 1)) < 0.4).astype(float)
    prediction = np.where(private[:, None], rng.normal(size=(N, 1)), 0.0)
    for score in Referee(hidden(truth, private), ("y",), 7).scores(prediction, private=False):
        assert score.value is None
        assert score.figure(0.01) is None
        assert (score.row().interval, score.row().reason_if_null) == (None, "constant prediction")


def test_labels_that_no_cluster_has_together_cannot_be_averaged(private):
    truth = np.full((N, 2), np.nan)
    even = np.arange(N) // 2 % 2 == 0
    truth[even, 0] = truth[~even, 1] = np.arange(N // 2) % 5
    with pytest.raises(UsageError, match="No cluster has truths of every label"):
        Referee(hidden(truth, private), ("a", "b"), 7)


def test_a_figure_is_the_headline_rounded_and_nothing_else(rng, private):
    truth = rng.integers(0, 5, (N, 2))
    prediction = truth + rng.normal(size=(N, 2)) * 3
    referee = Referee(hidden(truth, private), ("a", "b"), 7)
    headline = referee.headline(prediction, private=False)
    assert headline.value == referee.scores(prediction, private=False)[0].value
    figure = headline.figure(0.05)
    assert (figure.name, set(figure.__struct_fields__)) == ("mean_spearman", {"name", "value"})
    assert figure.value == pytest.approx(round(headline.value / 0.05) * 0.05)
