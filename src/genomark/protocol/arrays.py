"""Float arrays on the wire, without a Python object a number.

GAME sends tracks as MsgPack arrays of float64: a header, then nine bytes a number. NumPy can lay
these bytes out, and recognise them, a whole array at a time. What is not laid out this way (whole
numbers, null, single precision) is decoded the ordinary way, so nothing is refused that was legal.

``application/msgpack-numpy`` sends an array as a map with byte keys: type, shape and raw data.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_FLOAT64 = 0xCB
#: A number: its type, then its bytes, with no padding between.
_CELL = np.dtype([("type", np.uint8), ("value", ">f8")])
_FIXARRAY, _ARRAY16, _ARRAY32 = 0x90, 0xDC, 0xDD
_NUMBER_TYPE = re.compile(r"[<>|=]?(?:f[248]|[iu][1248]|b1)")
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
    cells = np.empty(values.size, dtype=_CELL)
    cells["type"] = _FLOAT64
    cells["value"] = values
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
    data, is_array = value.get(b"data"), bool(value[b"nd"])
    kind = _number_type(value.get(b"type"))
    shape = value.get(b"shape") if is_array else []
    if not (
        isinstance(data, bytes)
        and isinstance(shape, list)
        and all(type(size) is int and size >= 0 for size in shape)
        # Compared before anything is allocated: the shape is a stranger's word.
        and math.prod(shape) * kind.itemsize == len(data)
    ):
        raise msgspec.DecodeError(f"an array of type {kind} and shape {shape} is not its data")
    try:
        array = np.frombuffer(data, dtype=kind).reshape(shape)
    except (ValueError, OverflowError) as error:
        # More dimensions than an array has, or a length that only fits because another is 0.
        raise msgspec.DecodeError(f"an array cannot have the shape {shape}") from error
    return array.astype(np.float64) if is_array else float(array)


def _number_type(name: Any) -> np.dtype[Any]:
    """Read such as ``<f4``, and nothing else that NumPy knows: it has types of objects too."""
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
    if not _NUMBER_TYPE.fullmatch(text):
        raise msgspec.DecodeError(f"unknown array type: {text[:20]!r}")
    return np.dtype(text)


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
    cells = np.frombuffer(raw, dtype=_CELL, offset=start)
    if (cells["type"] != _FLOAT64).any():
        return None
    found: NDArray[np.float64] = cells["value"].astype(np.float64)
    return found


def _header(length: int) -> bytes:
    if length < 16:
        return bytes([_FIXARRAY | length])
    if length < 1 << 16:
        return bytes([_ARRAY16]) + length.to_bytes(2, "big")
    return bytes([_ARRAY32]) + length.to_bytes(4, "big")
