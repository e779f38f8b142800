"""Answers in the tensor format: as one message, or as frames that are sent one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.protocol.blocks import ValueBlock, narrow
from genomark.protocol.errors import BadRequestError
from genomark.protocol.messages import PredictResponse, TaskPrediction, Unanswered, Value
from genomark.protocol.tensors import Tensor

#: Before each frame its length, little-endian.
_HEAD_BYTES = 8
#: Numbers of a frame, about, unless one value has more.
_FRAME_BYTES = 1 << 20
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)


class TensorTask(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A `TaskPrediction` as it goes over the wire.

    Its values are in one of three: a block; a map where they are neither numbers nor arrays; or
    frames, and then `streamed` has their ids, or null where they are those of the request.
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
    predictions: Mapping[str, Value] | msgspec.UnsetType = msgspec.UNSET
    aggregation: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    trim_upstream: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    streamed: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    value_block: ValueBlock | msgspec.UnsetType = msgspec.UNSET


class TensorAnswer(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A `PredictResponse` as it goes over the wire; the values come last."""

    predictor_name: str
    bin_size: int | msgspec.UnsetType = msgspec.UNSET
    matcher_version: str | msgspec.UnsetType = msgspec.UNSET
    prediction_tasks: list[TensorTask]


class Item(msgspec.Struct, array_like=True):
    """A frame: some values of one task, from the one with this number on."""

    task: int
    first: int
    values: Tensor


class End(msgspec.Struct):
    """The last frame: how many came before it, the message among them."""

    frames: int


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Unanswered):
        return None
    raise TypeError(f"a {type(value).__name__} cannot be sent")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode = msgspec.msgpack.Decoder().decode
_decode_message = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_tasks = msgspec.msgpack.Decoder(list[dict[str, msgspec.Raw]]).decode
_decode_block = msgspec.msgpack.Decoder(ValueBlock).decode
_decode_ids = msgspec.msgpack.Decoder(list[str] | None).decode
_decode_item = msgspec.msgpack.Decoder(Item).decode


def encode_tensor_answer(response: PredictResponse, asked: list[str]) -> bytes:
    """Write an answer as one message.

    Parameters
    ----------
    response : PredictResponse
    asked : list of str
        Ids of the request, in its order.
    """
    tasks = []
    for task in response.prediction_tasks:
        block = ValueBlock.of(task.predictions, asked)
        tasks.append(
            _told(task, predictions=task.predictions)
            if block is None
            else _told(task, value_block=block)
        )
    return _encode(_answer(response, tasks))


def is_streamable(response: PredictResponse) -> bool:
    """Whether all of an answer's values are arrays, so that it may be sent as frames."""
    values = [value for task in response.prediction_tasks for value in task.predictions.values()]
    return bool(values) and all(
        isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "fiu"
        for value in values
    )


def tensor_frames(response: PredictResponse, asked: list[str]) -> Iterator[bytes]:
    """Write an answer of arrays piece by piece, each with some of its values; see `is_streamable`.

    The whole of it is never in memory a second time.
    """
    tasks = [
        _told(task, streamed=_ids(task.predictions, asked)) for task in response.prediction_tasks
    ]
    yield _frame(_encode(_answer(response, tasks)))
    frames = 1
    for number, task in enumerate(response.prediction_tasks):
        first = 0
        for values in _runs(list(task.predictions.values())):
            yield _frame(_encode(Item(number, first, Tensor.of(values))))
            first += len(values)
            frames += 1
    yield _frame(_encode(End(frames)))


def decode_tensor_answer(body: bytes, asked: Sequence[str]) -> Any:
    """Read what `encode_tensor_answer` wrote, as `decode_answer` gives other formats.

    Raises
    ------
    BadRequestError
        If it is not what its type says.
    """
    try:
        message = _decode_message(body)
        tasks = [
            _task(raw, asked, len(body))
            for raw in _decode_tasks(message.pop("prediction_tasks", b"\x90"))
        ]
        read = {name: _decode(raw) for name, raw in message.items()}
    except _UNREADABLE as error:
        raise BadRequestError(f"Could not parse tensors: {error}") from error
    return {**read, "prediction_tasks": tasks}


