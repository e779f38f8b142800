"""Models that only count letters: the floor any learned model has to clear.

`cpg` follows the formulas of the public GAME CpG Predictor to the last digit, so that it can stand
in for it; `gc` is its sibling.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.models.training_data import NoTraining
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]

#: Keeps the logarithm of an empty count finite.
_EPSILON = 1e-9
#: Half of the window of the CpG track, bp.
_HALF_WINDOW = 25


def gc() -> SequencePredictor:
    """GC content: point = (G + C + 1e-9) / length; a track of 50-bp windows; log is log2."""
    return SequencePredictor(
        info=_identity("gc"),
        predictor_name="genomark-gc",
        readouts={
            "point": Readout(gc_content, "linear", np.log2),
            "track": Readout(gc_tracks, "linear", _log2_track),
        },
        range_mode="crop",
        training_data=NoTraining(),
    )


def cpg() -> SequencePredictor:
    """CpG density: point = (count of CG + 1e-9) / length; a track of 50-bp windows; log is log2."""
    return SequencePredictor(
        info=_identity("cpg"),
        predictor_name="genomark-cpg",
        readouts={
            "point": Readout(cpg_density, "linear", np.log2),
            "track": Readout(cpg_tracks, "linear", _log2_track),
        },
        range_mode="crop",
        training_data=NoTraining(),
    )


def gc_content(sequences: list[str]) -> Floats:
    """Share of G and C.

    Parameters
    ----------
    sequences : list of str
        Upper case.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    counts = np.array([s.count("G") + s.count("C") for s in sequences], dtype=np.float64)
    return _per_base(counts, sequences)


def cpg_density(sequences: list[str]) -> Floats:
    """CG dinucleotides per base.

    Parameters
    ----------
    sequences : list of str
        Upper case.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    counts = np.array([s.count("CG") for s in sequences], dtype=np.float64)
    return _per_base(counts, sequences)


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
    return [_gc_track(sequence) for sequence in sequences]


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
    return [_cpg_track(sequence) for sequence in sequences]


def _gc_track(sequence: str) -> Floats:
    letters = np.frombuffer(sequence.encode(), dtype=np.uint8)
    counted = np.zeros(letters.size + 1)
    np.cumsum((letters == ord("G")) | (letters == ord("C")), out=counted[1:])
    begin, end = _window_limits(letters.size)
    track: Floats = 100.0 * (counted[end] - counted[begin]) / (end - begin)
    return track


def _window_limits(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    position = np.arange(length)
    return np.maximum(0, position - _HALF_WINDOW), np.minimum(length, position + _HALF_WINDOW)


def _log2_track(track: Floats) -> Floats:
    return np.log2(track + _EPSILON)


def _per_base(counts: Floats, sequences: list[str]) -> Floats:
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.float64)
    return (counts + _EPSILON) / lengths


def _cpg_track(sequence: str) -> Floats:
    letters = np.frombuffer(sequence.encode(), dtype=np.uint8)
    starts = np.zeros(letters.size + 1, dtype=np.int64)
    # starts[i] counts the CG that begin before i, so a window holds those that begin in it and
    # still end in it.
    starts[1:-1] = np.cumsum((letters[:-1] == ord("C")) & (letters[1:] == ord("G")))
    starts[-1] = starts[-2]
    begin, end = _window_limits(letters.size)
    found = (starts[np.maximum(begin, end - 1)] - starts[begin]).astype(np.float64)
    track: Floats = 100.0 * found / (end - begin)
    return track


def _identity(name: str) -> ModelIdentity:
    return ModelIdentity(id=name, version="1", digest=digest_of([name, "1"]))
