"""Ridge regression on k-mer counts: the simplest model that learns what sequences do."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.lentimpra import NAME as SAMPLE
from genomark.datasets.letters import encode_bases, reverse_complements
from genomark.errors import UsageError
from genomark.models.fitted import RidgeTrainable
from genomark.models.ridge import LinearFit

Floats = NDArray[np.float64]

_LONGEST = 8
#: Words that are numbered together: few enough to stay in the processor's first cache.
_BLOCK = 4096


class Kmer(RidgeTrainable):
    """Ridge on k-mer counts.

    Parameters
    ----------
    k : int
        Length of the words, 1 to 8.
    strands : {"merged", "single"}
        Whether a word and its reverse complement count as one.
    """

    name = "kmer"
    datasets = (SAMPLE,)

    def __init__(self, k: int = 5, strands: Literal["merged", "single"] = "merged") -> None:
        if not 1 <= k <= _LONGEST:
            raise UsageError(f"kmer: k must be from 1 to {_LONGEST}, not {k}")
        self.k = k
        self.strands = strands
        self._column = _columns(k, merged=strands == "merged")

    @property
    def id(self) -> str:
        """Spec string; strands are told where they are not merged."""
        return f"kmer:k={self.k}" + ("" if self.strands == "merged" else ",strands=single")

    @property
    def settings(self) -> dict[str, object]:
        """Word length and strands."""
        return {"k": self.k, "strands": self.strands}

    def features(self, sequences: list[str]) -> Floats:
        """Counts, float64[n, n_words]."""
        codes, offsets = encode_bases(sequences)
        counts = np.zeros((len(sequences), int(self._column.max()) + 1))
        _count_words(codes, offsets, self.k, self._column, counts)
        return counts

    def predict_points(self, fit: LinearFit, sequences: list[str]) -> Floats:
        """Add up the weights of the words as they stand, without counting them first."""
        codes, offsets = encode_bases(sequences)
        out = np.empty(len(sequences))
        _add_weights(codes, offsets, self.k, fit.weights[self._column], fit.intercept, out)
        return out


def _columns(k: int, *, merged: bool) -> NDArray[np.uint16]:
    """Feature column of each word, words numbered in base 4."""
    words = np.arange(4**k)
    if merged:
        first = np.minimum(words, reverse_complements(k))
        words = np.unique(first, return_inverse=True)[1]
    return words.astype(np.uint16)


@kernel
def _number_words(codes: np.ndarray, k: int, heads: np.ndarray, words: np.ndarray) -> int:
    """Number the words that begin at each place of `words`, in base 4.

    A word with an unknown base is numbered 0; gives how many these are. `heads` is scratch space,
    at least 4 longer than `words`.
    """
    # The first half of every word, a byte each, all places at once: 32 of them an instruction. The
    # last letters of another such half are the second one.
    second = k // 2
    first = k - second
    heads = heads[: words.size + second]
    heads[:] = 0
    for base in range(first):
        letters = codes[base : base + heads.size]
        for place in range(heads.size):
            heads[place] = (heads[place] << 2) | (letters[place] & 3)
    tails = heads[second:]
    shift, mask = np.uint16(2 * second), np.uint16(4**second - 1)
    for place in range(words.size):
        words[place] = (np.uint16(heads[place]) << shift) | (np.uint16(tails[place]) & mask)
    highest = np.uint8(0)
    for place in range(codes.size):
        highest = max(highest, codes[place])
    return _clear_unknown(codes, k, heads, words) if highest > 3 else 0


@kernel
def _clear_unknown(codes: np.ndarray, k: int, seen: np.ndarray, words: np.ndarray) -> int:
    seen[:] = 0
    for base in range(k):
        letters = codes[base : base + words.size]
        for place in range(words.size):
            seen[place] |= letters[place]
    found = 0
    for place in range(words.size):
        # Of the codes only that of an unknown base has this bit.
        found += seen[place] >> 2
        if seen[place] > 3:
            words[place] = 0
    return found


@kernel
def _count_words(
    codes: np.ndarray, offsets: np.ndarray, k: int, column: np.ndarray, counts: np.ndarray
) -> None:
    heads = np.empty(_BLOCK + _LONGEST, dtype=np.uint8)
    words = np.empty(_BLOCK, dtype=np.uint16)
    every = np.zeros(4**k, dtype=np.uint32)
    for row in range(offsets.size - 1):
        sequence = codes[offsets[row] : offsets[row + 1]]
        own = counts[row]
        # Whole numbers by word add up faster, but have to be brought to their columns.
        apart = sequence.size > every.size
        for start in range(0, sequence.size - k + 1, _BLOCK):
            block = sequence[start : start + _BLOCK + k - 1]
            found = words[: block.size - k + 1]
            unknown = _number_words(block, k, heads, found)
            if apart:
                for word in found:
                    every[word] += np.uint32(1)
                every[0] -= np.uint32(unknown)
            else:
                for word in found:
                    own[column[word]] += 1.0
                own[column[0]] -= unknown
        if apart:
            for word in range(every.size):
                own[column[word]] += every[word]
            every[:] = 0


@kernel
def _add_weights(
    codes: np.ndarray,
    offsets: np.ndarray,
    k: int,
    weight: np.ndarray,
    intercept: float,
    out: np.ndarray,
) -> None:
    mask = 4**k - 1
    for row in range(offsets.size - 1):
        word = 0
        known = 0
        total = intercept
        for position in range(offsets[row], offsets[row + 1]):
            code = codes[position]
            if code > 3:
                known = 0
                continue
            word = ((word << 2) | code) & mask
            known += 1
            if known >= k:
                total += weight[word]
        out[row] = total
