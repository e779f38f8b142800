"""Front, suites, benchmarks and models of stores made by hand."""

import numpy as np
import pytest
from scipy import stats
from small_store import ITEMS, add, drawn, item_table, opened, right
from synthetic_board import METHOD, made_result

from genomark.errors import UsageError
from genomark.leaderboard.benchmark_view import benchmark, pairs
from genomark.leaderboard.board import Board
from genomark.leaderboard.front_view import front
from genomark.leaderboard.model_view import model
from genomark.leaderboard.query import read_query
from genomark.leaderboard.suite_view import suite
from genomark.results.store import Evidence, Replicates

SHARES = {"m1": 0.9, "m2": 0.6, "m3": 0.3}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("views")) as store:
        for place, name in enumerate(("gue/h", "kircher2019", "odd")):
            for id, share in SHARES.items():
                add(store, name, id, right(share, seed=place), version="2",
                    items=item_table(right(share)) if not place else None)  # fmt: skip
        add(store, "kircher2019", "m1", right(0.2), version="1")
        add(store, "odd", "m1", right(0.85, seed=9), version="2")
        add(store, "odd", "Paper <i>", 0.95, version="2", settings={"source": "x"})
        add(store, "odd", "told", 0.7, version="2", owner="eve", standing="self-reported",
            interval=(0.6, 0.8))  # fmt: skip
        add(store, "odd", "control:random", right(0.5), version="2")
        add(store, "odd", "control:oracle", right(1.0), version="2")
        add(store, "odd", "none", None, version="2")
        yield Board(store)


def ask(board, view, page, slug=None, **given):
    query = read_query(page, list(given.items()))
    how = () if slug is None else (slug,)
    return view(board, board.snapshot(), *how, query)


def ids(lines):
    return [each.model.id for each in lines]


def test_the_front_page_has_the_newest_version_of_each_benchmark(board):
    found = ask(board, front, "front")
    assert [(each.id, each.version) for each in found.columns] == [
        ("kircher2019", "2"),
        ("gue/h", "2"),
        ("odd", "2"),
    ]
    assert found.results == 16
    assert all(len(each.scores) == 3 for each in found.lines)
    assert found.updated is not None


def test_scores_on_the_front_page_are_those_of_the_results(board):
    found = ask(board, front, "front")
    odd = [each.id for each in found.columns].index("odd")
    line = next(each for each in found.lines if each.model.id == "m1")
    score = line.scores[odd]
    correct = right(0.85, seed=9)
    assert score.value == pytest.approx(correct.mean())
    assert (score.low, score.high) == pytest.approx(
        tuple(np.quantile(drawn(correct), [0.025, 0.975]))
    )
    assert (score.rank_first, score.attempts, score.standing) == (1, 2, "verified")
    assert score.leakage == "unknown"


def test_lines_come_by_mean_rank_and_what_has_none_last(board):
    found = ask(board, front, "front")
    ranked = [each for each in found.lines if each.mean_rank is not None]
    means = [each.mean_rank.value for each in ranked]
    assert means == sorted(means)
    assert found.lines[: len(ranked)] == ranked
    assert {each.model.id for each in found.lines[len(ranked) :]} == {
        "Paper <i>",
        "control:random",
        "control:oracle",
        "none",
    }


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"sort": "model"}, "control:oracle"),
        ({"sort": "model", "order": "desc"}, "told"),
        ({"sort": "odd"}, "control:oracle"),
        ({"sort": "odd", "order": "asc"}, "m3"),
        ({"sort": "wins"}, "m1"),
        ({"sort": "wins", "order": "asc"}, "m3"),
        ({"sort": "columns"}, "m1"),
        ({"sort": "rank", "order": "desc"}, "m3"),
        ({"search": "PAPER"}, "Paper <i>"),
        ({"search": "eve"}, "told"),
    ],
)
def test_the_front_page_is_sorted_and_searched_as_asked(board, given, first):
    assert ids(ask(board, front, "front", **given).lines)[0] == first


