"""Bases as small integers: A, C, G, T (or U) are 0 to 3, every other letter is 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CODES = np.full(256, 4, dtype=np.uint8)
_CODES[np.frombuffer(b"ACGTU", dtype=np.uint8)] = 0, 1, 2, 3, 3


def encode_bases(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write sequences one after the other as codes.

    Parameters
    ----------
    sequences : sequence of str
        Upper case.

    Returns
    -------
    codes : ndarray of uint8, shape (total length,)
    offsets : ndarray of int64, shape (n + 1,)
        Sequence ``i`` is ``codes[offsets[i]:offsets[i + 1]]``.
    """
    joined = np.frombuffer("".join(sequences).encode(), dtype=np.uint8)
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    return _CODES[joined], offsets


def reverse_complements(k: int) -> NDArray[np.int64]:
    """Number of the reverse complement of each word of `k` bases, int64[4**k], in base 4."""
    rest = np.arange(4**k, dtype=np.int64)
    complement = np.zeros_like(rest)
    for _ in range(k):
        complement = complement * 4 + 3 - rest % 4
        rest = rest // 4
    return complement
