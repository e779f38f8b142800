"""Float arrays on the wire, without a Python object a number.

GAME sends tracks as MsgPack arrays of float64: a header, then nine bytes a number. NumPy can lay
these bytes out, and recognise them, a whole array at a time. What is not laid out this way (whole
numbers, null, single precision) is decoded the ordinary way, so nothing is refused that was legal.

``application/msgpack-numpy`` sends an array as a map with byte keys: type, shape and raw data.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_FLOAT64 = 0xCB
_FIXARRAY, _ARRAY16, _ARRAY32 = 0x90, 0xDC, 0xDD
_decode = msgspec.msgpack.Decoder().decode


def packed(values: NDArray[np.floating]) -> bytes:
    """Write an array as (nested) MsgPack arrays of float64.

    Parameters
    ----------
    values : ndarray of float, any number of dimensions above 0

    Returns
    -------
    bytes
        Byte for byte what packing ``values.tolist()`` gives.
    """
    if values.ndim > 1:
        return _header(len(values)) + b"".join(packed(row) for row in values)
    cells = np.empty((values.size, 9), dtype=np.uint8)
    cells[:, 0] = _FLOAT64
    cells[:, 1:] = values.astype(">f8").view(np.uint8).reshape(values.size, 8)
    return _header(values.size) + cells.tobytes()


def unpacked(raw: bytes | memoryview) -> Any:
    """Read one MsgPack value; an array of float64, or a NumPy one, becomes an ndarray.

    Returns
    -------
    ndarray, or whatever the value is

    Raises
    ------
    msgspec.DecodeError
        If it is not MsgPack, or a NumPy array that is not well formed.
    """
    found = _float_array(raw)
    return numpy_value(_decode(raw)) if found is None else found


def numpy_map(values: NDArray[Any]) -> dict[bytes, Any]:
    """Give an array as msgpack-numpy writes it."""
    return {
        b"nd": True,
        b"type": values.dtype.str,
        b"kind": b"",
        b"shape": list(values.shape),
        b"data": np.ascontiguousarray(values).tobytes(),
    }


def numpy_value(value: Any) -> Any:
    """Turn a map as msgpack-numpy writes it into an ndarray or a scalar; leave all else.

    Raises
    ------
    msgspec.DecodeError
        If type, shape and data do not fit together, or the type is not one of numbers.
    """
    if not isinstance(value, dict) or b"nd" not in value:
        return value
    data, shape = value.get(b"data"), value.get(b"shape", [])
    try:
        kind = np.dtype(_text(value.get(b"type")))
    except TypeError as error:
        raise msgspec.DecodeError(f"unknown array type: {error}") from error
    if not (
        isinstance(data, bytes)
        and isinstance(shape, list)
        and kind.kind in "fiub"
        and all(type(size) is int and size >= 0 for size in shape)
        # Compared before anything is allocated: the shape is a stranger's word.
        and math.prod(shape) * kind.itemsize == len(data)
    ):
        raise msgspec.DecodeError(f"an array of type {kind} and shape {shape} is not its data")
    array = np.frombuffer(data, dtype=kind).reshape(shape)
    return array.astype(np.float64) if value[b"nd"] else float(array)


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def _float_array(raw: bytes | memoryview) -> NDArray[np.float64] | None:
    length = start = 0
    first = raw[0] if len(raw) else 0
    if first == _ARRAY32 and len(raw) >= 5:
        length, start = int.from_bytes(raw[1:5], "big"), 5
    elif first == _ARRAY16 and len(raw) >= 3:
        length, start = int.from_bytes(raw[1:3], "big"), 3
    elif first & 0xF0 == _FIXARRAY:
        length, start = first & 0x0F, 1
    if not length or len(raw) - start != 9 * length:
        return None
    cells = np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(length, 9)
    if (cells[:, 0] != _FLOAT64).any():
        return None
    return np.ascontiguousarray(cells[:, 1:]).view(">f8")[:, 0].astype(np.float64)


def _header(length: int) -> bytes:
    if length < 16:
        return bytes([_FIXARRAY | length])
    if length < 1 << 16:
        return bytes([_ARRAY16]) + length.to_bytes(2, "big")
    return bytes([_ARRAY32]) + length.to_bytes(4, "big")
