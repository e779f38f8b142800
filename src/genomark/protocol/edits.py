"""Sequences told as changes of references, each of them built only when it is looked at.

A gene with three hundred perturbed elements is three hundred copies of one window of millions of
letters, and all of it is in one window and three hundred short edits. `docs/design/edits.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from genomark.protocol.blocks import SoundSequences
from genomark.protocol.errors import BadRequestError

#: Start and end, 0-based and half-open, of what goes, and the letters that come in its place.
Change = tuple[int, int, str]


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One sequence as changes of a reference.

    Attributes
    ----------
    of : str
        Name of the reference.
    changes : tuple of (int, int, str)
        In order and apart from one another, in coordinates of the reference, 0-based and
        half-open: an insertion has its start as its end, a deletion no letters.
    """

    of: str
    changes: tuple[Change, ...] = ()


class EditedSequences(Mapping[str, str]):
    """Sequences by id, of which none is built before it is asked for.

    Parameters
    ----------
    references : mapping of str to str
    edits : mapping of str to Edit
    whole : mapping of str to str, optional
        Those that are no edits; they come first.

    Raises
    ------
    BadRequestError
        With one message a fault: an unknown reference, a change beyond its end, changes that
        overlap or are out of order, an id that is there twice.
    """

    def __init__(
        self,
        references: Mapping[str, str],
        edits: Mapping[str, Edit],
        whole: Mapping[str, str] | None = None,
    ) -> None:
        self.references = references
        self.edits = edits
        self.whole: Mapping[str, str] = {} if whole is None else whole
        if faults := list(self._faults()):
            raise BadRequestError(faults)

    def __getitem__(self, name: str) -> str:
        if name in self.whole:
            return self.whole[name]
        edit = self.edits[name]
        reference = self.references[edit.of]
        pieces = []
        at = 0
        for start, end, letters in edit.changes:
            pieces += [reference[at:start], letters]
            at = end
        return "".join([*pieces, reference[at:]])

    def __iter__(self) -> Iterator[str]:
        yield from self.whole
        yield from self.edits

    def __len__(self) -> int:
        return len(self.whole) + len(self.edits)

    def __contains__(self, name: object) -> bool:
        return name in self.whole or name in self.edits

    def length(self, name: str) -> int:
        """Count the letters of a sequence without building it."""
        if name in self.whole:
            return len(self.whole[name])
        edit = self.edits[name]
        gained = sum(len(letters) - (end - start) for start, end, letters in edit.changes)
        return len(self.references[edit.of]) + gained

    def some(self, names: Iterable[str]) -> EditedSequences:
        """Give some of the sequences, with no other references than they need."""
        chosen = dict.fromkeys(names)
        edits = {name: self.edits[name] for name in chosen if name not in self.whole}
        needed = dict.fromkeys(edit.of for edit in edits.values())
        part = object.__new__(EditedSequences)
        # All of it has been checked already.
        part.references = {name: self.references[name] for name in needed}
        part.edits = edits
        part.whole = {name: self.whole[name] for name in chosen if name in self.whole}
        return part

    def _faults(self) -> Iterator[str]:
        for name, edit in self.edits.items():
            if name in self.whole:
                yield f"sequence '{name}' is there twice, whole and as an edit"
            if edit.of not in self.references:
                yield f"edit '{name}' is of '{edit.of}', which is not among the references"
            else:
                yield from _change_faults(name, edit, len(self.references[edit.of]))


def sequence_length(sequences: Mapping[str, str], name: str) -> int:
    """Count the letters of one of the sequences of a request."""
    if isinstance(sequences, EditedSequences):
        return sequences.length(name)
    return len(sequences[name])


def some_sequences(sequences: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """Give some of the sequences of a request, in the order of `names` where all are whole."""
    if isinstance(sequences, EditedSequences):
        return sequences.some(names)
    return {name: sequences[name] for name in names}


def total_letters(sequences: Mapping[str, str]) -> int:
    """Count the letters of all sequences of a request, as long as they would be when built."""
    if isinstance(sequences, SoundSequences):
        return sequences.letters
    if not isinstance(sequences, EditedSequences):
        return sum(map(len, sequences.values()))
    return sum(map(sequences.length, sequences))


def _change_faults(name: str, edit: Edit, length: int) -> Iterator[str]:
    at = 0
    for start, end, letters in edit.changes:
        where = f"edit '{name}': change [{start}, {end}, {len(letters)} letters]"
        if start < 0 or end < start or end > length:
            yield f"{where} is not within '{edit.of}', which has {length:,} letters"
            return
        if start < at:
            yield f"{where} overlaps the change before it, which ends at {at}, or is out of order"
            return
        at = end
