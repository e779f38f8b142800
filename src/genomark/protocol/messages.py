"""The messages of GAME 1.0 as typed structs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

READOUTS = ("point", "track", "interaction_matrix")
SCALES = ("log", "linear")

#: A point is a float, a track float64[bins], an interaction matrix float64[bins, bins].
Value = Any


class Unanswered:
    """Stands where a value should be, and says why there is none; goes over the wire as null.

    Parameters
    ----------
    reason : str
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Unanswered({self.reason!r})"


class PredictionTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to predict for every sequence of a request.

    `scale` may be left out, which is not the same as null (GAME 1.0, section 2.2).
    """

    name: str
    type: str
    cell_type: str
    species: str
    scale: str | UnsetType = UNSET


class PredictRequest(msgspec.Struct, omit_defaults=True):
    """What is asked of a Predictor: one readout, some tasks, some sequences.

    `prediction_ranges` are 0-based, inclusive at both ends, in the coordinates of the flanked
    sequence (`upstream_seq` + sequence + `downstream_seq`); an empty list means all of it.
    `sequences` may be `EditedSequences`, which are built one by one as they are looked at.
    """

    readout: str
    prediction_tasks: list[PredictionTask]
    sequences: Mapping[str, str]
    prediction_ranges: dict[str, list[int]] | UnsetType = UNSET
    upstream_seq: str | UnsetType = UNSET
    downstream_seq: str | UnsetType = UNSET


class TaskPrediction(msgspec.Struct, omit_defaults=True):
    """What a Predictor answers to one task.

    The `*_requested` keys echo the task, the `*_actual` keys say what was really predicted.
    """

    name: str
    type_requested: str
    type_actual: list[str]
    cell_type_requested: str
    cell_type_actual: str
    species_requested: str
    species_actual: str
    scale_prediction_requested: str | None
    scale_prediction_actual: str
    predictions: dict[str, Value]
    aggregation: dict[str, str] | UnsetType = UNSET
    trim_upstream: dict[str, int] | UnsetType = UNSET


class PredictResponse(msgspec.Struct, omit_defaults=True):
    """The answer to a request; `bin_size` (bp) is there for tracks."""

    predictor_name: str
    prediction_tasks: list[TaskPrediction]
    bin_size: int | UnsetType = UNSET
    matcher_version: str | UnsetType = UNSET
