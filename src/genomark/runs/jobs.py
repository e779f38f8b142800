"""Doing one job of a plan, and taking together what all have done."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from genomark.digests import digest_of_file_content
from genomark.errors import WriteError, one_line
from genomark.runs.executor import Executor
from genomark.runs.outcome import Meter, ShardOutcome, response_path, shard_path
from genomark.runs.plan import Shard
from genomark.runs.plan_folder import PlanFolder, WrittenPlan
from genomark.runs.progress import Progress

logger = logging.getLogger("genomark.runs")


@dataclass(frozen=True)
class JobDone:
    """What became of a job.

    Attributes
    ----------
    computed, kept : int
        Shards computed now, and those that were there.
    failed : list of str
        Why shards have no answers, a line each.
    """

    computed: int
    kept: int
    failed: list[str]


class RecordedExecutor:
    """Gives what jobs wrote down; computes nothing.

    Parameters
    ----------
    outcomes : mapping of str to ShardOutcome
        By digest.
    """

    def __init__(self, outcomes: Mapping[str, ShardOutcome]) -> None:
        self._outcomes = outcomes
        self._queue: deque[Shard] = deque()

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._queue.append(shard)
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give errors as they were met; of the others, that they have not been computed."""
        while self._queue:
            shard = self._queue.popleft()
            known = self._outcomes.get(shard.digest)
            if known is not None and known.error is not None:
                yield known
            else:
                yield Meter().outcome(shard.digest, error="not computed yet")

    def cancel(self) -> None:
        """Drop what was not given."""
        self._queue.clear()


def do_job(
    plan_folder: PlanFolder,
    number: int,
    shards: list[Shard],
    executor: Executor,
    progress: Progress,
) -> JobDone:
    """Compute the shards of a job that are not there yet.

    Raises
    ------
    WriteError
        If the folder refuses.
    """
    folder = plan_folder.folder
    known = plan_folder.outcomes(number)
    pending = {
        shard.digest: shard
        for shard in shards
        if not is_kept(folder, shard, known.get(shard.digest))
    }
    record = plan_folder.record_of(number)
    failed = []
    progress.begin(sum(shard.items for shard in pending.values()))
    try:
        for shard in pending.values():
            executor.submit(shard)
        for outcome in executor.as_completed():
            try:
                record.add(msgspec.structs.replace(outcome, spent=None))
            except OSError as error:
                raise WriteError(
                    f"Cannot write to {folder}/outcomes: {one_line(error)}. What was finished is "
                    "kept: the same command goes on from there"
                ) from error
            shard = pending[outcome.digest]
            progress.doing(f"{shard.benchmark} × {shard.model}")
            progress.advance(shard.items)
            if outcome.error is not None:
                failed.append(f"{shard.benchmark} × {shard.model}: {outcome.error}")
    finally:
        executor.cancel()
        progress.end()
    return JobDone(len(pending), len(shards) - len(pending), failed)


def is_kept(folder: Path, shard: Shard, outcome: ShardOutcome | None) -> bool:
    """Whether a shard was computed, and its files are still what was written."""
    if outcome is None or outcome.file_digest is None:
        return False
    if shard.keep_response and not response_path(folder, shard.digest).exists():
        return False
    return digest_of_file_content(shard_path(folder, shard.digest)) == outcome.file_digest


def undone(plan_folder: PlanFolder, plan: WrittenPlan) -> tuple[list[int], int]:
    """Say which jobs have shards of which nothing was written down, and how many these are.

    Files are not looked at: a damaged one is found when all are taken together.
    """
    outcomes = plan_folder.outcomes()
    jobs, shards = [], 0
    for number in range(plan.jobs):
        missing = sum(shard.digest not in outcomes for shard in plan_folder.job(plan, number))
        if missing:
            jobs.append(number)
            shards += missing
    return jobs, shards
