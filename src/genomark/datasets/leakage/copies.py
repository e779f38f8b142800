"""Sequences that are in a training set letter by letter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.genome import reverse_complement


def copies(
    test: Sequence[str], train: Sequence[str], *, both_strands: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the first training sequence that is the same as each test sequence.

    Returns
    -------
    rows : ndarray of int64, shape (n_test,)
        Of the training set; -1: none.
    other_strand : ndarray of bool
        Whether its reverse complement is the same, and it is not itself.
    """
    first: dict[str, int] = dict.fromkeys(map(_spelled, test), -1)
    sought = dict(first)
    if both_strands:
        for spelled in first:
            sought.setdefault(reverse_complement(spelled), -1)
    for row, sequence in enumerate(train):
        spelled = _spelled(sequence)
        if sought.get(spelled) == -1:
            sought[spelled] = row
    rows = np.full(len(test), -1, dtype=np.int64)
    is_other = np.zeros(len(test), dtype=np.bool_)
    for item, sequence in enumerate(test):
        spelled = _spelled(sequence)
        same = sought[spelled]
        other = sought[reverse_complement(spelled)] if both_strands else -1
        is_other[item] = other >= 0 and (same < 0 or other < same)
        rows[item] = other if is_other[item] else same
    return rows, is_other


def _spelled(sequence: str) -> str:
    return sequence.upper().replace("U", "T")
