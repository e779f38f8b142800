"""Words of a few bases that may stand apart: how often each is in a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.letters import encode_bases, reverse_complements

Floats = NDArray[np.float64]
Features = NDArray[np.float32]
Integers = NDArray[np.int64]


class GappedWords:
    """All words of some bases within a span; with no room for gaps these are k-mers.

    A word is a pattern of places, the first of which is its first base, and a base for each of
    them. What stands in a gap is not looked at. A word that has an unknown base is none.

    Parameters
    ----------
    span : int
        Bases from the first of a word to its last, at most.
    informative : int
        Bases of a word, 1 to `span`.
    merged : bool
        Whether a word and its reverse complement are one.
    """

    def __init__(self, span: int, informative: int, *, merged: bool = True) -> None:
        rest = combinations(range(1, span), informative - 1)
        self._patterns = np.array([(0, *places) for places in rest], dtype=np.int64)
        self._column = _columns(self._patterns, merged=merged)
        self.width = int(self._column.max()) + 1

    def counts(self, sequences: Sequence[str]) -> Features:
        """Count words, float32[n, width] of whole numbers; U counts as T."""
        codes, offsets = encode_bases(sequences)
        counts = np.zeros((len(sequences), self.width), np.float32)
        _count(codes, offsets, self._patterns, self._column, counts)
        return counts

    def shares(self, sequences: Sequence[str]) -> Features:
        """Give the share of each word among all, float32[n, width]; 0 where there is none."""
        counts = self.counts(sequences)
        total = counts.sum(axis=1, keepdims=True, dtype=np.float64)
        shares: Features = (counts / np.maximum(total, 1.0)).astype(np.float32)
        return shares

    def sums(self, sequences: Sequence[str], weights: Floats) -> Floats:
        """Give ``shares @ weights.T`` without the shares, each row the same in any batch.

        Parameters
        ----------
        sequences : sequence of str
        weights : ndarray of float64, shape (k, width)

        Returns
        -------
        ndarray of float64, shape (n, k)
        """
        codes, offsets = encode_bases(sequences)
        out = np.zeros((len(sequences), len(weights)))
        by_word = np.ascontiguousarray(weights.T)
        _add_weights(codes, offsets, self._patterns, self._column, by_word, out)
        return out


def gapped_width(span: int, informative: int) -> int:
    """Words of that many bases within a span, strands apart, without listing them."""
    patterns = 1
    for number in range(1, informative):
        patterns = patterns * (span - number) // number
    return int(patterns * 4**informative)


def _columns(patterns: Integers, *, merged: bool) -> Integers:
    """Column of each word, int64[n_patterns, 4**bases]; bases are numbered in base 4."""
    n_patterns, informative = patterns.shape
    words = np.arange(4**informative)
    own = np.arange(n_patterns)[:, None] * words.size + words
    if not merged:
        return own
    number = {tuple(places): row for row, places in enumerate(patterns.tolist())}
    reverse = [number[tuple(places[-1] - places[::-1])] for places in patterns]
    first = np.minimum(own, own[reverse][:, reverse_complements(informative)])
    return np.unique(first, return_inverse=True)[1].reshape(own.shape).astype(np.int64)


@kernel
def _words_at(codes: np.ndarray, places: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Number the words of a pattern at each place of a sequence; negative: of an unknown base.

    `words` is at least as long as the sequence, and is written to.
    """
    found = words[: max(codes.size - places[-1], 0)]
    found[:] = 0
    # All words at once, base by base, which compiles to more of them an instruction.
    for base in range(places.size):
        shifted = codes[places[base] : places[base] + found.size]
        for position in range(found.size):
            code = np.int64(shifted[position])
            # Codes of bases are 0 to 3; 4 sets all bits, and what is negative stays so.
            found[position] = (found[position] << 2) | (code & 3) | -(code >> 2)
    return found


@kernel
def _count(
    codes: np.ndarray,
    offsets: np.ndarray,
    patterns: np.ndarray,
    column: np.ndarray,
    counts: np.ndarray,
) -> None:
    for row in range(offsets.size - 1):
        sequence = codes[offsets[row] : offsets[row + 1]]
        room = np.empty(sequence.size, dtype=np.int64)
        for pattern in range(len(patterns)):
            for word in _words_at(sequence, patterns[pattern], room):
                if word >= 0:
                    counts[row, column[pattern, word]] += 1.0


@kernel
def _add_weights(
    codes: np.ndarray,
    offsets: np.ndarray,
    patterns: np.ndarray,
    column: np.ndarray,
    by_word: np.ndarray,
    out: np.ndarray,
) -> None:
    k = by_word.shape[1]
    for row in range(offsets.size - 1):
        sequence = codes[offsets[row] : offsets[row + 1]]
        room = np.empty(sequence.size, dtype=np.int64)
        found = 0
        for pattern in range(len(patterns)):
            for word in _words_at(sequence, patterns[pattern], room):
                if word >= 0:
                    found += 1
                    place = column[pattern, word]
                    for each in range(k):
                        out[row, each] += by_word[place, each]
        for each in range(k):
            out[row, each] /= max(found, 1)
