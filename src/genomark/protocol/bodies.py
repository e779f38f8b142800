"""Request bodies, read so that what a body unfolds to is bounded, and not only its length.

An empty array takes one byte of MsgPack and eighty of memory: a body that is allowed by its length
could fill a machine. A short body is read as it is. In a long one only what a request is made of is
read, and as what it has to be; its entries are counted before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from genomark.protocol.blocks import SequenceBlock, most_sequences
from genomark.protocol.codecs import JSON, TENSOR, decode
from genomark.protocol.errors import BadRequestError
from genomark.protocol.tensor_requests import ranges_of
from genomark.protocol.tensors import Tensor

#: What this unfolds to, at worst, is no harm.
_SHORT = 2 << 20
#: A range is two numbers.
_LONGEST_RANGE = 64
#: Changes, by the sequences that are expected: most edits have one.
_CHANGES = 2
#: Memory for counting.
_BLOCK = 1 << 20

_NOTHING = msgspec.Raw(b"")
#: How MsgPack writes nothing.
_NIL = 0xC0


class _Edit(msgspec.Struct):
    """An edit of which the changes are not read yet."""

    of: str
    changes: msgspec.Raw


class _Parts(msgspec.Struct):
    """A request of which nothing is read yet; unknown keys are passed over."""

    readout: msgspec.Raw = _NOTHING
    prediction_tasks: msgspec.Raw = _NOTHING
    sequences: msgspec.Raw = _NOTHING
    references: msgspec.Raw = _NOTHING
    edits: msgspec.Raw = _NOTHING
    prediction_ranges: msgspec.Raw = _NOTHING
    upstream_seq: msgspec.Raw = _NOTHING
    downstream_seq: msgspec.Raw = _NOTHING


class _TensorParts(_Parts):
    """The same in the tensor format."""

    sequence_block: msgspec.Raw = _NOTHING
    reference_block: msgspec.Raw = _NOTHING
    range_block: msgspec.Raw = _NOTHING


class _UncountedBlock(msgspec.Struct):
    """A `SequenceBlock` of which the ids are not read yet."""

    lengths: Tensor
    code: str
    data: memoryview
    ids: msgspec.Raw = _NOTHING
    n_runs: Tensor | None = None

    def counted(self, most: int) -> SequenceBlock:
        """Count the sequences before they are named, and read the ids."""
        _check_number(most_sequences(self.lengths, self.code, self.data), most)
        raw, ids = memoryview(self.ids), None
        if raw and raw[0] != _NIL:
            _check_number(_array_length(raw), most)
            ids = _read(raw, False, list[str])
        return SequenceBlock(
            lengths=self.lengths, code=self.code, ids=ids, n_runs=self.n_runs, data=self.data
        )


def decode_request(body: bytes | memoryview, content_type: str, most_sequences: int) -> Any:
    """Read a request body into dicts, lists and scalars, for `validate_request`.

    Parameters
    ----------
    body : bytes-like
    content_type : str
        Of `REQUEST_FORMATS`.
    most_sequences : int
        No more are expected; a body of over twice as many is refused before they are read.

    Raises
    ------
    BadRequestError
        If the body is not what its type says; 413 for too many sequences.
    """
    is_tensor = content_type == TENSOR
    if len(body) <= _SHORT and not is_tensor:
        return decode(body, content_type)
    is_json = content_type == JSON
    try:
        parts = _read(body, is_json, _TensorParts if is_tensor else _Parts)
        values = dict(_values(parts, is_json, 2 * most_sequences))
        if isinstance(parts, _TensorParts):
            _check_once(parts)
            values.update(_blocks(parts, values, 2 * most_sequences))
        return values
    except msgspec.ValidationError as error:
        raise BadRequestError(f"The request cannot be read: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        name = "JSON" if is_json else "tensor" if is_tensor else "MsgPack"
        raise BadRequestError(f"Could not parse {name} payload: {error}") from error


def _values(parts: _Parts, is_json: bool, most: int) -> Iterator[tuple[str, Any]]:
    for name in ("readout", "upstream_seq", "downstream_seq"):
        if raw := memoryview(getattr(parts, name)):
            yield name, _read(raw, is_json, str)
    if raw := memoryview(parts.prediction_tasks):
        if len(raw) > _SHORT:
            raise BadRequestError("'prediction_tasks' is too long", status=413)
        yield "prediction_tasks", _read(raw, is_json, Any)
    for name in ("sequences", "references"):
        if raw := memoryview(getattr(parts, name)):
            _check_entries(raw, is_json, 4, most)
            yield name, _read(raw, is_json, dict[str, str])
    if raw := memoryview(parts.edits):
        # Eight quotation marks an edit and two a change: room for a few changes each.
        _check_entries(raw, is_json, 10, most)
        yield "edits", dict(_edits(_read(raw, is_json, dict[str, _Edit]), is_json, most))
    if raw := memoryview(parts.prediction_ranges):
        _check_entries(raw, is_json, 2, most)
        ranges = _read(raw, is_json, dict[str, msgspec.Raw])
        yield "prediction_ranges", {name: _range(each, is_json) for name, each in ranges.items()}


def _check_once(parts: _TensorParts) -> None:
    pairs = (
        ("sequences", "sequence_block"),
        ("references", "reference_block"),
        ("prediction_ranges", "range_block"),
    )
    for both in pairs:
        if all(memoryview(getattr(parts, key)) for key in both):
            raise BadRequestError(f"'{both[0]}' and '{both[1]}' say the same; send one of them")


def _blocks(
    parts: _TensorParts, values: dict[str, Any], most: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, name in (("sequence_block", "sequences"), ("reference_block", "references")):
        if raw := memoryview(getattr(parts, key)):
            values[name] = _read(raw, False, _UncountedBlock).counted(most).sequences()
            yield name, values[name]
    if raw := memoryview(parts.range_block):
        names = [*values.get("sequences", ()), *values.get("edits", ())]
        yield "prediction_ranges", ranges_of(_read(raw, False, Tensor), names)


def _edits(
    edits: dict[str, _Edit], is_json: bool, most: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the changes of edits, counted before they are read: one takes twenty times its bytes."""
    found = 0
    for name, edit in edits.items():
        raw = memoryview(edit.changes)
        found += _brackets(raw) if is_json else _array_length(raw)
        if found > _CHANGES * most:
            raise BadRequestError(
                f"Over {_CHANGES * most:,} changes in the edits of one request; send fewer at once",
                status=413,
            )
        yield name, {"of": edit.of, "changes": _read(raw, is_json, list[tuple[int, int, str]])}


