"""Sequences that overlap: which of them share a stretch, along any chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Stretches looked at; of more, a part is taken by what they are, the same part of every sequence.
_MOST = 20_000_000
_MIXING = np.uint64(0x9E3779B97F4A7C15)


def overlapping(
    sequences: Sequence[str], *, k: int = 30, both_strands: bool = True
) -> NDArray[np.int64]:
    """Number groups of sequences that share a stretch of `k` letters, along any chain.

    Windows that were cut from one stretch of a genome are not independent of each other, however
    their labels were come by.

    Parameters
    ----------
    sequences : sequence of str
        U is T; a stretch with any letter but these five says nothing.
    k : int
        1 to 31. Two random sequences of 1,000 letters share a stretch of 30 once in 10**12.
    both_strands : bool
        Whether a stretch and its reverse complement are one.

    Returns
    -------
    ndarray of int64, shape (n,)
        Groups are numbered from 0 by their first sequence.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(sequences)
    words, rows = _words(sequences, k, both_strands)
    order = np.argsort(words)
    words, rows = words[order], rows[order]
    # Neighbours with the same word are enough: a chain ties all who have it.
    same = np.flatnonzero(words[1:] == words[:-1]) if words.size else np.empty(0, np.int64)
    links = coo_array((np.ones(same.size, np.int8), (rows[same], rows[same + 1])), shape=(n, n))
    component = connected_components(links, directed=False)[1]
    _, first = np.unique(component, return_index=True)
    number: NDArray[np.int64] = np.argsort(np.argsort(first))
    grouped: NDArray[np.int64] = number[component]
    return grouped


def _words(
    sequences: Sequence[str], k: int, both_strands: bool
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Write every stretch as a number, and the row it is of."""
    # Compiled code takes longer to load than what else is imported here.
    from genomark.datasets.letters import encode_bases

    codes, _ = encode_bases([f"{sequence}." for sequence in sequences], any_case=True)
    places = max(codes.size - k + 1, 0)
    words = np.zeros(places, dtype=np.uint64)
    other = np.zeros(places, dtype=np.uint64)
    wide = codes.astype(np.uint64)
    for place in range(k):
        code = wide[place : place + places]
        words <<= np.uint64(2)
        words |= code
        other |= (np.uint64(3) - code) << np.uint64(2 * place)
    if both_strands:
        words = np.minimum(words, other)
    unknown = np.concatenate([[0], np.cumsum(codes > 3)])
    known = np.flatnonzero(unknown[k : k + places] == unknown[:places])
    row_of = np.repeat(np.arange(len(sequences)), [len(sequence) + 1 for sequence in sequences])
    words, rows = words[known], row_of[known]
    step = max(1, -(-known.size // _MOST))
    if step > 1:
        kept = ((words * _MIXING) >> np.uint64(32)) % np.uint64(step) == 0
        words, rows = words[kept], rows[kept]
    return words, rows