def test_a_standing_is_shown_and_ranked_alone(board):
    found = ask(board, front, "front", standing="self-reported")
    assert ids(found.lines) == ["told"]
    (score,) = [each for each in found.lines[0].scores if each is not None]
    assert score.rank_first == 1
    assert ids(ask(board, front, "front", standing="published").lines) == ["Paper <i>"]
    verified = ask(board, front, "front", standing="verified")
    assert "told" not in ids(verified.lines)


def test_a_suite_can_be_chosen_on_the_front_page(board):
    found = ask(board, front, "front", suite="quickstart")
    assert [each.id for each in found.columns] == ["kircher2019"]
    assert ids(found.lines) == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("page", "given"),
    [
        ("front", {"sort": "taste"}),
        ("front", {"suite": "none"}),
        ("front", {"standing": "good"}),
        ("front", {"order": "up"}),
        ("front", {"start": "1"}),
        ("front", {"search": "x" * 1001}),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(board, page, given):
    with pytest.raises(UsageError) as caught:
        ask(board, front, page, **given)
    assert next(iter(given)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_suites_at_a_glance_name_those_none_is_shown_to_be_better_than(board):
    lines = {each.slug: each for each in ask(board, front, "front").suites}
    assert set(lines) >= {"quickstart", "other"}
    assert (lines["quickstart"].columns, lines["quickstart"].models) == (1, 3)
    # m1 is apart from both others on that benchmark.
    assert [each.id for each in lines["quickstart"].leaders] == ["m1"]
    assert lines["quickstart"].title == "Quick start"


def test_a_suite_tells_pairs_with_the_better_first(board):
    found = ask(board, suite, "suite", "other")
    assert found.complete <= len(found.columns)
    slugs = [each.model.slug for each in found.lines]
    for pair in found.pairs:
        assert slugs.index(pair.model_a) < slugs.index(pair.model_b)
        assert 0 <= pair.wins <= pair.tasks
        assert pair.p_value <= pair.adjusted <= 1
    assert {name for clique in found.cliques for name in clique} <= set(slugs)
    assert any("Nothing is ranked" in each or "benchmarks" in each for each in found.notes)


def test_there_is_no_other_suite(board):
    assert ask(board, suite, "suite", "nothing") is None


def test_a_benchmark_has_what_ranks_first_then_the_rest(board):
    found = ask(board, benchmark, "benchmark", "odd")
    assert ids(found.lines)[:4] == ["m1", "told", "m2", "m3"]
    ranks = [each.score.rank_first for each in found.lines]
    assert ranks[4:] == [None] * 4
    assert found.lines[ids(found.lines).index("none")].score.reason == "constant"
    line = found.lines[0]
    assert (line.asked, line.answered) == (ITEMS, ITEMS)
    assert line.others["pearson"].value == 0.5
    assert (line.cost.wall_seconds, line.cost.peak_rss_bytes) == (12.5, 10**9)


def test_tie_sets_are_of_slugs_and_say_the_same_as_the_pairs(board):
    found = ask(board, benchmark, "benchmark", "odd")
    tied = {
        frozenset((each.model_a, each.model_b)): each.tied
        for each in ask(board, pairs, "pairs", "odd")
    }
    ranked = [each.model.slug for each in found.lines if each.score.rank_first]
    groups = [set(each) for each in found.tie_sets]
    assert set().union(*groups) == set(ranked)
    assert ranked[0] in groups[0]
    for group in groups:
        assert all(tied[frozenset((a, b))] for a in group for b in group if a < b)
        for other in set(ranked) - group:
            assert not all(tied[frozenset((other, each))] for each in group)


def test_pairs_say_how_they_were_compared(board):
    found = ask(board, pairs, "pairs", "odd")
    by = {(each.model_a, each.model_b): each for each in found}
    paired = by["m1", "m2"]
    assert paired.paired
    assert paired.n == ITEMS
    a, b = right(0.85, seed=9), right(0.6, seed=2)
    assert paired.difference == pytest.approx(a.mean() - b.mean())
    assert paired.superiority == pytest.approx(
        (drawn(a) > drawn(b)).mean() + (drawn(a) == drawn(b)).mean() / 2
    )
    told = next(each for each in found if each.model_b.startswith("told"))
    assert (told.paired, told.n, told.superiority) == (False, 0, None)
    # Five with a value, controls among them, that were asked here.
    assert len(found) == 15


def test_the_detectable_difference_is_that_of_the_tests_that_are_made(board):
    found = ask(board, benchmark, "benchmark", "kircher2019")
    # Controls and published scores are not told apart from anybody.
    ranked = {line.model.id for line in found.lines if line.score.rank_first is not None}
    answers = [right(share, seed=1) for name, share in SHARES.items() if name in ranked]
    errors = [
        (drawn(a) - drawn(b)).std(ddof=1)
        for place, a in enumerate(answers)
        for b in answers[place + 1 :]
    ]
    m = found.lines[0].score.n_clusters
    reach = stats.t.ppf(0.975, m - 1) * np.sqrt(m / (m - 1)) + stats.norm.ppf(0.8)
    assert found.detectable == pytest.approx(reach * np.median(errors))


def test_a_known_benchmark_tells_what_it_is_and_an_unknown_one_nothing(board):
    known = ask(board, benchmark, "benchmark", "kircher2019")
    assert (known.asks, known.capability) == ("variants", "Predictor")
    assert "Kircher" in known.citation
    assert known.sources[0].size > 0
    assert known.sources[0].licence
    unknown = ask(board, benchmark, "benchmark", "odd")
    assert (unknown.asks, unknown.citation, unknown.sources) == ("", "", [])


def test_versions_are_listed_and_older_ones_have_pages(board):
    found = ask(board, benchmark, "benchmark", "kircher2019")
    assert [each.version for each in found.versions] == ["2", "1"]
    older = ask(board, benchmark, "benchmark", found.versions[1].slug)
    assert ids(older.lines) == ["m1"]
    assert not older.column.newest


def test_the_command_can_be_pasted_whatever_the_name(tmp_path):
    with opened(tmp_path) as store:
        add(store, "a; rm -rf ~\n'x'", "m", right(0.5), settings={"limit": 7})
        board = Board(store)
        (slug,) = board.snapshot().columns
        command = ask(board, benchmark, "benchmark", slug).command
    import shlex

    assert shlex.split(command)[4:] == ["-b", "a; rm -rf ~ 'x'", "--limit", "7"]
    assert "\n" not in command


def test_the_ceiling_is_what_results_say(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5), settings={"ceiling": {"accuracy": 0.97, "other": 3}})
        assert ask(Board(store), benchmark, "benchmark", "b").ceiling == 0.97


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"sort": "value"}, "control:oracle"),
        ({"sort": "value", "order": "asc"}, "m3"),
        ({"sort": "model"}, "control:oracle"),
        ({"sort": "attempts"}, "m1"),
        ({"sort": "standing"}, "Paper <i>"),
        ({"sort": "rank", "order": "desc"}, "m3"),
        ({"search": "m2"}, "m2"),
    ],
)
def test_a_benchmark_is_sorted_as_asked(board, given, first):
    assert ids(ask(board, benchmark, "benchmark", "odd", **given).lines)[0] == first


