"""Sharing a result folder with other runs: no shard is computed by two of them at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from genomark.runs.claims import Claims
from genomark.runs.executor import Executor
from genomark.runs.outcome import ShardOutcome
from genomark.runs.plan import Shard
from genomark.runs.waiting import Waiting
from genomark.spans import span

logger = logging.getLogger("genomark.runs")

#: A run that has nothing left but what others compute looks this often whether they are done.
_LOOK_SECONDS = 0.5

#: Takes out what is to be computed next, given what waits and how many shards are handed on; None
#: where that is enough for now.
Pick = Callable[[Waiting, int], Shard | None]


def in_order(ahead: int) -> Pick:
    """Have so many shards handed on at a time, in the order in which they came."""

    def pick(waiting: Waiting, handed_on: int) -> Shard | None:
        return waiting.first() if handed_on < ahead else None

    return pick


class Records(Protocol):
    """What others have done in a folder; a journal, or what jobs wrote down."""

    folder: Path

    def has(self, shard: Shard) -> bool:
        """Whether a shard is there."""
        ...

    def outcomes(self, digests: Iterable[str]) -> list[ShardOutcome]:
        """Give what became of shards that are there."""
        ...


class ClaimingExecutor:
    """Hands on what no other run computes, and waits for the rest.

    A claim is held until the next outcome is asked for: by then this one has been recorded.

    Parameters
    ----------
    inner : Executor
        Which computes.
    records : Records
        Tell what others have done meanwhile.
    pick : callable
        Chooses what is handed on; other runs may take what is left.
    fresh : bool
        Compute what others have done, too.
    """

    def __init__(
        self, inner: Executor, records: Records, pick: Pick, *, fresh: bool = False
    ) -> None:
        self._inner = inner
        self._records = records
        self._claims = Claims(records.folder)
        self._pick = pick
        self._fresh = fresh
        self._waiting = Waiting()
        #: Shards that others compute.
        self._elsewhere: list[Shard] = []
        self._handed_on: set[str] = set()
        self._told = False

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._waiting.add(shard)
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come, those of other runs too."""
        while self._waiting or self._elsewhere or self._handed_on:
            elsewhere, self._elsewhere = self._elsewhere, []
            for shard in elsewhere:
                self._waiting.add(shard)
            yield from self._hand_on()
            for outcome in self._inner.as_completed():
                yield outcome
                with span("store"):
                    self._claims.release(outcome.digest)
                self._handed_on.discard(outcome.digest)
                yield from self._hand_on()
            if self._elsewhere and not self._handed_on:
                self._tell()
                time.sleep(_LOOK_SECONDS)

    def cancel(self) -> None:
        """Drop what has not started."""
        self._waiting.clear()
        self._elsewhere.clear()
        self._handed_on.clear()
        self._inner.cancel()
        self._claims.release_all()

    def _hand_on(self) -> Iterator[ShardOutcome]:
        """Claim and hand on what is to be computed next, and give what others have done."""
        while (shard := self._pick(self._waiting, len(self._handed_on))) is not None:
            with span("store"):
                taken = self._claims.take(shard.digest)
            if not taken:
                self._elsewhere.append(shard)
            elif not self._fresh and self._records.has(shard):
                self._claims.release(shard.digest)
                yield from self._records.outcomes([shard.digest])
            else:
                self._handed_on.add(shard.digest)
                self._inner.submit(shard)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            logger.info(
                "%s requests are being computed by %s: waiting for them",
                *(f"{len(self._elsewhere):,}", self._claims.holder(self._elsewhere[0].digest)),
            )
