"""Copies and near copies: how much of a test set stands in a training set.

Two sequences are compared by the words of `k` letters they are made of. Of the words of the
shorter one, counted as often as they occur, the share that the other has too is its *containment*
(Broder 1997, "On the resemblance and containment of documents"). Counting repeats keeps a run of
one letter from being found in every sequence that has a short one.

One changed letter changes `k` words, so two copies of which a share `p` of the letters is the same
share about ``p ** k`` of their words (Ondov et al. 2016, "Mash"): with words of 16 letters, a
threshold of 0.8 is met by sequences that are the same in some 98.6 % of their letters, and two
random sequences of 400 letters hardly ever have a word in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.genome import reverse_complement
from genomark.errors import UsageError
from genomark.scoring.kernels import kernel

#: Letters of a word whose number fits into 64 bits.
_LONGEST = 32
#: Training sequences between two words on how far it has come.
_BLOCK = 4096

_Whole = NDArray[np.int64]
_Index = tuple[_Whole, NDArray[np.uint64], _Whole, NDArray[np.int32], NDArray[np.int32], _Whole]

_CODES = np.full(256, 4, dtype=np.uint8)
for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
    _CODES[list(_letters)] = _code


@dataclass(frozen=True)
class Similarity:
    """What a training set has of each test sequence.

    Attributes
    ----------
    copy_of : ndarray of int64, shape (n_test,)
        First training row with the same sequence, on either strand where both count; -1: none.
    nearest : ndarray of int64, shape (n_test,)
        First training row with the largest containment, a copy before all others; -1 where none
        has a word in common with it.
    containment : ndarray of float64, shape (n_test,)
        Of that row, from 0 to 1; 1 for a copy.
    threshold : float
    """

    copy_of: NDArray[np.int64]
    nearest: NDArray[np.int64]
    containment: NDArray[np.float64]
    threshold: float

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Which test sequences have a copy, bool[n_test]."""
        return self.copy_of >= 0

    @property
    def near(self) -> NDArray[np.bool_]:
        """Which have a copy or a near copy: containment at or above the threshold, bool[n_test]."""
        return self.containment >= self.threshold


def screen(
    test: Sequence[str],
    train: Sequence[str],
    *,
    k: int = 16,
    threshold: float = 0.8,
    both_strands: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Similarity:
    """Look for each test sequence in a training set.

    Parameters
    ----------
    test, train : sequence of str
        Small letters are large ones, and U is T. A word with any other letter than these four is
        left out; a sequence without words can only have exact copies.
    k : int
        Letters of a word, 1 to 32.
    threshold : float
        Containment from which on a sequence counts as near, above 0 and up to 1.
    both_strands : bool
        Whether a word and its reverse complement are one, as they are in double-stranded DNA.
    progress : callable
        Takes how many more training sequences are done.

    Returns
    -------
    Similarity

    Raises
    ------
    UsageError
        If `k` or `threshold` is out of range.
    """
    if not 1 <= k <= _LONGEST:
        raise UsageError(f"k must be from 1 to {_LONGEST}, not {k}")
    if not 0.0 < threshold <= 1.0:
        raise UsageError(f"the threshold must be above 0 and up to 1, not {threshold}")
    nearest = np.full(len(test), -1, dtype=np.int64)
    containment = np.zeros(len(test))
    codes, offsets = encoded(test)
    index = word_index(codes, offsets, k, both_strands)
    for first in range(0, len(train), _BLOCK):
        block = train[first : first + _BLOCK]
        codes, offsets = encoded(block)
        _compare(codes, offsets, k, both_strands, first, *index, nearest, containment)
        progress(len(block))
    copy_of = _copies(test, train, both_strands=both_strands)
    copied = copy_of >= 0
    nearest[copied] = copy_of[copied]
    containment[copied] = 1.0
    return Similarity(copy_of, nearest, containment, threshold)


def _copies(test: Sequence[str], train: Sequence[str], *, both_strands: bool) -> NDArray[np.int64]:
    first: dict[str, int] = {}
    for row, sequence in enumerate(train):
        first.setdefault(_spelled(sequence), row)
    found = np.empty(len(test), dtype=np.int64)
    for row, sequence in enumerate(test):
        spelled = _spelled(sequence)
        place = first.get(spelled)
        if place is None and both_strands:
            place = first.get(reverse_complement(spelled))
        found[row] = -1 if place is None else place
    return found


def _spelled(sequence: str) -> str:
    return sequence.upper().replace("U", "T")


def encoded(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Number the letters of all sequences, and say where each begins."""
    # A letter that is not ASCII must stay one letter, and none of the four.
    letters = np.frombuffer("".join(sequences).encode("ascii", "replace"), dtype=np.uint8)
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    return _CODES.take(letters), offsets


def word_index(
    codes: NDArray[np.uint8], offsets: NDArray[np.int64], k: int, both_strands: bool
) -> _Index:
    """Make a table from word to the test sequences that have it, and how often.

    Returns
    -------
    slots : ndarray of int64
        Open addressing: number of a distinct word, or -1.
    distinct : ndarray of uint64
        The words.
    starts : ndarray of int64
        Where the entries of each distinct word begin.
    rows, counts : ndarray of int32
        Entries: test sequence and how often it has the word.
    totals : ndarray of int64
        Words of each test sequence.
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
def find_word(word: np.uint64, slots: np.ndarray, distinct: np.ndarray) -> int:
    """Return the number of a distinct word, -1 if there is none."""
    slot = _slot(word, slots.size)
    while slots[slot] >= 0 and distinct[slots[slot]] != word:
        slot = (slot + 1) & (slots.size - 1)
    number: int = slots[slot]
    return number


@kernel
def _compare(
    codes: np.ndarray,
    offsets: np.ndarray,
    k: int,
    both_strands: bool,
    row_of_first: int,
    slots: np.ndarray,
    distinct: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    counts: np.ndarray,
    totals: np.ndarray,
    nearest: np.ndarray,
    containment: np.ndarray,
) -> None:
    """Compare a block of training sequences with all test sequences, keeping the best."""
    shared = np.zeros(totals.size, dtype=np.int64)
    touched = np.empty(totals.size, dtype=np.int64)
    scratch = np.empty(np.diff(offsets).max(), dtype=np.uint64)
    for train in range(offsets.size - 1):
        n = sequence_words(codes, offsets[train], offsets[train + 1], k, both_strands, scratch)
        n_touched = 0
        place = 0
        while place < n:
            run = place + 1
            while run < n and scratch[run] == scratch[place]:
                run += 1
            number = find_word(scratch[place], slots, distinct)
            if number >= 0:
                for entry in range(starts[number], starts[number + 1]):
                    test = rows[entry]
                    if shared[test] == 0:
                        touched[n_touched] = test
                        n_touched += 1
                    shared[test] += min(run - place, counts[entry])
            place = run
        for each in range(n_touched):
            test = touched[each]
            share = shared[test] / min(totals[test], n)
            if share > containment[test]:
                containment[test] = share
                nearest[test] = row_of_first + train
            shared[test] = 0