def _range(raw: msgspec.Raw, is_json: bool) -> Any:
    if len(view := memoryview(raw)) > _LONGEST_RANGE:
        raise BadRequestError("A range in 'prediction_ranges' must have 2 elements")
    return _read(view, is_json, Any)


def _check_entries(raw: memoryview, is_json: bool, quotes: int, most: int) -> None:
    _check_number(_quotes(raw) // quotes if is_json else _map_length(raw), most)


def _check_number(found: int, most: int) -> None:
    if found > most:
        raise BadRequestError(
            f"About {found:,} sequences in one request; this server takes {most // 2:,}", status=413
        )


def _quotes(raw: memoryview) -> int:
    """Count quotation marks: two a key and two a text, or more where some are escaped."""
    return _count(raw, '"')


def _brackets(raw: memoryview) -> int:
    """Count the arrays in an array, or more where there are brackets in a text."""
    return max(0, _count(raw, "[") - 1)


def _count(raw: memoryview, letter: str) -> int:
    letters = np.frombuffer(raw, dtype=np.uint8)
    blocks = (letters[at : at + _BLOCK] for at in range(0, letters.size, _BLOCK))
    return sum(int(np.count_nonzero(block == ord(letter))) for block in blocks)


def _array_length(raw: memoryview) -> int:
    """Read how many entries a MsgPack array says it has; 0 if it is none."""
    first = raw[0]
    if first & 0xF0 == 0x90:
        return first & 0x0F
    size = {0xDC: 2, 0xDD: 4}.get(first, 0)
    return int.from_bytes(raw[1 : 1 + size], "big")


def _map_length(raw: memoryview) -> int:
    """Read how many entries a MsgPack map says it has; 0 if it is none."""
    first = raw[0]
    if first & 0xF0 == 0x80:
        return first & 0x0F
    size = {0xDE: 2, 0xDF: 4}.get(first, 0)
    return int.from_bytes(raw[1 : 1 + size], "big")


def _read(raw: bytes | memoryview, is_json: bool, kind: Any) -> Any:
    if is_json:
        return msgspec.json.decode(raw, type=kind)
    return msgspec.msgpack.decode(raw, type=kind)
