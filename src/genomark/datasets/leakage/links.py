"""Pairs of sequences of one set that are too alike to stand on two sides of a split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.hits import Hits, for_hits
from genomark.datasets.leakage.pairs import alignments

#: Links of a sequence that are looked for; a family is tied together by fewer.
_KEPT = 32


@dataclass(frozen=True)
class Links:
    """Linked pairs, shape (n,) each.

    Attributes
    ----------
    one, other : ndarray of int64
        Rows; those of `one` are of the first set, where there are two.
    similarity : ndarray of float64
        Matches / length of the shorter.
    largest : float
        Similarity of all pairs that are more than chance, whether linked or not; 0 where none are.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    similarity: NDArray[np.float64]
    largest: float


@dataclass(frozen=True)
class Alike:
    """From when on two sequences are linked.

    Attributes
    ----------
    identity : float
        Matches / columns of their best local alignment, at least.
    coverage : float
        Letters of the shorter in it / its length, at least.
    both_strands : bool
        Whether one may be the reverse complement.
    """

    identity: float = 0.8
    coverage: float = 0.5
    both_strands: bool = True


def links(
    ours: Sequence[str],
    theirs: Sequence[str] | None,
    alike: Alike,
    *,
    threads: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Links:
    """Find linked pairs.

    Parameters
    ----------
    ours, theirs : sequence of str
        Two sets, or one and None for pairs in it; that one has no sequence twice.
    alike : Alike
    threads : int
    progress : callable
        Takes how many more sequences are done.

    Returns
    -------
    Links
        Of a sequence with very many, not all.
    """
    others = ours if theirs is None else theirs
    our_lengths, their_lengths = (
        np.array([len(each) for each in side], dtype=np.int64) for side in (ours, others)
    )

    def linked(
        hits: Hits,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], float]:
        one, other = hits.pairs.test, hits.pairs.train
        found = alignments(ours, others, hits.pairs, traced=True)
        is_shorter = our_lengths[one] <= their_lengths[other]
        shorter = np.minimum(our_lengths[one], their_lengths[other])
        covered = np.where(
            is_shorter, found.test_end - found.test_start, found.train_end - found.train_start
        )
        similarity = found.matches / shorter
        kept = (found.matches >= alike.identity * found.columns) & (
            covered >= alike.coverage * shorter
        )
        return one[kept], other[kept], similarity[kept], float(similarity.max(initial=0.0))

    parts = list(
        for_hits(
            ours,
            others,
            linked,
            kept=_KEPT,
            is_same_set=theirs is None,
            both_strands=alike.both_strands,
            threads=threads,
            progress=progress,
        )
    )
    empty = np.empty(0, dtype=np.int64)
    return Links(
        np.concatenate([empty, *(part[0] for part in parts)]),
        np.concatenate([empty, *(part[1] for part in parts)]),
        np.concatenate([np.empty(0), *(part[2] for part in parts)]),
        max((part[3] for part in parts), default=0.0),
    )
