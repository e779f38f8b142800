"""Markov chains of DNA: what any pretrained network has to be better than."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.genome import reverse_complement
from genomark.errors import UsageError

_LARGEST = 11
#: What a shorter context says weighs as much as so many bases seen in the longer one.
_PRIOR = 8.0
_CODES = np.full(256, -1, dtype=np.int64)
_CODES[np.frombuffer(b"ACGT", np.uint8)] = np.arange(4)


class MarkovChain:
    """Tells a base from those before it.

    The probability of a base after `order` others is their count on both strands, with what the
    chain one shorter says as a prior (a Dirichlet one of weight 8): ``(count + 8 q) / (n + 8)``.
    The shortest, of order 0, has the prior 1/4.

    Parameters
    ----------
    order : int
        Bases it looks back, 0 to 11.
    sequences : sequence of str
        Of A, C, G and T alone.

    Raises
    ------
    UsageError
        If the order is out of range.
    """

    def __init__(self, order: int, sequences: Sequence[str]) -> None:
        if not 0 <= order <= _LARGEST:
            raise UsageError(f"a Markov chain of order {order}; expected 0 to {_LARGEST}")
        self.order = order
        counts = [np.zeros((4**k, 4)) for k in range(order + 1)]
        for sequence in sequences:
            for strand in (sequence, reverse_complement(sequence)):
                codes = _coded(strand)
                for k, count in enumerate(counts):
                    numbers = _contexts(codes, k)[:-1] * 4 + codes[k:]
                    count += np.bincount(numbers, minlength=4 ** (k + 1)).reshape(-1, 4)
        told = np.full((1, 4), 0.25)
        self._bits = []
        for k, count in enumerate(counts):
            # The context one shorter lacks the first base: the same row again and again.
            prior = np.tile(told, (4 if k else 1, 1))
            told = (count + _PRIOR * prior) / (count.sum(axis=1, keepdims=True) + _PRIOR)
            self._bits.append(-np.log2(told))

    def bits(self, sequence: str) -> NDArray[np.float64]:
        """Tell how many bits each base of a sequence takes after those before it, float64[n]."""
        codes = _coded(sequence)
        bits = np.empty(codes.size)
        for k in range(min(self.order, codes.size)):
            bits[k] = self._bits[k][_contexts(codes[:k], k)[0], codes[k]]
        if codes.size > self.order:
            contexts = _contexts(codes, self.order)[:-1]
            bits[self.order :] = self._bits[self.order][contexts, codes[self.order :]]
        return bits


def _coded(sequence: str) -> NDArray[np.int64]:
    return _CODES[np.frombuffer(sequence.encode(), np.uint8)]


def _contexts(codes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Number the words of `k` letters, from each place on, one behind the last letter too."""
    numbers = np.zeros(codes.size - k + 1, dtype=np.int64)
    for place in range(k):
        numbers = numbers * 4 + codes[place : place + numbers.size]
    return numbers
