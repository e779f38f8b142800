"""Pairs of a test and a training sequence that are more alike than chance has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.leakage.chance import Chance
from genomark.datasets.leakage.copies import copies
from genomark.datasets.leakage.pairs import Pairs, alignments
from genomark.datasets.leakage.search import Asked, search
from genomark.errors import UsageError

#: Test sequences whose candidates are aligned at a time.
_BATCH = 2048
T = TypeVar("T")


@dataclass(frozen=True)
class Hits:
    """Some test sequences' pairs, shape (n,), and the scores of their alignments.

    `is_asked` tells which have a stretch without gaps that by itself is what was asked for.
    """

    pairs: Pairs
    scores: NDArray[np.int64]
    is_asked: NDArray[np.bool_]

    def take(self, which: NDArray[np.int64]) -> Hits:
        """Give some of them."""
        return Hits(self.pairs.take(which), self.scores[which], self.is_asked[which])


def for_hits(
    test: Sequence[str],
    train: Sequence[str],
    use: Callable[[Hits], T],
    *,
    kept: int,
    asked: Asked | None = None,
    is_same_set: bool = False,
    both_strands: bool = True,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[T]:
    """Hand all hits to a function, those of some test sequences at a time.

    Parameters
    ----------
    test, train : sequence of str
    use : callable
        Runs in several threads.
    kept : int
        Hits of a test sequence, at most; copies come on top.
    asked : Asked, optional
        Of more hits those that have a stretch like that are kept first.
    is_same_set : bool
        Whether test and training set are one, and no sequence is a hit of itself. Copies of whole
        sequences that chance might have are then not looked for.
    both_strands : bool
    threads : int
    progress : callable
        Takes how many more training sequences are done.

    Yields
    ------
    What the function gives, in the order of the test sequences.

    Raises
    ------
    UsageError
        If `threads` is not positive.
    """
    if threads < 1:
        raise UsageError(f"threads must be at least 1, not {threads}")
    chance = Chance.of(train, both_strands=both_strands)
    found = search(
        test,
        train,
        chance,
        kept=kept,
        asked=asked,
        is_same_set=is_same_set,
        both_strands=both_strands,
        threads=threads,
        progress=progress,
    )
    same = np.full(len(test), -1, dtype=np.int64)
    is_other = np.zeros(len(test), dtype=np.bool_)
    if not is_same_set:
        same, is_other = copies(test, train, both_strands=both_strands)

    def batch(first: int) -> T:
        part = slice(first, first + _BATCH)
        texts = test[first : first + _BATCH]
        # A copy stands beside the candidates, and needs no score to pass.
        rows = np.column_stack([found.rows[part], same[part]])
        others = np.column_stack([found.other_strand[part], is_other[part]])
        is_copy = (rows == rows[:, -1:]) & (others == others[:, -1:])
        rows[:, :-1][is_copy[:, :-1]] = -1
        item, place = np.nonzero(rows >= 0)
        pairs = Pairs(
            first + item,
            rows[item, place],
            others[item, place],
            np.pad(found.diagonals[part], ((0, 0), (0, 1)))[item, place],
        )
        without_gaps = np.pad(found.scores[part], ((0, 0), (0, 1)))[item, place]
        is_asked = np.pad(found.is_asked[part], ((0, 0), (0, 1)))[item, place]
        scores = alignments(test, train, pairs, traced=False).score
        passed = (
            (scores >= chance.passed(texts)[item])
            | (without_gaps >= chance.passed_without_gaps(texts)[item])
            | ((place == kept) & (scores > 0))
        )
        return use(Hits(pairs, scores, is_asked).take(np.flatnonzero(passed)))

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(batch, range(0, len(test), _BATCH))
