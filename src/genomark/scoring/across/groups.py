"""Which models many tasks tell apart: p-values adjusted by Holm, and groups that stay together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.scoring.across.signed_ranks import signed_ranks
from genomark.scoring.across.table import ScoreTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Groups(NamedTuple):
    """Models in the order of their mean rank, and the bars of a critical-difference diagram.

    Attributes
    ----------
    order : ndarray of int64, shape (k,)
        Models that are ranked, best first.
    mean_rank : ndarray of float64, shape (k,)
        Of the models in that order.
    adjusted : ndarray of float64, shape (m, m)
        P-value of each pair, adjusted by Holm; NaN where it is not tested.
    bars : list of (int, int)
        First and last place in `order`, from 0, of groups in which no pair is told apart.
    unjoined : int
        Pairs that are not told apart either, but that no bar joins: a model between them differs.
    tasks : int
        How many tasks were used, those on which all models have a value.
    """

    order: Integers
    mean_rank: Floats
    adjusted: Floats
    bars: list[tuple[int, int]]
    unjoined: int
    tasks: int


def holm(p: NDArray[np.float64]) -> Floats:
    """Adjust the p-values of a symmetric matrix for the number of pairs.

    Holm 1979: the i-th smallest of k, times ``k - i + 1``, is no less than those before it and no
    more than 1. The chance that any pair that does not differ is below 0.05 is at most 0.05.

    Parameters
    ----------
    p : ndarray of float64, shape (m, m)
        NaN where a pair was not tested; such pairs do not count.

    Returns
    -------
    ndarray of float64, shape (m, m)
    """
    rows, columns = np.triu_indices(len(p), 1)
    values = p[rows, columns]
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    stepped = np.maximum.accumulate(values[order] * np.arange(order.size, 0, -1))
    adjusted = np.full(p.shape, np.nan)
    adjusted[rows[order], columns[order]] = np.minimum(stepped, 1.0)
    adjusted[columns[order], rows[order]] = np.minimum(stepped, 1.0)
    return adjusted


def groups(table: ScoreTable, *, alpha: float = 0.05) -> Groups:
    """Group models that Wilcoxon's test with Holm's adjustment does not tell apart.

    The diagram is that of Demšar 2006, with pairwise tests in place of Nemenyi's, as Benavoli,
    Corani and Mangili 2016 advise: whether two models differ depends on the two alone, but for
    the adjustment. A bar is a longest run, in the order of the mean rank, in which every pair has
    an adjusted p-value of `alpha` or more.

    Parameters
    ----------
    table : ScoreTable
        The tasks on which every model has a value are used.
    alpha : float
        Chance of telling any equal pair apart.

    Raises
    ------
    UsageError
        If `alpha` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha {alpha}: expected a number between 0 and 1, such as 0.05")
    m, shared = table.models, table.shared
    used = table.over(shared)
    tasks = int(shared.sum())
    adjusted = holm(signed_ranks(used).p)
    if not tasks:
        return Groups(np.empty(0, np.int64), np.empty(0), adjusted, [], 0, 0)
    rank = scipy.stats.rankdata(-used.oriented, axis=0).mean(axis=1)
    order = np.argsort(rank, kind="stable")
    alike = (adjusted >= alpha)[np.ix_(order, order)]
    bars = runs(alike)
    joined = np.zeros((m, m), dtype=np.bool_)
    for first, last in bars:
        joined[first : last + 1, first : last + 1] = True
    unjoined = int(np.triu(alike & ~joined, 1).sum())
    return Groups(order, rank[order], adjusted, bars, unjoined, tasks)


def runs(alike: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find the longest runs of two or more in which all are alike."""
    runs: list[tuple[int, int]] = []
    last = 0
    for first in range(len(alike)):
        end = max(first, last)
        while end + 1 < len(alike) and alike[first : end + 1, end + 1].all():
            end += 1
        if end > first and (not runs or end > runs[-1][1]):
            runs.append((first, end))
        last = end
    return runs
