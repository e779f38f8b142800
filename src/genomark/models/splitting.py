"""Cutting a request into parts that a server can take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import UNSET

from genomark.protocol import (
    JSON,
    Edit,
    EditedSequences,
    PredictRequest,
    SoundSequences,
    encode,
    ids_of,
    sequence_length,
    some_sequences,
    total_letters,
)

#: More than the syntax around an item takes in any format.
_SYNTAX_BYTES = 32
#: Of one character, at most.
_UTF8_BYTES = 4


def split(
    request: PredictRequest,
    max_items: int,
    max_bytes: int,
    *,
    edits: bool = False,
    escapes: bool = True,
) -> Iterator[PredictRequest]:
    """Cut a request into parts that hold its sequences in order, and the ranges that go with them.

    Parameters
    ----------
    request : PredictRequest
    max_items : int
        Sequences in a part, at most.
    max_bytes : int
        Length of a part in any format, at most, unless it holds a single sequence.
    edits : bool
        Whether edits are sent as such, with their references; else each is as long as what it
        stands for. Nothing is built to know that.
    escapes : bool
        Whether the format writes some letters as several, as JSON does.

    Yields
    ------
    PredictRequest
        The request itself where it need not be cut.
    """
    if not escapes and _fits(request, max_items, max_bytes):
        yield request
        return
    empty = part_of(request, [])
    base = len(encode(empty, JSON)) + _SYNTAX_BYTES
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    sizes = _Sizes(request.sequences, edits)
    names: list[str] = []
    size, is_whole = base, True
    for name in request.sequences:
        item = _text_bytes(name) + sizes.alone(name) + _SYNTAX_BYTES
        if name in ranges:
            item += _text_bytes(name) + len(str(ranges[name])) + _SYNTAX_BYTES
        shared = sizes.shared(name)
        if names and (len(names) == max_items or size + item + shared > max_bytes):
            yield part_of(request, names)
            names, size, is_whole = [], base, False
            sizes.forget()
            shared = sizes.shared(name)
        sizes.take(name)
        names.append(name)
        size += item + shared
    yield request if is_whole else part_of(request, names)


def _fits(request: PredictRequest, max_items: int, max_bytes: int) -> bool:
    """Whether a request is surely short enough, told without a look at the letters."""
    sequences = request.sequences
    if isinstance(sequences, EditedSequences) or len(sequences) > max_items:
        return False
    names = ids_of(sequences)
    ranges = request.prediction_ranges
    if ranges is not UNSET:
        names = [*names, *ranges]
    syntax = len(encode(part_of(request, []), JSON)) + 2 * _SYNTAX_BYTES * len(names)
    # Joined, which is quicker than one after the other.
    joined = "".join(names)
    letters = len(joined) + total_letters(sequences)
    if syntax + _UTF8_BYTES * letters <= max_bytes:
        return True
    is_ascii = joined.isascii() and (
        isinstance(sequences, SoundSequences) or all(map(str.isascii, sequences.values()))
    )
    return is_ascii and syntax + letters <= max_bytes


def part_of(request: PredictRequest, names: list[str]) -> PredictRequest:
    """Give the request for some of the sequences, with their ranges and what they are edits of."""
    ranges = request.prediction_ranges
    return msgspec.structs.replace(
        request,
        sequences=some_sequences(request.sequences, names),
        prediction_ranges=UNSET
        if ranges is UNSET
        else {name: ranges[name] for name in names if name in ranges},
    )


class _Sizes:
    """How much each sequence adds to a part, with the references that the part has already."""

    def __init__(self, sequences: Mapping[str, str], edits: bool) -> None:
        self._sequences = sequences
        self._edited = sequences if edits and isinstance(sequences, EditedSequences) else None
        self._taken: set[str] = set()

    def alone(self, name: str) -> int:
        """Bytes of a sequence, or of the edit that stands for it."""
        if edit := self._edit(name):
            # Numbers take no more than the syntax around them is taken for.
            changes = (2 * _SYNTAX_BYTES + _text_bytes(letters) for _, _, letters in edit.changes)
            return _text_bytes(edit.of) + _SYNTAX_BYTES + sum(changes)
        if isinstance(self._sequences, EditedSequences):
            return sequence_length(self._sequences, name) + 2
        return _text_bytes(self._sequences[name])

    def shared(self, name: str) -> int:
        """Bytes of the reference that a sequence brings along."""
        edit = self._edit(name)
        if edit is None or edit.of in self._taken or self._edited is None:
            return 0
        reference = self._edited.references[edit.of]
        return _text_bytes(edit.of) + _text_bytes(reference) + _SYNTAX_BYTES

    def take(self, name: str) -> None:
        """Note that a sequence is in the part."""
        if edit := self._edit(name):
            self._taken.add(edit.of)

    def forget(self) -> None:
        """Begin another part."""
        self._taken.clear()

    def _edit(self, name: str) -> Edit | None:
        return None if self._edited is None else self._edited.edits.get(name)


def _text_bytes(text: str) -> int:
    # Letters are written as they are; anything else may take several bytes.
    return len(text) + 2 if text.isascii() and text.isalnum() else len(msgspec.json.encode(text))
