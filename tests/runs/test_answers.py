"""Pieces of one request, put together as if all had been asked at once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from msgspec import UNSET
from toy import Toy

from genomark.protocol import PredictResponse, TaskPrediction
from genomark.runs.answers import Answers, joined


def response(name: str, trim: int | None) -> PredictResponse:
    task = TaskPrediction(
        name="t",
        type_requested="expression",
        type_actual=["expression"],
        cell_type_requested="K562",
        cell_type_actual="K562",
        species_requested="homo_sapiens",
        species_actual="homo_sapiens",
        scale_prediction_requested=None,
        scale_prediction_actual="log",
        predictions={name: np.zeros(3)},
        trim_upstream=UNSET if trim is None else {name: trim},
    )
    return PredictResponse("p", [task], bin_size=4)


def together(*trims: int | None) -> TaskPrediction:
    toy = Toy()
    part = toy.part_at(0)[: len(trims)]
    found = [
        Answers(
            range(row, row + 1),
            pl.DataFrame({"item_id": [item]}),
            responses=[response(item, trim)],
        )
        for row, (item, trim) in enumerate(zip(part["item_id"], trims, strict=True))
    ]
    (whole,) = joined(toy, part, found, {}).responses
    assert whole.bin_size == 4
    (task,) = whole.prediction_tasks
    return task


def test_what_is_told_of_each_sequence_is_kept_of_all():
    task = together(2, 0, 3)
    assert list(task.predictions) == ["a0", "a1", "a2"]
    assert task.trim_upstream == {"a0": 2, "a1": 0, "a2": 3}


@pytest.mark.parametrize(
    ("trims", "expected"), [((None, None), UNSET), ((None, 1), {"a1": 1}), ((1, None), {"a0": 1})]
)
def test_what_no_piece_tells_is_not_told(trims, expected):
    task = together(*trims)
    assert task.trim_upstream == expected
    assert list(task.predictions) == ["a0", "a1"]
