"""Wilcoxon's signed-rank test of every pair of models over the tasks they share.

As `scipy.stats.wilcoxon` decides by itself, for thousands of pairs: zeros are left out; without
ties or zeros the distribution is exact up to 50 tasks, with them up to 13; beyond, it is normal.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.scoring.across.table import ScoreTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Most shared tasks for which the distribution is exact: without ties and zeros, and with them.
_EXACT, _EXACT_WITH_TIES = 50, 13


class SignedRanks(NamedTuple):
    """Rows against columns, each of shape (m, m).

    Attributes
    ----------
    p : ndarray of float64
        Two-sided, not adjusted; 1 where all scores are equal, NaN without a shared task and on
        the diagonal.
    statistic : ndarray of float64
        Sum of the ranks of the tasks on which the row is better; NaN as `p`.
    tasks : ndarray of int64
        Shared tasks; those with equal scores among them are left out of the test.
    """

    p: Floats
    statistic: Floats
    tasks: Integers


def signed_ranks(table: ScoreTable) -> SignedRanks:
    """Test every pair of models on the tasks that both have a value on.

    Wilcoxon 1945: the sizes of the differences are ranked over tasks, equal ones sharing the mean
    of their ranks, and those in favour of one model are added up. Differences are compared across
    tasks, so they should be on one scale. Under the hypothesis each difference may as well have
    had the other sign.

    Parameters
    ----------
    table : ScoreTable
    """
    m = table.models
    found = SignedRanks(
        np.full((m, m), np.nan), np.full((m, m), np.nan), np.zeros((m, m), dtype=np.int64)
    )
    most = min(_EXACT, table.values.shape[1])
    shares = np.zeros((most + 1, most * (most + 1) // 2 + 1))
    _exact_shares(shares)
    _test_pairs(np.ascontiguousarray(table.oriented), shares, *found)
    return found


@kernel
def _exact_shares(shares: np.ndarray) -> None:
    """Set ``shares[n, w]`` to the probability that ranks 1 to `n` add up to `w` or less.

    Each rank counts or does not, with probability one half.
    """
    shares[0, 0] = 1.0
    for n in range(1, len(shares)):
        for total in range(n * (n + 1) // 2 + 1):
            shares[n, total] = shares[n - 1, total] / 2.0
            if total >= n:
                shares[n, total] += shares[n - 1, total - n] / 2.0
    for n in range(len(shares)):
        for total in range(1, shares.shape[1]):
            shares[n, total] += shares[n, total - 1]


@kernel
def _doubled_mid_ranks(sizes: np.ndarray, order: np.ndarray, ranks: np.ndarray) -> float:
    """Rank sizes, ties sharing the mean: twice that. Returns the sum of ``t^3 - t`` over ties."""
    n = order.size
    ties = 0.0
    first = 0
    while first < n:
        last = first
        while last + 1 < n and sizes[order[last + 1]] == sizes[order[first]]:
            last += 1
        for place in range(first, last + 1):
            ranks[order[place]] = first + last + 2
        length = float(last - first + 1)
        ties += length**3 - length
        first = last + 1
    return ties


@kernel
def _share_of_signs(ranks: np.ndarray, doubled: int) -> float:
    """Probability that doubled ranks add up to `doubled` or less, each counting or not."""
    shares = np.zeros(doubled + 1)
    shares[0] = 1.0
    for rank in ranks:
        for total in range(doubled, -1, -1):
            shares[total] /= 2.0
            if total >= rank:
                shares[total] += shares[total - rank] / 2.0
    return float(shares.sum())


@kernel
def _p_value(differences: np.ndarray, shared: int, shares: np.ndarray) -> tuple[float, float]:
    """Give the two-sided p-value and the rank sum of what is above 0; no difference is 0."""
    n = differences.size
    if n == 0:
        return 1.0, 0.0
    sizes = np.abs(differences)
    ranks = np.empty(n, dtype=np.int64)
    ties = _doubled_mid_ranks(sizes, np.argsort(sizes), ranks)
    doubled = 0
    for item in range(n):
        if differences[item] > 0.0:
            doubled += ranks[item]
    smaller = min(doubled, n * (n + 1) - doubled)
    if ties == 0.0 and n == shared and n < len(shares):
        p = 2.0 * shares[n, smaller // 2]
    elif shared <= _EXACT_WITH_TIES:
        p = 2.0 * _share_of_signs(ranks, smaller)
    else:
        # The variance of the sum, less what ties take from it (Hollander and Wolfe 1999, 3.1).
        variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0
        z = (smaller / 2.0 - n * (n + 1.0) / 4.0) / math.sqrt(variance)
        p = math.erfc(-z / math.sqrt(2.0))
    return min(p, 1.0), doubled / 2.0


@kernel
def _test_pairs(
    values: np.ndarray, shares: np.ndarray, p: np.ndarray, statistic: np.ndarray, tasks: np.ndarray
) -> None:
    """Test each pair, more being better; what either has no value on is passed over."""
    m, t = values.shape
    differences = np.empty(t)
    for a in range(m):
        for b in range(a):
            shared = n = 0
            for task in range(t):
                difference = values[a, task] - values[b, task]
                if difference == difference:
                    shared += 1
                    if difference != 0.0:
                        differences[n] = difference
                        n += 1
            tasks[a, b] = tasks[b, a] = shared
            if shared:
                found, total = _p_value(differences[:n], shared, shares)
                p[a, b] = p[b, a] = found
                statistic[a, b] = total
                statistic[b, a] = n * (n + 1) / 2.0 - total
