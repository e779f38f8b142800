"""Splits of a set of sequences of which none has a near copy on the other side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.genome import reverse_complement
from genomark.datasets.leakage.links import Alike, Links, links
from genomark.datasets.leakage.packing import DROPPED, grouped, packed, without_straddling
from genomark.errors import UsageError

#: Times that a split is made anew because the check has found links that were not known.
_ROUNDS = 5


@dataclass(frozen=True)
class OrthogonalSplit:
    """A split, and what is known of it.

    Attributes
    ----------
    splits : ndarray of int64, shape (n,)
        Number of each sequence's split; -1 where it was dropped.
    groups : ndarray of int64, shape (n,)
        Sequences that are linked, along any chain, have the same number.
    largest_group : int
        How many sequences it has.
    largest_similarity : float
        Of any two sequences in different splits: matches of the best local alignment / length of
        the shorter, 0 where none are more alike than chance has it. Of pairs that are linked there
        are none.
    """

    splits: NDArray[np.int64]
    groups: NDArray[np.int64]
    largest_group: int
    largest_similarity: float

    @property
    def dropped(self) -> NDArray[np.bool_]:
        """Which sequences are in no split, bool[n]."""
        dropped: NDArray[np.bool_] = self.splits == DROPPED
        return dropped


def orthogonal_split(
    sequences: Sequence[str],
    ratios: Sequence[float],
    *,
    alike: Alike | None = None,
    strata: Sequence[object] | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> OrthogonalSplit:
    """Share sequences out so that no two of different splits are alike.

    Groups of linked sequences stay whole, as in hashFrag (Rafi et al. 2025). Only where one is
    larger than the largest split it is cut at its weakest links, and as few sequences are dropped
    as were found to suffice, as in GraphPart (Teufel et al. 2023).

    Parameters
    ----------
    sequences : sequence of str
    ratios : sequence of float
        Two or more, each above 0.
    alike : Alike, optional
    strata : sequence, optional
        Of each sequence what all splits are to have the same share of.
    seed : int
    threads : int
        The result does not depend on it.
    progress : callable
        Takes how many more sequences were compared.

    Returns
    -------
    OrthogonalSplit

    Raises
    ------
    UsageError
        If there are too few ratios or one is not above 0, or `alike` is out of range.
    """
    alike = alike or Alike()
    shares = np.array(ratios, dtype=np.float64)
    if shares.size < 2 or not (np.isfinite(shares) & (shares > 0)).all():
        raise UsageError(f"The ratios must be two or more numbers above 0, not {list(ratios)}")
    if not (0 < alike.identity <= 1 and 0 < alike.coverage <= 1):
        raise UsageError(
            f"Identity and coverage must be above 0 and up to 1, not {alike.identity} and "
            f"{alike.coverage}"
        )
    shares /= shares.sum()
    first, copy_of = _unlike(sequences, both_strands=alike.both_strands)
    weights = np.bincount(copy_of, minlength=first.size)
    texts = [sequences[row] for row in first]
    numbers = np.zeros(first.size, dtype=np.int64)
    if strata is not None:
        numbers = np.unique([str(strata[row]) for row in first], return_inverse=True)[1]
    known = links(texts, None, alike, threads=threads, progress=progress)
    for _ in range(_ROUNDS):
        splits = _split(known, numbers, weights, shares, seed)
        missed = _between(texts, splits, alike, threads)
        if not missed.one.size:
            break
        known = _joined(known, missed)
    while missed.one.size:
        # The first of a pair is of the later and smaller split.
        splits[missed.one] = DROPPED
        missed = _between(texts, splits, alike, threads)
    groups = grouped(first.size, known, first.size)
    sizes = np.bincount(groups, weights=weights)
    return OrthogonalSplit(
        splits[copy_of], groups[copy_of], int(sizes.max(initial=0)), missed.largest
    )


def _unlike(
    sequences: Sequence[str], *, both_strands: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the first of all copies, and of each sequence the number of its first copy."""
    numbers: dict[str, int] = {}
    first: list[int] = []
    copy_of = np.empty(len(sequences), dtype=np.int64)
    for row, sequence in enumerate(sequences):
        spelled = sequence.upper().replace("U", "T")
        if both_strands:
            spelled = min(spelled, reverse_complement(spelled))
        copy_of[row] = numbers.setdefault(spelled, len(first))
        if copy_of[row] == len(first):
            first.append(row)
    return np.array(first, dtype=np.int64), copy_of


def _split(
    known: Links,
    strata: NDArray[np.int64],
    weights: NDArray[np.int64],
    shares: NDArray[np.float64],
    seed: int,
) -> NDArray[np.int64]:
    n = strata.size
    targets = shares * weights.sum()
    best, least = np.zeros(n, dtype=np.int64), np.inf
    is_whole = np.bincount(grouped(n, known, n), weights=weights).max(initial=0) <= targets.max()
    for largest in [n] if is_whole else _cuts(shares, n):
        groups = grouped(n, known, largest)
        splits = without_straddling(
            packed(groups, known, strata, weights, shares, seed), known, weights
        )
        sizes = np.bincount(splits + 1, weights=weights, minlength=shares.size + 1)
        # What is dropped, and what would have to change sides for the ratios.
        cost = sizes[0] + np.abs(sizes[1:] - targets).sum() / 2
        if cost < least:
            best, least = splits, cost
    return best


def _cuts(shares: NDArray[np.float64], n: int) -> list[int]:
    """Sizes to cut a group to that is too large: which is best depends on how it hangs together."""
    sizes = {share * n for share in shares.tolist()}
    sizes |= {min(sizes) / part for part in (2, 4, 8)}
    return sorted({max(1, int(size)) for size in sizes}, reverse=True)


def _between(texts: list[str], splits: NDArray[np.int64], alike: Alike, threads: int) -> Links:
    """Look for links between splits, each against all before it."""
    found = []
    for split in range(1, int(splits.max(initial=0)) + 1):
        ours = np.flatnonzero(splits == split)
        theirs = np.flatnonzero((splits >= 0) & (splits < split))
        linked = links(
            [texts[row] for row in ours], [texts[row] for row in theirs], alike, threads=threads
        )
        found.append(
            Links(ours[linked.one], theirs[linked.other], linked.similarity, linked.largest)
        )
    return _joined(*found)


def _joined(*several: Links) -> Links:
    empty = np.empty(0, dtype=np.int64)
    return Links(
        np.concatenate([empty, *(each.one for each in several)]),
        np.concatenate([empty, *(each.other for each in several)]),
        np.concatenate([np.empty(0), *(each.similarity for each in several)]),
        max((each.largest for each in several), default=0.0),
    )
