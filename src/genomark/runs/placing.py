"""Which worker of a cluster computes what next: that which has the model already, if one does."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from genomark.runs.waiting import Waiting

#: Shards a worker has at a time: one that it computes, and one that it need not wait for.
DEPTH = 2


class Placing:
    """Keeps track of what each worker has been given, and of the models that it has loaded.

    A worker goes on with a model of its own while shards of one wait. Then it takes up the model of
    which most shards wait for each worker that has it, so that models are spread over workers by
    the work there is, and few are loaded twice.
    """

    def __init__(self) -> None:
        #: Workers by how many shards they have been given, in the order in which they got there.
        self._levels: list[dict[str, None]] = [{} for _ in range(DEPTH + 1)]
        self._load: dict[str, int] = {}
        #: Models of each worker, that of its newest shard last; and how many workers have each.
        self._models: dict[str, dict[str, None]] = {}
        self._holders: dict[str, int] = {}

    @property
    def workers(self) -> Collection[str]:
        """Addresses of those that there are."""
        return self._load.keys()

    def see(self, workers: Collection[str]) -> bool:
        """Take note of which workers there are now; whether any is new."""
        there = set(workers)
        for worker in self._load.keys() - there:
            self._forget(worker)
        new = sorted(there - self._load.keys())
        for worker in new:
            self._load[worker] = 0
            self._levels[0][worker] = None
            self._models[worker] = {}
        return bool(new)

    def next(self, waiting: Waiting) -> tuple[str, str] | None:
        """Say which worker has room, and the model it would best be given; None for none."""
        if not waiting:
            return None
        for level in self._levels[:DEPTH]:
            for worker in level:
                return worker, self._best(worker, waiting.models)
        return None

    def give(self, worker: str, model: str) -> None:
        """Take note that a worker was given a shard of a model."""
        if worker not in self._load:
            return
        self._move(worker, self._load[worker] + 1)
        models = self._models[worker]
        if model not in models:
            self._holders[model] = self._holders.get(model, 0) + 1
        models.pop(model, None)
        models[model] = None

    def done(self, worker: str) -> None:
        """Take note that a shard that a worker was given is done, whoever computed it."""
        if self._load.get(worker, 0):
            self._move(worker, self._load[worker] - 1)

    def _best(self, worker: str, waiting: Mapping[str, int]) -> str:
        for model in reversed(self._models[worker]):
            if model in waiting:
                return model
        return max(waiting, key=lambda model: waiting[model] / (1 + self._holders.get(model, 0)))

    def _move(self, worker: str, load: int) -> None:
        self._levels[min(self._load[worker], DEPTH)].pop(worker, None)
        self._load[worker] = load
        self._levels[min(load, DEPTH)][worker] = None

    def _forget(self, worker: str) -> None:
        self._levels[min(self._load.pop(worker), DEPTH)].pop(worker, None)
        for model in self._models.pop(worker):
            self._holders[model] -= 1
