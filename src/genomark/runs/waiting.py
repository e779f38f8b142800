"""Shards that wait to be computed: the next in order, or the next of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from genomark.runs.plan import Shard


@dataclass(slots=True)
class _Entry:
    """Stands in two lines; whoever takes it out of one leaves it empty in the other."""

    shard: Shard | None


class Waiting:
    """Shards in two orders: that in which they came, and that within each model."""

    def __init__(self) -> None:
        self._all: deque[_Entry] = deque()
        self._of: dict[str, deque[_Entry]] = {}
        self._counts: dict[str, int] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    @property
    def models(self) -> Mapping[str, int]:
        """How many shards wait for each model; models of none are left out."""
        return self._counts

    def add(self, shard: Shard) -> None:
        """Put a shard at the end."""
        entry = _Entry(shard)
        self._all.append(entry)
        self._of.setdefault(shard.model, deque()).append(entry)
        self._counts[shard.model] = self._counts.get(shard.model, 0) + 1
        self._number += 1

    def first(self) -> Shard | None:
        """Take out the shard that came first; None if none waits."""
        return self._next_of(self._all)

    def of(self, model: str) -> Shard | None:
        """Take out the first shard of a model; None if none waits."""
        return self._next_of(self._of.get(model, deque()))

    def clear(self) -> None:
        """Forget them all."""
        self._all.clear()
        self._of.clear()
        self._counts.clear()
        self._number = 0

    def _next_of(self, line: deque[_Entry]) -> Shard | None:
        while line:
            entry = line.popleft()
            shard, entry.shard = entry.shard, None
            if shard is not None:
                self._took(shard.model)
                return shard
        return None

    def _took(self, model: str) -> None:
        self._number -= 1
        self._counts[model] -= 1
        if not self._counts[model]:
            del self._counts[model], self._of[model]
