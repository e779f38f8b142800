"""Where a metric is undefined there is no number and a reason: never 0, never NaN."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from plain_loops import ALL, CLASSIFICATIONS, CORRELATIONS, frame

from genomark.scoring import METRICS, ScoringRule, score

NO_NUMBERS = np.array([])
CONSTANT = np.full(5, 0.1)
RISING = np.arange(5.0)
CLASSES = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
ONES = np.ones(5)

CASES = [
    *(
        case
        for name in CORRELATIONS
        for case in (
            (name, CONSTANT, RISING, "constant prediction"),
            (name, RISING, CONSTANT, "constant truth"),
            (name, CONSTANT, CONSTANT, "constant prediction"),
            (name, RISING[:2], RISING[:2], "fewer than 3 items (2)"),
            (name, RISING[:1], RISING[:1], "fewer than 3 items (1)"),
            (name, NO_NUMBERS, NO_NUMBERS, "fewer than 3 items (0)"),
        )
    ),
    *(
        case
        for name in CLASSIFICATIONS
        for case in (
            (name, CONSTANT, CLASSES, "constant prediction"),
            (name, RISING, ONES, "only one class (5 positives of 5)"),
            (name, RISING, 1 - ONES, "only one class (0 positives of 5)"),
            (name, RISING[:2], CLASSES[:2], "fewer than 3 items (2)"),
            (name, NO_NUMBERS, NO_NUMBERS, "fewer than 3 items (0)"),
        )
    ),
    ("mse", NO_NUMBERS, NO_NUMBERS, "no items"),
    ("mse", np.array([1e200, 0.0]), np.array([0.0, 0.0]), "values too large to compute with"),
]


def ids(case):
    return case if isinstance(case, str) else None


@pytest.mark.parametrize(("name", "prediction", "truth", "reason"), CASES, ids=ids)
def test_there_is_a_reason_instead_of_a_value(name, prediction, truth, reason):
    assert METRICS[name].value(prediction, truth) == (None, reason)


@pytest.mark.parametrize(("name", "prediction", "truth", "reason"), CASES, ids=ids)
def test_the_row_carries_the_reason_and_no_interval(name, prediction, truth, reason):
    items = frame(prediction, truth, range(len(truth)))
    (row,) = score(items, ScoringRule(metrics=(name,), cluster="items"), seed=0, replicates=50)
    assert (row.value, row.reason_if_null, row.interval) == (None, reason, None)
    assert row.n == row.n_clusters == len(truth)


@pytest.mark.parametrize("name", ALL)
def test_one_more_item_than_too_few_is_enough(name):
    prediction, truth = np.array([0.3, 0.1, 0.2]), np.array([1.0, 0.0, 1.0])
    value, reason = METRICS[name].value(prediction, truth)
    assert reason is None
    assert math.isfinite(value)


def test_the_error_of_a_constant_prediction_is_defined():
    assert METRICS["mse"].value(CONSTANT, CONSTANT) == (0.0, None)
    assert METRICS["mse"].value(np.array([3.0]), np.array([1.0])) == (4.0, None)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_the_smallest_difference_there_is_makes_a_prediction_that_is_not_constant(name):
    nearly = CONSTANT.copy()
    nearly[-1] = np.nextafter(nearly[-1], 1)
    value, reason = METRICS[name].value(nearly, RISING)
    assert reason is None
    # One item above the rest: the point-biserial correlation with 0 1 2 3 4.
    assert value == pytest.approx(math.sqrt(0.5), abs=1e-12)


def test_differences_beyond_the_range_of_floats_give_no_wrong_number():
    prediction = np.array([1.7e308, -1.7e308, -1.7e308, 0.0])
    value, reason = METRICS["pearson"].value(prediction, np.array([1.0, 2.0, 3.0, 4.0]))
    assert (value, reason) == (None, "values too large to compute with")
    value, _ = METRICS["spearman"].value(prediction, np.array([1.0, 2.0, 3.0, 4.0]))
    assert value == pytest.approx(-math.sqrt(0.1), abs=1e-12)


def test_json_holds_null_and_never_nan():
    items = frame(CONSTANT, RISING, range(5))
    rule = ScoringRule(metrics=CORRELATIONS, cluster="items")
    rows = score(items, rule, seed=0, replicates=20)
    text = json.dumps([row.value for row in rows], allow_nan=False)
    assert text == "[null, null]"
