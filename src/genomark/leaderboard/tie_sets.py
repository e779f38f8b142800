"""The tie sets themselves, for a page that draws them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Sets that are listed at most: graphs that are made for it have 3^(n / 3).
MOST_SETS = 200


def tie_sets(tied: NDArray[np.bool_], *, most: int = MOST_SETS) -> list[list[int]] | None:
    """List the largest groups in which all are tied with all, in order of their members.

    Maximal cliques of the graph of ties (Bron and Kerbosch 1973, with the pivot of Tomita et al.
    2006); the sets that `genomark.scoring.rank_ties` numbers.

    Parameters
    ----------
    tied : ndarray of bool, shape (m, m)
        Symmetric, models in order, the best one first.
    most : int
        Sets to list.

    Returns
    -------
    list of list of int or None
        Places from 0; None where there are more sets than `most`.
    """
    m = len(tied)
    neighbours = [
        sum(1 << other for other in np.flatnonzero(row).tolist() if other != model)
        for model, row in enumerate(tied)
    ]
    found: list[int] = []
    # Who is in, who may still join, and who was tried: a set with the latter is not a new one.
    waiting = [(0, (1 << m) - 1, 0)] if m else []
    while waiting:
        chosen, may, tried = waiting.pop()
        if not may:
            if not tried:
                found.append(chosen)
                if len(found) > most:
                    return None
            continue
        pivot = max(_members(may | tried), key=lambda each: (neighbours[each] & may).bit_count())
        for model in _members(may & ~neighbours[pivot]):
            bit = 1 << model
            waiting.append((chosen | bit, may & neighbours[model], tried & neighbours[model]))
            may &= ~bit
            tried |= bit
    return sorted(_members(each) for each in found)


def _members(bits: int) -> list[int]:
    """Places of the bits that are set, lowest first."""
    members = []
    while bits:
        members.append((bits & -bits).bit_length() - 1)
        bits &= bits - 1
    return members
