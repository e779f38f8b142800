"""One run of design: a search from one first guess, and the polishing of what it finds.

A run is a function of its job alone. Which runs there are, and in which order their designs
count, does not depend on how many are computed at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from random import Random

from genomark.rna.design.energies import Table, energy_table
from genomark.rna.design.front import first_front
from genomark.rna.design.judge import EnergyJudge, FolderJudge, Judge
from genomark.rna.design.objectives import Measurer, Measures, Objective, Scale, measures
from genomark.rna.design.polish import polished
from genomark.rna.design.search import Candidate, Search
from genomark.rna.design.start import Propose
from genomark.rna.design.target import Target
from genomark.rna.vienna import Ensemble, FoldSettings, energies, fold_seconds

#: Polishing takes as much as the search did, but at least so much: seconds, as they are counted.
_LEAST_POLISH = 2.0
#: What the ensemble of all structures takes, where one fold takes 1.
_ENSEMBLE = 5.0
#: How often a run looks whether it is to stop, CPU seconds.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Job:
    """What a run does.

    Attributes
    ----------
    target : Target
    number : int
        Of the run, from 0.
    seed : int
    seconds : float
        CPU time of its process after which the best so far is given.
    settings : FoldSettings
        Energies; the judge's where there is no `fold`.
    objectives : tuple of Objective
    fold : callable or None
        From a sequence to its structure, where something else than ViennaRNA is the judge.
    propose : callable or None
        A language model's expectations.
    stop : Path or None
        A file; once it is there, the best so far is given.
    """

    target: Target
    number: int
    seed: int
    seconds: float
    settings: FoldSettings = field(default_factory=FoldSettings)
    objectives: tuple[Objective, ...] = ()
    fold: Callable[[str], str] | None = None
    propose: Propose | None = None
    stop: Path | None = None


class _Clock:
    """Says when a run is to end: its CPU time is spent, or somebody asked for it."""

    def __init__(self, seconds: float, stop: Path | None) -> None:
        self._started = time.process_time()
        self._seconds = seconds
        self._stop = stop
        self._looked = -math.inf
        self._stopped = False

    @property
    def spent(self) -> float:
        """CPU seconds."""
        return time.process_time() - self._started

    def late(self) -> bool:
        """Whether it is time."""
        spent = self.spent
        if self._stop is not None and spent - self._looked > _LOOK_SECONDS:
            self._looked = spent
            self._stopped = self._stop.exists()
        return self._stopped or spent >= self._seconds


@dataclass(frozen=True)
class Design:
    """A sequence for a target.

    Attributes
    ----------
    sequence, structure : str
        What it folds into, as the judge says.
    distance : int
        Symbols in which that differs from the target.
    measures : Measures
    losses : tuple of float
        What the objectives make small.
    """

    sequence: str
    structure: str
    distance: int
    measures: Measures
    losses: tuple[float, ...]

    @property
    def rank(self) -> tuple[int, tuple[float, ...], str]:
        """Smaller is better: the distance first, then the objectives as they were asked for."""
        return (self.distance, self.losses or (-self.measures.probability,), self.sequence)


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    number : int
    designs : tuple of Design
        Of distance 0 where it was solved, else the best one that was met.
    seconds : float
        CPU time.
    solved : bool
    folds : int
        Times that the whole target was folded.
    """

    number: int
    designs: tuple[Design, ...]
    seconds: float
    solved: bool
    folds: int


def run(job: Job) -> Outcome:
    """Do a run."""
    warm_up()
    if job.fold is not None:
        return _run(job, FolderJudge(job.fold), _HeldBriefly(job.settings))
    with energies(job.settings) as model:
        return _run(job, EnergyJudge(model), model)


def _run(job: Job, judge: Judge, model: Measurer) -> Outcome:
    table = _table(job.settings)
    clock = _Clock(job.seconds, job.stop)
    search = Search(job.target, judge, table, f"{job.seed} {job.number}", job.propose)
    solution = search.run(clock.late)
    best = search.best
    designs: list[Design] = []
    if solution is not None:
        designs = _polished(job, solution, judge, model, search.effort, clock.late)
    elif best is not None:
        designs = [_design(best.sequence, best.structure, (), job.target, model)]
    return Outcome(job.number, tuple(designs), clock.spent, solution is not None, search.folds)


def _polished(
    job: Job,
    solution: Candidate,
    judge: Judge,
    model: Measurer,
    effort: float,
    late: Callable[[], bool],
) -> list[Design]:
    """Give the best, or, of several objectives, all that no other is better than in all."""
    structure = job.target.structure
    scale = Scale(structure, model, job.objectives)
    left = max(effort, _LEAST_POLISH)

    def spend() -> bool:
        nonlocal left
        left -= (1.0 + _ENSEMBLE) * fold_seconds(len(structure))
        return left > 0 and not late()

    rng = Random(f"{job.seed} {job.number} polish")
    found = polished(solution.sequence, job.target, judge, scale, rng, spend)
    kept = found[:1] if len(scale) < 2 else first_front(found)
    return [_design(each.sequence, structure, each.losses, job.target, model) for each in kept]


def _design(
    sequence: str, structure: str, losses: tuple[float, ...], target: Target, model: Measurer
) -> Design:
    distance = sum(map(str.__ne__, structure, target.structure))
    told = measures(sequence, structure, target.structure, model)
    return Design(sequence, structure, distance, told, losses)


class _HeldBriefly:
    """Measures, and holds ViennaRNA no longer than that: a folder may be asking it itself."""

    def __init__(self, settings: FoldSettings) -> None:
        self._settings = settings

    def energy(self, sequence: str, structure: str) -> float:
        with energies(self._settings) as model:
            return model.energy(sequence, structure)

    def energy_gap(self, sequence: str, structure: str) -> float:
        with energies(self._settings) as model:
            return model.energy_gap(sequence, structure)

    def ensemble(self, sequence: str, structure: str) -> Ensemble:
        with energies(self._settings) as model:
            return model.ensemble(sequence, structure)


@lru_cache(maxsize=4)
def _table(settings: FoldSettings) -> Table:
    """Lay energies out once in each process: it takes longer than an easy run."""
    return energy_table(settings)


@cache
def warm_up() -> None:
    """Load compiled code, so that no run is charged for it."""
    target = Target("((((....))))")
    table = energy_table(FoldSettings())
    wrong = ".(((....)))."
    search = Search(target, FolderJudge(lambda sequence: wrong), table, 0)
    search.run(lambda: search.folds > 1)
