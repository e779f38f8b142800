"""Best score of each of many motifs on both strands of each of many sequences.

Motifs of one width are scanned together, so the inner loop runs over motifs and not over bases:
it adds one row of a table, 16 motifs an instruction. A sequence that is an edit of the last one
scanned in full is scored from it (see `docs/design/motif-scan.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.models.letters import encode_bases

Scores = NDArray[np.int16]

#: Keeps the logarithm of a probability of 0 finite: -4.7 bits at the least.
_PSEUDO_PROBABILITY = 0.01
_BACKGROUND = 0.25


class MotifScanner:
    """Scans sequences with a fixed set of motifs.

    Parameters
    ----------
    motifs : list of ndarray of float64, shape (width, 4)
        Letter probabilities.
    """

    #: A score of 64 is one bit (log2 odds against a background of 1/4).
    per_bit = 64

    def __init__(self, motifs: list[NDArray[np.float64]]) -> None:
        self.n_motifs = len(motifs)
        self._classes = [
            _WidthClass.of(
                width, [i for i, motif in enumerate(motifs) if len(motif) == width], motifs
            )
            for width in sorted({len(motif) for motif in motifs})
        ]

    def best_scores(self, sequences: list[str]) -> Scores:
        """Give the best score of each motif over all places and both strands.

        Parameters
        ----------
        sequences : list of str
            Upper case; N scores as the mean of the four letters.

        Returns
        -------
        ndarray of int16, shape (n, n_motifs)
            In 1/64 bit; a motif longer than the sequence has its lowest possible score.
        """
        codes, offsets = encode_bases(sequences)
        plan = _plan(codes, offsets)
        out = np.empty((len(sequences), self.n_motifs), dtype=np.int16)
        for each in self._classes:
            each.scan(codes, offsets, plan, out)
        return out


@dataclass(frozen=True)
class _WidthClass:
    """Motifs of one width: forward matrices first, then their reverse complements.

    `table` is int16[width, 5, 2 * n]: for each position and letter the scores of all matrices.
    """

    width: int
    columns: NDArray[np.int64]
    table: Scores
    lowest: Scores

    @classmethod
    def of(cls, width: int, columns: list[int], motifs: list[NDArray[np.float64]]) -> _WidthClass:
        forward = np.stack([motifs[column] for column in columns])
        both = np.concatenate([forward, forward[:, ::-1, ::-1]])
        smoothed = (both + _PSEUDO_PROBABILITY) / (1 + 4 * _PSEUDO_PROBABILITY)
        bits = np.log2(smoothed / _BACKGROUND)
        bits = np.concatenate([bits, bits.mean(axis=2, keepdims=True)], axis=2)
        scores = np.rint(bits * MotifScanner.per_bit).astype(np.int16)
        lowest = scores.min(axis=2).sum(axis=1, dtype=np.int64)
        if lowest.min() < np.iinfo(np.int16).min:
            raise ValueError(f"a motif of width {width} is too long to be scored in 16 bits")
        return cls(
            width=width,
            columns=np.array(columns),
            table=np.ascontiguousarray(scores.transpose(1, 2, 0)),
            lowest=lowest.astype(np.int16),
        )

    def scan(
        self,
        codes: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        plan: NDArray[np.int64],
        out: Scores,
    ) -> None:
        longest = int(np.diff(offsets).max(initial=0))
        size = (longest + 2, self.table.shape[2])
        before, after = np.empty(size, dtype=np.int16), np.empty(size, dtype=np.int16)
        _scan(codes, offsets, plan, self.table, self.lowest, self.columns, before, after, out)


@kernel
def _plan(codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Decide for each sequence: scan in full, or as an edit of an earlier one.

    Gives int64[n, 3]: index of the reference (its own for a full scan), length of the common
    prefix, length of the common suffix.
    """
    n = offsets.size - 1
    plan = np.empty((n, 3), dtype=np.int64)
    reference = 0
    for row in range(n):
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        ref_start = offsets[reference]
        ref_length = offsets[reference + 1] - ref_start
        shorter = min(length, ref_length)
        prefix = 0
        while prefix < shorter and codes[start + prefix] == codes[ref_start + prefix]:
            prefix += 1
        suffix = 0
        while (
            suffix < shorter - prefix
            and codes[start + length - 1 - suffix] == codes[ref_start + ref_length - 1 - suffix]
        ):
            suffix += 1
        # An edit that changes an eighth of the sequence is no longer cheaper than a scan.
        if row == reference or (length - prefix - suffix) * 8 > length:
            reference = row
        plan[row, 0] = reference
        plan[row, 1] = prefix
        plan[row, 2] = suffix
    return plan


@kernel
def _add_window(codes: np.ndarray, start: int, table: np.ndarray, scores: np.ndarray) -> None:
    """Scores of all matrices on the window at `start`."""
    first = table[0, codes[start]]
    for motif in range(scores.size):
        scores[motif] = first[motif]
    for position in range(1, table.shape[0]):
        row = table[position, codes[start + position]]
        for motif in range(scores.size):
            scores[motif] += row[motif]


@kernel
def _keep_best(best: np.ndarray, scores: np.ndarray) -> None:
    for motif in range(best.size):
        best[motif] = max(best[motif], scores[motif])


@kernel
def _fill_reference(
    codes: np.ndarray,
    start: int,
    length: int,
    table: np.ndarray,
    lowest: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
) -> None:
    """Best scores of the windows before each place, and of those from each place on."""
    width = table.shape[0]
    windows = max(0, length - width + 1)
    before[0] = lowest
    after[windows] = lowest
    for window in range(windows):
        _add_window(codes, start + window, table, after[window])
        before[window + 1] = before[window]
        _keep_best(before[window + 1], after[window])
    for window in range(windows - 1, -1, -1):
        _keep_best(after[window], after[window + 1])


@kernel
def _scan(
    codes: np.ndarray,
    offsets: np.ndarray,
    plan: np.ndarray,
    table: np.ndarray,
    lowest: np.ndarray,
    columns: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    out: np.ndarray,
) -> None:
    width = table.shape[0]
    n_matrices = table.shape[2]
    scores = np.empty(n_matrices, dtype=np.int16)
    best = np.empty(n_matrices, dtype=np.int16)
    filled = -1
    for row in range(offsets.size - 1):
        reference, prefix, suffix = plan[row, 0], plan[row, 1], plan[row, 2]
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        best[:] = lowest
        first, last = 0, length - width + 1
        if reference != row:
            ref_length = offsets[reference + 1] - offsets[reference]
            if filled != reference:
                _fill_reference(codes, offsets[reference], ref_length, table, lowest, before, after)
                filled = reference
            ref_windows = max(0, ref_length - width + 1)
            # Windows that lie in the common prefix or suffix keep the reference's scores.
            first = max(0, min(prefix - width + 1, last))
            last = max(first, min(last, length - suffix))
            _keep_best(best, before[min(first, ref_windows)])
            if length - last >= width:
                _keep_best(best, after[ref_length - (length - last)])
        for window in range(first, last):
            _add_window(codes, start + window, table, scores)
            _keep_best(best, scores)
        half = n_matrices // 2
        for motif in range(half):
            out[row, columns[motif]] = max(best[motif], best[half + motif])
