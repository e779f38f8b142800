"""Clusters of sequences that resemble each other, by single linkage over shared words.

Of the words of 8 letters of the shorter of two sequences, the share that the other has too is about
``p ** 8`` where a share p of their letters is the same (`genomark.datasets.similarity`). Two are
linked from 0.8 ** 8 on, so at some 80 % of identity, which is where sets of RNA are usually made
non-redundant. What two random sequences of their lengths have in common is taken off, and more than
12 words must be left: among short sequences fewer are chance. `docs/design/structure-scoring.md`
has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.words import WordIndex, count_shared, encoded, sequence_words, word_index

LETTERS = 8
SHARE = 0.8**LETTERS
ENOUGH_BY_CHANCE = 12


def homology_clusters(sequences: Sequence[str]) -> NDArray[np.int64]:
    """Number the clusters of RNA sequences, int64[n].

    Two sequences that are linked are in one cluster, and so are those that are linked to one
    another through others; copies are always. The other strand of an RNA is another RNA.

    Parameters
    ----------
    sequences : sequence of str
        Small letters are large ones, and U is T. A word with any other letter is left out.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 without gaps, in the order in which clusters first occur.
    """
    codes, offsets = encoded(sequences)
    roots = _first_copies(sequences)
    if len(sequences):
        _link(codes, offsets, word_index(codes, offsets, LETTERS, both_strands=False), roots)
    _, first, numbers = np.unique(roots, return_index=True, return_inverse=True)
    order = np.empty(first.size, dtype=np.int64)
    order[np.argsort(first)] = np.arange(first.size)
    return order[numbers]


def _first_copies(sequences: Sequence[str]) -> NDArray[np.int64]:
    first: dict[str, int] = {}
    spelled = (each.upper().replace("U", "T") for each in sequences)
    return np.array([first.setdefault(each, row) for row, each in enumerate(spelled)], np.int64)


@kernel
def _root(roots: np.ndarray, row: int) -> int:
    """Give the first row of a cluster, and have all on the way there point nearer to it."""
    while roots[row] != row:
        roots[row] = roots[roots[row]]
        row = roots[row]
    return row


@kernel
def _link(codes: np.ndarray, offsets: np.ndarray, index: WordIndex, roots: np.ndarray) -> None:
    """Compare each sequence with those before it, and join the clusters of those that are near."""
    totals = index[-1]
    shared = np.zeros(totals.size, dtype=np.int64)
    touched = np.empty(totals.size, dtype=np.int64)
    scratch = np.empty(np.diff(offsets).max(), dtype=np.uint64)
    for own in range(totals.size):
        n = sequence_words(codes, offsets[own], offsets[own + 1], LETTERS, False, scratch)
        n_touched = count_shared(scratch[:n], index, own, shared, touched)
        for each in range(n_touched):
            other = touched[each]
            by_chance = n * totals[other] / 4.0**LETTERS
            enough = max(ENOUGH_BY_CHANCE, SHARE * min(n, totals[other]))
            if shared[other] - by_chance > enough:
                one, two = _root(roots, own), _root(roots, other)
                roots[max(one, two)] = min(one, two)
            shared[other] = 0
    for row in range(roots.size):
        roots[row] = _root(roots, row)
