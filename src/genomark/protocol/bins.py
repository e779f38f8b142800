"""Bins and bases: where the bins of a track lie, and how a track is read base by base.

GAME 1.0, section 3.3: a binned track covers its sequence (or range) from the bin that holds the
first base to the bin that holds the last; `trim_upstream` says how many bases of the first bin come
before the first base.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BinSpan:
    """Bins ``first`` to ``last`` (exclusive) of a grid, and the bases of ``first`` to drop."""

    first: int
    last: int
    trim_upstream: int


def covering_bins(start: int, length: int, bin_size: int) -> BinSpan:
    """Find the bins of a grid that cover some bases.

    Parameters
    ----------
    start : int
        First base, counted from the start of bin 0; bp.
    length : int
        Number of bases, at least 1.
    bin_size : int
        bp.
    """
    first = start // bin_size
    return BinSpan(
        first=first,
        last=-(-(start + length) // bin_size),
        trim_upstream=start - first * bin_size,
    )


def bases_of_bins(values: Floats, bin_size: int, length: int, trim_upstream: int = 0) -> Floats:
    """Read a binned track base by base.

    Each value is repeated `bin_size` times, `trim_upstream` bases are dropped in front, and what is
    over `length` at the end.

    Parameters
    ----------
    values : ndarray of float64, shape (n_bins,)
    bin_size : int
        bp.
    length : int
        Bases the track is of.
    trim_upstream : int
        bp.

    Returns
    -------
    ndarray of float64, shape (length,)

    Raises
    ------
    ValueError
        If there are fewer or more bins than cover these bases.
    """
    expected = covering_bins(trim_upstream, length, bin_size)
    if values.ndim != 1 or values.size != expected.last - expected.first:
        raise ValueError(
            f"{length} bases, {trim_upstream} bp into bins of {bin_size} bp, take "
            f"{expected.last - expected.first} bins; got an array of shape {values.shape}"
        )
    return np.repeat(values, bin_size)[trim_upstream : trim_upstream + length]
