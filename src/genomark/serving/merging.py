"""Putting the answers of chunks together from the workers' own bytes, if they agree."""

from __future__ import annotations

import contextlib
from collections.abc import (
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Raw

from genomark.errors import one_line
from genomark.models.http_answer import HttpAnswer
from genomark.protocol import (
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    PredictionFailedError,
    UpstreamDependencyError,
    answer_format,
    decode_answer,
    encode,
)
from genomark.protocol.arrays import numpy_map
from genomark.serving.pool_errors import WorkerFailedError

_MERGED = ("predictions", "trim_upstream")
_ACTUAL = (
    "type_actual",
    "cell_type_actual",
    "species_actual",
    "scale_prediction_actual",
    "bin_size",
)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)


@dataclass
class Part:
    """What a worker answered to a chunk, every value as bytes of the format wanted."""

    url: str
    top: dict[str, Any]
    tasks: list[dict[str, Any]]


def read_part(answer: HttpAnswer, kind: str, url: str, n_tasks: int) -> Part:
    """Take an answer apart without reading the numbers in it.

    Parameters
    ----------
    answer : HttpAnswer
    kind : str
        The format that the client wants. An answer in another one is read and written anew.
    url : str
    n_tasks : int

    Raises
    ------
    WorkerFailedError
        If it is not an answer to so many tasks.
    """
    try:
        if answer_format(answer.content_type) == kind:
            with contextlib.suppress(
                msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError
            ):
                return _whole(Part(url, *_raw_parts(answer.body, kind)), n_tasks)
        raw = decode_answer(answer.body, answer_format(answer.content_type))
        if not isinstance(raw, dict) or not isinstance(raw.get("prediction_tasks"), list):
            raise ValueError("it has no array 'prediction_tasks'")
        tasks, raw["prediction_tasks"] = raw["prediction_tasks"], None
        part = Part(url, _written(raw, kind), [_written_task(task, kind) for task in tasks])
        return _whole(part, n_tasks)
    except (BadRequestError, AttributeError, KeyError, TypeError, ValueError) as error:
        told = UpstreamDependencyError(
            f"{url} answered something that is no prediction: {one_line(error)}"
        )
        raise WorkerFailedError(told) from error


def _whole(part: Part, n_tasks: int) -> Part:
    if len(part.tasks) != n_tasks:
        raise ValueError(f"{len(part.tasks)} tasks where {n_tasks} were asked for")
    if not all("predictions" in task for task in part.tasks):
        raise ValueError("a task without predictions")
    return part


def _raw_parts(body: bytes, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    reads = _READS[kind]
    top = reads.of_raw(body)
    tasks: list[dict[str, Any]] = reads.list_of_raw(top["prediction_tasks"])
    for task in tasks:
        task.update({key: reads.of_raw(task[key]) for key in _MERGED if key in task})
    return top, tasks


class _Reads(NamedTuple):
    of_raw: Callable[[Any], dict[str, Any]]
    list_of_raw: Callable[[Any], list[dict[str, Any]]]
    value: Callable[[Any], Any]


def _reads(package: Any) -> _Reads:
    return _Reads(
        package.Decoder(dict[str, Raw]).decode,
        package.Decoder(list[dict[str, Raw]]).decode,
        package.Decoder().decode,
    )


_READS = {
    JSON: _reads(msgspec.json),
    MSGPACK: _reads(msgspec.msgpack),
    MSGPACK_NUMPY: _reads(msgspec.msgpack),
}


def _written(values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        key: Raw(
            encode(
                numpy_map(value)
                if kind == MSGPACK_NUMPY and isinstance(value, np.ndarray)
                else value,
                kind,
            )
        )
        for key, value in values.items()
    }


def _written_task(task: Mapping[str, Any], kind: str) -> dict[str, Any]:
    plain = _written({key: value for key, value in task.items() if key not in _MERGED}, kind)
    merged = {key: _written(task[key], kind) for key in _MERGED if key in task}
    return {key: merged[key] if key in merged else plain[key] for key in task}


def merge(parts: Sequence[Part], ids: Iterable[str], name: str, kind: str) -> bytes:
    """Put the answers to the chunks of a request together.

    Parameters
    ----------
    parts : sequence of Part
        One or more; keys that are not merged are the first one's.
    ids : iterable of str
        Sequence ids, in the order of the request.
    name : str
        `predictor_name` of the whole.
    kind : str
        The format that the parts are in.

    Returns
    -------
    bytes

    Raises
    ------
    PredictionFailedError
        If the workers do not agree on what they predicted.
    """
    order = list(ids)
    if faults := disagreements(parts, order, kind):
        raise PredictionFailedError(faults)
    tasks = []
    for index, first in enumerate(parts[0].tasks):
        task = dict(first)
        # Where all say that the task cannot be answered, the first says it for all.
        if not _is_error(first, order):
            for key in _MERGED:
                if any(key in part.tasks[index] for part in parts):
                    task[key] = _joined([part.tasks[index].get(key, {}) for part in parts], order)
        tasks.append(task)
    return encode({**parts[0].top, "predictor_name": name, "prediction_tasks": tasks}, kind)


def _joined(maps: Sequence[Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in maps:
        for key, value in each.items():
            found.setdefault(key, value)
    return {key: found.pop(key) for key in order if key in found} | found


def disagreements(parts: Sequence[Part], ids: Sequence[str], kind: str) -> list[str]:
    """Say where parts of an answer contradict each other about what was predicted, by task."""
    read = _READS[kind].value
    faults = []
    for index, first in enumerate(parts[0].tasks):
        # The first to say something stands for all that say the same.
        different: dict[object, Part] = {}
        for part in parts:
            different.setdefault(_said(part, index, ids), part)
        claims = [_claims(part, index, ids, read) for part in different.values()]
        if how := next((how for other in claims[1:] if (how := _difference(claims[0], other))), ""):
            name = read(first["name"]) if "name" in first else index
            faults.append(f"Matcher inconsistency for task '{name}': {how}")
    return faults


def _said(part: Part, index: int, ids: Sequence[str]) -> object:
    """What a part says of a task, in its bytes: compared before anything is read."""
    task = part.tasks[index]
    values = (task.get(key, part.top.get(key)) for key in _ACTUAL)
    return _is_error(task, ids), *(None if raw is None else bytes(raw) for raw in values)


def _claims(
    part: Part, index: int, ids: Sequence[str], read: Callable[[Any], Any]
) -> dict[str, Any]:
    task = part.tasks[index]
    values = {key: task.get(key, part.top.get(key)) for key in _ACTUAL}
    error = task["predictions"]["error"] if _is_error(task, ids) else None
    return {
        "url": part.url,
        "error": None if error is None else _shown(read(error)),
        **{key: None if raw is None else read(raw) for key, raw in values.items()},
    }


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    if (one["error"] is None) != (other["error"] is None):
        return " and ".join(
            f"{'predictions' if each['error'] is None else 'an error'} at {each['url']}"
            + ("" if each["error"] is None else f" ({each['error']})")
            for each in (one, other)
        )
    return "; ".join(
        f"{key} is {_shown(one[key])} at {one['url']} and {_shown(other[key])} at {other['url']}"
        for key in _ACTUAL
        if one[key] != other[key]
    )


def _shown(value: Any) -> str:
    return "missing" if value is None else one_line(encode(value, JSON).decode())


def _is_error(task: Mapping[str, Any], ids: Sequence[str]) -> bool:
    return "error" in task["predictions"] and "error" not in ids
