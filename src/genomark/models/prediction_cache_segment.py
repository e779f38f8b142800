"""Answers in a file: rows of values, of which no damaged one is ever given.

A head says what the answers are to, what is the same of all of them, and how long and how sound
each block of values is; a digest ends it. Rows are found by key. `docs/design/prediction-cache.md`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.digests import digest_of_bytes
from genomark.protocol import PredictResponse
from genomark.scoring import Cost

#: Bytes of a key.
KEY = 24
#: Of each task in turn, the value of one sequence, and where its track begins in its first bin, or
#: None where that is not told.
Row = tuple[Any, ...]

#: Names the form; raise it when that changes.
_MAGIC = b"genomark predictions 1\n"
_LENGTH = 8
_DIGEST = 32
#: Of the values, before another block begins: what is read for a single row.
_BLOCK_BYTES = 1 << 14
_POINT = "point"
_DTYPES = ("<f4", "<f8")
_NUMBER = struct.Struct("<d")

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


class DamagedSegmentError(Exception):
    """The bytes are not those that were written."""


class Kind(msgspec.Struct, frozen=True):
    """What the values of a task are.

    Attributes
    ----------
    dtype : {"point", "<f4", "<f8"}
        A Python float, or an array of such numbers.
    dimensions : int
        Of arrays; 0 for points.
    trimmed : bool
        Whether `trim_upstream` is told.
    """

    dtype: str
    dimensions: int
    trimmed: bool


class _Block(msgspec.Struct, frozen=True, array_like=True):
    """Rows up to `end`, their `size` in bytes, and a digest of these."""

    end: int
    size: int
    digest: str


class Told(msgspec.Struct, frozen=True):
    """What a segment holds answers to, and what is the same of all.

    Attributes
    ----------
    model, model_id : str
        Digest, and id for people.
    request : str
        Digest of all of a request that the keys do not cover.
    response : PredictResponse
        Without values.
    cost : Cost
        Of computing all rows.
    """

    model: str
    model_id: str
    request: str
    response: PredictResponse
    cost: Cost


class _Head(msgspec.Struct, frozen=True):
    told: Told
    rows: int
    kinds: list[Kind]
    blocks: list[_Block]


def kinds_of(rows: Sequence[Row]) -> list[Kind] | None:
    """Say what the values of each task are; None where they are not all of one kind."""
    columns = list(zip(*rows, strict=True))
    kinds = []
    for values, trims in zip(columns[::2], columns[1::2], strict=True):
        trimmed = {trim is not None for trim in trims}
        if set(map(type, values)) == {float}:
            found = {(_POINT, 0)}
        elif set(map(type, values)) == {np.ndarray}:
            found = {(value.dtype.str, value.ndim) for value in values}
        else:
            return None
        if len(found) > 1 or len(trimmed) > 1:
            return None
        kinds.append(Kind(*found.pop(), trimmed.pop()))
    return kinds


def is_plain(value: object) -> bool:
    """Whether a value comes back from a file exactly as it was."""
    return type(value) is float or (type(value) is np.ndarray and value.dtype.str in _DTYPES)


def packed(told: Told, keys: Sequence[bytes], rows: Sequence[Row], kinds: list[Kind]) -> bytes:
    """Write a segment.

    Parameters
    ----------
    told : Told
    keys : sequence of bytes
        `KEY` bytes for each row.
    rows : sequence of Row
        Values of which `is_plain` is true.
    kinds : list of Kind
        As `kinds_of` gives them.
    """
    values = list(_values(rows, kinds))
    ends = np.cumsum([len(each) for each in values])
    blocks: list[_Block] = []
    parts: list[bytes] = []
    first = 0
    while first < len(values):
        before = int(ends[first - 1]) if first else 0
        end = int(np.searchsorted(ends, before + _BLOCK_BYTES)) + 1
        parts.append(b"".join(values[first:end]))
        first = min(end, len(values))
        blocks.append(_Block(first, len(parts[-1]), digest_of_bytes([parts[-1]])))
    described = msgspec.json.encode(_Head(told, len(rows), kinds, blocks))
    layout = b"".join(_layout(rows, kinds))
    size = len(_MAGIC) + 2 * _LENGTH + len(described) + KEY * len(keys) + len(layout) + _DIGEST
    head = b"".join(
        [
            _MAGIC,
            size.to_bytes(_LENGTH, "little"),
            len(described).to_bytes(_LENGTH, "little"),
            described,
            *keys,
            layout,
        ]
    )
    return b"".join([head, digest_of_bytes([head]).encode(), *parts])


def _values(rows: Sequence[Row], kinds: list[Kind]) -> Iterator[bytes]:
    if all(kind.dtype == _POINT for kind in kinds):
        width = 8 * len(kinds)
        joined = np.array([row[::2] for row in rows], dtype="<f8").tobytes()
        yield from (joined[at : at + width] for at in range(0, len(joined), width))
        return
    for row in rows:
        # A float becomes a float64.
        yield b"".join(np.asarray(value).tobytes() for value in row[::2])


def _layout(rows: Sequence[Row], kinds: list[Kind]) -> Iterator[bytes]:
    """Of each task in turn the shapes of its arrays, and how they are trimmed; int64."""
    for task, kind in enumerate(kinds):
        if kind.dimensions:
            yield np.array([row[2 * task].shape for row in rows], dtype="<i8").tobytes()
        if kind.trimmed:
            yield np.array([row[2 * task + 1] for row in rows], dtype="<i8").tobytes()


@dataclass(frozen=True)
class Segment:
    """The head of a file of answers.

    Attributes
    ----------
    told : Told
    rows : int
    keys : ndarray of uint8, shape (rows, KEY)
    kinds : list of Kind
    """

    told: Told
    rows: int
    keys: Bytes
    kinds: list[Kind]
    _blocks: list[_Block]
    _shapes: list[Integers | None]
    _trims: list[Integers | None]
    _head_size: int

    @classmethod
    def read(cls, handle: BinaryIO, size: int) -> Segment:
        """Read the head of a file of `size` bytes.

        Raises
        ------
        DamagedSegmentError
            If it is not what was written, of another form, or its file has not the right length.
        """
        start = handle.read(len(_MAGIC) + 2 * _LENGTH)
        if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + 2 * _LENGTH:
            raise DamagedSegmentError("not a file of predictions, or of another version")
        lengths = start[len(_MAGIC) :]
        head_size = int.from_bytes(lengths[:_LENGTH], "little")
        if not len(start) + _DIGEST <= head_size <= size:
            raise DamagedSegmentError("its head is damaged")
        rest = handle.read(head_size - len(start))
        body = rest[:-_DIGEST]
        if digest_of_bytes([start + body]).encode() != rest[-_DIGEST:]:
            raise DamagedSegmentError("its head is damaged")
        described = int.from_bytes(lengths[_LENGTH:], "little")
        try:
            segment = cls._parsed(body, described, head_size)
        except (msgspec.DecodeError, ValueError) as error:
            raise DamagedSegmentError(f"its head cannot be read: {error}") from error
        if head_size + sum(block.size for block in segment._blocks) != size:
            raise DamagedSegmentError(f"it has {size:,} bytes, which is not what its head says")
        return segment

    @classmethod
    def _parsed(cls, body: bytes, described: int, head_size: int) -> Segment:
        head = msgspec.json.decode(body[:described], type=_Head)
        at = described
        keys = np.frombuffer(body, np.uint8, head.rows * KEY, at).reshape(-1, KEY)
        at += keys.nbytes
        shapes: list[Integers | None] = []
        trims: list[Integers | None] = []
        for kind in head.kinds:
            for column, wanted in ((shapes, kind.dimensions), (trims, int(kind.trimmed))):
                numbers = np.frombuffer(body, "<i8", head.rows * wanted, at)
                at += numbers.nbytes
                column.append(numbers.reshape(head.rows, wanted) if wanted else None)
        return cls(head.told, head.rows, keys, head.kinds, head.blocks, shapes, trims, head_size)

    def rows_at(self, handle: BinaryIO, places: Sequence[int]) -> list[Row]:
        """Read some rows.

        Parameters
        ----------
        handle : BinaryIO
            The file whose head this is.
        places : sequence of int

        Raises
        ------
        DamagedSegmentError
            If a block that holds one of them is not what was written.
        """
        ends = np.array([block.end for block in self._blocks])
        firsts = np.array([0, *ends[:-1]])
        wanted = np.searchsorted(ends, places, side="right")
        rows: list[Row] = [()] * len(places)
        for number in np.unique(wanted).tolist():
            which = np.flatnonzero(wanted == number)
            here = np.asarray(places)[which]
            data = self._block(handle, number)
            if self._plain:
                table = np.frombuffer(data, "<f8").reshape(-1, len(self.kinds))
                found = _points(table[here - firsts[number]])
            else:
                start = int(self._starts[firsts[number]])
                found = [self._row(data, start, place) for place in here.tolist()]
            for place, row in zip(which.tolist(), found, strict=True):
                rows[place] = row
        return rows

    def check(self, handle: BinaryIO) -> None:
        """Read all blocks; raises as `rows_at` does."""
        for number in range(len(self._blocks)):
            self._block(handle, number)

    def _block(self, handle: BinaryIO, number: int) -> bytes:
        block = self._blocks[number]
        handle.seek(self._head_size + sum(each.size for each in self._blocks[:number]))
        data = handle.read(block.size)
        if digest_of_bytes([data]) != block.digest:
            raise DamagedSegmentError("values are damaged")
        return data

    @property
    def _plain(self) -> bool:
        """Whether all values are points: rows of one length, of which nothing else is told."""
        return all(kind.dtype == _POINT and not kind.trimmed for kind in self.kinds)

    @cached_property
    def _sizes(self) -> Integers:
        """Bytes of each value, int64[rows, tasks]."""
        sizes = np.empty((self.rows, len(self.kinds)), dtype=np.int64)
        for task, (kind, shapes) in enumerate(zip(self.kinds, self._shapes, strict=True)):
            each = 8 if kind.dtype == _POINT else np.dtype(kind.dtype).itemsize
            sizes[:, task] = each if shapes is None else each * shapes.prod(axis=1)
        return sizes

    @cached_property
    def _starts(self) -> Integers:
        """Where each row begins among all values."""
        return np.concatenate([[0], np.cumsum(self._sizes.sum(axis=1))])

    def _row(self, block: bytes, block_start: int, place: int) -> Row:
        at = int(self._starts[place]) - block_start
        row: list[Any] = []
        for task, kind in enumerate(self.kinds):
            shapes, trims = self._shapes[task], self._trims[task]
            value: Any
            if kind.dtype == _POINT:
                value = _NUMBER.unpack_from(block, at)[0]
            else:
                shape = () if shapes is None else tuple(shapes[place].tolist())
                # A copy, since a model gives arrays that can be written to.
                value = np.ndarray(shape, kind.dtype, block, at).copy()
            row += [value, None if trims is None else int(trims[place, 0])]
            at += int(self._sizes[place, task])
        return tuple(row)


def _points(table: NDArray[np.float64]) -> list[Row]:
    columns = [column for values in table.T.tolist() for column in (values, [None] * len(table))]
    return list(zip(*columns, strict=True))


def without_values(response: PredictResponse) -> PredictResponse:
    """Give what is the same of all sequences in an answer."""
    return msgspec.structs.replace(
        response,
        prediction_tasks=[
            msgspec.structs.replace(
                task, predictions={}, trim_upstream=UNSET if task.trim_upstream is UNSET else {}
            )
            for task in response.prediction_tasks
        ],
    )
