"""The score from which on an alignment is more than chance.

Karlin and Altschul (1990): two random texts of `m` and `n` letters have about
``K m n exp(-lambda S)`` stretches of score `S` or more in common. With 1 a match and -1 a mismatch,
of which a match comes with probability `p`, ``lambda = log((1 - p) / p)`` and
``K = (1 - 2 p)**2 / (1 - p)``. Such a stretch has ``log(K m n) / H`` letters itself, which the ends
of all sequences lack (Altschul and Gish 1996), where ``H = (1 - 2 p) lambda``.

With gaps both are what random sequences gave (`docs/design/leakage.md`): where letters match
too often alignments with gaps go on for ever, and only stretches without count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.words import encoded

#: Of random stretches of a test sequence so many are aligned, ...
_ALIGNED = 1.0
#: ... and so many of their alignments pass.
_PASSED = 5e-4
#: Of two random letters more agree only in sets made of next to one letter.
_MOST_ALIKE = 0.45
#: With gaps: by how much lambda is smaller, by how often letters match; and K.
_MATCHING, _GAPPED_DECAY = (0.25, 0.26, 0.29, 0.34, 0.36), (0.88, 0.87, 0.74, 0.25, 0.01)
_GAPPED_FACTOR = 0.06
#: Share of the letters that the ends leave at least: short sequences overlap at their ends, too.
_LEAST_EFFECTIVE = 0.25
_BLOCK = 4096


@dataclass(frozen=True)
class Chance:
    """What a training set has by chance.

    Attributes
    ----------
    letters, sequences : int
        On both strands where both count.
    composition : ndarray of float64, shape (4,)
        Share of each letter.
    """

    letters: int
    sequences: int
    composition: NDArray[np.float64]

    @classmethod
    def of(cls, train: Sequence[str], *, both_strands: bool) -> Chance:
        """Count the letters of a training set."""
        counts = np.zeros(5, dtype=np.int64)
        for first in range(0, len(train), _BLOCK):
            counts += np.bincount(encoded(train[first : first + _BLOCK])[0], minlength=5)
        counts = counts[:4]
        if both_strands:
            counts = counts + counts[::-1]
        return cls(
            int(counts.sum()), len(train) * (1 + both_strands), counts / max(counts.sum(), 1)
        )

    def to_be_aligned(self, test: Sequence[str]) -> NDArray[np.int32]:
        """Give the score without gaps from which on stretches of each test sequence are aligned."""
        return self._without_gaps(test, _ALIGNED)

    def passed_without_gaps(self, test: Sequence[str]) -> NDArray[np.int32]:
        """Give the score of a stretch without gaps from which on it is more than chance."""
        return self._without_gaps(test, _PASSED)

    def passed(self, test: Sequence[str]) -> NDArray[np.int32]:
        """Give the score of an alignment with gaps from which on it is more than chance."""
        lengths, p = self._alike(test)
        decay = np.log((1 - p) / p) * np.interp(p, _MATCHING, _GAPPED_DECAY)
        return self._score(lengths, p, decay, np.full(p.size, _GAPPED_FACTOR), _PASSED)

    def _without_gaps(self, test: Sequence[str], expected: float) -> NDArray[np.int32]:
        lengths, p = self._alike(test)
        decay = np.log((1 - p) / p)
        return self._score(lengths, p, decay, (1 - 2 * p) ** 2 / (1 - p), expected)

    def _alike(self, test: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the length of each test sequence, and how often its letters match by chance."""
        codes, offsets = encoded(test)
        lengths = np.diff(offsets)
        rows = np.repeat(np.arange(lengths.size), lengths)
        counts = np.bincount(5 * rows + codes, minlength=5 * lengths.size).reshape(-1, 5)[:, :4]
        own = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        # A sequence rich in two letters is met in those training sequences that are so too.
        alike = np.maximum((own * self.composition).sum(axis=1), (own * own).sum(axis=1))
        return lengths, np.clip(alike, 0.25, _MOST_ALIKE)

    def _score(
        self,
        lengths: NDArray[np.int64],
        p: NDArray[np.float64],
        decay: NDArray[np.float64],
        factor: NDArray[np.float64],
        expected: float,
    ) -> NDArray[np.int32]:
        edge = np.log(np.maximum(factor * lengths * self.letters, 1.0)) / (decay * (1 - 2 * p))
        ours = np.maximum(lengths - edge, lengths * _LEAST_EFFECTIVE)
        theirs = self.letters - np.minimum(
            self.sequences * edge, self.letters * (1 - _LEAST_EFFECTIVE)
        )
        score = np.log(np.maximum(factor * ours * theirs / expected, 1.0)) / decay
        needed: NDArray[np.int32] = np.maximum(np.ceil(score), 1).astype(np.int32)
        return needed
