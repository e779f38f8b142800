"""The training sequence that is nearest to each test sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.hits import Hits, for_hits
from genomark.datasets.leakage.pairs import Alignments, Pairs, alignments

#: Candidates of a test sequence that are aligned.
_KEPT = 8


@dataclass(frozen=True)
class Nearest:
    """Of each test sequence, the training sequence with the best local alignment.

    All arrays have one value a test sequence. Places are 0-based and half-open; those in the
    training sequence are on it as it is given, whichever strand matches.

    Attributes
    ----------
    train : ndarray of int64
        Row of the training sequence; -1 where none is more like it than chance has it.
    strand : ndarray of int8
        1, -1 where the reverse complement matches, 0 where there is none.
    identity : ndarray of float64
        Matches / columns of the alignment; 0 where there is none, as in all that follow.
    columns : ndarray of int64
        Matches, mismatches and gaps.
    coverage : ndarray of float64
        Letters of the test sequence in the alignment / its length.
    similarity : ndarray of float64
        Matches / length of the shorter of the two sequences.
    test_start, test_end, train_start, train_end : ndarray of int64
    """

    train: NDArray[np.int64]
    strand: NDArray[np.int8]
    identity: NDArray[np.float64]
    columns: NDArray[np.int64]
    coverage: NDArray[np.float64]
    similarity: NDArray[np.float64]
    test_start: NDArray[np.int64]
    test_end: NDArray[np.int64]
    train_start: NDArray[np.int64]
    train_end: NDArray[np.int64]


def leaked(nearest: Nearest, identity: float = 0.8, coverage: float = 0.5) -> NDArray[np.bool_]:
    """Tell which test sequences a model has seen in training, or nearly.

    Parameters
    ----------
    nearest : Nearest
    identity : float
        Of the alignment, at least.
    coverage : float
        Of the test sequence, at least.

    Returns
    -------
    ndarray of bool, shape (n_test,)
    """
    found: NDArray[np.bool_] = (
        (nearest.train >= 0) & (nearest.identity >= identity) & (nearest.coverage >= coverage)
    )
    return found


def nearest(
    test: Sequence[str],
    train: Sequence[str],
    *,
    both_strands: bool = True,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Nearest:
    """Look for the nearest training sequence of each test sequence.

    Parameters
    ----------
    test, train : sequence of str
        Small letters are large ones, and U is T; no other letter matches any. Training sequences
        may be as long as chromosomes.
    both_strands : bool
        Whether the reverse complement of a training sequence is one too, as in double-stranded DNA.
    threads : int
        The result does not depend on it.
    progress : callable
        Takes how many more training sequences are done.

    Returns
    -------
    Nearest
        Of training sequences with the same score the first. A copy is always found; what is less
        has to be more than chance has among as many letters.

    Raises
    ------
    UsageError
        If `threads` is not positive.
    """

    def best(hits: Hits) -> tuple[Pairs, Alignments]:
        pairs = hits.pairs
        order = np.lexsort([pairs.other_strand, pairs.train, -hits.scores, pairs.test])
        chosen = pairs.take(order[np.diff(pairs.test[order], prepend=-1) > 0])
        return chosen, alignments(test, train, chosen, traced=True)

    parts = for_hits(
        test,
        train,
        best,
        kept=_KEPT,
        both_strands=both_strands,
        threads=threads,
        progress=progress,
    )
    return _assembled(test, train, parts)


def none_near(n: int) -> Nearest:
    """Say of `n` test sequences that none is like any training sequence."""
    return Nearest(
        train=np.full(n, -1, dtype=np.int64),
        strand=np.zeros(n, dtype=np.int8),
        identity=np.zeros(n),
        columns=np.zeros(n, dtype=np.int64),
        coverage=np.zeros(n),
        similarity=np.zeros(n),
        test_start=np.zeros(n, dtype=np.int64),
        test_end=np.zeros(n, dtype=np.int64),
        train_start=np.zeros(n, dtype=np.int64),
        train_end=np.zeros(n, dtype=np.int64),
    )


def _assembled(
    test: Sequence[str], train: Sequence[str], parts: Iterable[tuple[Pairs, Alignments]]
) -> Nearest:
    out = none_near(len(test))
    our_lengths = np.array([len(each) for each in test], dtype=np.int64)
    for pairs, found in parts:
        rows = pairs.test
        their_lengths = np.array([len(train[row]) for row in pairs.train], dtype=np.int64)
        out.train[rows] = pairs.train
        out.strand[rows] = np.where(pairs.other_strand, -1, 1)
        out.identity[rows] = found.matches / found.columns
        out.columns[rows] = found.columns
        out.coverage[rows] = (found.test_end - found.test_start) / our_lengths[rows]
        out.similarity[rows] = found.matches / np.minimum(our_lengths[rows], their_lengths)
        out.test_start[rows], out.test_end[rows] = found.test_start, found.test_end
        out.train_start[rows], out.train_end[rows] = found.train_start, found.train_end
    return out
