"""A made-up board as a whole: every page, and its figures against plain NumPy and SciPy."""

import io
import itertools

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy import stats
from synthetic_board import CONTROLS, synthetic_board
from test_leaderboard_app import ask

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.views import Benchmark, Front, Model, Pair, Suite
from genomark.results.store import Store
from genomark.scoring import Comparison, better, rank

MODELS, BENCHMARKS = 14, 8


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "store"
    synthetic_board(folder, MODELS, BENCHMARKS, items=120, with_items=2, seed=3)
    with Store.open(folder) as store:
        yield store


@pytest.fixture(scope="module")
def app(store):
    return leaderboard_app(store)


@pytest.fixture(scope="module")
def front(app):
    return data(app, "/index.json", Front)


def data(app, path, kind):
    answer = ask(app, path)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=kind)


def test_it_is_the_same_each_time(store, tmp_path):
    again = synthetic_board(tmp_path / "again", MODELS, BENCHMARKS, items=120, seed=3)
    with Store.open(again) as other:
        assert {each.id for each in other.entries()} == {each.id for each in store.entries()}


def test_every_page_of_it_can_be_shown(app, front):
    paths = ["/", "/statistics", "/compare"]
    paths += [f"/suites/{each.slug}" for each in front.suites]
    paths += [f"/benchmarks/{each.slug}" for each in front.columns]
    paths += [f"/models/{each.model.slug}" for each in front.lines]
    for path in paths:
        assert ask(app, path).status_code == 200, path
    for one, other in itertools.pairwise(each.model.slug for each in front.lines):
        assert ask(app, f"/compare?models={one}&models={other}").status_code == 200


def test_all_that_is_in_the_store_is_on_the_board(store, front):
    entries = store.entries()
    scores = [score for line in front.lines for score in line.scores if score is not None]
    assert {each.result for each in scores} == {each.id for each in entries}
    assert front.results == len(entries)
    values = {each.id: (each.value, each.low, each.high) for each in entries}
    for each in scores:
        assert (each.value, each.low, each.high) == values[each.result]


def test_ranks_follow_from_the_pairs_that_are_told(app, front):
    for column in front.columns:
        view = data(app, f"/benchmarks/{column.slug}.json", Benchmark)
        pairs = data(app, f"/benchmarks/{column.slug}/pairs.json", list[Pair])
        ranked = {
            each.model.slug: each.score for each in view.lines if each.score.rank_first is not None
        }
        told = [
            Comparison("", column.metric, pair.model_a, pair.model_b, pair.difference, None,
                       pair.n, pair.tied)
            for pair in pairs
        ]  # fmt: skip
        expected = rank({slug: each.value for slug, each in ranked.items()}, told, column.metric)
        assert {each.model: (each.first, each.last) for each in expected} == {
            slug: (each.rank_first, each.rank_last) for slug, each in ranked.items()
        }
        for pair in pairs:
            assert pair.low <= pair.difference <= pair.high
            assert pair.tied == (pair.low <= 1e-12 and pair.high >= -1e-12)


def test_replicates_in_the_store_give_the_pairs(store, app, front):
    column = front.columns[3]
    entries = {each.model_id: each for each in store.entries(benchmark=column.id) if not each.owner}
    drawn = store.replicates([each.id for each in entries.values()])
    pairs = data(app, f"/benchmarks/{column.slug}/pairs.json", list[Pair])
    higher = better(column.metric) == "higher"
    checked = 0
    for pair in pairs:
        if not pair.paired or pair.model_a not in entries or pair.model_b not in entries:
            continue
        one, other = (drawn[entries[slug].id].drawn for slug in (pair.model_a, pair.model_b))
        ahead = one > other if higher else one < other
        share = ahead.mean() + (one == other).mean() / 2
        assert pair.superiority == pytest.approx(share)
        assert pair.difference == pytest.approx(
            entries[pair.model_a].value - entries[pair.model_b].value
        )
        checked += 1
    assert checked > 10


