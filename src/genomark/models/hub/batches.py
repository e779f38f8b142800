"""Rows of tokens in batches of like length, in whatever memory there is.

Rows are put side by side in the order of their lengths, so little is padded; a batch ends before a
row that would leave a tenth of it empty. What does not fit in memory is parted and tried again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError

#: A row shorter than this share of the longest one of its batch begins another.
_SHORTEST = 0.91
#: Batches made for each thread before their turn, so that none waits.
_AHEAD = 2

T = TypeVar("T")
Ids = NDArray[np.int64]


@dataclass
class Count:
    """Tokens that were computed, padding among them.

    Attributes
    ----------
    tokens, padding : int
    """

    tokens: int = 0
    padding: int = 0

    @property
    def padding_share(self) -> float:
        """Share of what was computed in vain."""
        return self.padding / self.tokens if self.tokens else 0.0


class Batches:
    """Runs rows of tokens through a network.

    Parameters
    ----------
    spec : str
        The model, for messages.
    budget : int
        Tokens of a batch, padding among them; halved when memory runs out, and kept so.
    pad_id : int
        Fills up rows.
    padded : bool
        Whether rows of different lengths may share a batch.
    threads : int
        Batches computed side by side, each by one thread. What a batch gives then depends neither
        on how many there are nor on what else the machine does: threads that share the work of one
        batch wait for each other at every step, and stand still when another process has a core.
    """

    def __init__(
        self, spec: str, budget: int, pad_id: int, *, padded: bool = True, threads: int = 1
    ) -> None:
        self._threads = threads
        self.budget = budget
        self.count = Count()
        self._spec = spec
        self._pad_id = pad_id
        self._shortest = _SHORTEST if padded else 1.0

    def run(
        self,
        lengths: Sequence[int],
        row: Callable[[int], Ids],
        compute: Callable[[Ids, Ids], T],
    ) -> Iterator[tuple[list[int], T]]:
        """Compute batch by batch, the longest rows first.

        Parameters
        ----------
        lengths : sequence of int
            Tokens of each row; rows of one length keep their order.
        row : callable
            Gives the tokens of a row, int64[length]; called when its batch is made.
        compute : callable
            Takes tokens and mask, int64[n, length], 1 for tokens and 0 for padding.

        Yields
        ------
        list of int, object
            Which rows, and what `compute` gave for them.

        Raises
        ------
        ModelError
            If a row alone does not fit in memory.
        """
        waiting = deque(self._plan(lengths))

        def one(batch: list[int]) -> T:
            longest = lengths[batch[0]]
            ids = np.full((len(batch), longest), self._pad_id, dtype=np.int64)
            mask = np.zeros_like(ids)
            for place, each in enumerate(batch):
                ids[place, : lengths[each]] = row(each)
                mask[place, : lengths[each]] = 1
            return compute(ids, mask)

        with _side_by_side(self._threads) as start:
            running: deque[tuple[list[int], Callable[[], T]]] = deque()
            most = 1 if self._threads == 1 else _AHEAD * self._threads
            while waiting or running:
                while waiting and len(running) < most:
                    batch = self._fitting(waiting, lengths)
                    running.append((batch, start(one, batch)))
                batch, result = running.popleft()
                longest = lengths[batch[0]]
                fits = True
                try:
                    computed = result()
                except (MemoryError, RuntimeError) as error:
                    fits = not _out_of_memory(error)
                    if fits:
                        raise
                # Not before the error is gone: it holds what the failed batch has left.
                if not fits:
                    self._halve(len(batch), longest)
                    waiting.appendleft(batch)
                    continue
                size = len(batch) * longest
                self.count.tokens += size
                self.count.padding += size - sum(lengths[each] for each in batch)
                yield batch, computed

    def _fitting(self, waiting: deque[list[int]], lengths: Sequence[int]) -> list[int]:
        """Take what the budget allows now off the next batch."""
        batch = waiting.popleft()
        fitting = max(self.budget // lengths[batch[0]], 1)
        if len(batch) > fitting:
            waiting.appendleft(batch[fitting:])
            batch = batch[:fitting]
        return batch

    def _plan(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        for each in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
            if batch:
                longest = lengths[batch[0]]
                full = (len(batch) + 1) * longest > self.budget
                if full or lengths[each] < self._shortest * longest:
                    yield batch
                    batch = []
            batch.append(each)
        if batch:
            yield batch

    def _halve(self, rows: int, longest: int) -> None:
        _free()
        if rows == 1:
            raise ModelError(
                f"{self._spec}: {longest:,} tokens do not fit in memory; set window= to fewer"
            )
        self.budget = rows * longest // 2


@contextmanager
def _side_by_side(threads: int) -> Iterator[Callable[..., Callable[[], Any]]]:
    """Give what starts a computation, and gives what waits for its result."""
    if threads == 1:
        # Not before its result is asked for: one batch after the other.
        yield partial
        return
    import torch

    before = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1)) as pool:
        try:
            yield lambda work, *given: pool.submit(work, *given).result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(before)


def _out_of_memory(error: Exception) -> bool:
    """Tell want of memory from what else torch raises; only its text says so on a processor."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return "not enough memory" in text or "out of memory" in text


def _free() -> None:
    """Give back what the failed batch has left in torch's own store of memory."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
