"""A vocabulary by the unigram language model, the same one each time.

The trainer of the tokenizers library keeps its texts in a table whose order differs from process
to process, and so do the vocabularies it makes. What is computed here goes into the library's own
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError

#: Seeds are this many times as many as the pieces that are wanted, as long as there are as many.
_SEEDS_PER_PIECE = 10
#: Share of the pieces that a round of pruning leaves, and rounds of EM before each.
_LEFT, _ROUNDS = 0.75, 2
#: Pieces expected less often are dropped at once.
_RARE = 0.5
_LETTERS = "ACGT"
_Floats = NDArray[np.float64]
_Codes = NDArray[np.int8]


def train_unigram(texts: Sequence[str], size: int, longest: int) -> list[tuple[str, float]]:
    """Choose pieces and their probabilities by expectation maximisation and pruning.

    Kudo 2018 (ACL, section 3.2), over an alphabet of four: begin with the substrings that cover
    most, estimate probabilities by the forward-backward algorithm, drop the quarter whose loss
    lowers the likelihood least, and so on. The four letters always stay.

    Parameters
    ----------
    texts : sequence of str
        Of A, C, G and T alone; no piece goes across the end of one.
    size : int
        Pieces, 4 or more.
    longest : int
        Letters of a piece at most, 1 to 12.

    Returns
    -------
    list of (str, float)
        Pieces and natural logarithms of their probabilities, the most probable first. Fewer than
        `size` where the texts do not hold as many substrings twice.

    Raises
    ------
    UsageError
        If there are fewer than 4 pieces to choose, or pieces are too long.
    """
    if size < len(_LETTERS) or not 1 <= longest <= 12:
        raise UsageError(
            f"a unigram vocabulary of {size} pieces of up to {longest} letters cannot be made; "
            "expected 4 pieces or more, of 1 to 12 letters"
        )
    codes = _coded(texts)
    lengths, numbers, counts = _seeds(codes, size * _SEEDS_PER_PIECE, longest)
    logs = np.log(counts / counts.sum())
    while True:
        for _ in range(_ROUNDS):
            expected = _expected(codes, _table(lengths, numbers, longest), logs, longest)
            kept = _often_enough(expected, lengths, size)
            lengths, numbers = lengths[kept], numbers[kept]
            expected = np.maximum(expected[kept], _RARE)
            logs = np.log(expected / expected.sum())
        if lengths.size <= size:
            break
        wanted = max(size, int(_LEFT * lengths.size))
        table = _table(lengths, numbers, longest)
        losses = _losses(lengths, numbers, table, logs, expected)
        losses[lengths == 1] = np.inf
        kept = np.sort(np.argsort(-losses, kind="stable")[:wanted])
        lengths, numbers, logs = lengths[kept], numbers[kept], logs[kept]
    order = np.argsort(-logs, kind="stable")
    return [(_spelled(int(lengths[i]), int(numbers[i])), float(logs[i])) for i in order]


def _often_enough(expected: _Floats, lengths: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Tell the pieces that are of use; as many as are wanted are kept in any case."""
    kept: NDArray[np.bool_] = (expected >= _RARE) | (lengths == 1)
    first = np.argsort(-np.where(lengths == 1, np.inf, expected), kind="stable")[:size]
    kept[first] = True
    return kept


def _coded(texts: Sequence[str]) -> _Codes:
    """Put texts one after the other: 0 to 3 for the letters, -1 behind each text."""
    table = np.full(256, -1, dtype=np.int8)
    for code, letter in enumerate(_LETTERS):
        table[ord(letter)] = code
    return table[np.frombuffer("\n".join([*texts, ""]).encode("latin-1"), np.uint8)]


def _seeds(
    codes: _Codes, most: int, longest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], _Floats]:
    """Take the letters, and of longer substrings those that cover most."""
    lengths, numbers, counts = [], [], []
    for length in range(1, longest + 1):
        found, often = np.unique(_windows(codes, length), return_counts=True)
        often = often[found >= 0]
        found = found[found >= 0]
        if length == 1:
            often = np.bincount(found, often, minlength=4).clip(min=1)
            found = np.arange(4)
        else:
            found, often = found[often > 1], often[often > 1]
        lengths.append(np.full(found.size, length, dtype=np.int64))
        numbers.append(found.astype(np.int64))
        counts.append(often.astype(np.float64))
    length_of, number = np.concatenate(lengths), np.concatenate(numbers)
    count = np.concatenate(counts)
    cover = count * length_of
    cover[length_of == 1] = np.inf
    chosen = np.sort(np.argsort(-cover, kind="stable")[: max(most, 4)])
    return length_of[chosen], number[chosen], count[chosen]


