"""JSON and MsgPack, and which of them a request and its answer use.

Negotiation follows what published clients and servers do (GAME 1.0, section 1.3): the response
format is a substring test on `Accept` with JSON as the fallback. The request side is more tolerant
than the published servers: parameters after the type and a missing header are accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from genomark.protocol.arrays import numpy_map, packed, unpacked
from genomark.protocol.blocks import SoundPoints, SoundSequences
from genomark.protocol.edits import Edit, EditedSequences
from genomark.protocol.errors import BadRequestError
from genomark.protocol.messages import PredictionTask, PredictRequest, PredictResponse, Unanswered
from genomark.protocol.tensor_requests import encode_tensor_request

JSON = "application/json"
MSGPACK = "application/msgpack"
MSGPACK_NUMPY = "application/msgpack-numpy"
#: Of genomark: sequences and values as blocks of memory, and the same as frames.
TENSOR = "application/vnd.genomark.tensor+msgpack"
TENSOR_STREAM = "application/vnd.genomark.tensor-stream"
#: What every GAME service of ours reads and writes.
REQUEST_FORMATS = (JSON, MSGPACK)
RESPONSE_FORMATS = (JSON, MSGPACK, MSGPACK_NUMPY)
#: Key of `/formats` under which a server tells what it knows beyond GAME 1.0.
EXTENSIONS = "genomark_extensions"
#: Sequences told as changes of references (`EditedSequences`).
EDITS = "edits"
#: Sequences without ids (`SequenceBlock`): the model does not look at them.
ANONYMOUS = "anonymous"
#: Formats of the body of `/predict` that genomark's own servers read besides.
PREDICT_FORMATS = (*REQUEST_FORMATS, TENSOR)
PREDICTION_FORMATS = (*RESPONSE_FORMATS, TENSOR, TENSOR_STREAM)


class _EditedRequest(msgspec.Struct, omit_defaults=True):
    """A `PredictRequest` with edits, as it goes over the wire."""

    readout: str
    prediction_tasks: list[PredictionTask]
    references: Mapping[str, str]
    edits: Mapping[str, Edit]
    sequences: Mapping[str, str]
    prediction_ranges: dict[str, list[int]] | msgspec.UnsetType = msgspec.UNSET
    upstream_seq: str | msgspec.UnsetType = msgspec.UNSET
    downstream_seq: str | msgspec.UnsetType = msgspec.UNSET


def _plain(value: object) -> object:
    """Turn NumPy values into what JSON and MsgPack know."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Unanswered):
        return None
    if isinstance(value, SoundPoints):
        return value.by_id
    if isinstance(value, EditedSequences | SoundSequences):
        # For a peer that knows neither edits nor tensors.
        return dict(value.items())
    raise TypeError(f"a {type(value).__name__} cannot be sent")


_json_encoder = msgspec.json.Encoder(enc_hook=_plain)
_msgpack_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_json_decode = msgspec.json.Decoder().decode
_msgpack_decode = msgspec.msgpack.Decoder().decode
_raw_map = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_raw_maps = msgspec.msgpack.Decoder(list[dict[str, msgspec.Raw]]).decode

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(message: object, content_type: str) -> bytes:
    """Write a message in one of `RESPONSE_FORMATS`.

    Arrays in the predictions of a response are written as a whole; under
    ``application/msgpack-numpy`` they stay arrays, elsewhere they are nested lists.
    """
    if content_type == JSON:
        return _json_encoder.encode(message)
    if isinstance(message, PredictResponse):
        pack = numpy_map if content_type == MSGPACK_NUMPY else _raw
        message = msgspec.structs.replace(
            message,
            prediction_tasks=[
                msgspec.structs.replace(
                    task,
                    predictions={
                        name: pack(value) if isinstance(value, np.ndarray) else value
                        for name, value in task.predictions.items()
                    },
                )
                for task in message.prediction_tasks
            ],
        )
    return _msgpack_encoder.encode(message)


