"""Alignments of pairs of sequences, each around a diagonal that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.leakage.alignment import align, trace
from genomark.datasets.words import encoded

Flags = NDArray[np.bool_]

#: Diagonals on either side: this many, one more for each 16 letters, and no more than that.
_NARROWEST, _LETTERS, _WIDEST = 16, 16, 64


@dataclass(frozen=True)
class Pairs:
    """Pairs of a test and a training sequence, shape (n,) each.

    Attributes
    ----------
    test, train : ndarray of int64
        Rows.
    other_strand : ndarray of bool
        Whether it is the reverse complement of the training sequence.
    diagonals : ndarray of int64
        Place in that, less place in the test sequence.
    """

    test: NDArray[np.int64]
    train: NDArray[np.int64]
    other_strand: NDArray[np.bool_]
    diagonals: NDArray[np.int64]

    def take(self, which: NDArray[np.int64]) -> Pairs:
        """Give some of them."""
        return Pairs(
            self.test[which], self.train[which], self.other_strand[which], self.diagonals[which]
        )


@dataclass(frozen=True)
class Alignments:
    """The best local alignment of each pair, shape (n,) and int64 each.

    All but `score` are 0 unless they were traced. Places are on the sequences as they are given.
    """

    score: NDArray[np.int64]
    matches: NDArray[np.int64]
    columns: NDArray[np.int64]
    test_start: NDArray[np.int64]
    test_end: NDArray[np.int64]
    train_start: NDArray[np.int64]
    train_end: NDArray[np.int64]

    def passes(self, lengths: NDArray[np.int64], identity: float, coverage: float) -> Flags:
        """Tell which have such an identity, and that coverage of test sequences so long."""
        return (self.matches / self.columns >= identity) & (
            (self.test_end - self.test_start) / lengths >= coverage
        )


def alignments(
    test: Sequence[str], train: Sequence[str], pairs: Pairs, *, traced: bool
) -> Alignments:
    """Align the pairs, each near its diagonal.

    Parameters
    ----------
    test, train : sequence of str
    pairs : Pairs
        Those of a test sequence one after the other.
    traced : bool
        Whether more than the score is wanted.

    Returns
    -------
    Alignments
    """
    rows, ours_of = np.unique(pairs.test, return_inverse=True)
    ours, our_offsets = encoded([test[row] for row in rows])
    our_lengths = np.diff(our_offsets)[ours_of]
    their_lengths = np.array([len(train[row]) for row in pairs.train], dtype=np.int64)
    bands = np.minimum(_NARROWEST + our_lengths // _LETTERS, _WIDEST)
    # No more of a training sequence is looked at than the band reaches.
    first = np.clip(pairs.diagonals - bands, 0, their_lengths)
    last = np.clip(pairs.diagonals + our_lengths + bands, first, their_lengths)
    starts = np.where(pairs.other_strand, their_lengths - last, first)
    ends = starts + last - first
    places = zip(pairs.train.tolist(), starts.tolist(), ends.tolist(), strict=True)
    theirs, their_offsets = encoded([train[row][start:end] for row, start, end in places])
    out = np.zeros((pairs.test.size, 7), dtype=np.int64)
    _align_all(
        ours,
        our_offsets,
        ours_of.astype(np.int64),
        theirs,
        their_offsets,
        pairs.other_strand,
        pairs.diagonals - first,
        bands,
        traced,
        out,
    )
    out[:, 5:] += starts[:, None]
    return Alignments(*out.T)


@kernel
def _align_all(
    ours: np.ndarray,
    our_offsets: np.ndarray,
    ours_of: np.ndarray,
    theirs: np.ndarray,
    their_offsets: np.ndarray,
    other_strand: np.ndarray,
    diagonals: np.ndarray,
    bands: np.ndarray,
    traced: bool,
    out: np.ndarray,
) -> None:
    """Write score, matches, columns and places, those of the training sequence in `theirs`."""
    width = 2 * bands.max() + 2 if bands.size else 0
    best = np.empty(width, dtype=np.int32)
    above = np.empty(width, dtype=np.int32)
    for pair in range(ours_of.size):
        row = ours_of[pair]
        our = ours[our_offsets[row] : our_offsets[row + 1]]
        their = theirs[their_offsets[pair] : their_offsets[pair + 1]]
        if other_strand[pair]:
            their = np.where(their < 4, 3 - their, their).astype(np.uint8)[::-1].copy()
        diagonal, band = diagonals[pair], bands[pair]
        moves = np.empty((our.size if traced else 0, 2 * band + 1), dtype=np.uint8)
        score, our_end, their_end = align(our, their, diagonal, band, best, above, moves)
        out[pair, 0] = score
        if not traced or score == 0:
            continue
        matches, columns, our_start, their_start = trace(
            our, their, diagonal, band, our_end, their_end, moves
        )
        if other_strand[pair]:
            their_start, their_end = their.size - their_end, their.size - their_start
        out[pair, 1:] = (matches, columns, our_start, our_end, their_start, their_end)
