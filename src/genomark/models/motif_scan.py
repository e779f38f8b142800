"""Best score of each of many motifs on both strands of each of many sequences.

Motifs are scanned side by side, so the inner loop runs over motifs and not over bases: it adds one
row of a table for every three bases. A sequence that is an edit of the last one scanned in full is
scored from it (see `docs/design/motif-scan.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.letters import encode_bases

Scores = NDArray[np.int16]

#: Keeps the logarithm of a probability of 0 finite: -4.7 bits at the least.
_PSEUDO_PROBABILITY = 0.01
_BACKGROUND = 0.25
#: Matrices scanned together: few enough that the rows in use stay in the processor's first cache.
_MATRICES = 64
#: Bases that one row of a table is for, and how many words of them there are, N included.
_BASES = 3
_WORDS = np.uintp(5**_BASES)
#: Stretches of a reference whose best scores are kept.
_KEPT = 1024


class MotifScanner:
    """Scans sequences with a fixed set of motifs.

    Parameters
    ----------
    motifs : list of ndarray of float64, shape (width, 4)
        Letter probabilities.

    Raises
    ------
    ValueError
        If a motif is so long that its scores do not fit in 16 bits.
    """

    #: A score of 64 is one bit (log2 odds against a background of 1/4).
    per_bit = 64

    def __init__(self, motifs: list[NDArray[np.float64]]) -> None:
        self.n_motifs = len(motifs)
        # Sorted, since what a block costs depends on the widest motif in it.
        order = sorted(range(self.n_motifs), key=lambda column: len(motifs[column]))
        size = _MATRICES // 2
        self._blocks = [
            _Block.of(order[first : first + size], motifs)
            for first in range(0, self.n_motifs, size)
        ]
        self._widest = max((len(motif) for motif in motifs), default=0)

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
        # The last window of a table may end behind the last base, where its rows are 0.
        codes = np.concatenate([codes, np.zeros(self._widest + 2 * _BASES, dtype=np.uint8)])
        words = codes[:-2] * 25 + codes[1:-1] * 5 + codes[2:]
        out = np.empty((len(sequences), self.n_motifs), dtype=np.int16)
        kept = np.empty((2, _KEPT + 1, _MATRICES), dtype=np.int16)
        for block in self._blocks:
            motifs = (block.table, block.widths, block.lowest)
            _scan(words, offsets, plan, motifs, block.columns, kept, out)
        return out


@dataclass(frozen=True)
class _Block:
    """Motifs scanned together: matrices in ascending order of width, then the reverse complements.

    `table` is int16[rows * 125, 64]: for each three positions and each word of three letters the
    scores of all matrices; behind the end of a matrix they are 0. `widths` and `lowest`, the width
    and the lowest possible score of each matrix, are int64[64] and int16[64]. A matrix that is none
    is as wide as the widest, and scores 0.
    """

    columns: NDArray[np.int64]
    table: Scores
    widths: NDArray[np.int64]
    lowest: Scores

    @classmethod
    def of(cls, columns: list[int], motifs: list[NDArray[np.float64]]) -> _Block:
        widest = len(motifs[columns[-1]])
        # Two at the least, which spares the scan a case.
        rows = max(2, -(-widest // _BASES))
        letters = np.zeros((rows * _BASES, 5, _MATRICES), dtype=np.int16)
        widths = np.full(_MATRICES, widest, dtype=np.int64)
        for place, column in enumerate(columns):
            forward = motifs[column]
            for matrix, strand in (
                (place, forward),
                (_MATRICES // 2 + place, forward[::-1, ::-1]),
            ):
                letters[: len(strand), :, matrix] = _letter_scores(strand)
                widths[matrix] = len(strand)
        table = letters[0::3, :, None, None] + letters[1::3, None, :, None]
        table = table + letters[2::3, None, None, :]
        return cls(
            columns=np.array(columns),
            table=table.reshape(-1, _MATRICES),
            widths=widths,
            lowest=letters.min(axis=1).sum(axis=0, dtype=np.int16),
        )


def _letter_scores(matrix: NDArray[np.float64]) -> Scores:
    """Score A, C, G, T and N at each position, int16[width, 5]."""
    smoothed = (matrix + _PSEUDO_PROBABILITY) / (1 + 4 * _PSEUDO_PROBABILITY)
    bits = np.log2(smoothed / _BACKGROUND)
    bits = np.concatenate([bits, bits.mean(axis=1, keepdims=True)], axis=1)
    scores: Scores = np.rint(bits * MotifScanner.per_bit).astype(np.int16)
    room = np.iinfo(np.int16)
    lowest, highest = (
        extreme.sum(dtype=np.int64) for extreme in (scores.min(axis=1), scores.max(axis=1))
    )
    if lowest < room.min or highest > room.max:
        raise ValueError(f"a motif of width {len(matrix)} is too long to be scored in 16 bits")
    return scores


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
def _add_rows(words: np.ndarray, place: int, table: np.ndarray, scores: np.ndarray) -> None:
    """Scores of all matrices on the window at `place`."""
    # Rows are numbered without a sign: a check for negative ones would keep the loops over matrices
    # from being compiled to 16 or more an instruction.
    one = np.uintp(words[place])
    two = _WORDS + words[place + _BASES]
    for matrix in range(_MATRICES):
        scores[matrix] = table[one, matrix] + table[two, matrix]
    row = np.uintp(2 * _WORDS)
    place += 2 * _BASES
    end = np.uintp(table.shape[0])
    while row + _WORDS < end:
        one = row + words[place]
        two = row + _WORDS + words[place + _BASES]
        for matrix in range(_MATRICES):
            scores[matrix] += table[one, matrix] + table[two, matrix]
        row += np.uintp(2 * _WORDS)
        place += 2 * _BASES
    if row < end:
        one = row + words[place]
        for matrix in range(_MATRICES):
            scores[matrix] += table[one, matrix]


@kernel
def _set(best: np.ndarray, scores: np.ndarray) -> None:
    for matrix in range(_MATRICES):
        best[matrix] = scores[matrix]


@kernel
def _keep_best(best: np.ndarray, scores: np.ndarray) -> None:
    for matrix in range(_MATRICES):
        best[matrix] = max(best[matrix], scores[matrix])


@kernel
def _scan_windows(
    words: np.ndarray,
    span: tuple[int, int],
    windows: tuple[int, int],
    step: int,
    motifs: tuple[np.ndarray, np.ndarray, np.ndarray],
    scores: np.ndarray,
    best: np.ndarray,
) -> None:
    """Keep the best of the windows of each stretch of `step` in a row of `best`.

    `span` says where the sequence begins, and its length; `windows` the first, and the one behind
    the last.
    """
    table, widths, lowest = motifs
    start, length = span
    stretch = np.uintp(0)
    left = step
    for window in range(windows[0], windows[1]):
        if left == 0:
            stretch += np.uintp(1)
            left = step
        left -= 1
        _add_rows(words, start + window, table, scores)
        if window + widths[-1] > length:
            for matrix in range(_MATRICES):
                if window + widths[matrix] > length:
                    scores[matrix] = lowest[matrix]
        for matrix in range(_MATRICES):
            best[stretch, matrix] = max(best[stretch, matrix], scores[matrix])


@kernel
def _fill_reference(
    words: np.ndarray,
    span: tuple[int, int],
    motifs: tuple[np.ndarray, np.ndarray, np.ndarray],
    before: np.ndarray,
    after: np.ndarray,
    scores: np.ndarray,
) -> int:
    """Best scores of the windows before each stretch, and of those from each stretch on.

    Gives the windows of a stretch.
    """
    _, widths, lowest = motifs
    windows = max(0, span[1] - widths[0] + 1)
    step: int = 1 + windows // _KEPT
    stretches = (windows + step - 1) // step
    for stretch in range(stretches + 1):
        for matrix in range(_MATRICES):
            after[stretch, matrix] = lowest[matrix]
    _scan_windows(words, span, (0, windows), step, motifs, scores, after)
    _set(before[0], lowest)
    for stretch in range(stretches):
        for matrix in range(_MATRICES):
            before[stretch + 1, matrix] = max(before[stretch, matrix], after[stretch, matrix])
    for stretch in range(stretches - 1, -1, -1):
        for matrix in range(_MATRICES):
            after[stretch, matrix] = max(after[stretch, matrix], after[stretch + 1, matrix])
    return step


@kernel
def _scan(
    words: np.ndarray,
    offsets: np.ndarray,
    plan: np.ndarray,
    motifs: tuple[np.ndarray, np.ndarray, np.ndarray],
    columns: np.ndarray,
    kept: np.ndarray,
    out: np.ndarray,
) -> None:
    _, widths, lowest = motifs
    shortest, widest = widths[0], widths[-1]
    scores = np.empty(_MATRICES, dtype=np.int16)
    whole = np.empty((1, _MATRICES), dtype=np.int16)
    best = whole[0]
    before, after = kept[0], kept[1]
    step = 1
    n = offsets.size - 1
    for row in range(n):
        reference, prefix, suffix = plan[row, 0], plan[row, 1], plan[row, 2]
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        windows = max(0, length - shortest + 1)
        _set(best, lowest)
        first, last = 0, windows
        if reference == row and row + 1 < n and plan[row + 1, 0] == row:
            step = _fill_reference(words, (start, length), motifs, before, after, scores)
            _set(best, after[0])
            last = 0
        elif reference != row and windows > 0:
            ref_length = offsets[reference + 1] - offsets[reference]
            longer = ref_length - length
            # Windows that lie in the common prefix or suffix keep the reference's scores; it has
            # them by stretches.
            stretch = max(0, min(prefix - widest + 1, windows)) // step
            _keep_best(best, before[stretch])
            first = stretch * step
            last = max(first, min(windows, length - suffix))
            stretch = (last + longer + step - 1) // step
            _keep_best(best, after[stretch])
            last = min(stretch * step, max(0, ref_length - shortest + 1)) - longer
        span, asked = (start, length), (first, last)
        _scan_windows(words, span, asked, windows + 1, motifs, scores, whole)
        half = _MATRICES // 2
        for motif in range(columns.size):
            out[row, columns[motif]] = max(best[motif], best[half + motif])
