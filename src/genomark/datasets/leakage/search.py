"""Candidates of all test sequences among all training sequences, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.candidates import ASKED, Candidates, join, looks
from genomark.datasets.leakage.chance import Chance
from genomark.datasets.leakage.seeds import (
    Letters,
    SeedIndex,
    letters,
    other_strand,
    seed_index,
    seeds,
)
from genomark.datasets.words import encoded

#: Letters of a block, of the test set (at most) and of the training set (about).
_BLOCK = 1 << 21
#: A test set is cut into at least this many blocks, so that threads have something to share, ...
_BLOCKS = 8
#: ... unless they would have fewer letters than this.
_SMALLEST_BLOCK = 1 << 16
#: Longer training sequences are cut.
_PIECE = 1 << 20


class Asked(NamedTuple):
    """From when on a test sequence counts as seen: identity and coverage, at least."""

    identity: float
    coverage: float


@dataclass(frozen=True)
class Found:
    """Of each test sequence the training sequences that may be nearest, shape (n_test, kept).

    Attributes
    ----------
    rows : ndarray of int64
        Of the training set; -1: none.
    other_strand : ndarray of bool
    diagonals : ndarray of int64
        Place in the training sequence, or its reverse complement, less place in the test sequence.
    scores : ndarray of int64
        Of the stretch without gaps.
    is_asked : ndarray of bool
        Whether that by itself is what was asked for.
    """

    rows: NDArray[np.int64]
    other_strand: NDArray[np.bool_]
    diagonals: NDArray[np.int64]
    scores: NDArray[np.int64]
    is_asked: NDArray[np.bool_]


@dataclass(frozen=True)
class _Pieces:
    """A block of training sequences; long ones are cut into pieces that overlap.

    `starts` and `ends` are where a piece lies in its sequence, `rows` which that is.
    """

    texts: list[str]
    rows: list[int]
    starts: list[int]
    ends: list[int]
    n_finished: int


@dataclass(frozen=True)
class _TrainBlock:
    """A block of training pieces, made ready: each of the last three once a strand."""

    first: int
    rows: NDArray[np.int64]
    letters: list[Letters]
    seeds: list[NDArray[np.int32]]
    indices: list[SeedIndex]

    @classmethod
    def of(cls, pieces: _Pieces, first: int, *, both_strands: bool) -> _TrainBlock:
        """Index pieces, of which the first has this number."""
        forward = letters(*encoded(pieces.texts))
        strands = [forward, other_strand(forward)] if both_strands else [forward]
        found = [seeds(strand, masked=False) for strand in strands]
        indices = list(map(seed_index, strands, found))
        return cls(first, np.array(pieces.rows, dtype=np.int64), strands, found, indices)


@dataclass(frozen=True)
class _TestBlock:
    """A block of test sequences, and what was found so far; `own_row` is as `join` has it."""

    letters: Letters
    index: SeedIndex
    own_row: int
    found: Candidates

    def look_in(self, train: _TrainBlock) -> None:
        """Take what a block of training pieces has that is better."""
        sides = zip(train.letters, train.seeds, train.indices, strict=True)
        for strand, (its_letters, its_seeds, its_index) in enumerate(sides):
            join(
                self.letters,
                self.index,
                its_letters,
                its_index,
                train.rows,
                train.first,
                strand == 1,
                self.own_row,
                looks(its_letters, its_seeds, self.index),
                self.found,
            )


def search(
    test: Sequence[str],
    train: Sequence[str],
    chance: Chance,
    *,
    kept: int,
    asked: Asked | None,
    is_same_set: bool,
    both_strands: bool,
    threads: int,
    progress: Callable[[int], None],
) -> Found:
    """Find candidates.

    Parameters
    ----------
    test, train : sequence of str
    chance : Chance
        Of the training set.
    kept : int
        Candidates of each test sequence, at most.
    asked : Asked or None
        Stretches that are so by themselves stand before all others.
    is_same_set : bool
        Whether both are one, and no sequence is to be found in itself.
    both_strands : bool
    threads : int
    progress : callable
        Takes how many more training sequences are done.
    """
    blocks = list(_test_blocks(test, chance, kept, asked, is_same_set=is_same_set))
    overlap = max(map(len, test), default=0)
    rows: list[int] = []
    starts: list[int] = []
    # Where the reverse complement of a piece begins in that of its sequence.
    other_starts: list[int] = []
    with ThreadPoolExecutor(threads) as pool:
        for pieces in _pieces(train, overlap):
            block = _TrainBlock.of(pieces, len(rows), both_strands=both_strands)
            list(pool.map(_TestBlock.look_in, blocks, repeat(block)))
            rows += pieces.rows
            starts += pieces.starts
            other_starts += [
                len(train[row]) - end for row, end in zip(pieces.rows, pieces.ends, strict=True)
            ]
            progress(pieces.n_finished)
    return _in_sequences(blocks, kept, rows, starts, other_starts)


def _in_sequences(
    blocks: Sequence[_TestBlock],
    kept: int,
    rows: list[int],
    starts: list[int],
    other_starts: list[int],
) -> Found:
    """Tell of training sequences what was found in their pieces."""
    found = [block.found for block in blocks]
    empty = np.empty((0, kept), dtype=np.int64)
    pieces = np.concatenate([empty, *(each.pieces for each in found)])
    diagonals = np.concatenate([empty, *(each.diagonals for each in found)])
    scores = np.concatenate([empty, *(each.scores for each in found)])
    # What is none is the last row of these.
    of_rows = np.array([*rows, -1], dtype=np.int64)
    shifts = np.array([[*starts, 0], [*other_starts, 0]], dtype=np.int64)
    number = np.where(pieces < 0, -1, pieces >> 1)
    is_other = (pieces >= 0) & (pieces & 1 == 1)
    diagonals += shifts[is_other.astype(np.int64), number]
    is_asked = scores >= ASKED
    return Found(of_rows[number], is_other, diagonals, scores & (ASKED - 1), is_asked)


def _test_blocks(
    test: Sequence[str], chance: Chance, kept: int, asked: Asked | None, *, is_same_set: bool
) -> Iterator[_TestBlock]:
    total = sum(map(len, test))
    room = min(max(total // _BLOCKS, _SMALLEST_BLOCK), _BLOCK)
    first = 0
    while first < len(test):
        last, size = first + 1, len(test[first])
        while last < len(test) and size + len(test[last]) <= room:
            size += len(test[last])
            last += 1
        block = letters(*encoded(test[first:last]))
        n = last - first
        sizes = np.diff(block.offsets)
        # No stretch is longer than its sequence, so that where nothing is asked for none is so.
        least = np.ceil(asked.coverage * sizes).astype(np.int64) if asked else sizes + 1
        start = chance.to_be_aligned(test[first:last]) - 1
        found = Candidates(
            np.repeat(start[:, None], kept, axis=1),
            np.full((n, kept), -1, dtype=np.int64),
            np.zeros((n, kept), dtype=np.int64),
            start,
            least,
            asked.identity if asked else 1.0,
        )
        index = seed_index(block, seeds(block, masked=True))
        yield _TestBlock(block, index, first if is_same_set else -1, found)
        first = last


def _pieces(train: Sequence[str], overlap: int) -> Iterator[_Pieces]:
    block = _Pieces([], [], [], [], 0)
    size = n_finished = 0
    for row, sequence in enumerate(train):
        start = 0
        while True:
            end = min(len(sequence), start + _PIECE + overlap)
            block.texts.append(sequence[start:end])
            block.rows.append(row)
            block.starts.append(start)
            block.ends.append(end)
            size += end - start
            is_last = end == len(sequence)
            n_finished += is_last
            if size >= _BLOCK:
                yield _Pieces(block.texts, block.rows, block.starts, block.ends, n_finished)
                block = _Pieces([], [], [], [], 0)
                size = n_finished = 0
            if is_last:
                break
            start += _PIECE
    if block.texts:
        yield _Pieces(block.texts, block.rows, block.starts, block.ends, n_finished)
