"""A plan on disk: shards shared out to jobs, which any machine that sees the folder can do.

``plan/plan.json`` has what was asked for; ``plan/DIGEST/00017.json`` what job 17 is to compute. A
job writes what became of its shards to a file of its own in ``outcomes/``: SQLite's journal is for
one machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from genomark.digests import digest_of, digest_of_file_content
from genomark.errors import GenomarkError, UsageError, WriteError, one_line
from genomark.models.matcher_setting import MatcherSetting
from genomark.runs.backup import Backup
from genomark.runs.environment import VERSION
from genomark.runs.journal import keep
from genomark.runs.order import BenchmarkMaker, Order
from genomark.runs.outcome import ShardOutcome, response_path, shard_path
from genomark.runs.plan import Shard

_VERSION = 1
#: So much of a plan's digest stands in the names of files of its jobs.
_MARK = 8
_NAME = "plan.json"
#: More than a folder, or the queue of a cluster, should have to hold.
MOST_JOBS = 100_000
#: As many as SLURM takes in one array, as it is set up everywhere.
DEFAULT_JOBS = 1000


class Asked(msgspec.Struct, frozen=True):
    """What all shards of one evaluation have in common, as `Shard` has it."""

    benchmark: str
    model: str
    limit: int | None
    seed: int
    allow_missing: bool
    keep_response: bool
    in_process: bool
    divisible: bool
    matcher: MatcherSetting
    benchmark_digest: str
    model_digest: str

    @classmethod
    def of(cls, shard: Shard) -> Asked:
        """Take what a shard has in common with its neighbours."""
        return cls(**{name: getattr(shard, name) for name in cls.__struct_fields__})

    def shard(self, row: Row) -> Shard:
        """Make a shard whole."""
        _, part, items, digest = row
        common = {name: getattr(self, name) for name in self.__struct_fields__}
        return Shard(digest=digest, part=part, items=items, **common)


#: Of a shard: which evaluation, which part of its benchmark, how many items, its digest.
Row = tuple[int, int, int, str]


class Job(msgspec.Struct, frozen=True):
    """What one job computes."""

    shards: list[Row]


class Told(msgspec.Struct, frozen=True):
    """What a job wrote down of a shard, and for which plan."""

    plan: str
    outcome: ShardOutcome


class WrittenPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What was planned.

    Attributes
    ----------
    digest : str
        Of all that follows; also the name of the folder of its jobs.
    job_digests : list of str
        Of what each job is to compute.
    order : Order
    outputs : dict
        Where else results go.
    maker : BenchmarkMaker
    where : str
        Folder that the files of specs are relative to.
    evaluations : list of Asked
    shards, items : int
        How many.
    leakage : bool
        Whether it is told what models saw in training.
    version : int
        Of this form.
    genomark : str
        Version of genomark that planned.
    """

    digest: str
    job_digests: list[str]
    order: Order
    outputs: dict[str, Any]
    maker: BenchmarkMaker
    where: str
    evaluations: list[Asked]
    shards: int
    items: int
    leakage: bool = True
    version: int = _VERSION
    genomark: str = VERSION

    @property
    def mark(self) -> str:
        """What names of files of its jobs begin with."""
        return self.digest[:_MARK]

    @property
    def jobs(self) -> int:
        """How many there are."""
        return len(self.job_digests)

    def sealed(self) -> WrittenPlan:
        """Give the same with the digest of what it holds."""
        content = msgspec.to_builtins(msgspec.structs.replace(self, digest=""))
        return msgspec.structs.replace(self, digest=digest_of(content))


