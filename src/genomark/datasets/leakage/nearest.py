"""The training sequence that is nearest to each test sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.hits import Hits, for_hits
from genomark.datasets.leakage.pairs import Alignments, Pairs, alignments
from genomark.datasets.leakage.search import Asked

#: From when on a test sequence leaked, if nothing else is asked for.
IDENTITY, COVERAGE = 0.8, 0.5
#: Candidates of a test sequence that are aligned.
_KEPT = 8


@dataclass(frozen=True)
class Nearest:
    """Of each test sequence, the training sequence with the best local alignment, and if it leaked.

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
        Matches / length of the test sequence.
    leaked : ndarray of bool
        Whether any training sequence, the nearest or another, has an alignment of the identity and
        coverage that were asked for: a long alignment hides no better one that is shorter.
    test_start, test_end, train_start, train_end : ndarray of int64
    """

    train: NDArray[np.int64]
    strand: NDArray[np.int8]
    identity: NDArray[np.float64]
    columns: NDArray[np.int64]
    coverage: NDArray[np.float64]
    similarity: NDArray[np.float64]
    leaked: NDArray[np.bool_]
    test_start: NDArray[np.int64]
    test_end: NDArray[np.int64]
    train_start: NDArray[np.int64]
    train_end: NDArray[np.int64]


class _Best(NamedTuple):
    """The best pairs of some test sequences, their alignments, and the rows of what leaked."""

    pairs: Pairs
    found: Alignments
    leaked: NDArray[np.int64]


def nearest(
    test: Sequence[str],
    train: Sequence[str],
    *,
    identity: float = IDENTITY,
    coverage: float = COVERAGE,
    both_strands: bool = True,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Nearest:
    """Look for the nearest training sequence of each test sequence, and whether it leaked.

    Parameters
    ----------
    test, train : sequence of str
        Small letters are large ones, and U is T; no other letter matches any. Training sequences
        may be as long as chromosomes.
    identity, coverage : float
        Of an alignment, at least, for a test sequence to have leaked: matches / columns, and the
        share of its letters that are in it.
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
    lengths = np.array([len(each) for each in test], dtype=np.int64)

    def best(hits: Hits) -> _Best:
        pairs = hits.pairs
        order = np.lexsort([pairs.other_strand, pairs.train, -hits.scores, pairs.test])
        is_first = np.diff(pairs.test[order], prepend=-1) > 0
        chosen = pairs.take(order[is_first])
        found = alignments(test, train, chosen, traced=True)
        passes = found.passes(lengths[chosen.test], identity, coverage)
        leaked = np.concatenate([chosen.test[passes], pairs.test[hits.is_asked]])
        # Only of what that does not tell the others are traced.
        others = pairs.take(order[~is_first])
        others = others.take(np.flatnonzero(~np.isin(others.test, leaked)))
        more = alignments(test, train, others, traced=True)
        passes = more.passes(lengths[others.test], identity, coverage)
        return _Best(chosen, found, np.concatenate([leaked, others.test[passes]]))

    parts = for_hits(
        test,
        train,
        best,
        kept=_KEPT,
        asked=Asked(identity, coverage),
        both_strands=both_strands,
        threads=threads,
        progress=progress,
    )
    return _assembled(lengths, parts)


def none_near(n: int) -> Nearest:
    """Say of `n` test sequences that none is like any training sequence."""
    return Nearest(
        train=np.full(n, -1, dtype=np.int64),
        strand=np.zeros(n, dtype=np.int8),
        identity=np.zeros(n),
        columns=np.zeros(n, dtype=np.int64),
        coverage=np.zeros(n),
        similarity=np.zeros(n),
        leaked=np.zeros(n, dtype=np.bool_),
        test_start=np.zeros(n, dtype=np.int64),
        test_end=np.zeros(n, dtype=np.int64),
        train_start=np.zeros(n, dtype=np.int64),
        train_end=np.zeros(n, dtype=np.int64),
    )


def _assembled(lengths: NDArray[np.int64], parts: Iterable[_Best]) -> Nearest:
    out = none_near(lengths.size)
    for pairs, found, leaked in parts:
        rows = pairs.test
        out.train[rows] = pairs.train
        out.strand[rows] = np.where(pairs.other_strand, -1, 1)
        out.identity[rows] = found.matches / found.columns
        out.columns[rows] = found.columns
        out.coverage[rows] = (found.test_end - found.test_start) / lengths[rows]
        out.similarity[rows] = found.matches / lengths[rows]
        out.leaked[leaked] = True
        out.test_start[rows], out.test_end[rows] = found.test_start, found.test_end
        out.train_start[rows], out.train_end[rows] = found.train_start, found.train_end
    return out
