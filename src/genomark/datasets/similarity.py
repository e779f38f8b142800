"""Copies and near copies: how much of a test set stands in a training set.

Two sequences are compared by the words of `k` letters they are made of. Of the words of the
shorter one, counted as often as they occur, the share that the other has too is its *containment*
(Broder 1997, "On the resemblance and containment of documents"). Counting repeats keeps a run of
one letter from being found in every sequence that has a short one.

One changed letter changes `k` words, so two copies of which a share `p` of the letters is the same
share about ``p ** k`` of their words (Ondov et al. 2016, "Mash"): with words of 16 letters, a
threshold of 0.8 is met by sequences that are the same in some 98.6 % of their letters, and two
random sequences of 400 letters hardly ever have a word in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.genome import reverse_complement
from genomark.datasets.words import WordIndex, count_shared, encoded, sequence_words, word_index
from genomark.errors import UsageError

#: Letters of a word whose number fits into 64 bits.
_LONGEST = 32
#: Training sequences between two words on how far it has come.
_BLOCK = 4096


@dataclass(frozen=True)
class Similarity:
    """What a training set has of each test sequence.

    Attributes
    ----------
    copy_of : ndarray of int64, shape (n_test,)
        First training row with the same sequence, on either strand where both count; -1: none.
    nearest : ndarray of int64, shape (n_test,)
        First training row with the largest containment, a copy before all others; -1 where none
        has a word in common with it.
    containment : ndarray of float64, shape (n_test,)
        Of that row, from 0 to 1; 1 for a copy.
    threshold : float
    """

    copy_of: NDArray[np.int64]
    nearest: NDArray[np.int64]
    containment: NDArray[np.float64]
    threshold: float

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Which test sequences have a copy, bool[n_test]."""
        return self.copy_of >= 0

    @property
    def near(self) -> NDArray[np.bool_]:
        """Which have a copy or a near copy: containment at or above the threshold, bool[n_test]."""
        return self.containment >= self.threshold


def screen(
    test: Sequence[str],
    train: Sequence[str],
    *,
    k: int = 16,
    threshold: float = 0.8,
    both_strands: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Similarity:
    """Look for each test sequence in a training set.

    Parameters
    ----------
    test, train : sequence of str
        Small letters are large ones, and U is T. A word with any other letter than these four is
        left out; a sequence without words can only have exact copies.
    k : int
        Letters of a word, 1 to 32.
    threshold : float
        Containment from which on a sequence counts as near, above 0 and up to 1.
    both_strands : bool
        Whether a word and its reverse complement are one, as they are in double-stranded DNA.
    progress : callable
        Takes how many more training sequences are done.

    Returns
    -------
    Similarity

    Raises
    ------
    UsageError
        If `k` or `threshold` is out of range.
    """
    if not 1 <= k <= _LONGEST:
        raise UsageError(f"k must be from 1 to {_LONGEST}, not {k}")
    if not 0.0 < threshold <= 1.0:
        raise UsageError(f"the threshold must be above 0 and up to 1, not {threshold}")
    nearest = np.full(len(test), -1, dtype=np.int64)
    containment = np.zeros(len(test))
    codes, offsets = encoded(test)
    index = word_index(codes, offsets, k, both_strands)
    for first in range(0, len(train), _BLOCK):
        block = train[first : first + _BLOCK]
        codes, offsets = encoded(block)
        _compare(codes, offsets, k, both_strands, first, index, nearest, containment)
        progress(len(block))
    copy_of = _copies(test, train, both_strands=both_strands)
    copied = copy_of >= 0
    nearest[copied] = copy_of[copied]
    containment[copied] = 1.0
    return Similarity(copy_of, nearest, containment, threshold)


def _copies(test: Sequence[str], train: Sequence[str], *, both_strands: bool) -> NDArray[np.int64]:
    first: dict[str, int] = {}
    for row, sequence in enumerate(train):
        first.setdefault(_spelled(sequence), row)
    found = np.empty(len(test), dtype=np.int64)
    for row, sequence in enumerate(test):
        spelled = _spelled(sequence)
        place = first.get(spelled)
        if place is None and both_strands:
            place = first.get(reverse_complement(spelled))
        found[row] = -1 if place is None else place
    return found


def _spelled(sequence: str) -> str:
    return sequence.upper().replace("U", "T")


@kernel
def _compare(
    codes: np.ndarray,
    offsets: np.ndarray,
    k: int,
    both_strands: bool,
    row_of_first: int,
    index: WordIndex,
    nearest: np.ndarray,
    containment: np.ndarray,
) -> None:
    """Compare a block of training sequences with all test sequences, keeping the best."""
    totals = index[-1]
    shared = np.zeros(totals.size, dtype=np.int64)
    touched = np.empty(totals.size, dtype=np.int64)
    scratch = np.empty(np.diff(offsets).max(), dtype=np.uint64)
    for train in range(offsets.size - 1):
        n = sequence_words(codes, offsets[train], offsets[train + 1], k, both_strands, scratch)
        n_touched = count_shared(scratch[:n], index, totals.size, shared, touched)
        for each in range(n_touched):
            test = touched[each]
            share = shared[test] / min(totals[test], n)
            if share > containment[test]:
                containment[test] = share
                nearest[test] = row_of_first + train
            shared[test] = 0
