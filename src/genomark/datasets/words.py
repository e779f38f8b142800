"""Words of sequences: which of many sequences has which, and what one has in common with them.

Words are of `k` letters, counted as often as they occur, and numbered as `encoded` numbers their
letters. The sequences of an index are its rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets.letters import encode_bases

_Whole = NDArray[np.int64]
#: What `word_index` gives.
WordIndex = tuple[_Whole, NDArray[np.uint64], _Whole, NDArray[np.int32], NDArray[np.int32], _Whole]


def encoded(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Number the letters of all sequences, and say where each begins."""
    return encode_bases(sequences, any_case=True)


def word_index(
    codes: NDArray[np.uint8], offsets: NDArray[np.int64], k: int, both_strands: bool
) -> WordIndex:
    """Make a table from word to the rows that have it, and how often.

    Returns
    -------
    slots : ndarray of int64
        Open addressing: number of a distinct word, or -1.
    distinct : ndarray of uint64
        The words.
    starts : ndarray of int64
        Where the entries of each distinct word begin.
    rows, counts : ndarray of int32
        Entries: a row and how often it has the word; those of a word in order of rows.
    totals : ndarray of int64
        Words of each row.
    """
    room = int(offsets[-1])
    words = np.empty(room, dtype=np.uint64)
    rows = np.empty(room, dtype=np.int32)
    counts = np.empty(room, dtype=np.int32)
    totals = np.zeros(offsets.size - 1, dtype=np.int64)
    used = _count_all(codes, offsets, k, both_strands, words, rows, counts, totals)
    order = np.argsort(words[:used], kind="stable")
    distinct, starts = np.unique(words[:used][order], return_index=True)
    slots = np.full(1 << max(4, (2 * distinct.size).bit_length()), -1, dtype=np.int64)
    _fill(slots, distinct)
    return slots, distinct, np.append(starts, used), rows[order], counts[order], totals


@kernel
def sequence_words(
    codes: np.ndarray, first: int, last: int, k: int, both_strands: bool, out: np.ndarray
) -> int:
    """Write the words of one sequence, sorted; return how many there are."""
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 2 * k)
    top = np.uint64(2 * (k - 1))
    two = np.uint64(2)
    forward = np.uint64(0)
    backward = np.uint64(0)
    known = 0
    n = 0
    for position in range(first, last):
        code = codes[position]
        if code > 3:
            known = 0
            continue
        forward = ((forward << two) | np.uint64(code)) & mask
        backward = (backward >> two) | (np.uint64(3 - code) << top)
        known += 1
        if known >= k:
            out[n] = min(forward, backward) if both_strands else forward
            n += 1
    out[:n].sort()
    return n


@kernel
def _count_all(
    codes: np.ndarray,
    offsets: np.ndarray,
    k: int,
    both_strands: bool,
    words: np.ndarray,
    rows: np.ndarray,
    counts: np.ndarray,
    totals: np.ndarray,
) -> int:
    """Write each sequence's distinct words and how often it has them; return how many entries."""
    used = 0
    scratch = np.empty(np.diff(offsets).max() if offsets.size > 1 else 0, dtype=np.uint64)
    for row in range(offsets.size - 1):
        n = sequence_words(codes, offsets[row], offsets[row + 1], k, both_strands, scratch)
        totals[row] = n
        for place in range(n):
            if place > 0 and scratch[place] == scratch[place - 1]:
                counts[used - 1] += 1
                continue
            words[used] = scratch[place]
            rows[used] = row
            counts[used] = 1
            used += 1
    return used


@kernel
def _slot(word: np.uint64, size: int) -> np.int64:
    """Where to look first: Fibonacci hashing, of which the upper bits are the good ones."""
    mixed = (word ^ (word >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(20)) & np.int64(size - 1)


@kernel
def _fill(slots: np.ndarray, distinct: np.ndarray) -> None:
    for number in range(distinct.size):
        slot = _slot(distinct[number], slots.size)
        while slots[slot] >= 0:
            slot = (slot + 1) & (slots.size - 1)
        slots[slot] = number


@kernel
def _find(word: np.uint64, slots: np.ndarray, distinct: np.ndarray) -> int:
    """Return the number of a distinct word, -1 if there is none."""
    slot = _slot(word, slots.size)
    while slots[slot] >= 0 and distinct[slots[slot]] != word:
        slot = (slot + 1) & (slots.size - 1)
    number: int = slots[slot]
    return number


@kernel
def count_shared(
    words: np.ndarray,
    index: WordIndex,
    below: int,
    shared: np.ndarray,
    touched: np.ndarray,
) -> int:
    """Count the words that one sequence has in common with each row of an index.

    Parameters
    ----------
    words : ndarray of uint64
        From `sequence_words`.
    index : tuple
        From `word_index`.
    below : int
        Rows from this one on are left out.
    shared : ndarray of int64, shape (n_rows,)
        All 0; becomes the number of words in common.
    touched : ndarray of int64, shape (n_rows,)
        Begins then with the rows where that is above 0.

    Returns
    -------
    int
        How many rows those are.
    """
    slots, distinct, starts, rows, counts, _ = index
    n_touched = 0
    place = 0
    while place < words.size:
        run = place + 1
        while run < words.size and words[run] == words[place]:
            run += 1
        number = _find(words[place], slots, distinct)
        if number >= 0:
            for entry in range(starts[number], starts[number + 1]):
                row = rows[entry]
                # The rows of a word are in order.
                if row >= below:
                    break
                if shared[row] == 0:
                    touched[n_touched] = row
                    n_touched += 1
                shared[row] += min(run - place, counts[entry])
        place = run
    return n_touched