def test_a_benchmark_is_sorted_by_another_metric(board):
    assert len(ask(board, benchmark, "benchmark", "odd", metric="pearson").lines) == 8
    with pytest.raises(UsageError, match="expected accuracy, pearson"):
        ask(board, benchmark, "benchmark", "odd", metric="speed")


def test_a_model_tells_its_places_versions_and_cost(board):
    found = ask(board, model, "model", "m1")
    assert [each.column.newest for each in found.scores] == [True, True, True, False]
    by = {each.column.id: each for each in found.scores if each.column.newest}
    assert by["kircher2019"].place == 1.0
    assert by["kircher2019"].scaled is None
    value = right(0.85, seed=9).mean()
    assert by["odd"].scaled == pytest.approx((value - 0.5) / 0.5)
    assert found.cost.wall_seconds == pytest.approx(4 * 12.5)
    assert found.cost.peak_rss_bytes == 10**9
    assert found.environment == {"python": "3.12"}
    assert found.training_data == "unknown"
    assert found.notes == ["made up"]
    assert found.versions == [f"1 ({'e' * 32})"]
    assert found.line.over == 3


def test_training_data_are_unknown_unless_declared(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5), settings={"training_data": "hg38, chr1-chr8"})
        assert ask(Board(store), model, "model", "m").training_data == "hg38, chr1-chr8"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sort": "suite"}, ["kircher2019", "gue/h", "odd"]),
        ({"sort": "benchmark"}, ["gue/h", "kircher2019", "odd"]),
        ({"sort": "benchmark", "order": "desc"}, ["odd", "kircher2019", "gue/h"]),
        ({"sort": "value", "order": "asc"}, ["odd", "kircher2019", "gue/h"]),
        ({"sort": "value"}, ["kircher2019", "gue/h", "odd"]),
        ({"suite": "quickstart"}, ["kircher2019"]),
        ({"standing": "published"}, []),
    ],
)
def test_a_model_page_is_sorted_and_filtered_as_asked(board, given, expected):
    found = ask(board, model, "model", "m1", **given)
    # The older version of a benchmark comes after all others, whatever is asked.
    assert [each.column.id for each in found.scores if each.column.newest] == expected
    assert all(each.column.newest for each in found.scores[: len(expected)])


