"""How long sequences are, and where they lie when they are packed at four letters a byte.

Those of a benchmark often have one length, and as many are asked about each time: what follows from
that is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

#: What fills the last byte of a sequence, by the length of the sequence modulo 4.
_FILL = ("", "AAA", "AA", "A")
#: Letters that are worked on at once, unless one sequence is longer: they stay in the cache.
_BLOCK = 1 << 20
#: What follows from a length is kept for no more sequences than this.
_MOST_KEPT = 4096


class Stretch(NamedTuple):
    """Sequences that are worked on at once.

    Attributes
    ----------
    places : slice
        Which they are.
    codes : slice
        Their bytes.
    starts, lengths : ndarray of int64, shape (n,)
        First letter of each, counted in the stretch at four letters a byte, and how many it has.
    fill : str or None
        Letters that fill the last byte of each; None where that is not the same for all.
    """

    places: slice
    codes: slice
    starts: Integers
    lengths: Integers
    fill: str | None


class Lengths:
    """Letters of each of some sequences.

    Parameters
    ----------
    letters : ndarray of int64, shape (n,)
        None is negative. Not to be changed: requests that ask alike share it.
    even : bool
        Whether all are known to be the same.
    """

    def __init__(self, letters: Integers, *, even: bool = False) -> None:
        self.letters = letters
        self.even = even

    def __len__(self) -> int:
        return self.letters.size

    @cached_property
    def total(self) -> int:
        """Letters of all of them."""
        return int(self.letters.sum())

    @cached_property
    def are_sound(self) -> bool:
        """Whether none is empty."""
        return bool(self.letters.all())

    @cached_property
    def n_bytes(self) -> int:
        """Bytes that they take, each beginning at one of its own."""
        return int(bytes_of(self.letters).sum())

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Cut them, in their order, into what is worked on at once."""
        if not len(self):
            return []
        ends = np.cumsum(self.letters)
        found = []
        first = at = 0
        while first < len(self):
            last = len(self)
            if ends[-1] - (ends[first - 1] if first else 0) > _BLOCK:
                reached = (ends[first - 1] if first else 0) + _BLOCK
                last = max(first + 1, int(np.searchsorted(ends, reached, side="right")))
            found.append(_stretch(self.letters[first:last], first, at))
            first, at = last, found[-1].codes.stop
        return found

    @cached_property
    def cutter(self) -> Callable[[str], tuple[str, ...]] | None:
        """What cuts a text of all of them into each, where they are few and of one length.

        In half the time of slices that are made anew.
        """
        if not self.even or not 1 < len(self) <= _MOST_KEPT or len(self.stretches) > 1:
            return None
        starts, length = self.stretches[0].starts.tolist(), int(self.letters[0])
        return itemgetter(*(slice(start, start + length) for start in starts))


def lengths_of(sequences: Sequence[str]) -> Lengths:
    """Measure sequences."""
    sizes = list(map(len, sequences))
    if sizes and sizes.count(sizes[0]) == len(sizes):
        return even_lengths(len(sizes), sizes[0])
    return Lengths(np.array(sizes, dtype=np.int64))


def even_lengths(n: int, length: int) -> Lengths:
    """Give the lengths of sequences that have one."""
    if n <= _MOST_KEPT:
        return _kept(n, length)
    return Lengths(np.full(n, length, dtype=np.int64), even=True)


@lru_cache(maxsize=16)
def _kept(n: int, length: int) -> Lengths:
    return Lengths(np.full(n, length, dtype=np.int64), even=True)


@overload
def bytes_of(letters: int) -> int: ...
@overload
def bytes_of(letters: Integers) -> Integers: ...
def bytes_of(letters: int | Integers) -> int | Integers:
    """Give how many bytes so many letters take."""
    return (letters + 3) // 4


def _stretch(lengths: Integers, first: int, at: int) -> Stretch:
    taken = bytes_of(lengths)
    ends = np.cumsum(taken)
    rests = lengths & 3
    fill = _FILL[rests[0]] if (rests == rests[0]).all() else None
    places, codes = slice(first, first + lengths.size), slice(at, at + int(ends[-1]))
    return Stretch(places, codes, 4 * (ends - taken), lengths, fill)