def encode_request(
    request: PredictRequest, content_type: str, *, edits: bool, anonymous: bool = False
) -> bytes:
    """Write a request.

    Parameters
    ----------
    request : PredictRequest
    content_type : str
        Of `PREDICT_FORMATS`.
    edits : bool
        Whether who reads it knows edits; else every sequence is written whole.
    anonymous : bool
        Whether who reads it takes sequences without ids; in the tensor format, those that are
        called by their places have none then.
    """
    sequences = request.sequences
    if content_type == TENSOR:
        if not edits and isinstance(sequences, EditedSequences):
            request = msgspec.structs.replace(request, sequences=dict(sequences))
        return encode_tensor_request(request, anonymous=anonymous)
    if not edits or not isinstance(sequences, EditedSequences):
        return encode(request, content_type)
    message = _EditedRequest(
        request.readout,
        request.prediction_tasks,
        sequences.references,
        sequences.edits,
        sequences.whole,
        request.prediction_ranges,
        request.upstream_seq,
        request.downstream_seq,
    )
    return encode(message, content_type)


def decode(body: bytes | memoryview, content_type: str) -> Any:
    """Read a body into dicts, lists and scalars.

    Raises
    ------
    BadRequestError
        If the body is not what its type says.
    """
    is_json = content_type == JSON
    try:
        return _json_decode(body) if is_json else _msgpack_decode(body)
    # A body nested deeper than the interpreter's stack is as unreadable as a torn one.
    except _UNREADABLE as error:
        name = "JSON" if is_json else "MsgPack"
        raise BadRequestError(f"Could not parse {name} payload: {error}") from error


def decode_answer(body: bytes, content_type: str) -> Any:
    """Read the answer of a Predictor, arrays of numbers as float64 ndarrays where MsgPack has them.

    Python servers write NaN and Infinity into JSON, which are not JSON but are meant: they are
    read as such.

    Raises
    ------
    BadRequestError
        If the body is not what its type says.
    """
    if content_type != JSON:
        try:
            return _answer_of_arrays(body)
        except _UNREADABLE:
            # Some other shape, such as an error, or nothing readable: the plain way tells.
            return decode(body, content_type)
    try:
        return decode(body, content_type)
    except BadRequestError:
        try:
            return _lenient_json(body)
        except (ValueError, RecursionError):
            pass
        raise


def _lenient_json(body: bytes) -> Any:
    value = json.loads(body)
    if b"\\u" in body:
        # Half of a surrogate pair could not be written again by anybody: ValueError.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _answer_of_arrays(body: bytes) -> dict[str, Any]:
    return {
        name: [_task_of_arrays(task) for task in _raw_maps(raw)]
        if name == "prediction_tasks"
        else _msgpack_decode(raw)
        for name, raw in _raw_map(body).items()
    }


def _task_of_arrays(task: dict[str, msgspec.Raw]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, raw in task.items():
        if name == "predictions":
            read[name] = {key: unpacked(memoryview(each)) for key, each in _raw_map(raw).items()}
        else:
            read[name] = _msgpack_decode(raw)
    return read


def _raw(values: np.ndarray[Any, Any]) -> msgspec.Raw:
    return msgspec.Raw(packed(values) if values.ndim else _msgpack_encoder.encode(values.item()))


def request_format(content_type: str | None, known: Sequence[str] = REQUEST_FORMATS) -> str:
    """Format of a request body by its `Content-Type`; a missing header means JSON.

    Parameters
    ----------
    content_type : str or None
    known : sequence of str
        What this server reads.

    Raises
    ------
    BadRequestError
        For a type that is not supported.
    """
    if not content_type:
        return JSON
    media_type = content_type.split(";")[0].strip().lower()
    if media_type not in known:
        # In the words of published servers, which know no more.
        supported = list(REQUEST_FORMATS)
        raise BadRequestError(
            f"Unsupported Content-Type: {content_type}. Must be one of {supported}"
        )
    return media_type


def response_format(accept: str | None) -> str:
    """Format of an answer by the request's `Accept`: what it names, else JSON."""
    accepted = (accept or "").lower()
    for kind in (MSGPACK_NUMPY, MSGPACK):
        if kind in accepted:
            return kind
    return JSON


def prediction_format(accept: str | None) -> str:
    """Format of the answer to `/predict`: as `response_format`, or in tensors where they are named.

    Frames are for those who name them too, and for what is worth it.
    """
    accepted = (accept or "").lower()
    for kind in (TENSOR_STREAM, TENSOR):
        if kind in accepted:
            return kind
    return response_format(accept)


def answer_format(content_type: str | None) -> str:
    """Format of an answer by its own `Content-Type`; anything unknown is read as JSON."""
    return response_format(content_type)