def test_statistics_over_a_suite_are_those_of_its_scores(app, front):
    suite = data(app, "/suites/gue.json", Suite)
    signs = np.array([1 if each.higher_is_better else -1 for each in suite.columns])
    values = {
        line.model.slug: signs
        * [
            np.nan if score is None or score.rank_first is None else score.value
            for score in line.scores
        ]
        for line in suite.lines
    }
    controls = {each.model.slug for each in front.lines if each.model.id in CONTROLS}
    for pair in suite.pairs:
        one, other = values[pair.model_a], values[pair.model_b]
        assert not {pair.model_a, pair.model_b} & controls
        shared = np.isfinite(one) & np.isfinite(other)
        assert pair.tasks == shared.sum()
        difference = (one - other)[shared]
        assert pair.wins == (difference > 0).sum() + (difference == 0).sum() / 2
        if (difference != 0).any():
            assert pair.p_value == pytest.approx(stats.wilcoxon(difference).pvalue)
        assert pair.apart == (pair.adjusted < 0.05)
    tested = sorted(each.p_value for each in suite.pairs if each.p_value is not None)
    assert min(each.adjusted for each in suite.pairs if each.adjusted is not None) == pytest.approx(
        min(1.0, tested[0] * len(tested))
    )


def test_mean_ranks_are_expected_ranks_of_pairs(app):
    suite = data(app, "/suites/gue.json", Suite)
    lines = [each for each in suite.lines if each.mean_rank is not None]
    m = len(lines)
    wins = {
        (pair.model_a, pair.model_b): pair.wins / pair.tasks for pair in suite.pairs if pair.tasks
    }
    for line in lines:
        slug = line.model.slug
        lost = [1 - share for (a, _), share in wins.items() if a == slug]
        lost += [share for (_, b), share in wins.items() if b == slug]
        assert line.mean_rank.value == pytest.approx(1 + (m - 1) * np.mean(lost))
        assert line.over == sum(
            score is not None and score.rank_first is not None for score in line.scores
        )


def test_scaled_scores_put_the_controls_at_0_and_1(app, front):
    slugs = {each.model.id: each.model.slug for each in front.lines}
    random, oracle = (data(app, f"/models/{slugs[id]}.json", Model) for id in CONTROLS)
    for view, expected in ((random, 0.0), (oracle, 1.0)):
        scaled = [each.scaled for each in view.scores if each.scaled is not None]
        assert len(scaled) >= BENCHMARKS - 2
        assert scaled == pytest.approx([expected] * len(scaled))


def test_every_standing_is_on_it_and_only_asked_results_rank(front):
    scores = [score for line in front.lines for score in line.scores if score is not None]
    assert {each.standing for each in scores} == {"verified", "self-reported", "published"}
    for line in front.lines:
        for score in line.scores:
            if score is not None and (score.standing == "published" or line.model.id in CONTROLS):
                assert score.rank_first is score.rank_last is None


def test_twins_tell_the_same(app, front):
    table = pl.read_parquet(io.BytesIO(ask(app, "/index.parquet").content))
    told = {
        (line.model.owner, line.model.id, column.id): score.value
        for line in front.lines
        for column, score in zip(front.columns, line.scores, strict=True)
        if score is not None
    }
    read = {row[:3]: row[3] for row in table.select("owner", "model", "benchmark", "value").rows()}
    assert read == told
    csv = pl.read_csv(ask(app, "/index.csv").content, schema=table.schema)
    assert csv.equals(table)


def test_order_by_a_column_is_that_of_its_values(app, front):
    for column in front.columns[:4]:
        view = data(app, f"/index.json?sort={column.slug}", Front)
        place = [each.slug for each in view.columns].index(column.slug)
        values = [line.scores[place].value for line in view.lines if line.scores[place]]
        assert values == sorted(values, reverse=column.higher_is_better)
        turned = data(app, f"/index.json?sort={column.slug}&order=asc", Front)
        ascending = [line.scores[place].value for line in turned.lines if line.scores[place]]
        assert ascending == sorted(values)


def test_items_of_it_can_be_looked_at(app, front):
    with_items = [
        each.slug
        for each in front.columns
        if data(app, f"/benchmarks/{each.slug}.json", Benchmark).has_items
    ]
    assert len(with_items) == 2
    table = pl.read_parquet(
        io.BytesIO(ask(app, f"/benchmarks/{with_items[0]}/items.parquet").content)
    )
    assert len(table) == 120
    item = ask(app, f"/benchmarks/{with_items[0]}/item.json?item=item+7").json()
    row = table.row(7, named=True)
    told = {each["model"]["slug"]: each["value"] for each in item["answers"]}
    assert told == pytest.approx({slug: row[slug] for slug in told})
