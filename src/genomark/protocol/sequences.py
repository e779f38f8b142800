"""From the sequences of a request to those a model sees: flanks, alphabet, ranges."""

from __future__ import annotations

from msgspec import UNSET

from genomark.protocol.errors import PredictionFailedError
from genomark.protocol.messages import PredictRequest

_ALPHABET = b"ACGTNacgtn"


def prepared_sequences(request: PredictRequest) -> dict[str, str]:
    """Add the flanks, check the letters, crop to the ranges and write in upper case.

    Parameters
    ----------
    request : PredictRequest

    Returns
    -------
    dict of str to str
        Upper-case sequences over A, C, G, T and N, in the order of the request.

    Raises
    ------
    PredictionFailedError
        For an empty sequence, a letter outside A C G T N, or a range past the end; all at once.
    """
    upstream = request.upstream_seq or ""
    downstream = request.downstream_seq or ""
    ranges = {} if request.prediction_ranges is UNSET else request.prediction_ranges
    prepared: dict[str, str] = {}
    faults: list[str] = []
    for name, sequence in request.sequences.items():
        flanked = f"{upstream}{sequence}{downstream}" if sequence else ""
        fault = _fault(name, flanked) or _range_fault(name, ranges.get(name), len(flanked))
        if fault:
            faults.append(fault)
        else:
            prepared[name] = crop(flanked, ranges.get(name)).upper()
    if faults:
        raise PredictionFailedError(faults)
    return prepared


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


def _range_fault(name: str, limits: list[int] | None, length: int) -> str | None:
    if not limits or limits[1] < length:
        return None
    return (
        f"Invalid range for '{name}': index is out of bounds. "
        f"The maximum valid index for a sequence of length {length} is {length - 1}."
    )
