"""Groups of rows are shared out to splits, and rows that keep two splits linked are dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.links import Links

DROPPED = -1


def grouped(n: int, links: Links, largest: int) -> NDArray[np.int64]:
    """Number groups of linked rows, none with more rows than `largest`.

    The most similar pairs are joined first, so that what a group too large is cut at are its
    weakest links ("restricted single linkage" of GraphPart, Teufel et al. 2023).

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0, in the order of their first rows.
    """
    roots = np.arange(n)
    sizes = np.ones(n, dtype=np.int64)

    def root(row: int) -> int:
        while roots[row] != row:
            roots[row] = roots[roots[row]]
            row = roots[row]
        return row

    order = np.lexsort([links.other, links.one, -links.similarity])
    for one, other in zip(links.one[order].tolist(), links.other[order].tolist(), strict=True):
        first, second = sorted((root(one), root(other)))
        if first != second and sizes[first] + sizes[second] <= largest:
            roots[second] = first
            sizes[first] += sizes[second]
    found = np.array([root(row) for row in range(n)], dtype=np.int64)
    numbers: NDArray[np.int64] = np.unique(found, return_inverse=True)[1]
    return numbers


def packed(
    groups: NDArray[np.int64],
    links: Links,
    strata: NDArray[np.int64],
    weights: NDArray[np.int64],
    shares: NDArray[np.float64],
    seed: int,
) -> NDArray[np.int64]:
    """Give each row a split, all rows of a group the same.

    Large groups come first, each to the split that lacks most of what it has; a group that is
    linked to others goes to the split of most of these that has room for it.

    Parameters
    ----------
    groups : ndarray of int64, shape (n,)
    links : Links
    strata : ndarray of int64, shape (n,)
        Each split is to have the same share of every stratum.
    weights : ndarray of int64, shape (n,)
        How many items each row stands for.
    shares : ndarray of float64, shape (n_splits,)
        Sum to 1.
    seed : int
        Of the order of groups of one size.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    n_groups, n_strata = int(groups.max(initial=-1)) + 1, int(strata.max(initial=-1)) + 1
    held = np.zeros((n_groups, n_strata), dtype=np.int64)
    np.add.at(held, (groups, strata), weights)
    totals = held.sum(axis=0)
    lacking = shares[:, None] * totals
    sizes = held.sum(axis=1)
    apart = groups[links.one] != groups[links.other]
    one, other = groups[links.one[apart]], groups[links.other[apart]]
    neighbours: dict[int, list[int]] = {}
    for first, second in zip(one.tolist(), other.tolist(), strict=True):
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    shuffled = np.random.default_rng(seed).permutation(n_groups)
    chosen = np.full(n_groups, DROPPED, dtype=np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        wanted = lacking @ (held[group] / np.maximum(totals, 1))
        near = chosen[neighbours.get(group, [])]
        tied = np.bincount(near[near != DROPPED], minlength=shares.size)
        tied = np.where(lacking.sum(axis=1) >= sizes[group], tied, 0)
        best = int(np.lexsort([wanted, tied])[-1])
        chosen[group] = best
        lacking[best] -= held[group]
    return chosen[groups]


def without_straddling(
    splits: NDArray[np.int64], links: Links, weights: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Drop rows until no link joins two splits, the rows with the most such links first.

    Returns
    -------
    ndarray of int64, shape (n,)
        `splits` with `DROPPED` for some rows; none of them could stay.
    """
    apart = splits[links.one] != splits[links.other]
    pairs = np.unique(
        np.sort(np.column_stack([links.one[apart], links.other[apart]]), axis=1), axis=0
    )
    against: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        against.setdefault(one, set()).add(other)
        against.setdefault(other, set()).add(one)
    out = splits.copy()
    left = {row: set(rows) for row, rows in against.items()}
    # Buckets by number of links: a row is looked at again when its number has fallen.
    waiting: dict[int, list[int]] = {}
    for row, rows in sorted(left.items()):
        waiting.setdefault(len(rows), []).append(row)
    for n_links in range(max(waiting, default=0), 0, -1):
        for row in sorted(waiting.pop(n_links, []), key=lambda row: (int(weights[row]), row)):
            now = len(left[row])
            if now < n_links:
                if now:
                    waiting.setdefault(now, []).append(row)
                continue
            out[row] = DROPPED
            for other in left.pop(row):
                left[other].discard(row)
            left[row] = set()
    for row in sorted(against):
        if out[row] == DROPPED and all(
            out[other] in (DROPPED, splits[row]) for other in against[row]
        ):
            out[row] = splits[row]
    return out
