"""From the sequences of a request to those a model sees: flanks, alphabet, ranges."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from genomark.protocol.errors import PredictionFailedError
from genomark.protocol.messages import PredictRequest

_ALPHABET = b"ACGTNacgtn"


@dataclass(frozen=True)
class Asked:
    """A flanked sequence, and the part of it that is asked about.

    Attributes
    ----------
    sequence : str
        Upper case, flanks included, over A, C, G, T and N.
    start, length : int
        First base asked about, counted in `sequence`, and how many; bp.
    """

    sequence: str
    start: int
    length: int

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
    upstream = request.upstream_seq or ""
    downstream = request.downstream_seq or ""
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    asked: dict[str, Asked] = {}
    faults: list[str] = []
    for name, sequence in request.sequences.items():
        flanked = f"{upstream}{sequence}{downstream}" if sequence else ""
        limits = ranges.get(name) or [0, len(flanked) - 1]
        fault = _fault(name, flanked) or _range_fault(name, limits, len(flanked))
        if fault:
            faults.append(fault)
        else:
            asked[name] = Asked(flanked.upper(), limits[0], limits[1] - limits[0] + 1)
    if faults:
        raise PredictionFailedError(faults)
    return asked


def prepared_sequences(request: PredictRequest) -> dict[str, str]:
    """Give the sequences of a request cropped to their ranges; see `asked_sequences`."""
    return {name: each.cropped for name, each in asked_sequences(request).items()}


def crop(sequence: str, limits: list[int] | None) -> str:
    """Cut a sequence to a range: 0-based, inclusive at both ends, empty or None for all of it."""
    return sequence[limits[0] : limits[1] + 1] if limits else sequence


def _fault(name: str, sequence: str) -> str | None:
    if not sequence:
        return f"sequence '{name}' is empty"
    # Deleting the known letters from the bytes is ten times as fast as a set of characters.
    if sequence.encode(errors="replace").translate(None, _ALPHABET):
        strange = ", ".join(repr(letter) for letter in sorted(set(sequence) - set("ACGTNacgtn")))
        return f"sequence '{name}' has invalid character(s): {{{strange}}}"
    return None


def _range_fault(name: str, limits: list[int], length: int) -> str | None:
    if limits[1] < length:
        return None
    return (
        f"Invalid range for '{name}': index is out of bounds. "
        f"The maximum valid index for a sequence of length {length} is {length - 1}."
    )