def test_there_is_no_other_model_or_benchmark(board):
    assert ask(board, model, "model", "nobody") is None
    assert ask(board, benchmark, "benchmark", "nothing") is None
    assert ask(board, pairs, "pairs", "nothing") is None


@pytest.fixture
def claimed(tmp_path):
    """Eve had 0.6 verified, and told of 0.9 afterwards."""
    with opened(tmp_path) as store:
        add(store, "b", "n", right(0.7, seed=1))
        add(store, "b", "m", right(0.6, seed=2), owner="eve")
        add(store, "b", "m", 0.9, owner="eve", standing="self-reported", interval=(0.8, 0.95))
        yield Board(store)


@pytest.mark.parametrize(
    ("standing", "values"),
    [("verified", {"n": 0.7, "m": 0.6}), ("self-reported", {"m": 0.9}), ("published", {})],
)
def test_every_page_has_the_newest_result_of_the_standing_asked_for(claimed, standing, values):
    given = {"standing": standing}
    shown = ask(claimed, front, "front", **given)
    told = [
        {line.model.id: line.scores[0].value for line in shown.lines},
        {
            line.model.id: line.scores[0].value
            for line in ask(claimed, suite, "suite", "other", **given).lines
        },
        {
            line.model.id: line.score.value
            for line in ask(claimed, benchmark, "benchmark", "b", **given).lines
        },
    ]
    assert all(each == pytest.approx(values) for each in told)
    found = ask(claimed, pairs, "pairs", "b", **given)
    assert [each.difference for each in found] == pytest.approx([0.1] if len(values) > 1 else [])
    slug = claimed.snapshot().models["eve", "m"].slug
    scores = ask(claimed, model, "model", slug, **given).scores
    assert [each.score.value for each in scores] == pytest.approx(
        [values[id] for id in values if id == "m"]
    )
    # Suites at a glance are of the whole board.
    assert (shown.suites[0].ranked, shown.suites[0].models) == (2, 2)
    assert [each.id for each in shown.suites[0].leaders] == ["m"]


@pytest.mark.parametrize("clusters", [0, 1])
def test_one_cluster_tells_nothing_of_power(tmp_path, clusters):
    with opened(tmp_path) as store:
        for id, share in SHARES.items():
            kept = Replicates(METHOD, clusters, np.ones(ITEMS, dtype=bool), drawn(right(share)))
            store.add(
                made_result("b", "accuracy", id, share, n=clusters),
                standing="verified",
                evidence=Evidence(kept),
            )
        assert ask(Board(store), benchmark, "benchmark", "b").detectable is None


def test_the_ceiling_is_told_by_nobody_but_whom_the_column_is_named_after(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
        add(store, "b", "best", 0.99, owner="eve", standing="self-reported",
            settings={"ceiling": {"accuracy": 0.995}})  # fmt: skip
        assert ask(Board(store), benchmark, "benchmark", "b").ceiling is None
