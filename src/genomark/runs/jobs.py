"""Doing one job of a plan, and taking together what all have done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from genomark.errors import WriteError, one_line
from genomark.runs.backup import Backup
from genomark.runs.claiming import ClaimingExecutor, in_order
from genomark.runs.claims import Presence
from genomark.runs.executor import Executor
from genomark.runs.journal import Journal
from genomark.runs.outcome import Meter, ShardOutcome, shard_path
from genomark.runs.plan import Shard
from genomark.runs.plan_folder import PlanFolder, WrittenPlan
from genomark.runs.progress import Progress


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
    plan_folder : PlanFolder
    plan : WrittenPlan
    """

    #: What it gives is of others, or of nobody: a journal has no use for it.
    computes = False

    def __init__(self, plan_folder: PlanFolder, plan: WrittenPlan) -> None:
        self._plan_folder = plan_folder
        self._plan = plan
        self._told = plan_folder.told()
        self._planned = {
            shard.digest for job in range(plan.jobs) for shard in plan_folder.job(plan, job)
        }
        self._queue: deque[Shard] = deque()

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._queue.append(shard)
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give errors as they were met; of the others, why there is nothing."""
        while self._queue:
            shard = self._queue.popleft()
            met = self._plan_folder.failed(self._plan, self._told.get(shard.digest, ()))
            reason = "not computed yet"
            if shard.digest not in self._planned:
                reason = (
                    "not planned: the model, the benchmark or its data are not what they were; "
                    "plan anew"
                )
            yield met or Meter().outcome(shard.digest, error=reason)

    def cancel(self) -> None:
        """Drop what was not given."""
        self._queue.clear()


class _OthersRecords:
    """What other jobs wrote down, for who shares their folder; as a `Journal` is asked."""

    def __init__(self, plan_folder: PlanFolder) -> None:
        self.folder = plan_folder.folder
        self._plan_folder = plan_folder
        self._kept: dict[str, ShardOutcome] = {}

    def has(self, shard: Shard) -> bool:
        """Whether a shard is there by now."""
        if not shard_path(self.folder, shard.digest).exists():
            # What all jobs wrote down may be long.
            return False
        kept = self._plan_folder.kept(shard, self._plan_folder.told().get(shard.digest, ()))
        if kept is not None:
            self._kept[shard.digest] = kept
        return kept is not None

    def outcomes(self, digests: Iterable[str]) -> list[ShardOutcome]:
        """Give what was found."""
        return [self._kept[digest] for digest in digests]

    def gave(self, outcome: ShardOutcome) -> bool:
        """Whether an outcome is one that was found here."""
        return self._kept.get(outcome.digest) is outcome


def do_job(
    plan_folder: PlanFolder,
    plan: WrittenPlan,
    number: int,
    executor: Executor,
    ahead: int,
    progress: Progress,
) -> JobDone:
    """Compute the shards of a job that are not there yet, `ahead` of them at a time.

    Raises
    ------
    WriteError
        If the folder refuses.
    """
    shards = plan_folder.job(plan, number)
    others = _OthersRecords(plan_folder)
    pending = {shard.digest: shard for shard in shards if not others.has(shard)}
    claiming = ClaimingExecutor(executor, others, in_order(ahead))
    record = plan_folder.record_of(plan, number)
    failed, computed = [], 0
    progress.begin(sum(shard.items for shard in pending.values()))
    with _present(plan_folder.folder):
        try:
            for shard in pending.values():
                claiming.submit(shard)
            for outcome in claiming.as_completed():
                shard = pending[outcome.digest]
                if not others.gave(outcome):
                    computed += 1
                    _write_down(record, outcome, plan_folder.folder)
                progress.doing(f"{shard.benchmark} × {shard.model}")
                progress.advance(shard.items)
                if outcome.error is not None:
                    failed.append(f"{shard.benchmark} × {shard.model}: {outcome.error}")
        finally:
            claiming.cancel()
            progress.end()
    return JobDone(computed, len(shards) - computed, failed)


def take_over(journal: Journal, plan_folder: PlanFolder, shards: Iterable[Shard]) -> None:
    """Have a journal take what jobs computed, of some shards.

    Raises
    ------
    WriteError
        If the disk refuses.
    """
    told = plan_folder.told()
    if not told:
        return
    known = journal.digests()
    found = {
        shard.digest: outcome
        for shard in shards
        if shard.digest in told
        and not (shard.digest in known and journal.is_done(shard.digest))
        and (outcome := plan_folder.kept(shard, told[shard.digest])) is not None
    }
    journal.take_over(found.values())


def undone(plan_folder: PlanFolder, plan: WrittenPlan) -> tuple[list[int], int]:
    """Say which jobs have shards of which nothing was written down, and how many these are.

    Files are not looked at: a damaged one is found when all are taken together.
    """
    told = plan_folder.told()
    jobs, shards = [], 0
    for number in range(plan.jobs):
        missing = sum(
            not any(
                each.outcome.file_digest is not None or each.plan == plan.mark
                for each in told.get(shard.digest, ())
            )
            for shard in plan_folder.job(plan, number)
        )
        if missing:
            jobs.append(number)
            shards += missing
    return jobs, shards


def _write_down(record: Backup, outcome: ShardOutcome, folder: Path) -> None:
    try:
        record.add(msgspec.structs.replace(outcome, spent=None))
    except OSError as error:
        raise WriteError(
            f"Cannot write to {folder}/outcomes: {one_line(error)}. What was finished is kept: the "
            "same command goes on from there"
        ) from error


@contextmanager
def _present(folder: Path) -> Iterator[None]:
    """Have runs in the same folder leave alone what is half-written."""
    try:
        presence = Presence(folder)
    except OSError as error:
        raise WriteError(f"Cannot write to {folder}: {error.strerror}") from error
    try:
        yield
    finally:
        presence.leave()
