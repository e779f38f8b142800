"""Design for many targets at once: which runs there are, and which designs are the answer.

The answer to a target is made of its first runs that are enough: runs 0, 1, 2, ... up to the one
that completes the number of designs asked for. How many are computed side by side changes only
how many later ones are begun in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genomark.rna.design.front import pareto_ranks
from genomark.rna.design.objectives import Objective
from genomark.rna.design.run import Design, Job, Outcome, run
from genomark.rna.design.start import Propose
from genomark.rna.design.target import Target
from genomark.rna.pool import WorkerPool
from genomark.rna.vienna import FoldSettings

#: Less time than this is not worth a run, seconds.
_LEAST_SECONDS = 0.02


@dataclass(frozen=True)
class Question:
    """What designs are asked for.

    Attributes
    ----------
    seconds : float
        CPU time of each process for each target.
    seed : int
    count : int
        Designs for each target.
    settings, objectives, fold, propose, stop
        As of `genomark.rna.design.run.Job`.
    """

    seconds: float = 60.0
    seed: int = 0
    count: int = 1
    settings: FoldSettings = field(default_factory=FoldSettings)
    objectives: tuple[Objective, ...] = ()
    fold: Callable[[str], str] | None = None
    propose: Propose | None = None
    stop: Path | None = None

    def job(self, target: Target, number: int, seconds: float) -> Job:
        """Make a run."""
        return Job(
            target,
            number,
            self.seed,
            seconds,
            self.settings,
            self.objectives,
            self.fold,
            self.propose,
            self.stop,
        )


class Progress:
    """What is known of one target.

    Parameters
    ----------
    target : Target
    question : Question
    lanes : int
        Processes that work on it side by side, each with the time of the question.

    Attributes
    ----------
    outcomes : dict of int to Outcome
        Runs that are done.
    """

    def __init__(self, target: Target, question: Question, lanes: int) -> None:
        self.target = target
        self.outcomes: dict[int, Outcome] = {}
        self._question = question
        self._seconds = question.seconds * lanes
        self._begun = 0
        self._reserved: dict[int, float] = {}

    @property
    def seconds(self) -> float:
        """CPU time of the runs that count towards the answer; of all where there is none."""
        counted = self._counted() if self.solved else self.outcomes.values()
        return sum(outcome.seconds for outcome in counted)

    @property
    def solved(self) -> bool:
        """Whether there is a design that folds into the target."""
        return any(outcome.solved for outcome in self.outcomes.values())

    @property
    def designs(self) -> list[Design]:
        """As many designs as asked for, or fewer, the best first; else the best failure."""
        if not self.solved:
            failed = [each for outcome in self.outcomes.values() for each in outcome.designs]
            return sorted(failed, key=lambda each: each.rank)[:1]
        found = {
            each.sequence: each
            for outcome in self._counted()
            if outcome.solved
            for each in outcome.designs
        }
        designs = list(found.values())
        ranked = zip(pareto_ranks(designs), designs, strict=True)
        order = sorted(ranked, key=lambda each: (each[0], each[1].rank))
        return [design for _, design in order][: self._question.count]

    @property
    def enough(self) -> bool:
        """Whether runs from the first one on, without a gap, give as many designs as asked for."""
        counted = self._counted()
        numbers = [outcome.number for outcome in counted]
        return numbers == list(range(len(counted))) and self._number_in(counted) >= (
            self._question.count
        )

    def _counted(self) -> list[Outcome]:
        """Give the runs that are done, in order, up to where there is enough."""
        counted: list[Outcome] = []
        for number in sorted(self.outcomes):
            counted.append(self.outcomes[number])
            if self._number_in(counted) >= self._question.count:
                break
        return counted

    @staticmethod
    def _number_in(outcomes: Sequence[Outcome]) -> int:
        solved = (outcome for outcome in outcomes if outcome.solved)
        return len({each.sequence for outcome in solved for each in outcome.designs})

    def begin(self) -> Job | None:
        """Begin the next run, if there is need and time for one."""
        used = sum(outcome.seconds for outcome in self.outcomes.values())
        left = min(self._question.seconds, self._seconds - used - sum(self._reserved.values()))
        if self.enough or left < _LEAST_SECONDS:
            return None
        number, self._begun = self._begun, self._begun + 1
        self._reserved[number] = left
        return self._question.job(self.target, number, left)

    def take(self, outcome: Outcome) -> None:
        """Note what came of a run; time it did not use is there for the next."""
        del self._reserved[outcome.number]
        self.outcomes[outcome.number] = outcome

    @property
    def begun(self) -> int:
        """Runs that were begun."""
        return self._begun


class Designing:
    """Designs for targets.

    Parameters
    ----------
    targets : sequence of Target
    question : Question
    pool : WorkerPool or None
        None to compute here, one run after the other.

    Attributes
    ----------
    progress : list of Progress
        Of each target, in order; at any time.
    """

    def __init__(
        self, targets: Sequence[Target], question: Question, pool: WorkerPool | None = None
    ) -> None:
        workers = 1 if pool is None else pool.workers
        lanes = max(1, workers // max(1, len(targets)))
        self.progress = [Progress(target, question, lanes) for target in targets]
        self._pool = pool
        self._stop = question.stop

    def steps(self) -> Iterator[Progress]:
        """Do run after run; give the target that another run was done for.

        Raises
        ------
        ModelError
            If a run took its worker process down again and again.
        """
        # What a run left of its time may be enough for another when all others are under way.
        while (job := self._next()) is not None:
            yield from self._round(job)

    def _next(self) -> tuple[Progress, Job] | None:
        """Begin a run: those of targets that had few come first, so that easy ones are done."""
        if self._stop is not None and self._stop.exists():
            return None
        for progress in sorted(self.progress, key=lambda each: each.begun):
            job = progress.begin()
            if job is not None:
                return progress, job
        return None

    def _round(self, first: tuple[Progress, Job]) -> Iterator[Progress]:
        begun: list[Progress] = []

        def jobs() -> Iterator[Job]:
            following: tuple[Progress, Job] | None = first
            while following is not None:
                begun.append(following[0])
                yield following[1]
                following = self._next()

        for place, outcome in self._outcomes(jobs()):
            begun[place].take(outcome)
            yield begun[place]
            if all(each.enough for each in self.progress):
                return

    def _outcomes(self, jobs: Iterator[Job]) -> Iterator[tuple[int, Outcome]]:
        if self._pool is None:
            return enumerate(map(run, jobs))
        return self._pool.results(run, jobs, lambda job: f"{job.target.name}, run {job.number}")
