"""Batches of sequences of similar length, in an order that a seed gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

#: Batches that are sorted by length together: enough for little padding, and few enough that the
#: neighbours of a sequence are others in each epoch.
_SORTED_TOGETHER = 32


def epoch_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[Integers]:
    """Deal the training sequences of an epoch.

    Parameters
    ----------
    lengths : sequence of int
    batch_size : int
    seed, epoch : int
        The order depends on nothing else: a training that goes on in the middle of an epoch needs
        no state of a generator.

    Returns
    -------
    list of ndarray of int64
        Rows, each once; as many batches in every epoch.
    """
    draws = np.random.default_rng((seed, epoch))
    of_rows = np.asarray(lengths)
    order = draws.permutation(of_rows.size)
    together = batch_size * _SORTED_TOGETHER
    batches: list[Integers] = []
    for start in range(0, order.size, together):
        near = order[start : start + together]
        near = near[np.argsort(of_rows[near], kind="stable")]
        batches += [near[at : at + batch_size] for at in range(0, near.size, batch_size)]
    return [batches[each] for each in draws.permutation(len(batches))]


def pieces(
    rows: Integers, lengths: Sequence[int], cells_at_once: int, *, squared: bool
) -> Iterator[Integers]:
    """Part rows, in their order, so that no piece is too large when padded.

    Parameters
    ----------
    rows : ndarray of int64
        Best sorted by length.
    lengths : sequence of int
        Of all rows.
    cells_at_once : int
        Padded positions of a piece; a row that has more on its own is a piece of its own.
    squared : bool
        Whether a row has as many cells as its length squared: pairs of positions.
    """
    start, longest = 0, 0
    for at, row in enumerate(rows):
        wider = max(longest, lengths[row])
        cells = (at + 1 - start) * wider * (wider if squared else 1)
        if at > start and cells > cells_at_once:
            yield rows[start:at]
            start, wider = at, lengths[row]
        longest = wider
    if start < len(rows):
        yield rows[start:]


def by_length(lengths: Sequence[int]) -> Integers:
    """Order rows by length, equals as they come."""
    return np.argsort(np.asarray(lengths), kind="stable").astype(np.int64)
