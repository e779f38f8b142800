"""Local alignment of two sequences in a band of diagonals.

Smith and Waterman (1981) with the gaps of Gotoh (1982): a match is 1, a mismatch -1, a gap of `n`
letters ``-(2 + n)``, as hashFrag scores; of such scores alignments of 75 % identity stand out best.
Letters are numbered as `genomark.datasets.words` numbers them; no other letter matches anything.
"""

from __future__ import annotations

import numpy as np

from genomark.compiled import kernel

MATCH, MISMATCH, GAP_OPEN, GAP_EXTEND = 1, -1, 2, 1
#: Where the best alignment of a cell comes from, in two bits; the rest tells of gaps.
_STOP, _DIAGONAL, _LEFT, _UP = 0, 1, 2, 3
_LEFT_GOES_ON, _UP_GOES_ON = 4, 8
#: Below all scores, and far from the smallest number there is.
_NEVER = -(1 << 30)


@kernel
def align(
    ours: np.ndarray,
    theirs: np.ndarray,
    diagonal: int,
    band: int,
    best: np.ndarray,
    above: np.ndarray,
    moves: np.ndarray,
) -> tuple[int, int, int]:
    """Find the end of the best local alignment.

    Parameters
    ----------
    ours, theirs : ndarray of uint8
    diagonal : int
        Middle of the band: place in `theirs` less place in `ours`.
    band : int
        Diagonals on either side of it.
    best, above : ndarray of int32, shape (2 * band + 2,)
        Scratch space.
    moves : ndarray of uint8, shape (n, 2 * band + 1)
        For `trace`: what led to each cell; has as many rows as `ours` has letters, or none.

    Returns
    -------
    score : int
    our_end, their_end : int
        Behind its last column; of several with this score the first in order of `ours`.
    """
    width = 2 * band + 1
    best[:] = 0
    above[:] = _NEVER
    highest, our_end, their_end = 0, 0, 0
    traced = moves.size > 0
    for i in range(max(0, -diagonal - band), min(ours.size, theirs.size - diagonal + band)):
        shift = i + diagonal - band
        first, last = max(0, -shift), min(width, theirs.size - shift)
        left = _NEVER
        before = 0
        letter = ours[i]
        for k in range(first, last):
            matched = letter < 4 and letter == theirs[shift + k]
            score = best[k] + (MATCH if matched else MISMATCH)
            came = _DIAGONAL
            # The cell to the left opens a gap, or goes on with its own; the same for that above.
            opened = before - GAP_OPEN - GAP_EXTEND
            left_goes_on = left - GAP_EXTEND > opened
            left = left - GAP_EXTEND if left_goes_on else opened
            opened = best[k + 1] - GAP_OPEN - GAP_EXTEND
            up_goes_on = above[k + 1] - GAP_EXTEND > opened
            up = above[k + 1] - GAP_EXTEND if up_goes_on else opened
            if left > score:
                score, came = left, _LEFT
            if up > score:
                score, came = up, _UP
            if score <= 0:
                score, came = 0, _STOP
            if traced:
                moves[i, k] = (
                    came
                    | (_LEFT_GOES_ON if left_goes_on else 0)
                    | (_UP_GOES_ON if up_goes_on else 0)
                )
            best[k] = score
            above[k] = up
            before = score
            if score > highest:
                highest, our_end, their_end = score, i + 1, shift + k + 1
        # Beyond the end of theirs there is nothing that the next row could come from.
        best[last], above[last] = 0, _NEVER
    return highest, our_end, their_end


@kernel
def trace(
    ours: np.ndarray,
    theirs: np.ndarray,
    diagonal: int,
    band: int,
    our_end: int,
    their_end: int,
    moves: np.ndarray,
) -> tuple[int, int, int, int]:
    """Follow an alignment back from its end: matches, columns, and where it begins in both."""
    i, j = our_end - 1, their_end - 1
    matches = columns = 0
    inside = _DIAGONAL
    while i >= 0 and j >= 0:
        k = j - i - diagonal + band
        move = moves[i, k]
        if inside == _DIAGONAL:
            inside = move & 3
            if inside == _STOP:
                break
        columns += 1
        if inside == _DIAGONAL:
            if ours[i] < 4 and ours[i] == theirs[j]:
                matches += 1
            i -= 1
            j -= 1
        elif inside == _LEFT:
            if not move & _LEFT_GOES_ON:
                inside = _DIAGONAL
            j -= 1
        else:
            if not move & _UP_GOES_ON:
                inside = _DIAGONAL
            i -= 1
    return matches, columns, i + 1, j + 1
