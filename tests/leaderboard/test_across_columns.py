"""Models over many columns: against plain NumPy and SciPy."""

import numpy as np
import pytest
from scipy import stats
from small_store import add, opened, right

from genomark.leaderboard.across import SEED, Across
from genomark.leaderboard.board import Board
from genomark.scoring.across import mean_scaled, pairwise_ranks

SHARES = {
    "a": (0.9, 0.85, 0.8, 0.9, 0.75, 0.95, 0.9),
    "b": (0.7, 0.75, 0.6, 0.8, 0.65, 0.8, 0.55),
    "c": (0.5, 0.6, 0.7, 0.4, 0.7, 0.3, 0.5),
}
COLUMNS = [f"task{number}" for number in range(7)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("across")) as store:
        for model, shares in SHARES.items():
            for place, (column, share) in enumerate(zip(COLUMNS, shares, strict=True)):
                # Of every second column less is better.
                lower = place % 2
                correct = right(1 - share if lower else share, seed=place)
                add(store, column, model, correct, metric="mse" if lower else "accuracy")
        add(store, COLUMNS[0], "newcomer", right(0.55))
        add(store, COLUMNS[0], "paper", 0.99, settings={"source": "x"})
        for place, column in enumerate(COLUMNS[:4]):
            lower = place % 2
            metric = "mse" if lower else "accuracy"
            add(store, column, "control:random", right(0.5), metric=metric)
            add(store, column, "control:oracle", right(0.0 if lower else 1.0), metric=metric)
        yield store


@pytest.fixture(scope="module")
def across(store):
    return Across(Board(store).snapshot().newest)


def oriented(across, model):
    return across.table.oriented[across.row(("", model))]


def test_only_what_ranks_takes_part(across):
    assert {id for _, id in across.models} == {"a", "b", "c", "newcomer"}
    assert across.row(("", "paper")) is None
    assert across.row(("", "control:oracle")) is None


def test_counts_and_complete_columns(across):
    assert {id: across.counts[row] for row, (_, id) in enumerate(across.models)} == {
        "a": 7,
        "b": 7,
        "c": 7,
        "newcomer": 1,
    }
    assert across.complete == 1


def test_mean_ranks_of_those_that_have_all_are_plain_ones(store):
    snapshot = Board(store).snapshot()
    across = Across(snapshot.newest, models=[("", id) for id in "abc"])
    ranks = stats.rankdata(-across.table.oriented, axis=0).mean(axis=1)
    for row in range(3):
        found = across.mean_rank(row)
        assert found.value == pytest.approx(ranks[row])
        assert found.low <= found.value <= found.high


def test_a_model_with_one_column_does_not_take_the_others_away(across):
    found = across.mean_rank(across.row(("", "a")))
    assert found.value == 1.0


def test_win_rates_count_pairs_and_columns(across):
    for model in SHARES:
        own = oriented(across, model)
        wins = pairs = 0.0
        for _, other in across.models:
            if other != model:
                shared = np.isfinite(own) & np.isfinite(oriented(across, other))
                wins += (own > oriented(across, other))[shared].sum()
                wins += (own == oriented(across, other))[shared].sum() / 2
                pairs += shared.sum()
        assert across.win_rate[across.row(("", model))] == pytest.approx(wins / pairs)


def test_pairs_are_tested_by_signed_ranks_and_adjusted_by_holm(across):
    tests, adjusted = across.tests
    a, b = across.row(("", "a")), across.row(("", "b"))
    expected = stats.wilcoxon(oriented(across, "a") - oriented(across, "b")).pvalue
    assert tests.p[a, b] == pytest.approx(expected)
    p = sorted(tests.p[i, j] for i in range(4) for j in range(i) if np.isfinite(tests.p[i, j]))
    assert np.nanmin(adjusted) == pytest.approx(min(1.0, p[0] * len(p)))


def test_cliques_hold_no_pair_that_is_apart(across):
    _, adjusted = across.tests
    for clique in across.cliques:
        assert len(clique) > 1
        assert not (adjusted[np.ix_(clique, clique)] < 0.05).any()


def test_scores_are_scaled_between_the_controls_of_the_keeper(across):
    column = [each.view.id for each in across.columns].index("task1")
    row = across.row(("", "a"))
    value = across.columns[column].scores.values[across.columns[column].models["", "a"]]
    assert across.scaled.values[row, column] == pytest.approx((value - 0.5) / (0.0 - 0.5))
    missing = [each.view.id for each, reason in zip(across.columns, across.scaled.reasons,
                                                   strict=True) if reason]  # fmt: skip
    assert missing == COLUMNS[4:]


def test_the_mean_of_scaled_scores_is_over_columns_that_all_have(store):
    across = Across(Board(store).snapshot().newest, models=[("", "a"), ("", "b")])
    for row in range(2):
        mean = across.scaled.values[row, :4].mean()
        assert across.mean_scaled_of(row).value == pytest.approx(mean)


def test_a_standing_takes_part_alone(store):
    snapshot = Board(store).snapshot()
    assert Across(snapshot.newest, "self-reported").models == []
    assert len(Across(snapshot.newest, "verified").models) == 4
    empty = Across(snapshot.newest, "self-reported")
    assert empty.complete == 0
    assert empty.cliques == []


def test_tasks_of_one_kind_are_drawn_together(tmp_path):
    with opened(tmp_path) as store:
        for part in ("h3", "h4", "h3k4me1"):
            for model in "ab":
                add(store, f"gue/emp.{part}", model, right(0.6, seed=ord(model)))
        across = Across(Board(store).snapshot().newest)
    assert set(across.table.families) == {"gue/emp"}
    # Of one family nothing can be drawn.
    assert across.mean_rank(0).low is None


def test_models_that_share_no_column_have_no_rank(tmp_path):
    with opened(tmp_path) as store:
        add(store, "one", "a", right(0.6))
        add(store, "two", "b", right(0.7))
        across = Across(Board(store).snapshot().newest)
    assert [across.mean_rank(row) for row in range(2)] == [None, None]
    assert np.isnan(across.win_rate).all()
    assert across.complete == 0


def test_intervals_over_few_families_reach_as_far_as_students_t(across, store):
    def levels(families):
        z = stats.t.ppf(0.975, families - 1) * np.sqrt(families / (families - 1))
        return stats.norm.cdf(-z), stats.norm.cdf(z)

    wide = pairwise_ranks(across.table, seed=SEED, levels=levels(7))
    row = across.row(("", "b"))
    assert across.mean_rank(row).low == pytest.approx(wide.low[row])
    assert across.mean_rank(row).high == pytest.approx(wide.high[row])
    narrow = pairwise_ranks(across.table, seed=SEED)
    assert np.nansum(wide.high - wide.low) > np.nansum(narrow.high - narrow.low)
    # Four of the seven have controls: no more are drawn for the mean of scaled scores.
    both = Across(Board(store).snapshot().newest, models=[("", "a"), ("", "b")])
    wide = mean_scaled(both.table, both.scaled, seed=SEED, levels=levels(4))
    for row in range(2):
        assert both.mean_scaled_of(row).low == pytest.approx(wide.low[row])
        assert both.mean_scaled_of(row).high == pytest.approx(wide.high[row])
