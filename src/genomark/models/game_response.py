"""Reading a GAME response as published Predictors really write it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from genomark.errors import GenomarkError, one_line
from genomark.protocol import (
    PredictionTask,
    PredictRequest,
    PredictResponse,
    SoundPoints,
    TaskPrediction,
    Unanswered,
    covering_bins,
    sequence_length,
)

T = TypeVar("T")

#: How servers write that there is nothing to say.
_UNKNOWN = ("", "NA", "N/A", "NULL", "None")
_ACTUAL = ("type_actual", "cell_type_actual", "species_actual", "scale_prediction_actual")
#: Characters shown of a value that is not a number.
_SHOWN = 60


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
        if not isinstance(predictions, dict | SoundPoints):
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


def _task(task: dict[str, Any], predictions: Mapping[str, Any]) -> TaskPrediction:
    def text(key: str) -> str:
        value = task.get(key)
        return "N/A" if value is None else str(value)

    kinds = task.get("type_actual")
    kinds = "N/A" if kinds is None else kinds
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


@dataclass(frozen=True)
class PartAnswer:
    """An answer read for the request it answers.

    Attributes
    ----------
    response : PredictResponse
        One task for each of the request, one value or `Unanswered` for each of its sequences.
    answered : bool
        Whether there was anything in it: a value, or the reason why a task has none.
    """

    response: PredictResponse
    answered: bool


def read_answer(
    raw: Any, request: PredictRequest, where: str, error: type[GenomarkError]
) -> PartAnswer:
    """Read a decoded response body as the answer to a request.

    Parameters
    ----------
    raw : object
        The decoded body.
    request : PredictRequest
    where : str
        URL, for the message.
    error : type of GenomarkError
        What to raise if there are no tasks in it.

    Returns
    -------
    PartAnswer
        Values are as the readout wants them: a point a float, a track a float64[bins], a matrix a
        float64[bins, bins]. What is missing or has another form is `Unanswered`; what was not asked
        is left out.
    """
    tasks = raw.get("prediction_tasks") if isinstance(raw, dict) else None
    if isinstance(tasks, list) and len(tasks) > 1:
        # One task without predictions is no reason to lose those of the others.
        whole = [task if _has_predictions(task) else _failed(task) for task in tasks]
        raw = {**raw, "prediction_tasks": whole}
    return read_response(parse_response(raw, where, error), request)


def read_response(response: PredictResponse, request: PredictRequest) -> PartAnswer:
    """Read a parsed response as the answer to a request; see `read_answer`."""
    reader = _Reader(request, response.bin_size)
    matched = _matched(request.prediction_tasks, response.prediction_tasks)
    read = [
        reader.task(asked, found)
        for asked, found in zip(request.prediction_tasks, matched, strict=True)
    ]
    return PartAnswer(
        msgspec.structs.replace(response, prediction_tasks=read), answered=reader.answered
    )


def merge_answers(
    request: PredictRequest,
    answers: Sequence[PredictResponse],
    unanswered: Mapping[str, Unanswered],
) -> PredictResponse:
    """Put the answers to the parts of a request together.

    Parameters
    ----------
    request : PredictRequest
        The whole of it.
    answers : sequence of PredictResponse
        At least one, as `read_answer` gives them.
    unanswered : dict of str to Unanswered
        Why there is nothing for the sequences that are in none of them.

    Returns
    -------
    PredictResponse
        Sequences in the order of the request.

    Raises
    ------
    ValueError
        If the parts were not answered by the same thing: naming what differs.
    """
    first = answers[0]
    if len(answers) == 1 and not unanswered:
        return first
    tasks = [
        _merged_task(request, [answer.prediction_tasks[index] for answer in answers], unanswered)
        for index in range(len(request.prediction_tasks))
    ]
    sizes = [answer.bin_size for answer in answers if answer.bin_size is not UNSET]
    matchers = [each.matcher_version for each in answers if each.matcher_version is not UNSET]
    return PredictResponse(
        predictor_name=first.predictor_name,
        prediction_tasks=tasks,
        bin_size=_agreed("bin_size", sizes) if sizes else UNSET,
        matcher_version=matchers[0] if matchers else UNSET,
    )


def renamed(response: PredictResponse, names: list[str]) -> PredictResponse:
    """Call sequences by their names that were asked about by their places, in that order."""
    tasks = [
        msgspec.structs.replace(
            task,
            predictions=SoundPoints(names, task.predictions.told)
            if isinstance(task.predictions, SoundPoints)
            else dict(zip(names, task.predictions.values(), strict=True)),
            trim_upstream=UNSET
            if task.trim_upstream is UNSET
            else {names[int(place)]: trim for place, trim in task.trim_upstream.items()},
        )
        for task in response.prediction_tasks
    ]
    return msgspec.structs.replace(response, prediction_tasks=tasks)


def _merged_task(
    request: PredictRequest,
    parts: list[TaskPrediction],
    unanswered: Mapping[str, Unanswered],
) -> TaskPrediction:
    values = {name: value for part in parts for name, value in part.predictions.items()}
    values = {**unanswered, **values}
    actual = {}
    for key in _ACTUAL:
        found = [getattr(part, key) for part in parts]
        known = [value for value in found if _is_known(value)]
        what = f"{key} of task '{one_line(parts[0].name)}'"
        actual[key] = _agreed(what, known) if known else found[0]
    trims: dict[str, int] = {}
    for part in parts:
        trims.update(part.trim_upstream or {})
    given = any(part.trim_upstream is not UNSET for part in parts)
    aggregations = [part.aggregation for part in parts if part.aggregation is not UNSET]
    return msgspec.structs.replace(
        parts[0],
        **actual,
        predictions={name: values[name] for name in request.sequences},
        aggregation=aggregations[0] if aggregations else UNSET,
        trim_upstream=_chosen(trims, request.sequences) if given else UNSET,
    )


def _agreed(what: str, found: list[T]) -> T:
    def plain(value: Any) -> Any:
        return sorted(value) if isinstance(value, list) else value

    for value in found[1:]:
        if plain(value) != plain(found[0]):
            raise ValueError(f"{what}: {one_line(found[0])} and {one_line(value)}")
    return found[0]


def _is_known(value: str | list[str]) -> bool:
    names = value if isinstance(value, list) else [value]
    return any(name not in _UNKNOWN for name in names)


def _has_predictions(task: Any) -> bool:
    return isinstance(task, dict) and isinstance(task.get("predictions"), dict | SoundPoints)


def _failed(task: Any) -> dict[str, Any]:
    return {**(task if isinstance(task, dict) else {}), "predictions": {}}


def _matched(
    asked: list[PredictionTask], found: list[TaskPrediction]
) -> Iterator[TaskPrediction | None]:
    """Pair tasks by name, those of one name by place; a task without a name by its place alone."""
    if len(asked) == len(found) == 1:
        yield found[0]
        return
    by_name: dict[str, list[TaskPrediction]] = {}
    for each in found:
        by_name.setdefault(each.name, []).append(each)
    for index, task in enumerate(asked):
        if named := by_name.get(task.name):
            yield named.pop(0)
        else:
            at_place = found[index] if len(found) == len(asked) else None
            yield at_place if at_place and at_place.name in _UNKNOWN else None


def _chosen(values: Mapping[str, T], names: Mapping[str, Any]) -> dict[str, T]:
    return {name: values[name] for name in names if name in values}


class _Reader:
    """Reads the tasks of one answer."""

    def __init__(self, request: PredictRequest, bin_size: int | UnsetType) -> None:
        self.answered = False
        self._request = request
        self._ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
        self._flanks = len(request.upstream_seq or "") + len(request.downstream_seq or "")
        self._bin_size = bin_size if isinstance(bin_size, int) and bin_size > 0 else None

    def task(self, asked: PredictionTask, found: TaskPrediction | None) -> TaskPrediction:
        if found is None:
            found = _task({}, {})
            values = self._values(found, Unanswered("the answer does not hold this task"))
        elif isinstance(found.predictions, SoundPoints) and self._request.readout == "point":
            self.answered = True
            values = found.predictions
        else:
            values = self._values(found, self._missing(found))
        trims = found.trim_upstream or {}
        return msgspec.structs.replace(
            found,
            # Servers echo these, and some forget to.
            name=asked.name,
            type_requested=asked.type,
            cell_type_requested=asked.cell_type,
            species_requested=asked.species,
            scale_prediction_requested=None if asked.scale is UNSET else asked.scale,
            predictions=values,
            trim_upstream=_chosen(trims, values) if found.trim_upstream is not UNSET else UNSET,
        )

    def _values(self, found: TaskPrediction, missing: Unanswered) -> Mapping[str, Any]:
        trims = found.trim_upstream or {}
        return {
            name: self._value(name, found.predictions[name], trims.get(name, 0))
            if name in found.predictions
            else missing
            for name in self._request.sequences
        }

    def _missing(self, found: TaskPrediction) -> Unanswered:
        # A task that failed holds its error where the values would be (GAME 1.0, section 3.5).
        if "error" in found.predictions and "error" not in self._request.sequences:
            self.answered = True
            return Unanswered(f"the model refused: {one_line(found.predictions['error'])}")
        return Unanswered("missing from the answer")

    def _value(self, name: str, value: Any, trim: int) -> Any:
        self.answered = True
        if isinstance(value, Unanswered):
            if value.reason:
                return value
            value = None
        if self._request.readout == "point":
            return _point(value)
        if self._request.readout == "track":
            return self._track(name, value, trim)
        return _matrix(value)

    def _track(self, name: str, value: Any, trim: int) -> Any:
        # What Enformer and Borzoi squeeze to a scalar is a track of one bin.
        track = _floats([value] if isinstance(value, int | float) else value)
        if track is None or track.ndim != 1:
            return Unanswered(f"expected a track of numbers, got {_shown(value)}")
        if self._bin_size is None:
            return track
        expected = self._bins(name, trim)
        if track.size not in expected:
            return Unanswered(f"{track.size:,} bins where {expected[0]:,} expected")
        return track

    def _bins(self, name: str, trim: int) -> tuple[int, int]:
        """Count the bins that cover a sequence or range as documented, and with the end left out.

        Some servers take the end of a range for exclusive (GAME 1.0, section 2.3).
        """
        assert self._bin_size is not None
        limits = self._ranges.get(name)
        length = sequence_length(self._request.sequences, name) + self._flanks
        if limits:
            length = limits[1] - limits[0] + 1
        span = covering_bins(max(0, trim), length, self._bin_size)
        bins = span.last - span.first
        if not limits or length == 1:
            return bins, bins
        shorter = covering_bins(max(0, trim), length - 1, self._bin_size)
        return bins, shorter.last - shorter.first


def _point(value: Any) -> float | Unanswered:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    alone = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(alone, bool) or not isinstance(alone, int | float):
        return Unanswered(f"expected a number, got {_shown(value)}")
    try:
        return float(alone)
    except OverflowError:
        return np.inf if alone > 0 else -np.inf


def _matrix(value: Any) -> NDArray[np.float64] | Unanswered:
    matrix = _floats(value)
    if matrix is None or matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        found = _shown(value if matrix is None else matrix)
        return Unanswered(f"expected a square matrix of numbers, got {found}")
    return matrix


def _floats(value: Any) -> NDArray[np.float64] | None:
    """Give an array, or None where there is anything in it that is neither a number nor null.

    Null is how JSON without NaN writes it.
    """
    if not isinstance(value, list | np.ndarray):
        return None
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(
            each is None or type(each) in (int, float) for each in array.flat
        ):
            array = array.astype(np.float64)
    except (ValueError, OverflowError):
        return None
    if array.dtype.kind not in "fiu":
        return None
    return array.astype(np.float64, copy=False)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = one_line(value)
        return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}...'"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value):,}"
    return one_line(repr(value))
