"""The statistics of one column: against the scoring that a run's own tables use."""

import itertools

import numpy as np
import polars as pl
import pytest
from small_store import ITEMS, add, drawn, opened, right

from genomark.leaderboard.board import Board
from genomark.scoring import rank
from genomark.scoring.ranks import compare_headlines
from genomark.scoring.score import Headline

ANSWERS = {f"m{number}": right(0.5 + 0.06 * number, seed=number) for number in range(6)}


def scores_of(store, slug="b"):
    return Board(store).snapshot().columns[slug].scores


def named(scores):
    return [each.model_id for each in scores.entries]


@pytest.fixture(scope="module", params=["accuracy", "mse"])
def column(request, tmp_path_factory):
    """Models that all answered the same items."""
    with opened(tmp_path_factory.mktemp(request.param)) as store:
        for model, correct in ANSWERS.items():
            add(store, "b", model, correct, metric=request.param)
        yield request.param, scores_of(store)


@pytest.fixture(scope="module")
def comparisons(column):
    """As a run compares them."""
    metric, _ = column
    found = []
    for a, b in itertools.combinations(ANSWERS, 2):
        pair = tuple(
            Headline(float(each.mean()), drawn(each), ITEMS) for each in (ANSWERS[a], ANSWERS[b])
        )
        found += compare_headlines("b", metric, (a, b), pair, ITEMS)
    return found


def test_models_stand_best_first(column):
    metric, scores = column
    best_first = sorted(ANSWERS, reverse=metric == "accuracy")
    assert named(scores) == best_first


def test_pairs_are_those_of_a_run(column, comparisons):
    _, scores = column
    places = {model: place for place, model in enumerate(named(scores))}
    assert len(comparisons) == 15
    for each in comparisons:
        where = places[each.model_a], places[each.model_b]
        assert scores.pairs.difference[where] == pytest.approx(each.difference, abs=1e-15)
        assert (scores.pairs.low[where], scores.pairs.high[where]) == pytest.approx(each.interval)
        assert scores.pairs.superiority[where] == pytest.approx(each.superiority)
        assert scores.pairs.tied[where] == each.tied
        assert scores.pairs.paired[where]
        assert scores.pairs.items[where] == ITEMS
    assert {each.tied for each in comparisons} == {True, False}


def test_ranks_are_those_of_a_run(column, comparisons):
    metric, scores = column
    values = {model: float(correct.mean()) for model, correct in ANSWERS.items()}
    expected = {each.model: (each.first, each.last) for each in rank(values, comparisons, metric)}
    first, last = scores.ranks()
    assert {
        model: (int(a), int(b)) for model, a, b in zip(named(scores), first, last, strict=True)
    } == expected


def test_a_few_compared_alone_are_as_among_all(column):
    _, scores = column
    chosen = np.array([4, 1, 3])
    few = scores.pairs_among(chosen)
    for part, whole in zip(few, scores.pairs, strict=True):
        np.testing.assert_array_equal(part, whole[np.ix_(chosen, chosen)])


def test_scores_without_replicates_are_compared_as_independent_ones(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "paired", right(0.7, seed=1))
        add(store, "b", "told", 0.5, interval=(0.46, 0.55), standing="self-reported")
        add(store, "b", "far", 0.2, interval=(0.1, 0.3), standing="self-reported")
        add(store, "b", "bare", 0.9, standing="self-reported")
        scores = scores_of(store)
    a, b = named(scores).index("told"), named(scores).index("far")
    # Zou and Donner 2008, equation 3.
    low = 0.3 - np.sqrt((0.5 - 0.46) ** 2 + (0.3 - 0.2) ** 2)
    high = 0.3 + np.sqrt((0.55 - 0.5) ** 2 + (0.2 - 0.1) ** 2)
    assert scores.pairs.low[a, b] == pytest.approx(low)
    assert scores.pairs.high[a, b] == pytest.approx(high)
    assert (scores.pairs.low[b, a], scores.pairs.high[b, a]) == pytest.approx((-high, -low))
    assert not scores.pairs.paired.any()
    assert np.isnan(scores.pairs.superiority).all()
    assert not scores.tied[a, b]
    # Without an interval nothing shows that it is apart.
    bare = named(scores).index("bare")
    assert scores.tied[bare].all()


