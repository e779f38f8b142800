from __future__ import annotations

import numpy as np
import pytest
from kept_runs import made, pair, question
from scipy import stats

import genomark
from genomark.errors import UsageError
from genomark.results.model_comparison import (
    better_of,
    compare_models,
    independent_difference,
    over_benchmarks,
    side_by_side,
    turned,
)
from genomark.results.run_record import read_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    genomark.run(
        ["gc", "cpg"], "simulated-enhancers", out=out, limit=150, workers=1, progress=False
    )
    return out


def _items(folder, model):
    from genomark.results.answers_at_hand import answers_at_hand

    (asked,) = read_run([folder]).questions
    return answers_at_hand(asked).scored[model].items()


def test_the_difference_is_that_of_the_metric_on_shared_items(folder):
    (found,) = compare_models(read_run([folder]).questions).pairs
    values = {}
    for model in (found.model_a, found.model_b):
        items = _items(folder, model)
        values[model] = stats.pearsonr(items["truth"], items["value"])[0]
    expected = values[found.model_a] - values[found.model_b]
    assert found.difference == pytest.approx(expected, rel=1e-9)
    assert found.interval[0] < expected < found.interval[1]
    assert (found.how, found.n, found.note) == ("items", 150, None)


def test_the_items_that_differ_most_are_those_of_a_plain_loop(folder):
    found = compare_models(read_run([folder]).questions, items=5).items
    a, b = (_items(folder, model)["value"].to_numpy() for model in ("gc", "cpg"))
    scaled = [(each - each.mean()) / each.std() for each in (a, b)]
    apart = np.abs(scaled[0] - scaled[1])
    assert len(found) == 5
    assert [each.apart for each in found] == pytest.approx(sorted(apart, reverse=True)[:5])
    ids = _items(folder, "gc")["item_id"]
    place = ids.to_list().index(found[0].item)
    first = {found[0].model_a: found[0].answer_a, found[0].model_b: found[0].answer_b}
    assert first == {"gc": a[place], "cpg": b[place]}


def test_a_document_is_taken_at_its_word_whichever_way_it_is_asked():
    known = [pair("gc", "cpg", 0.2, interval=(0.1, 0.4))]
    (found,) = compare_models(
        [question(made(model="cpg"), made(model="gc"), comparisons=known)]
    ).pairs
    assert (found.model_a, found.model_b, found.how) == ("cpg", "gc", "document")
    assert found.difference == -0.2
    assert found.interval == (-0.4, -0.1)
    assert found.superiority == pytest.approx(0.1)
    assert turned(turned(known[0])).interval == known[0].interval


def test_two_scores_alone_are_taken_for_independent():
    # Of symmetrical intervals it is the square root of the sum of squares.
    rows = [
        made(value=0.5, interval=(0.2, 0.8)).metrics[0],
        made(value=0.1, interval=(-0.3, 0.5)).metrics[0],
    ]
    assert independent_difference(*rows) == pytest.approx((0.4 - 0.5, 0.4 + 0.5))
    skewed = made(value=0.1, interval=(0.1, 0.5)).metrics[0]
    assert independent_difference(rows[0], skewed) == pytest.approx((0.4 - 0.5, 0.4 + 0.3))
    assert independent_difference(rows[0], made().metrics[0]) is None


def test_independent_intervals_hold_the_difference_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        values = rng.normal((1.0, 0.4), (0.3, 0.2))
        rows = [
            made(value=v, interval=(v - 1.96 * s, v + 1.96 * s)).metrics[0]
            for v, s in zip(values, (0.3, 0.2), strict=True)
        ]
        low, high = independent_difference(*rows)
        held += low <= 0.6 <= high
    assert abs(held / 2000 - 0.95) < 0.02


def test_without_predictions_comparisons_or_intervals_there_is_no_verdict():
    (found,) = compare_models([question(made(model="a"), made(model="b", value=0.4))]).pairs
    assert (found.how, found.tied, found.interval) == ("none", None, None)
    assert found.difference == pytest.approx(0.1)
    (undefined,) = compare_models([question(made(model="a"), made(model="b", value=None))]).pairs
    assert undefined.difference is None
    assert undefined.note == "pearson is undefined: constant"


def test_equal_answers_are_equal_whatever_their_names():
    one, two = (made(model=name, answers="x", interval=(0.1, 0.9)) for name in "ab")
    (found,) = compare_models([question(one, two)]).pairs
    assert (found.how, found.difference, found.interval, found.tied) == ("same", 0, (0, 0), True)


def test_less_is_better_where_the_metric_says_so():
    assert better_of("pearson", "a", "b", 0.1) == "a"
    assert better_of("mse", "a", "b", 0.1) == "b"


def test_over_benchmarks_wilcoxon_and_holm_are_those_of_scipy_and_a_plain_loop():
    rng = np.random.default_rng(7)
    values = rng.normal((0.5, 0.4, 0.1), 0.1, size=(9, 3))
    asked = [
        question(*(made(f"b{k}", model, float(v)) for model, v in zip("xyz", row, strict=True)))
        for k, row in enumerate(values)
    ]
    found = over_benchmarks(asked)
    pairs = [(0, 1), (0, 2), (1, 2)]
    p = [stats.wilcoxon(values[:, a], values[:, b]).pvalue for a, b in pairs]
    assert [each.p for each in found] == pytest.approx(p)
    adjusted, least = [0.0] * 3, 0.0
    for rank, place in enumerate(np.argsort(p)):
        least = max(least, min(1.0, p[place] * (3 - rank)))
        adjusted[place] = least
    assert [each.adjusted for each in found] == pytest.approx(adjusted)
    for each, (a, b) in zip(found, pairs, strict=True):
        wins = int((values[:, a] > values[:, b]).sum())
        assert (each.wins, each.losses, each.benchmarks) == (wins, 9 - wins, 9)
        assert each.win_rate == pytest.approx(wins / 9)
        assert each.apart == (each.adjusted < 0.05)
    assert over_benchmarks(asked[:1]) == []


def test_other_versions_digests_and_limits_are_refused_in_one_line():
    mine = [question(made())]
    for theirs, told in (
        (
            made(version="2"),
            r"is version 1 \(digest bbbbbbbb\) in A and 2 \(digest bbbbbbbb\) in B",
        ),
        (made(digest="c" * 32), "not compared; run both with one version"),
        (made(limit=10), "asked with --limit None in A and 10 in B"),
        (made("other"), "A has simulated-enhancers, B has other"),
    ):
        with pytest.raises(UsageError, match=told):
            side_by_side(mine, [question(theirs)])


def test_models_of_one_name_are_told_apart():
    (both,) = side_by_side([question(made())], [question(made(value=0.2), made(model="cpg"))])
    assert list(both.kept) == ["gc (A)", "gc (B)", "cpg"]
    with pytest.raises(UsageError, match="expected two models"):
        compare_models([question(made())])


def test_figures_of_one_published_table_are_not_taken_for_equal_answers():
    one, two = (
        made(model=name, value=value, answers="of the table", source="a table")
        for name, value in (("a", 0.5), ("b", 0.4))
    )
    computed = made(model="c", value=0.2, answers="of the table")
    found = compare_models([question(one, two, computed)]).pairs
    assert [each.difference for each in found] == pytest.approx([0.1, 0.3, 0.2])
    for each in found:
        assert (each.how, each.interval, each.tied) == ("none", None, None)
        assert each.note.endswith("there is nothing to compare on but the two values")
