from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from kept_runs import made, question
from scipy.stats import norm, rankdata, t

from genomark.benchmarks import SUITES
from genomark.results.run_across import across_suites, score_table
from genomark.scoring.across import ScoreTable, pairwise_ranks

NAMES = SUITES["quickstart"]
VALUES = np.array([[0.3, 0.5, 0.1], [0.2, 0.6, 0.4], [0.9, 0.8, 0.7]])


def asked(values=VALUES, names=NAMES, metric="pearson"):
    return [
        question(
            *(
                made(name, model, float(value), metric=metric)
                for model, value in zip("xyz", row, strict=True)
            )
        )
        for name, row in zip(names, values, strict=True)
    ]


def test_ranks_and_win_rates_are_those_of_a_plain_loop():
    (found,) = across_suites(asked())
    ranks = rankdata(-VALUES, axis=1).mean(axis=0)
    order = np.argsort(ranks)
    assert found.suite == "quickstart"
    assert found.models == ["xyz"[k] for k in order]
    assert found.ranks.mean == pytest.approx(ranks[order])
    for row, model in enumerate(order):
        beaten = [VALUES[k, model] > VALUES[k, o] for k in range(3) for o in range(3) if o != model]
        assert found.win_rate(row) == pytest.approx(np.mean(beaten))


def test_where_less_is_better_ranks_turn_round():
    (more,) = across_suites(asked())
    (less,) = across_suites(asked(metric="mse"))
    assert less.models == more.models[::-1]


def test_the_diagram_names_every_model():
    (found,) = across_suites(asked())
    text = [each.text for each in ElementTree.fromstring(found.drawn()).iter()]
    assert {"x", "y", "z"} <= {each.split()[0] for each in text if each}


def test_a_suite_needs_two_benchmarks_and_two_models():
    assert across_suites(asked()[:1]) == []
    assert across_suites(asked(names=["a", "b", "c"])) == []
    alone = [question(made(name)) for name in NAMES]
    assert across_suites(alone) == []


def test_a_benchmark_asked_in_two_ways_counts_as_none():
    again = question(*(made(NAMES[0], model, seed=1) for model in "xyz"))
    (found,) = across_suites([*asked(), again])
    assert found.benchmarks == 2


def test_settings_of_a_benchmark_do_not_take_it_out_of_its_suite():
    names = [f"{name}:fits=1" for name in list(SUITES["gue"])[:3]]
    (found,) = across_suites(asked(names=names))
    assert found.suite == "gue"


def test_a_model_without_a_value_is_missing_there():
    table = score_table([question(made("a", "x"), made("a", "y", None))], ["x", "y", "z"])
    assert table.known.tolist() == [[True], [False], [False]]
    nobody_knows = score_table([question(made("a", "x", metric="beauty"))], ["x"])
    assert nobody_knows.values.shape == (1, 0)


def test_controls_and_published_figures_take_no_part():
    (without,) = across_suites(asked())
    more = []
    for each in asked():
        name = each.asked.benchmark.id
        others = made(name, "control:oracle", 1.0), made(name, "theirs", 0.95, source="a table")
        more.append(question(*each.results, *others))
    (found,) = across_suites(more)
    assert found.models == without.models
    assert found.left_out == ["control:oracle", "theirs"]
    assert without.left_out == []
    np.testing.assert_array_equal(found.ranks.mean, without.ranks.mean)
    np.testing.assert_array_equal(found.groups.adjusted, without.groups.adjusted)
    assert [found.win_rate(k) for k in range(3)] == [without.win_rate(k) for k in range(3)]
    alone = [question(made(name), made(name, "control:random", 0.0)) for name in NAMES]
    assert across_suites(alone) == []


def test_intervals_of_few_families_reach_further_as_student_s_t_does():
    names = list(SUITES["gue"])
    values = np.random.default_rng(3).normal(0.5, 0.1, (len(names), 3))
    (found,) = across_suites(asked(values, names))
    families = found.ranks.families
    assert 2 < families < 10
    rows = values.T[["xyz".index(model) for model in found.models]]
    table = ScoreTable(rows, ["higher"] * len(names), [name.partition(".")[0] for name in names])
    tail = norm.cdf(-t.ppf(0.975, families - 1) * np.sqrt(families / (families - 1)))
    expected = pairwise_ranks(table, seed=0, levels=(tail, 1 - tail))
    usual = pairwise_ranks(table, seed=0)
    np.testing.assert_allclose(found.ranks.low, expected.low)
    np.testing.assert_allclose(found.ranks.high, expected.high)
    assert (found.ranks.high - found.ranks.low > usual.high - usual.low).any()
