"""Models that only count letters: the floor any learned model has to clear.

`cpg` follows the formulas of the public GAME CpG Predictor to the last digit, so that it can stand
in for it; `gc` is its sibling.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.letters import letters_of
from genomark.digests import digest_of
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.models.training_data import NoTraining
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]
#: For each letter whether what is counted begins there.
Marks = NDArray[np.bool_]

#: Keeps the logarithm of an empty count finite.
_EPSILON = 1e-9
#: Half of the window of the CpG track, bp.
_HALF_WINDOW = 25
_C, _G = ord("C"), ord("G")


def gc() -> SequencePredictor:
    """GC content: point = (G + C + 1e-9) / length; a track of 50-bp windows; log is log2."""
    return SequencePredictor(
        info=_identity("gc"),
        predictor_name="genomark-gc",
        readouts={
            "point": Readout(gc_content, "linear", np.log2, takes_any=True),
            "track": Readout(gc_tracks, "linear", _log2_track),
        },
        range_mode="crop",
        training_data=NoTraining(),
        batch_invariant=True,
        never_waits=True,
    )


def cpg() -> SequencePredictor:
    """CpG density: point = (count of CG + 1e-9) / length; a track of 50-bp windows; log is log2."""
    return SequencePredictor(
        info=_identity("cpg"),
        predictor_name="genomark-cpg",
        readouts={
            "point": Readout(cpg_density, "linear", np.log2, takes_any=True),
            "track": Readout(cpg_tracks, "linear", _log2_track),
        },
        range_mode="crop",
        training_data=NoTraining(),
        batch_invariant=True,
        never_waits=True,
    )


def gc_content(sequences: Sequence[str]) -> Floats:
    """Share of G and C.

    Parameters
    ----------
    sequences : sequence of str
        Upper case.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    letters, offsets = letters_of(sequences)
    return _per_base(_gc_marks(letters), offsets, 1)


def cpg_density(sequences: Sequence[str]) -> Floats:
    """CG dinucleotides per base.

    Parameters
    ----------
    sequences : sequence of str
        Upper case.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    letters, offsets = letters_of(sequences)
    return _per_base(_cpg_marks(letters), offsets, 2)


def gc_tracks(sequences: list[str]) -> list[Floats]:
    """G and C per 100 bases in a window around each base; windows as in `cpg_tracks`.

    Parameters
    ----------
    sequences : list of str
        Upper case.

    Returns
    -------
    list of ndarray of float64, shape (length,)
    """
    letters, offsets = letters_of(sequences)
    return _tracks(_gc_marks(letters), offsets, 1)


def cpg_tracks(sequences: list[str]) -> list[Floats]:
    """CG dinucleotides per 100 bases in a window around each base.

    Value ``i`` is ``100 * count(CG in s[a:b]) / (b - a)`` with ``a = max(0, i - 25)`` and
    ``b = min(length, i + 25)``.

    Parameters
    ----------
    sequences : list of str
        Upper case.

    Returns
    -------
    list of ndarray of float64, shape (length,)
    """
    letters, offsets = letters_of(sequences)
    return _tracks(_cpg_marks(letters), offsets, 2)


def _gc_marks(letters: NDArray[np.uint8]) -> Marks:
    marks: Marks = (letters == _G) | (letters == _C)
    return marks


def _cpg_marks(letters: NDArray[np.uint8]) -> Marks:
    """One fewer than letters; also true of a C and a G of which a sequence ends between them."""
    marks: Marks = (letters[:-1] == _C) & (letters[1:] == _G)
    return marks


def _per_base(marks: Marks, offsets: NDArray[np.int64], size: int) -> Floats:
    """Marks per base of each sequence; `size` is how many letters of it a mark takes."""
    counts = np.empty(offsets.size - 1)
    _count_marks(marks, offsets, size, counts)
    return (counts + _EPSILON) / np.diff(offsets)


def _tracks(marks: Marks, offsets: NDArray[np.int64], size: int) -> list[Floats]:
    tracks = []
    for start, end in pairwise(offsets.tolist()):
        track = np.empty(end - start)
        _window_shares(marks[start : max(start, end - size + 1)], _HALF_WINDOW, track)
        tracks.append(track)
    return tracks


def _log2_track(track: Floats) -> Floats:
    return np.log2(track + _EPSILON)


@kernel
def _count_marks(marks: np.ndarray, offsets: np.ndarray, size: int, counts: np.ndarray) -> None:
    for row in range(counts.size):
        total = 0
        for mark in marks[offsets[row] : max(offsets[row], offsets[row + 1] - size + 1)]:
            total += mark
        counts[row] = total


@kernel
def _window_shares(marks: np.ndarray, half: int, track: np.ndarray) -> None:
    """Marks that lie in the window around each base, per 100 bases of it."""
    length = track.size
    # Letters of a mark that follow its first.
    more = length - marks.size
    before = np.empty(marks.size + 1, dtype=np.int32)
    total = 0
    for place in range(marks.size):
        before[place] = total
        total += marks[place]
    before[marks.size] = total
    whole = max(0, length - 2 * half + 1)
    # Arrays that begin at 0, so that many windows are compiled to an instruction.
    inner, lower, upper = track[half : half + whole], before[:whole], before[2 * half - more :]
    for window in range(whole):
        inner[window] = 100.0 * (upper[window] - lower[window]) / (2 * half)
    for begins, ends in ((0, min(half, length)), (max(half, length - half + 1), length)):
        for position in range(begins, ends):
            first, last = max(0, position - half), min(length, position + half)
            found = before[max(first, last - more)] - before[first]
            track[position] = 100.0 * found / (last - first)


def _identity(name: str) -> ModelIdentity:
    return ModelIdentity(id=name, version="1", digest=digest_of([name, "1"]))