class FrameReader:
    """Reads frames as they come, in pieces of any size, and holds no more than their values.

    Parameters
    ----------
    asked : sequence of str
        Ids of the request.
    """

    def __init__(self, asked: Sequence[str]) -> None:
        self._asked = asked
        self._waiting = bytearray()
        self._message: dict[str, Any] | None = None
        self._ids: list[Sequence[str]] = []
        self._values: list[list[Any]] = []
        self._frames = 0
        self._ended = False

    def feed(self, piece: bytes) -> None:
        """Take some more bytes.

        Raises
        ------
        BadRequestError
            If they are no frames.
        """
        self._waiting += piece
        at = 0
        while len(self._waiting) - at >= _HEAD_BYTES:
            begin = at + _HEAD_BYTES
            end = begin + int.from_bytes(self._waiting[at:begin], "little")
            if end > len(self._waiting):
                break
            try:
                self._take(bytes(memoryview(self._waiting)[begin:end]))
            except _UNREADABLE as error:
                raise BadRequestError(f"Could not parse tensors: {error}") from error
            at = end
        del self._waiting[:at]

    @property
    def is_whole(self) -> bool:
        """Whether the last frame has come, and nothing after it."""
        return self._ended and not self._waiting

    def answer(self) -> Any:
        """Give the answer, as `decode_tensor_answer` does.

        Raises
        ------
        BadRequestError
            If something is missing.
        """
        if self._message is None or not self.is_whole:
            raise BadRequestError("Could not parse tensors: the last frame is missing")
        read = []
        for task, ids, values in zip(
            self._message["prediction_tasks"], self._ids, self._values, strict=True
        ):
            if len(ids) != len(values):
                raise BadRequestError(f"{len(values):,} values for {len(ids):,} sequences")
            read.append({**task, "predictions": dict(zip(ids, values, strict=True))})
        return {**self._message, "prediction_tasks": read}

    def _take(self, frame: bytes) -> None:
        self._frames += 1
        if self._ended:
            raise msgspec.DecodeError("there is a frame after the last one")
        if self._message is None:
            self._begin(frame)
        elif frame[:1] == b"\x81":
            end = msgspec.msgpack.decode(frame, type=End)
            if end.frames != self._frames - 1:
                raise msgspec.DecodeError(f"{end.frames} frames were sent, {self._frames - 1} came")
            self._ended = True
        else:
            self._add(_decode_item(frame))

    def _begin(self, frame: bytes) -> None:
        told = _decode_message(frame)
        tasks = []
        for raw in _decode_tasks(told.pop("prediction_tasks")):
            ids = _decode_ids(raw.pop("streamed"))
            self._ids.append(self._asked if ids is None else ids)
            self._values.append([])
            tasks.append({name: _decode(each) for name, each in raw.items()})
        message = {name: _decode(each) for name, each in told.items()}
        self._message = {**message, "prediction_tasks": tasks}

    def _add(self, item: Item) -> None:
        if not 0 <= item.task < len(self._values):
            raise msgspec.DecodeError(f"there is no task {item.task}")
        values, array = self._values[item.task], item.values.array()
        if item.first != len(values):
            raise msgspec.DecodeError(f"value {len(values)} of task {item.task} is missing")
        if not array.ndim or len(values) + len(array) > len(self._ids[item.task]):
            raise msgspec.DecodeError(f"there are more values than sequences in task {item.task}")
        values += list(array)


def _task(raw: dict[str, msgspec.Raw], asked: Sequence[str], n_bytes: int) -> dict[str, Any]:
    block = raw.pop("value_block", None)
    task = {name: _decode(each) for name, each in raw.items()}
    if block is not None:
        task["predictions"] = _decode_block(block).predictions(asked, n_bytes)
    return task


def _answer(response: PredictResponse, tasks: list[TensorTask]) -> TensorAnswer:
    return TensorAnswer(
        predictor_name=response.predictor_name,
        bin_size=response.bin_size,
        matcher_version=response.matcher_version,
        prediction_tasks=tasks,
    )


def _told(task: TaskPrediction, **values: Any) -> TensorTask:
    return TensorTask(
        name=task.name,
        type_requested=task.type_requested,
        type_actual=task.type_actual,
        cell_type_requested=task.cell_type_requested,
        cell_type_actual=task.cell_type_actual,
        species_requested=task.species_requested,
        species_actual=task.species_actual,
        scale_prediction_requested=task.scale_prediction_requested,
        scale_prediction_actual=task.scale_prediction_actual,
        aggregation=task.aggregation,
        trim_upstream=task.trim_upstream,
        **values,
    )


def _ids(predictions: Mapping[str, Any], asked: list[str]) -> list[str] | None:
    names = list(predictions)
    return None if names == asked else names


def _runs(values: list[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Put neighbours of one shape and type together, up to what a frame holds."""
    first = 0
    for last in range(1, len(values) + 1):
        run = values[first:last]
        if (
            last == len(values)
            or (values[last].shape, values[last].dtype) != (run[0].shape, run[0].dtype)
            or len(run) * run[0].nbytes >= _FRAME_BYTES
        ):
            yield narrow(np.stack(run))
            first = last


def _frame(content: bytes) -> bytes:
    return len(content).to_bytes(_HEAD_BYTES, "little") + content
