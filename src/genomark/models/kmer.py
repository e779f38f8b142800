"""Ridge regression on k-mer counts: the simplest model that learns what sequences do."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.lentimpra import NAME as SAMPLE
from genomark.errors import UsageError
from genomark.models.fitted import RidgeTrainable
from genomark.models.letters import encode_bases, reverse_complements
from genomark.models.ridge import LinearFit

Floats = NDArray[np.float64]

_LONGEST = 8


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


def _columns(k: int, *, merged: bool) -> NDArray[np.int64]:
    """Feature column of each word, words numbered in base 4."""
    words = np.arange(4**k)
    if not merged:
        return words
    first = np.minimum(words, reverse_complements(k))
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


@kernel
def _count_words(
    codes: np.ndarray, offsets: np.ndarray, k: int, column: np.ndarray, counts: np.ndarray
) -> None:
    mask = 4**k - 1
    for row in range(offsets.size - 1):
        word = 0
        known = 0
        for position in range(offsets[row], offsets[row + 1]):
            code = codes[position]
            if code > 3:
                known = 0
                continue
            word = ((word << 2) | code) & mask
            known += 1
            if known >= k:
                counts[row, column[word]] += 1.0


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
