"""Rows of numbers written as text, to float32: the compiled part.

Each cell is rounded as ``numpy.float32(float(cell))`` rounds it. Up to 19 digits are read as a
whole number and scaled by a power of ten in float64, which is off by less than 2**-50 of the
value; where that much more and that much less round to the same float32, it is the answer. The few
rows with a cell where they do not, or with anything unusual, are left to the caller.
`docs/design/gene-embeddings.md` gives the reasons and the numbers.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel

#: The separator that stands for any number of spaces and tabs.
BLANKS = 32

#: Beyond these, 19 digits are nothing, or too much for float32.
_LOWEST, _HIGHEST = -343, 308
_POWERS: NDArray[np.float64] = np.array(
    [float(f"1e{power}") for power in range(_LOWEST, _HIGHEST + 1)]
)
_DOUBT = 2.0**-50
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def parse_rows(
    text: NDArray[np.uint8],
    position: int,
    row: int,
    dialect: tuple[int, int, int, int],
    vectors: NDArray[np.float32],
    spans: NDArray[np.int64],
) -> tuple[int, int]:
    """Parse lines of a name and numbers, up to their end or the first that is not plain.

    Plain is a row with as many cells as there are columns, all but its name numbers, whose rounding
    is beyond doubt. Empty lines are passed over.

    Parameters
    ----------
    text : ndarray of uint8
        Whole lines, the last byte a line feed.
    position, row : int
        Where to begin, in the text and in what is filled.
    dialect : tuple of int
        Separator (a byte, or `BLANKS`), columns, column of the names, column left out (or -1).
    vectors : ndarray of float32, shape (n_lines, n_numbers)
        Filled.
    spans : ndarray of int64, shape (n_lines, 2)
        Filled: where the name of each line begins and ends in the text.

    Returns
    -------
    tuple of int
        Position and row where it stopped: the end, or the beginning of a row that is not plain.
    """
    position, row = _parse_rows(text, position, row, dialect, _POWERS, vectors, spans)
    return int(position), int(row)


def read_number(cell: str) -> float | None:
    """Value of a cell as float32, infinite where it is too large; None if it is no number."""
    bare = cell.strip()
    if not _NUMBER.fullmatch(bare):
        return None
    with np.errstate(over="ignore"):
        return float(np.float32(float(bare)))


@kernel
def _parse_rows(
    text: np.ndarray,
    position: int,
    row: int,
    dialect: tuple[int, int, int, int],
    powers: np.ndarray,
    vectors: np.ndarray,
    spans: np.ndarray,
) -> tuple[int, int]:
    while position < text.size:
        start = position
        if text[position] == 13:
            position += 1
        if text[position] == 10:
            position += 1
            continue
        position = _parse_row(text, start, dialect, powers, vectors[row], spans[row])
        if position < 0:
            return start, row
        row += 1
    return position, row


# The digits are read in the loop over cells, not in a function of their own: passing an array to
# another kernel counts references, and for each cell that would take longer than the cell.
@kernel
def _parse_row(
    text: np.ndarray,
    position: int,
    dialect: tuple[int, int, int, int],
    powers: np.ndarray,
    vector: np.ndarray,
    span: np.ndarray,
) -> int:
    """Parse one row; where the next begins, or -1 if this one is not plain."""
    separator, columns, name_column, left_out = dialect
    number = 0
    for column in range(columns):
        while separator == BLANKS and _is_blank(text[position]):
            position += 1
        if column in (name_column, left_out):
            start, end, position = _text_cell(text, position, separator)
            if column == name_column:
                span[0] = start
                span[1] = end
        else:
            while _is_padding(text[position], separator):
                position += 1
            negative = text[position] == 45
            if negative or text[position] == 43:
                position += 1
            whole = np.uint64(0)
            digits = kept = exponent = after_point = 0
            while True:
                digit = np.uint64(text[position]) - np.uint64(48)
                if digit <= np.uint64(9):
                    digits += 1
                    if kept < 19:
                        whole = whole * np.uint64(10) + digit
                        # Leading zeros take no room.
                        kept += whole != 0
                        exponent -= after_point
                    else:
                        exponent += 1 - after_point
                elif text[position] == 46 and after_point == 0:
                    after_point = 1
                else:
                    break
                position += 1
            if text[position] == 101 or text[position] == 69:
                written, position = _exponent(text, position + 1)
                exponent += written
            if digits == 0 or exponent > _HIGHEST:
                return -1
            value = _scaled(whole, powers[max(exponent, _LOWEST) - _LOWEST])
            if np.isnan(value):
                return -1
            vector[number] = -value if negative else value
            number += 1
            while _is_padding(text[position], separator):
                position += 1
        if column < columns - 1:
            if text[position] != separator and not (separator == BLANKS and text[position] == 9):
                return -1
            position += 1
    return _row_end(text, position, separator)


@kernel
def _is_blank(letter: int) -> bool:
    return bool(letter == 32 or letter == 9)


@kernel
def _is_padding(letter: int, separator: int) -> bool:
    """Whether this stands around a number without meaning: quotes, and spaces."""
    return bool(letter == 34 or (letter == 32 and separator != BLANKS))


@kernel
def _text_cell(text: np.ndarray, position: int, separator: int) -> tuple[int, int, int]:
    """Where the text of a cell begins and ends, and where the cell ends."""
    start = position
    if text[position] == 34 and separator != BLANKS:
        position += 1
        while text[position] != 34:
            if text[position] == 10:
                # Quotes that are not closed: back to where no cell ends.
                return start, start, start
            position += 1
        return start + 1, position, position + 1
    while not (
        text[position] == separator
        or text[position] == 10
        or text[position] == 13
        or (separator == BLANKS and text[position] == 9)
    ):
        position += 1
    return start, position, position


@kernel
def _exponent(text: np.ndarray, position: int) -> tuple[int, int]:
    """Exponent written after an ``e``, and where it ends; out of range if there are no digits."""
    negative = text[position] == 45
    if negative or text[position] == 43:
        position += 1
    first = position
    written = 0
    while 48 <= text[position] <= 57:
        # Large enough to outweigh the digits of any line.
        written = min(written * 10 + text[position] - 48, 1 << 40)
        position += 1
    if position == first:
        return 1 << 41, position
    return (-written if negative else written), position


@kernel
def _scaled(whole: np.uint64, power: float) -> np.float32:
    """`whole` times `power` as float32; NaN where the rounding is in doubt, or it is infinite."""
    value = np.float64(whole) * power
    doubt = value * _DOUBT
    rounded = np.float32(value - doubt)
    if rounded == np.float32(value + doubt) and rounded < np.inf:
        return rounded
    return np.float32(np.nan)


@kernel
def _row_end(text: np.ndarray, position: int, separator: int) -> int:
    """Where the next row begins, or -1 if this one does not end here."""
    while separator == BLANKS and _is_blank(text[position]):
        position += 1
    if text[position] == 13:
        position += 1
    return position + 1 if text[position] == 10 else -1
