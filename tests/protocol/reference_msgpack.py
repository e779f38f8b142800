"""MsgPack written from its specification, in the plainest way, to hold our codec against.

Only what messages are made of: nil, booleans, integers, float 64, strings, arrays and maps.
"""

from __future__ import annotations

import struct


def pack(value: object) -> bytes:
    """Write a value; every length in its shortest form, as the specification advises."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return _head(len(text), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + text
    if isinstance(value, list):
        return _head(len(value), 0x90, 16, (None, 0xDC, 0xDD)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        pairs = b"".join(pack(key) + pack(each) for key, each in value.items())
        return _head(len(value), 0x80, 16, (None, 0xDE, 0xDF)) + pairs
    raise TypeError(type(value))


def _integer(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">B", value & 0xFF)
    signed = value < 0
    for size, letter in enumerate("bhiq" if signed else "BHIQ"):
        bits = 8 << size
        if (-(1 << bits - 1) <= value) if signed else (value < 1 << bits):
            return bytes([(0xD0 if signed else 0xCC) + size]) + struct.pack(f">{letter}", value)
    raise OverflowError(value)


def _head(length: int, short: int, below: int, longer: tuple[int | None, ...]) -> bytes:
    if length < below:
        return bytes([short | length])
    for mark, letter, limit in zip(longer, "BHI", (1 << 8, 1 << 16, 1 << 32), strict=True):
        if mark is not None and length < limit:
            return bytes([mark]) + struct.pack(f">{letter}", length)
    raise OverflowError(length)


def unpack(data: bytes) -> object:
    """Read one value, which has to be all of `data`."""
    value, end = _read(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes left over")
    return value


_SCALARS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {
    0xD9: ("str", ">B"), 0xDA: ("str", ">H"), 0xDB: ("str", ">I"),
    0xDC: ("list", ">H"), 0xDD: ("list", ">I"), 0xDE: ("dict", ">H"), 0xDF: ("dict", ">I"),
}  # fmt: skip


def _read(data: bytes, at: int) -> tuple[object, int]:
    mark, at = data[at], at + 1
    if mark < 0x80 or mark >= 0xE0:
        return (mark if mark < 0x80 else mark - 256), at
    if mark in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[mark], at
    if mark in _SCALARS:
        end = at + struct.calcsize(_SCALARS[mark])
        return struct.unpack(_SCALARS[mark], data[at:end])[0], end
    if mark in _LENGTHS:
        kind, form = _LENGTHS[mark]
        end = at + struct.calcsize(form)
        (length,) = struct.unpack(form, data[at:end])
        return _read_many(kind, length, data, end)
    if mark < 0xC0:
        kind, length = next(
            (kind, mark - base)
            for kind, base in (("str", 0xA0), ("list", 0x90), ("dict", 0x80))
            if mark >= base
        )
        return _read_many(kind, length, data, at)
    raise ValueError(f"0x{mark:02x} is not for messages")


def _read_many(kind: str, length: int, data: bytes, at: int) -> tuple[object, int]:
    if kind == "str":
        return data[at : at + length].decode(), at + length
    values = []
    for _ in range(length if kind == "list" else 2 * length):
        value, at = _read(data, at)
        values.append(value)
    return (values if kind == "list" else dict(zip(values[::2], values[1::2], strict=True))), at
