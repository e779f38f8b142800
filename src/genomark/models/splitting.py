"""Cutting a request into parts that a server can take."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from genomark.protocol import (
    JSON,
    PredictRequest,
    encode,
)

#: More than the syntax around an item takes in any format.
_SYNTAX_BYTES = 32


def split(request: PredictRequest, max_items: int, max_bytes: int) -> Iterator[PredictRequest]:
    """Cut a request into parts that hold its sequences in order, and the ranges that go with them.

    Parameters
    ----------
    request : PredictRequest
    max_items : int
        Sequences in a part, at most.
    max_bytes : int
        Length of a part in any format, at most, unless it holds a single sequence.

    Yields
    ------
    PredictRequest
        The request itself where it need not be cut.
    """
    empty = part_of(request, [])
    base = len(encode(empty, JSON)) + _SYNTAX_BYTES
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    names: list[str] = []
    size, is_whole = base, True
    for name, sequence in request.sequences.items():
        item = _text_bytes(name) + _text_bytes(sequence) + _SYNTAX_BYTES
        if name in ranges:
            item += _text_bytes(name) + len(str(ranges[name])) + _SYNTAX_BYTES
        if names and (len(names) == max_items or size + item > max_bytes):
            yield part_of(request, names)
            names, size, is_whole = [], base, False
        names.append(name)
        size += item
    yield request if is_whole else part_of(request, names)


def part_of(request: PredictRequest, names: list[str]) -> PredictRequest:
    ranges = request.prediction_ranges
    return msgspec.structs.replace(
        request,
        sequences={name: request.sequences[name] for name in names},
        prediction_ranges=UNSET
        if ranges is UNSET
        else {name: ranges[name] for name in names if name in ranges},
    )


def _text_bytes(text: str) -> int:
    # Letters are written as they are; anything else may take several bytes.
    return len(text) + 2 if text.isascii() and text.isalnum() else len(msgspec.json.encode(text))
