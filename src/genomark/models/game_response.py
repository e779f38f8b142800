"""Reading a GAME response as published Predictors really write it."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from genomark.errors import GenomarkError
from genomark.protocol import PredictResponse, TaskPrediction

T = TypeVar("T")


def parse_response(raw: Any, where: str, error: type[GenomarkError]) -> PredictResponse:
    """Read a decoded response body.

    Only the shape that scoring rests on is insisted on: tasks, each with predictions by sequence
    id. Everything else may be missing, and a bare string stands for a list of one; an optional key
    that does not have its type is left out.

    Parameters
    ----------
    raw : object
        The decoded body.
    where : str
        File or URL, for the message.
    error : type of GenomarkError
        What to raise if the shape is not there.
    """
    tasks = raw.get("prediction_tasks") if isinstance(raw, dict) else None
    if not isinstance(tasks, list):
        raise error(f"{where}: expected a GAME response with an array 'prediction_tasks'")
    parsed = []
    for index, task in enumerate(tasks):
        predictions = task.get("predictions") if isinstance(task, dict) else None
        if not isinstance(predictions, dict):
            raise error(
                f"{where}: prediction_tasks[{index}] has no object 'predictions' of ids and values"
            )
        parsed.append(_task(task, predictions))
    bin_size, matcher = raw.get("bin_size"), raw.get("matcher_version")
    return PredictResponse(
        predictor_name=str(raw.get("predictor_name", "")),
        prediction_tasks=parsed,
        bin_size=bin_size if type(bin_size) is int else UNSET,
        matcher_version=matcher if isinstance(matcher, str) else UNSET,
    )


def _task(task: dict[str, Any], predictions: dict[str, Any]) -> TaskPrediction:
    def text(key: str) -> str:
        return str(task.get(key, "N/A"))

    kinds = task.get("type_actual", "N/A")
    requested = task.get("scale_prediction_requested")
    return TaskPrediction(
        name=text("name"),
        type_requested=text("type_requested"),
        type_actual=[str(kind) for kind in kinds] if isinstance(kinds, list) else [str(kinds)],
        cell_type_requested=text("cell_type_requested"),
        cell_type_actual=text("cell_type_actual"),
        species_requested=text("species_requested"),
        species_actual=text("species_actual"),
        scale_prediction_requested=None if requested is None else str(requested),
        scale_prediction_actual=text("scale_prediction_actual"),
        predictions=predictions,
        aggregation=_values_of(task.get("aggregation"), str),
        trim_upstream=_values_of(task.get("trim_upstream"), int),
    )


def _values_of(value: Any, kind: type[T]) -> dict[str, T] | UnsetType:
    whole = isinstance(value, dict) and all(type(each) is kind for each in value.values())
    return value if whole else UNSET
