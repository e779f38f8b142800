"""Sequences at two bits a letter, and where they are N: a quarter of the bytes, as fast as a copy.

A, C, G and T are 0 to 3, four to a byte, the first in the lowest bits; each sequence begins at a
byte of its own. N is written as A, and the runs of N stand beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.protocol.lengths import Integers, Lengths, Stretch, lengths_of

_LETTERS, _N = b"ACGT", ord("N")
#: What stands in a last byte beside the letters.
_FILLER = _LETTERS[0]
NO_RUNS = np.empty((0, 2), dtype=np.int64)
#: The four letters of each byte, as they stand in memory.
_WORDS = np.array(
    [[_LETTERS[byte >> shift & 3] for shift in (0, 2, 4, 6)] for byte in range(256)], dtype=np.uint8
).view(np.uint32)[:, 0]


@dataclass(frozen=True)
class TwoBit:
    """Sequences one after the other.

    Attributes
    ----------
    data : bytes-like
        ``ceil(length / 4)`` bytes a sequence.
    lengths : Lengths
    runs : ndarray of int64, shape (m, 2)
        First letter and length of each run of N, in order; letters are counted from the first of
        `data` on, four a byte.
    """

    data: bytes | memoryview
    lengths: Lengths
    runs: Integers


def pack(sequences: Sequence[str]) -> TwoBit | None:
    """Write sequences at two bits a letter.

    Returns
    -------
    TwoBit or None
        None if there is any letter other than A, C, G, T and N, or one in lower case.
    """
    lengths = lengths_of(sequences)
    data = np.empty(lengths.n_bytes, dtype=np.uint8)
    runs = []
    for stretch in lengths.stretches:
        text = _text(sequences[stretch.places], stretch)
        if text is None:
            return None
        codes = data[stretch.codes]
        _pack(text, codes)
        if not _is_packed(codes, _WORDS, text.view(np.uint32)):
            found = _runs_of_n(text)
            if found is None:
                return None
            found[:, 0] += 4 * stretch.codes.start
            runs.append(found)
    joined = np.concatenate(runs) if runs else NO_RUNS
    return TwoBit(data.data, lengths, joined)


def checked(packed: TwoBit) -> TwoBit:
    """Give what a stranger sent, if it can be unpacked.

    Raises
    ------
    ValueError
        If lengths, bytes and runs do not fit together.
    """
    _check(packed, memoryview(packed.data).nbytes)
    return packed


def unpack(packed: TwoBit) -> list[str]:
    """Read sequences that were `checked`, all letters in upper case."""
    cutter = packed.lengths.cutter
    sequences: list[str] = []
    for text, stretch in _unpacked(packed):
        end = int(stretch.starts[-1] + stretch.lengths[-1])
        joined = str(text[:end].data, "ascii")
        if cutter is not None:
            return list(cutter(joined))
        sequences += _cut(joined, stretch)
    return sequences


def unpack_letters(packed: TwoBit) -> NDArray[np.uint8]:
    """Read sequences that were `checked`, as ASCII, one after the other."""
    letters = np.empty(packed.lengths.total, dtype=np.uint8)
    first = 0
    for text, stretch in _unpacked(packed):
        last = first + int(stretch.lengths.sum())
        _close_up(text, stretch.starts, stretch.lengths, letters[first:last])
        first = last
    return letters


def _unpacked(packed: TwoBit) -> Iterator[tuple[NDArray[np.uint8], Stretch]]:
    """Give some sequences at a time, and their letters, which the next ones are written over."""
    codes = np.frombuffer(packed.data, dtype=np.uint8)
    words = np.empty(0, dtype=np.uint32)
    run = 0
    for stretch in packed.lengths.stretches:
        first, last = stretch.codes.start, stretch.codes.stop
        if words.size < last - first:
            words = np.empty(last - first, dtype=np.uint32)
        _unpack(codes[stretch.codes], _WORDS, words)
        text = words.view(np.uint8)
        if packed.runs.size:
            run = _write_runs(packed.runs, run, 4 * first, 4 * last, _N, text)
        yield text, stretch


def _text(sequences: Sequence[str], stretch: Stretch) -> NDArray[np.uint8] | None:
    """Join sequences so that each begins at a byte of its own; None if a letter is not ASCII."""
    fill = stretch.fill
    joined = "".join(sequences) if fill is None else fill.join(sequences) + fill
    # What is not ASCII takes more bytes than letters.
    if not joined.isascii():
        return None
    letters = np.frombuffer(joined.encode(), dtype=np.uint8)
    if fill is not None:
        return letters
    text = np.empty(4 * (stretch.codes.stop - stretch.codes.start), dtype=np.uint8)
    _spread(letters, stretch.starts, stretch.lengths, text)
    return text


def _cut(joined: str, stretch: Stretch) -> list[str]:
    if stretch.lengths.size == 1:
        # Without a copy of it.
        return [joined]
    ends = (stretch.starts + stretch.lengths).tolist()
    return [joined[start:end] for start, end in zip(stretch.starts.tolist(), ends, strict=True)]


def _check(packed: TwoBit, size: int) -> None:
    letters, expected = _sums(packed.lengths.letters, 4 * size)
    if letters < 0:
        raise ValueError(f"the lengths do not fit the {size:,} bytes of the sequences")
    if expected != size:
        raise ValueError(f"the sequences take {expected:,} bytes, and {size:,} are there")
    if not packed.runs.size:
        return
    start, count = packed.runs.T
    if ((start < 0) | (count < 1) | (start > 4 * size) | (count > 4 * size - start)).any():
        raise ValueError("a run of N is empty, or not within the sequences")
    if (start[1:] < start[:-1] + count[:-1]).any():
        raise ValueError("the runs of N overlap or are out of order")


@kernel
def _sums(lengths: np.ndarray, most: int) -> tuple[int, int]:
    """Add up letters, and bytes; -1 if that is more than `most` letters, or a length is none.

    It ends before a sum of lengths that a stranger tells can overflow.
    """
    letters = 0
    size = 0
    for length in lengths:
        if length < 0 or length > most - letters:
            return -1, -1
        letters += length
        size += (length + 3) // 4
    return letters, size


@kernel
def _write_runs(
    runs: np.ndarray, run: int, first: int, last: int, letter: int, text: np.ndarray
) -> int:
    """Write the runs of N that are in a stretch of letters, from a run on; give the next one."""
    while run < runs.shape[0]:
        start, end = runs[run, 0], runs[run, 0] + runs[run, 1]
        if start >= last:
            return run
        for place in range(max(first, start), min(last, end)):
            text[place - first] = letter
        if end > last:
            return run
        run += 1
    return run


def _runs_of_n(text: NDArray[np.uint8]) -> Integers | None:
    """Find the runs of N; None if any letter is none of A, C, G, T and N."""
    known = text == _N
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).reshape(-1, 2)
    for letter in _LETTERS:
        known |= text == letter
    if not known.all():
        return None
    edges[:, 1] -= edges[:, 0]
    return edges.astype(np.int64)


@kernel
def _spread(letters: np.ndarray, starts: np.ndarray, lengths: np.ndarray, text: np.ndarray) -> None:
    """Write sequences to where they start, and fill what is left up to the next start."""
    at = 0
    for row in range(lengths.size):
        start, length = starts[row], lengths[row]
        # Places in a view need no look at whether they count from its end: 30 times as fast.
        given, taken = letters[at : at + length], text[start : start + length]
        for place in range(length):
            taken[place] = given[place]
        at += length
        end = starts[row + 1] if row + 1 < starts.size else text.size
        for place in range(start + length, end):
            text[place] = _FILLER


@kernel
def _close_up(
    text: np.ndarray, starts: np.ndarray, lengths: np.ndarray, letters: np.ndarray
) -> None:
    """Write sequences one after the other, from where they start."""
    at = 0
    for row in range(lengths.size):
        start, length = starts[row], lengths[row]
        given, taken = text[start : start + length], letters[at : at + length]
        for place in range(length):
            taken[place] = given[place]
        at += length


@kernel
def _pack(text: np.ndarray, codes: np.ndarray) -> None:
    for byte in range(codes.size):
        code = np.uint8(0)
        for letter in range(4):
            ascii_code = text[4 * byte + letter]
            # The second and third bits of the ASCII codes tell the four letters apart.
            code |= (((ascii_code >> 1) ^ (ascii_code >> 2)) & 3) << (2 * letter)
        codes[byte] = code


@kernel
def _is_packed(codes: np.ndarray, table: np.ndarray, words: np.ndarray) -> bool:
    """Whether these are the codes of these letters, four a word."""
    differences = np.uint32(0)
    for byte in range(codes.size):
        differences |= table[codes[byte]] ^ words[byte]
    return bool(differences == 0)


@kernel
def _unpack(codes: np.ndarray, table: np.ndarray, words: np.ndarray) -> None:
    for byte in range(codes.size):
        words[byte] = table[codes[byte]]