def _windows(codes: _Codes, length: int) -> NDArray[np.int64]:
    """Number each substring of a length; -1 for those that reach across an end."""
    if codes.size < length:
        return np.empty(0, dtype=np.int64)
    views = np.lib.stride_tricks.sliding_window_view(codes, length)
    number = np.zeros(views.shape[0], dtype=np.int64)
    whole = np.ones(views.shape[0], dtype=bool)
    for place in range(length):
        number = number * 4 + views[:, place]
        whole &= views[:, place] >= 0
    return np.where(whole, number, -1)


def _table(
    lengths: NDArray[np.int64], numbers: NDArray[np.int64], longest: int
) -> NDArray[np.int32]:
    """Look pieces up by length and number: ``table[offset(length) + number]``, -1 for none."""
    table = np.full(_offset(longest + 1), -1, dtype=np.int32)
    table[(4**lengths - 4) // 3 + numbers] = np.arange(lengths.size)
    return table


def _offset(length: int) -> int:
    return int((4**length - 4) // 3)


def _spelled(length: int, number: int) -> str:
    return "".join(_LETTERS[number >> 2 * (length - 1 - place) & 3] for place in range(length))


def _kernel(function: Any) -> Any:
    return numba.njit(cache=True)(function)


@_kernel
def _add(a: float, b: float) -> float:  # pragma: no cover (compiled)
    """Logarithm of the sum of two numbers that are given as logarithms."""
    if a < b:
        a, b = b, a
    return float(a + np.log1p(np.exp(b - a))) if b > -np.inf else a


@_kernel
def _expected(
    codes: _Codes, table: NDArray[np.int32], logs: _Floats, longest: int
) -> _Floats:  # pragma: no cover (compiled)
    """Expected uses of each piece, over all segmentations of all texts."""
    n = codes.size
    before = np.full(n + 1, -np.inf)
    after = np.full(n + 1, -np.inf)
    expected = np.zeros(logs.size)
    start = 0
    for end in range(n):
        if codes[end] >= 0:
            continue
        before[start] = after[end] = 0.0
        for first in range(start, end):
            number = 0
            offset = 0
            for length in range(1, min(longest, end - first) + 1):
                number = number * 4 + codes[first + length - 1]
                piece = table[offset + number]
                offset = offset * 4 + 4
                if piece >= 0:
                    last = first + length
                    before[last] = _add(before[last], before[first] + logs[piece])
        for first in range(end - 1, start - 1, -1):
            number = 0
            offset = 0
            for length in range(1, min(longest, end - first) + 1):
                number = number * 4 + codes[first + length - 1]
                piece = table[offset + number]
                offset = offset * 4 + 4
                if piece >= 0:
                    told = logs[piece] + after[first + length]
                    after[first] = _add(after[first], told)
                    expected[piece] += np.exp(before[first] + told - before[end])
        start = end + 1
    return expected


@_kernel
def _losses(
    lengths: NDArray[np.int64],
    numbers: NDArray[np.int64],
    table: NDArray[np.int32],
    logs: _Floats,
    expected: _Floats,
) -> _Floats:  # pragma: no cover (compiled)
    """What the likelihood would lose without each piece, the best other cut taken in its place."""
    losses = np.zeros(lengths.size)
    for piece in range(lengths.size):
        length = lengths[piece]
        best = np.full(length + 1, -np.inf)
        best[0] = 0.0
        for first in range(length):
            number = 0
            offset = 0
            for last in range(first + 1, length + 1):
                number = number * 4 + ((numbers[piece] >> 2 * (length - last)) & 3)
                part = table[offset + number]
                offset = offset * 4 + 4
                if part >= 0 and part != piece:
                    best[last] = max(best[last], best[first] + logs[part])
        losses[piece] = expected[piece] * (logs[piece] - best[length])
    return losses
