from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from kept_runs import EVIL, made

from genomark.benchmarks.scored import item_table
from genomark.results import run_charts
from genomark.results.run_charts import MOST_PANELS, answers_chart, cost_chart, groups_chart
from genomark.scoring import MetricRow


class Answers:
    def __init__(self, truth, value):
        self._table = item_table([f"i{k}" for k in range(len(truth))], [""], truth, value)

    def items(self) -> pl.DataFrame:
        return self._table


@pytest.fixture
def specs(monkeypatch):
    """Specifications in place of drawings."""
    monkeypatch.setattr(run_charts, "chart", lambda spec, label: json.dumps([spec, label]))


def read(drawn):
    return json.loads(drawn)


def test_answers_stand_against_the_truth_item_by_item(specs):
    rng = np.random.default_rng(0)
    truth, value = rng.normal(size=(2, 40))
    value[3] = np.nan
    spec, label = read(answers_chart({"a": Answers(truth, value)}, 100))
    (panel,) = spec["concat"]
    rows = panel["data"]["values"]
    expected = [k for k in range(40) if k != 3]
    assert [row["truth"] for row in rows] == pytest.approx(truth[expected])
    assert [row["answer"] for row in rows] == pytest.approx(value[expected])
    assert label == "1 models: answers against the truth"


def test_of_many_items_a_lot_is_drawn_that_is_always_the_same(specs):
    truth = np.linspace(0, 1, 500)
    given = {"a": Answers(truth, truth)}
    first = answers_chart(given, 50)
    rows = read(first)[0]["concat"][0]["data"]["values"]
    assert len({row["truth"] for row in rows}) == 50
    assert first == answers_chart(given, 50)


def test_of_classes_it_is_shares_for_each(specs):
    truth = np.repeat([0.0, 1.0], [30, 10])
    value = np.concatenate([np.linspace(0, 0.5, 30), np.linspace(0.5, 1, 10)])
    rows = read(answers_chart({"a": Answers(truth, value)}, 10))[0]["concat"][0]["data"]["values"]
    for name in "01":
        shares = [row["share"] for row in rows if row["truth"] == name]
        assert sum(shares) == pytest.approx(1.0)
    low = [row for row in rows if row["truth"] == "1" and row["to"] <= 0.45]
    assert all(row["share"] == 0 for row in low)


def test_no_more_panels_than_can_be_read(specs):
    truth = np.linspace(0, 1, 20)
    given = {f"m{k}": Answers(truth, truth) for k in range(MOST_PANELS + 2)}
    assert len(read(answers_chart(given, 10))[0]["concat"]) == MOST_PANELS
    assert answers_chart({"a": Answers([], [])}, 10) is None


def test_groups_are_those_of_the_first_metric(specs):
    result = made(metric="mean_pearson")
    rows = [
        MetricRow(name, f"g{k}", value, None, None, "", 1, 1)
        for name, offset in (("pearson", 0.0), ("spearman", 5.0))
        for k, value in enumerate(np.array([0.1, 0.2, 0.3]) + offset)
    ]
    result.metrics.extend(rows)
    spec, _ = read(groups_chart([result]))
    assert [row["value"] for row in spec["data"]["values"]] == pytest.approx([0.1, 0.2, 0.3])
    assert groups_chart([made()]) is None


def test_cost_has_who_has_a_value(specs):
    results = [made(model="a", interval=(0.4, 0.6)), made(model="b"), made(model="c", value=None)]
    spec, _ = read(cost_chart(results))
    rows = spec["data"]["values"]
    assert [(row["model"], row["low"], row["high"]) for row in rows] == [
        ("a", 0.4, 0.6),
        ("b", 0.5, 0.5),
    ]
    assert cost_chart(results[1:]) is None


def test_names_of_strangers_are_drawn_as_text():
    truth = np.linspace(0, 1, 10)
    for drawn in (
        answers_chart({EVIL: Answers(truth, truth)}, 10),
        cost_chart([made(model=EVIL), made(model="b")]),
    ):
        assert "<script" not in drawn
        assert "\x1b" not in drawn
        assert "&lt;script" in drawn
