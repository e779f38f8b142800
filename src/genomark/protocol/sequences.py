"""From the sequences of a request to those a model sees: flanks, alphabet, ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.protocol.blocks import SoundSequences, sound_sequences
from genomark.protocol.edits import Edit, EditedSequences
from genomark.protocol.errors import PredictionFailedError
from genomark.protocol.messages import PredictRequest

_ALPHABET = b"ACGTNacgtn"
_IS_STRANGE = np.ones(256, dtype=np.bool_)
_IS_STRANGE[list(_ALPHABET)] = False
#: Faults of edits that are told; each may cost the building of millions of letters.
_MOST_FAULTS = 100


@dataclass(frozen=True)
class Asked:
    """A flanked sequence, and the part of it that is asked about.

    Attributes
    ----------
    start, length : int
        First base asked about, counted in `sequence`, and how many; bp.
    total : int
        Length of `sequence`; bp.
    """

    start: int
    length: int
    total: int
    _letters: Callable[[], str] = field(repr=False)

    @property
    def sequence(self) -> str:
        """Upper case, flanks included, over A, C, G, T and N; an edit is built each time."""
        return self._letters()

    @property
    def cropped(self) -> str:
        """The part that is asked about."""
        return crop(self.sequence, [self.start, self.start + self.length - 1])


def plain_sequences(request: PredictRequest) -> SoundSequences | None:
    """Give the sequences of a request as a model sees them, if nothing is to be done to them.

    Returns
    -------
    SoundSequences or None
        None if there are flanks, ranges or edits, or a sequence that is not in upper case over A,
        C, G, T and N; `asked_sequences` knows what to do then.
    """
    if request.upstream_seq or request.downstream_seq or _has_ranges(request):
        return None
    if isinstance(request.sequences, EditedSequences):
        return None
    return sound_sequences(request.sequences)


def _has_ranges(request: PredictRequest) -> bool:
    ranges = request.prediction_ranges
    return ranges is not UNSET and any(ranges.values())


def asked_sequences(request: PredictRequest) -> dict[str, Asked]:
    """Add the flanks, check the letters and the ranges, and write in upper case.

    Parameters
    ----------
    request : PredictRequest

    Returns
    -------
    dict of str to Asked
        In the order of the request. Ranges are 0-based, inclusive at both ends, in flanked
        coordinates; an empty or missing one means all.

    Raises
    ------
    PredictionFailedError
        For an empty sequence, a letter outside A C G T N, or a range past the end; all at once,
        but of edits the first hundred, and how many edits were not looked at.
    """
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    flanked = _Flanked.of(request)
    asked: dict[str, Asked] = {}
    faults: list[str] = []
    for number, name in enumerate(request.sequences):
        if len(faults) >= _MOST_FAULTS and flanked.is_edit(name):
            faults.append(f"and {len(request.sequences) - number:,} more edits were not looked at")
            break
        fault, length, letters = flanked.checked(name)
        limits = ranges.get(name) or [0, length - 1]
        fault = fault or _range_fault(name, limits, length)
        if fault:
            faults.append(fault)
        else:
            asked[name] = Asked(limits[0], limits[1] - limits[0] + 1, length, letters)
    if faults:
        raise PredictionFailedError(faults)
    return asked


@dataclass(frozen=True)
class _Flanked:
    """The sequences of a request between its flanks.

    Edits are checked without being built, as long as nothing about them is strange.

    Attributes
    ----------
    strange : mapping of str to ndarray of int64
        Where each reference has letters that are none, in order; none of it in strange flanks.
    is_plain : bool
        Whether there are no flanks, and all sequences are known to need no look.
    """

    sequences: Mapping[str, str]
    upstream: str
    downstream: str
    strange: Mapping[str, NDArray[np.int64]]
    is_plain: bool

    @classmethod
    def of(cls, request: PredictRequest) -> _Flanked:
        upstream, downstream = request.upstream_seq or "", request.downstream_seq or ""
        sequences = request.sequences
        strange = {}
        is_plain = False
        if not isinstance(sequences, EditedSequences):
            sound = None if upstream or downstream else sound_sequences(sequences)
            is_plain, sequences = sound is not None, sound or sequences
        elif not _strange(upstream + downstream):
            references = sequences.references.items()
            strange = {name: _strange_places(letters) for name, letters in references}
        return cls(sequences, upstream, downstream, strange, is_plain)

    def is_edit(self, name: str) -> bool:
        """Whether a sequence is told as changes of another."""
        return isinstance(self.sequences, EditedSequences) and name in self.sequences.edits

    def checked(self, name: str) -> tuple[str | None, int, Callable[[], str]]:
        """Give what is wrong with a sequence, how long it is, and how to have it."""
        sequences = self.sequences
        if self.is_plain:
            whole = sequences[name]
            return None, len(whole), lambda: whole
        if isinstance(sequences, EditedSequences) and name in sequences.edits:
            # Looked at, none of them is kept: all of them may be far more than what was sent.
            return *self._checked_edit(sequences, name), lambda: self._built(name).upper()
        built = self._built(name)
        letters = built.upper()
        return _fault(name, built), len(built), lambda: letters

    def _checked_edit(self, sequences: EditedSequences, name: str) -> tuple[str | None, int]:
        edit, length = sequences.edits[name], sequences.length(name)
        if length and self._is_sound(edit):
            return None, length + len(self.upstream) + len(self.downstream)
        built = self._built(name)
        return _fault(name, built), len(built)

    def _is_sound(self, edit: Edit) -> bool:
        """Whether all strange letters of the reference go, and no other comes."""
        places = self.strange.get(edit.of)
        if places is None or any(_strange(letters) for _, _, letters in edit.changes):
            return False
        if not places.size:
            return True
        limits = np.array([(start, end) for start, end, _ in edit.changes], dtype=np.int64)
        first, last = np.searchsorted(places, limits.reshape(-1, 2).T)
        return bool((last - first).sum() == places.size)

    def _built(self, name: str) -> str:
        sequence = self.sequences[name]
        return f"{self.upstream}{sequence}{self.downstream}" if sequence else ""


def prepared_sequences(request: PredictRequest) -> dict[str, str]:
    """Give the sequences of a request cropped to their ranges; see `asked_sequences`."""
    return {name: each.cropped for name, each in asked_sequences(request).items()}


def crop(sequence: str, limits: list[int] | None) -> str:
    """Cut a sequence to a range: 0-based, inclusive at both ends, empty or None for all of it."""
    return sequence[limits[0] : limits[1] + 1] if limits else sequence


def _fault(name: str, sequence: str) -> str | None:
    if not sequence:
        return f"sequence '{name}' is empty"
    if _strange(sequence):
        strange = ", ".join(repr(letter) for letter in sorted(_strange_letters(sequence)))
        return f"sequence '{name}' has invalid character(s): {{{strange}}}"
    return None


def _strange(letters: str) -> bool:
    # Deleting the known letters from the bytes is ten times as fast as a set of characters.
    return bool(letters.encode(errors="replace").translate(None, _ALPHABET))


def _strange_letters(sequence: str) -> set[str]:
    if sequence.isascii():
        return set(sequence.encode("ascii").translate(None, _ALPHABET).decode("ascii"))
    return set(sequence) - set(_ALPHABET.decode("ascii"))


def _strange_places(letters: str) -> NDArray[np.int64]:
    if not _strange(letters):
        return np.empty(0, dtype=np.int64)
    # One byte a letter: what is not ASCII becomes a question mark.
    codes = np.frombuffer(letters.encode("ascii", errors="replace"), dtype=np.uint8)
    return np.flatnonzero(_IS_STRANGE[codes])


def _range_fault(name: str, limits: list[int], length: int) -> str | None:
    if limits[1] < length:
        return None
    return (
        f"Invalid range for '{name}': index is out of bounds. "
        f"The maximum valid index for a sequence of length {length} is {length - 1}."
    )
