"""Spaced seeds: ten letters in a window of sixteen, by which similar stretches are found.

Where two copies differ in a fifth of their letters, 99 of 100 stretches of 100 letters have the ten
in the seed's places in common; words of eleven letters find 87 (Ma, Tromp and Li 2002,
"PatternHunter"; the pattern is that of Choi, Zeng and Zhang 2004, "Good spaced seeds for homology
search").

Windows that say little are left out, as DUST does (Morgulis et al. 2006): where triplets come again
as often as in a repeat of four letters or fewer. A stretch of matches goes on through them, but
they count for nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genomark.compiled import kernel

#: 1101100011010111
SPAN, WEIGHT = 16, 10
#: Letters that are read at once; those of all sequences have as many unknown ones at either end.
READ = 32
#: What the code of a letter is larger by where windows say little.
MASKED = 8
#: Pairs of the same triplet in a window from which on it says little.
_REPEATED = 18
#: Sequences are looked up by their letters in steps of this many, as a power of 2.
_STEP = 6


class Letters(NamedTuple):
    """Sequences one after the other, with `READ` unknown letters at either end.

    `codes` (uint8) are their letters, `packed` (uint64) the same in two bits each, `offsets`
    (int64) where each begins, and behind the last.
    """

    codes: np.ndarray
    packed: np.ndarray
    offsets: np.ndarray


class SeedIndex(NamedTuple):
    """Where each seed occurs: at ``places[starts[seed] : starts[seed + 1]]`` (both uint32).

    `words` (uint64) are the letters around each place, and `rows` (int32) has the sequence of every
    64th letter.
    """

    starts: np.ndarray
    places: np.ndarray
    words: np.ndarray
    rows: np.ndarray


def letters(codes: np.ndarray, offsets: np.ndarray) -> Letters:
    """Pack sequences as `genomark.datasets.words.encoded` gives them."""
    padded = np.full(codes.size + 2 * READ, 4, dtype=np.uint8)
    padded[READ : READ + codes.size] = codes
    return Letters(padded, _packed(padded), offsets + READ)


def other_strand(one: Letters) -> Letters:
    """Give the reverse complement of each sequence, in the same places."""
    codes = _complemented(one.codes, one.offsets)
    return Letters(codes, _packed(codes), one.offsets)


def seeds(one: Letters, *, masked: bool) -> np.ndarray:
    """Give the seed that begins at each letter, int32; -1 where there is none.

    With `masked`, windows that say little have none, and the codes of their letters are made larger
    by `MASKED` in place, which need be so on one side only.
    """
    found = np.full(one.codes.size, -1, dtype=np.int32)
    _seeds(one.codes, one.offsets, masked, found)
    return found


def seed_index(one: Letters, found: np.ndarray) -> SeedIndex:
    """Index the seeds of sequences of fewer than 2**32 letters, as `seeds` gives them."""
    starts = np.zeros(4**WEIGHT + 1, dtype=np.uint32)
    _count(found, starts)
    np.cumsum(starts, out=starts)
    places = np.empty(int(starts[-1]), dtype=np.uint32)
    words = np.empty(places.size, dtype=np.uint64)
    _place(found, one.packed, starts, places, words)
    steps = np.arange(0, one.codes.size, 1 << _STEP)
    rows = np.searchsorted(one.offsets, steps, side="right") - 1
    return SeedIndex(starts, places, words, np.maximum(rows, 0).astype(np.int32))


@kernel
def row_of(place: int, offsets: np.ndarray, rows: np.ndarray) -> int:
    """Find the sequence a letter is of."""
    row: int = rows[place >> _STEP]
    while offsets[row + 1] <= place:
        row += 1
    return row


@kernel
def around(packed: np.ndarray, place: int) -> np.uint64:
    """Give `READ` letters, with the seed that begins at a place in their middle."""
    place -= (READ - SPAN) // 2
    shift = np.uint64(2 * (place & 31))
    low = packed[place >> 5] >> shift
    # A shift by 64 is undefined: two steps instead.
    high = (packed[(place >> 5) + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    word: np.uint64 = low | high
    return word


@kernel
def count_same(one: np.uint64, other: np.uint64) -> np.uint64:
    """Count the letters in which two words of `READ` letters agree."""
    odd = np.uint64(0x5555555555555555)
    differ = one ^ other
    bits = (differ | (differ >> np.uint64(1))) & odd
    two = np.uint64(0x3333333333333333)
    bits = (bits & two) + ((bits >> np.uint64(2)) & two)
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counted: np.uint64 = (bits * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return np.uint64(READ) - counted


@kernel
def _packed(codes: np.ndarray) -> np.ndarray:
    packed = np.zeros((codes.size >> 5) + 2, dtype=np.uint64)
    for place in range(codes.size):
        if codes[place] < 4:
            packed[place >> 5] |= np.uint64(codes[place]) << np.uint64(2 * (place & 31))
    return packed


@kernel
def _complemented(codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    out = codes.copy()
    for row in range(offsets.size - 1):
        first, last = offsets[row], offsets[row + 1]
        for place in range(first, last):
            code = codes[place]
            out[first + last - 1 - place] = 3 - code if code < 4 else code
    return out


@kernel
def _gathered(word: np.uint64) -> np.int32:
    """Take the letters at the places of the seed out of the last `SPAN`."""
    return np.int32(
        ((word >> np.uint64(28)) & np.uint64(0xF)) << np.uint64(16)
        | ((word >> np.uint64(22)) & np.uint64(0xF)) << np.uint64(12)
        | ((word >> np.uint64(12)) & np.uint64(0xF)) << np.uint64(8)
        | ((word >> np.uint64(8)) & np.uint64(0x3)) << np.uint64(6)
        | (word & np.uint64(0x3F))
    )


@kernel
def _seeds(codes: np.ndarray, offsets: np.ndarray, masked: bool, out: np.ndarray) -> None:
    counts = np.zeros(64, dtype=np.int64)
    for row in range(offsets.size - 1):
        word = np.uint64(0)
        known = 0
        pairs = 0
        counts[:] = 0
        for place in range(offsets[row], offsets[row + 1]):
            code = codes[place]
            if code > 3:
                if known:
                    known = pairs = 0
                    counts[:] = 0
                continue
            word = (word << np.uint64(2)) | np.uint64(code)
            known += 1
            if masked:
                if known > SPAN:
                    leaving = (word >> np.uint64(2 * (SPAN - 2))) & np.uint64(63)
                    counts[leaving] -= 1
                    pairs -= counts[leaving]
                if known >= 3:
                    triplet = word & np.uint64(63)
                    pairs += counts[triplet]
                    counts[triplet] += 1
            if known >= SPAN and pairs < _REPEATED:
                out[place - SPAN + 1] = _gathered(word)
            elif known >= SPAN:
                for behind in range(place - SPAN + 1, place + 1):
                    codes[behind] |= MASKED


@kernel
def _count(found: np.ndarray, starts: np.ndarray) -> None:
    for place in range(found.size):
        if found[place] >= 0:
            starts[found[place] + 1] += 1


@kernel
def _place(
    found: np.ndarray,
    packed: np.ndarray,
    starts: np.ndarray,
    places: np.ndarray,
    words: np.ndarray,
) -> None:
    filled = starts.copy()
    for place in range(found.size):
        seed = found[place]
        if seed >= 0:
            places[filled[seed]] = place
            words[filled[seed]] = around(packed, place)
            filled[seed] += 1
