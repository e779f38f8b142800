"""From the sequences of a request to those a model sees: flanks, alphabet, ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET

from genomark.protocol.edits import EditedSequences
from genomark.protocol.errors import PredictionFailedError
from genomark.protocol.messages import PredictRequest

_ALPHABET = b"ACGTNacgtn"


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
        For an empty sequence, a letter outside A C G T N, or a range past the end; all at once.
    """
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    flanked = _Flanked.of(request)
    asked: dict[str, Asked] = {}
    faults: list[str] = []
    for name in request.sequences:
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
    """

    sequences: Mapping[str, str]
    upstream: str
    downstream: str
    sound: frozenset[str]

    @classmethod
    def of(cls, request: PredictRequest) -> _Flanked:
        upstream, downstream = request.upstream_seq or "", request.downstream_seq or ""
        sound: set[str] = set()
        if isinstance(request.sequences, EditedSequences) and not _strange(upstream + downstream):
            references = request.sequences.references.items()
            sound.update(name for name, letters in references if not _strange(letters))
        return cls(request.sequences, upstream, downstream, frozenset(sound))

    def checked(self, name: str) -> tuple[str | None, int, Callable[[], str]]:
        """Give what is wrong with a sequence, how long it is, and how to have it."""
        sequences = self.sequences
        if isinstance(sequences, EditedSequences) and name in sequences.edits:
            # Looked at, none of them is kept: all of them may be far more than what was sent.
            return *self._checked_edit(sequences, name), lambda: self._built(name).upper()
        built = self._built(name)
        letters = built.upper()
        return _fault(name, built), len(built), lambda: letters

    def _checked_edit(self, sequences: EditedSequences, name: str) -> tuple[str | None, int]:
        edit, length = sequences.edits[name], sequences.length(name)
        sound = edit.of in self.sound and length > 0
        if sound and not any(_strange(letters) for _, _, letters in edit.changes):
            return None, length + len(self.upstream) + len(self.downstream)
        built = self._built(name)
        return _fault(name, built), len(built)

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
        strange = ", ".join(repr(letter) for letter in sorted(set(sequence) - set("ACGTNacgtn")))
        return f"sequence '{name}' has invalid character(s): {{{strange}}}"
    return None


def _strange(letters: str) -> bool:
    # Deleting the known letters from the bytes is ten times as fast as a set of characters.
    return bool(letters.encode(errors="replace").translate(None, _ALPHABET))


def _range_fault(name: str, limits: list[int], length: int) -> str | None:
    if limits[1] < length:
        return None
    return (
        f"Invalid range for '{name}': index is out of bounds. "
        f"The maximum valid index for a sequence of length {length} is {length - 1}."
    )
