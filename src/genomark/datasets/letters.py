"""Bases as numbers and as channels: A, C, G, T (or U) are 0 to 3, every other letter is 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from genomark.compiled import kernel

_A, _C, _G, _T, _U = (np.uint8(ord(letter)) for letter in "ACGTU")
#: Bits of an ASCII letter, and those that a small letter shares with its large one.
_AS_THEY_ARE, _ANY_CASE = np.uint8(0xFF), np.uint8(0xDF)
_UNKNOWN = np.uint8(4)
#: A number as large as four of so many bytes.
_FOUR: dict[int, type[np.generic]] = {1: np.uint32, 4: np.complex128}


@runtime_checkable
class HasLetters(Protocol):
    """Sequences that are no strings before one of them is looked at."""

    def letters(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Give them as `letters_of` does."""
        ...


def letters_of(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write sequences one after the other.

    Parameters
    ----------
    sequences : sequence of str

    Returns
    -------
    letters : ndarray of uint8, shape (total length,)
        ASCII, read-only; a letter that is not ASCII stays one letter, and becomes a ``?``.
    offsets : ndarray of int64, shape (n + 1,)
        Sequence ``i`` is ``letters[offsets[i]:offsets[i + 1]]``.
    """
    if isinstance(sequences, HasLetters):
        return sequences.letters()
    letters = np.frombuffer("".join(sequences).encode("ascii", "replace"), dtype=np.uint8)
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    return letters, offsets


def encode_bases(
    sequences: Sequence[str], *, any_case: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write sequences one after the other as codes.

    Parameters
    ----------
    sequences : sequence of str
    any_case : bool
        Whether a small letter is a base; left out: it is unknown.

    Returns
    -------
    codes : ndarray of uint8, shape (total length,)
    offsets : ndarray of int64, shape (n + 1,)
        Sequence ``i`` is ``codes[offsets[i]:offsets[i + 1]]``.
    """
    letters, offsets = letters_of(sequences)
    codes = np.empty(letters.size, dtype=np.uint8)
    _encode(letters, _ANY_CASE if any_case else _AS_THEY_ARE, codes)
    return codes, offsets


def one_hot(
    sequences: Sequence[str], length: int | None = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Spread bases over four channels.

    Parameters
    ----------
    sequences : sequence of str
        Upper case; a letter that is no base is 0 in all channels.
    length : int, optional
        Positions; a longer sequence is cut, a shorter one ends in zeros. Left out: as many as the
        longest sequence has.
    dtype : {float32, int8}

    Returns
    -------
    ndarray of `dtype`, shape (n, length, 4)
        Channels in the order A, C, G, T (or U).
    """
    letters, offsets = letters_of(sequences)
    if length is None:
        length = int(np.diff(offsets).max(initial=0))
    channels = np.zeros((256, 4), dtype=dtype)
    channels[[_A, _C, _G, _T, _U], [0, 1, 2, 3, 3]] = 1
    out = np.empty((len(sequences), length, 4), dtype=dtype)
    # All four in one number, whatever it means: one look-up and one write a base.
    four = _FOUR[out.itemsize]
    _spread(letters, offsets, channels.view(four)[:, 0], out.view(four)[:, :, 0])
    return out


def reverse_complements(k: int) -> NDArray[np.int64]:
    """Number of the reverse complement of each word of `k` bases, int64[4**k], in base 4."""
    rest = np.arange(4**k, dtype=np.int64)
    complement = np.zeros_like(rest)
    for _ in range(k):
        complement = complement * 4 + 3 - rest % 4
        rest = rest // 4
    return complement


@kernel
def _encode(letters: np.ndarray, bits: np.uint8, codes: np.ndarray) -> None:
    # Comparisons, which compile to 32 letters an instruction; a look-up takes them one by one.
    for position in range(letters.size):
        letter = letters[position] & bits
        code = _UNKNOWN
        if letter == _A:
            code = np.uint8(0)
        if letter == _C:
            code = np.uint8(1)
        if letter == _G:
            code = np.uint8(2)
        if letter == _T:
            code = np.uint8(3)
        if letter == _U:
            code = np.uint8(3)
        codes[position] = code


@kernel
def _spread(
    letters: np.ndarray, offsets: np.ndarray, channels: np.ndarray, out: np.ndarray
) -> None:
    for row in range(out.shape[0]):
        sequence = letters[offsets[row] : offsets[row + 1]]
        width = min(sequence.size, out.shape[1])
        for position in range(width):
            out[row, position] = channels[sequence[position]]
        out[row, width:] = 0
