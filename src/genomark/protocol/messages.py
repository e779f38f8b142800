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

    Attributes
    ----------
    name : str
        By which the answer is known.
    type : str
        What is measured, such as ``expression`` or ``accessibility``.
    cell_type, species : str
        In which; ``NA`` where it does not matter.
    scale : {"log", "linear"}
        Of the answer; UNSET leaves it to the Predictor.
    """

    name: str
    type: str
    cell_type: str
    species: str
    scale: str | UnsetType = UNSET


class PredictRequest(msgspec.Struct, omit_defaults=True):
    """What is asked of a Predictor: one readout, some tasks, some sequences.

    What is left out is ``msgspec.UNSET``.

    Attributes
    ----------
    readout : {"point", "track", "interaction_matrix"}
        A number a sequence, a number a bin, or a number a pair of bins.
    prediction_tasks : list of PredictionTask
        What to predict of every sequence.
    sequences : mapping of str to str
        By their ids; perhaps built as they are looked at.
    prediction_ranges : dict of str to list of int
        First and last base that is asked for, 0-based and inclusive, in the coordinates of the
        flanked sequence (`upstream_seq` + sequence + `downstream_seq`); an empty list means all of
        it.
    upstream_seq, downstream_seq : str
        Flanks of every sequence.
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

    Attributes
    ----------
    name : str
        Of the task.
    type_requested, cell_type_requested, species_requested : str
        As asked.
    scale_prediction_requested : str or None
        As asked; None where it was left out.
    type_actual : list of str
        What was predicted; ``NA`` where it depends on nothing.
    cell_type_actual, species_actual, scale_prediction_actual : str
        The same.
    predictions : mapping of str to value
        By the id of the sequence: a number, an array float64[bins], an array float64[bins, bins],
        or `Unanswered`.
    aggregation : dict of str to str
        How several values were made one, such as ``mean``: of `bins`, `tracks`, `replicates` or
        `models`.
    trim_upstream : dict of str to int
        Bases of the first bin that lie before the range, by id of the sequence.
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
    predictions: Mapping[str, Value]
    aggregation: dict[str, str] | UnsetType = UNSET
    trim_upstream: dict[str, int] | UnsetType = UNSET


class PredictResponse(msgspec.Struct, omit_defaults=True):
    """The answer to a request; what does not apply is ``msgspec.UNSET``.

    Attributes
    ----------
    predictor_name : str
        Who answers.
    prediction_tasks : list of TaskPrediction
        One a task, in order.
    bin_size : int
        Bases that a value of a track stands for.
    matcher_version : str
        Of the Matcher that found what was meant, if any.
    """

    predictor_name: str
    prediction_tasks: list[TaskPrediction]
    bin_size: int | UnsetType = UNSET
    matcher_version: str | UnsetType = UNSET