class PlanFolder:
    """The plan of a result folder.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plans = folder / "plan"
        self._outcomes = folder / "outcomes"
        #: Files that were read, as they were then.
        self._read: dict[Path, tuple[tuple[int, int], dict[str, ShardOutcome]]] = {}

    def write(
        self,
        shards: Sequence[Shard],
        jobs: int,
        *,
        order: Order,
        outputs: dict[str, Any],
        maker: BenchmarkMaker,
        leakage: bool,
    ) -> WrittenPlan:
        """Share shards out to at most so many jobs, and write all down.

        Each job gets shards that follow each other, of about as many items as the others: models
        are loaded by few.

        Raises
        ------
        WriteError
            If the folder refuses.
        """
        evaluations, rows = _rows(shards)
        shared = list(_shared_out(rows, jobs))
        plan = WrittenPlan(
            digest="",
            job_digests=[digest_of(part) for part in shared],
            order=order,
            outputs=outputs,
            maker=maker,
            where=str(Path.cwd()),
            evaluations=evaluations,
            shards=len(rows),
            items=sum(items for _, _, items, _ in rows),
            leakage=leakage,
        ).sealed()
        for number, part in enumerate(shared):
            keep(self._job_path(plan.digest, number), msgspec.json.encode(Job(part)))
        keep(self._plans / _NAME, msgspec.json.format(msgspec.json.encode(plan), indent=1))
        self._forget_others(plan.digest)
        return plan

    def read(self) -> WrittenPlan:
        """Read the plan.

        Raises
        ------
        UsageError
            If there is none.
        GenomarkError
            If it is damaged, or of another genomark.
        """
        path = self._plans / _NAME
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"{self.folder} holds no plan ({path.name}: {error.strerror}). Make one: genomark "
                f"plan ... --out {self.folder}"
            ) from error
        try:
            version = msgspec.json.decode(content, type=dict[str, Any]).get("genomark")
            plan = msgspec.json.decode(content, type=WrittenPlan)
        except msgspec.DecodeError as error:
            raise GenomarkError(f"{path} is damaged ({error}). Plan anew") from error
        if version != VERSION:
            raise GenomarkError(
                f"{path} was written by genomark {version}, and this is {VERSION}: shards of "
                "two versions do not go together. Install the same, or plan anew"
            )
        if plan.sealed() != plan:
            raise GenomarkError(f"{path} is damaged (its digest is another). Plan anew")
        return plan

    def job(self, plan: WrittenPlan, number: int) -> list[Shard]:
        """Read what one job is to compute.

        Raises
        ------
        UsageError
            If there is no job of that number.
        GenomarkError
            If its file is damaged or missing.
        """
        if not 0 <= number < plan.jobs:
            raise UsageError(
                f"there is no job {number}: {self.folder} has {plan.jobs:,}, from 0 to "
                f"{plan.jobs - 1}"
            )
        path = self._job_path(plan.digest, number)
        try:
            job = msgspec.json.decode(path.read_bytes(), type=Job)
        except (OSError, msgspec.DecodeError) as error:
            raise GenomarkError(f"{path} cannot be read ({one_line(error)}). Plan anew") from error
        if digest_of(job.shards) != plan.job_digests[number]:
            raise GenomarkError(f"{path} is damaged (its digest is another). Plan anew")
        return [plan.evaluations[row[0]].shard(row) for row in job.shards]

    def record_of(self, plan: WrittenPlan, number: int) -> Backup:
        """Make the file in which a job that runs now writes what becomes of its shards.

        It is that of one process: on a network's disk two cannot append to the same.

        Raises
        ------
        WriteError
            If the folder refuses.
        """
        try:
            self._outcomes.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"Cannot write to {self._outcomes}: {error.strerror}") from error
        host = "".join(each if each.isalnum() else "-" for each in socket.gethostname())[:40]
        mark = f"{plan.mark}-{number:05d}"
        name = f"{mark}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}.lines"
        return Backup(self._outcomes / name, synced=True)

    def told(self) -> dict[str, list[Told]]:
        """Read what jobs wrote down, those of earlier plans too, by the digest of the shard."""
        found: dict[str, list[Told]] = {}
        for path in sorted(self._outcomes.glob("*.lines")):
            if path not in self._read or self._read[path][0] != _state(path):
                self._read[path] = _state(path), Backup(path).outcomes()
            for digest, outcome in self._read[path][1].items():
                found.setdefault(digest, []).append(Told(path.name[:_MARK], outcome))
        return found

    def kept(self, shard: Shard, told: Iterable[Told]) -> ShardOutcome | None:
        """Give the outcome of a shard whose files are still what was written; None if none is."""
        digests = {
            each.outcome.file_digest: each.outcome for each in told if each.outcome.file_digest
        }
        if not digests:
            return None
        if shard.keep_response and not response_path(self.folder, shard.digest).exists():
            return None
        there = digest_of_file_content(shard_path(self.folder, shard.digest))
        return None if there is None else digests.get(there)

    def failed(self, plan: WrittenPlan, told: Iterable[Told]) -> ShardOutcome | None:
        """Give the newest outcome without answers that a job of this plan wrote down."""
        errors = [
            each.outcome
            for each in told
            if each.outcome.error is not None and each.plan == plan.mark
        ]
        return max(errors, key=lambda outcome: outcome.finished, default=None)

    def _job_path(self, digest: str, number: int) -> Path:
        return self._plans / digest / f"{number:05d}.json"

    def _forget_others(self, digest: str) -> None:
        for other in self._plans.iterdir():
            if other.is_dir() and other.name != digest:
                with suppress(OSError):
                    shutil.rmtree(other)


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as schedulers take them: ``0,3-5,9``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _rows(shards: Sequence[Shard]) -> tuple[list[Asked], list[Row]]:
    """Number the evaluations, those of a model after one another, and give a row a shard."""
    models = {model: place for place, model in enumerate(dict.fromkeys(s.model for s in shards))}
    numbers: dict[tuple[str, str], int] = {}
    evaluations: list[Asked] = []
    rows: list[Row] = []
    for shard in sorted(shards, key=lambda shard: models[shard.model]):
        key = shard.model, shard.benchmark
        if key not in numbers:
            numbers[key] = len(evaluations)
            evaluations.append(Asked.of(shard))
        rows.append((numbers[key], shard.part, shard.items, shard.digest))
    return evaluations, rows


def _shared_out(rows: list[Row], jobs: int) -> Iterator[list[Row]]:
    """Cut rows into at most so many pieces of about as many items."""
    total = sum(items for _, _, items, _ in rows)
    piece: list[Row] = []
    before, current = 0, 0
    for row in rows:
        # By the middle of a shard, so that one that is large goes where most of it lies.
        number = min(jobs - 1, int((before + row[2] / 2) * jobs / total)) if total else 0
        if piece and number != current:
            yield piece
            piece = []
        current = number
        piece.append(row)
        before += row[2]
    if piece:
        yield piece