def test_replicates_on_other_items_or_drawn_otherwise_are_not_paired(tmp_path):
    some = np.arange(ITEMS) < 50
    with opened(tmp_path) as store:
        for model, more in {
            "one": {},
            "other": {},
            "fewer": {"compared": some},
            "too": {"compared": some},
            "seeded": {"seed": 7},
        }.items():
            add(store, "b", model, right(0.6, seed=len(model)), **more)
        scores = scores_of(store)
    names = named(scores)
    paired = {
        frozenset((names[a], names[b]))
        for a, b in itertools.combinations(range(5), 2)
        if scores.pairs.paired[a, b]
    }
    assert paired == {frozenset(("one", "other")), frozenset(("fewer", "too"))}
    where = names.index("fewer"), names.index("too")
    assert scores.pairs.items[where] == 50


def test_what_was_published_never_ranks_and_is_compared_with_nothing(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "here", right(0.6))
        add(store, "b", "paper", 0.99, interval=(0.98, 1.0), settings={"source": "x"})
        scores = scores_of(store)
    assert [each.standing for each in scores.entries] == ["verified", "published"]
    assert scores.ranks()[0].tolist() == [1, 0]
    assert np.isnan(scores.pairs.difference[1]).all()
    assert scores.values[1] == 0.99


def test_controls_mark_the_scale_and_do_not_rank(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.6))
        add(store, "b", "control:random", right(0.5))
        add(store, "b", "control:oracle", right(1.0))
        add(store, "b", "control:oracle", right(0.9), owner="eve")
        scores = scores_of(store)
    ranks = dict(
        zip(((e.owner, e.model_id) for e in scores.entries), scores.ranks()[0], strict=True)
    )
    assert ranks["", "control:oracle"] == ranks["", "control:random"] == 0
    # A stranger's model may be called so, and is a model.
    assert ranks["eve", "control:oracle"] == 1
    assert ranks["", "m"] == 2
    assert (scores.control("control:random"), scores.control("control:oracle")) == (0.5, 1.0)
    assert scores.comparable.all()


def test_a_stranger_alone_makes_no_control(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "control:random", right(0.5), owner="eve")
        assert np.isnan(scores_of(store).control("control:random"))


def test_a_metric_nobody_knows_ranks_nothing(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.6), metric="wow")
        add(store, "b", "n", right(0.9), metric="wow")
        scores = scores_of(store)
    assert scores.better is None
    assert scores.ranks()[0].tolist() == [0, 0]


def test_the_metric_is_that_of_what_was_verified_and_others_do_not_rank(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "eve", 0.01, metric="mse", standing="self-reported", owner="eve")
        add(store, "b", "m", right(0.6))
        add(store, "b", "n", right(0.9))
        scores = scores_of(store)
    assert scores.metric == "accuracy"
    assert named(scores) == ["n", "m", "eve"]
    assert scores.ranks()[0].tolist() == [1, 2, 0]
    assert np.isnan(scores.values[2])


def test_a_standing_is_ranked_among_itself(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "loud", 0.999, interval=(0.998, 1.0), standing="self-reported")
        add(store, "b", "good", right(0.9, seed=1))
        add(store, "b", "bad", right(0.3, seed=2))
        scores = scores_of(store)
    assert named(scores) == ["loud", "good", "bad"]
    assert scores.ranks()[0].tolist() == [1, 2, 3]
    assert scores.ranks("verified")[0].tolist() == [0, 1, 2]
    assert scores.ranks("self-reported")[0].tolist() == [1, 0, 0]


def test_places_run_from_the_worst_to_the_best_and_equals_share_theirs(tmp_path):
    with opened(tmp_path) as store:
        for model, share in {"a": 0.9, "b": 0.5, "c": 0.5, "d": 0.1}.items():
            add(store, "b", model, right(share, seed=3), metric="mse")
        scores = scores_of(store)
    ranks = pl.Series(-scores.values).rank("average").to_numpy()
    np.testing.assert_allclose(scores.places(), (ranks - 1) / 3)
    assert scores.places()[0] == 1.0


def test_one_model_has_no_place(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.6))
        scores = scores_of(store)
    assert np.isnan(scores.places()).all()
    assert scores.ranks()[0].tolist() == [1]


def test_an_undefined_score_is_shown_and_not_ranked(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "none", None)
        add(store, "b", "m", right(0.6))
        scores = scores_of(store)
    assert named(scores) == ["m", "none"]
    assert scores.ranks()[0].tolist() == [1, 0]
