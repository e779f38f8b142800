"""JSON and MsgPack, and which of them a request and its answer use.

Negotiation follows what published clients and servers do (GAME 1.0, section 1.3): the response
format is a substring test on `Accept` with JSON as the fallback. The request side is more tolerant
than the published servers: parameters after the type and a missing header are accepted.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from genomark.protocol.errors import BadRequestError

JSON = "application/json"
MSGPACK = "application/msgpack"
SUPPORTED_FORMATS = (JSON, MSGPACK)


def _plain(value: object) -> object:
    """Turn NumPy values into what JSON and MsgPack know."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be sent")


_json_encoder = msgspec.json.Encoder(enc_hook=_plain)
_msgpack_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)


def encode(message: object, content_type: str) -> bytes:
    """Write a message in one of `SUPPORTED_FORMATS`; arrays become nested lists."""
    encoder = _msgpack_encoder if content_type == MSGPACK else _json_encoder
    return encoder.encode(message)


def decode(body: bytes, content_type: str) -> Any:
    """Read a body in one of `SUPPORTED_FORMATS` into dicts, lists and scalars.

    Raises
    ------
    BadRequestError
        If the body is not what its type says.
    """
    name, decoder = ("MsgPack", _msgpack_decode) if content_type == MSGPACK else ("JSON", _decode)
    try:
        return decoder(body)
    # A body nested deeper than the interpreter's stack is as unreadable as a torn one.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError(f"Could not parse {name} payload: {error}") from error


_decode = msgspec.json.Decoder().decode
_msgpack_decode = msgspec.msgpack.Decoder().decode


def request_format(content_type: str | None) -> str:
    """Format of a request body by its `Content-Type`; a missing header means JSON.

    Raises
    ------
    BadRequestError
        For a type that is not supported.
    """
    if not content_type:
        return JSON
    media_type = content_type.split(";")[0].strip().lower()
    if media_type not in SUPPORTED_FORMATS:
        supported = list(SUPPORTED_FORMATS)
        raise BadRequestError(
            f"Unsupported Content-Type: {content_type}. Must be one of {supported}"
        )
    return media_type


def response_format(accept: str | None) -> str:
    """Format of an answer by the request's `Accept`: MsgPack if it is named, else JSON."""
    return MSGPACK if accept and MSGPACK in accept.lower() else JSON
