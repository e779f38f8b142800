"""Designs for many targets: which are the answer does not depend on how they were computed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import RNA
from design_examples import folded

from genomark.rna.design.designing import Designing, Progress, Question
from genomark.rna.design.objectives import Objective
from genomark.rna.design.run import Design, Job, Outcome, run
from genomark.rna.design.target import IUPAC, Target
from genomark.rna.pool import WorkerPool
from genomark.rna.vienna import FoldSettings, energies

STRUCTURES = [
    "((((....))))",
    "(((.((((....)))))))",
    "((((..(((....))).(((....)))..))))",
    ".((((....))))..((((....)))).",
]
#: Two pairs of A and U, which never hold.
HOPELESS = Target("((...))", "AANNNUU", "hopeless")


def targets() -> list[Target]:
    return [Target(each, name=f"target {number}") for number, each in enumerate(STRUCTURES)]


def question(*objectives: str, **more: Any) -> Question:
    return Question(objectives=tuple(map(Objective.read, objectives)), **more)


def answers(
    asked: list[Target], question: Question, pool: WorkerPool | None = None
) -> list[list[Design]]:
    designing = Designing(asked, question, pool)
    for progress in designing.steps():
        assert progress in designing.progress
    return [each.designs for each in designing.progress]


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def pools(told: list[str]) -> Iterator[list[WorkerPool]]:
    with WorkerPool(1, told.append) as one, WorkerPool(2, told.append) as two:
        yield [one, two]


def test_designs_are_distinct_fold_into_their_target_and_do_not_depend_on_workers(
    pools: list[WorkerPool], told: list[str]
) -> None:
    asked = question("defect", count=2, seed=5)
    found = answers(targets(), asked)
    for structure, designs in zip(STRUCTURES, found, strict=True):
        assert len({each.sequence for each in designs}) == 2
        for each in designs:
            assert folded(each.sequence) == each.structure == structure
            assert each.distance == 0
            assert each.losses == (each.measures.ensemble_defect,)
        assert [each.losses for each in designs] == sorted(each.losses for each in designs)
    for pool in pools:
        assert answers(targets(), asked, pool) == found
    assert told == []
    # One target for two workers: runs side by side that are begun in vain change nothing.
    assert answers(targets()[2:3], asked, pools[1]) == found[2:3]


def test_other_seeds_give_other_designs() -> None:
    found = [answers(targets()[2:3], question(seed=seed))[0][0].sequence for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1]


def test_constraints_hold_in_polished_designs_too() -> None:
    constraint = "NSNNRUNCGNNNRNRYNKN"
    ((best, *_),) = answers([Target(STRUCTURES[1], constraint)], question("probability"))
    assert all(a in IUPAC[b] for a, b in zip(best.sequence, constraint, strict=True))
    assert folded(best.sequence) == STRUCTURES[1]


def test_share_of_gc_comes_nearer_when_it_is_asked_for() -> None:
    ((plain,),) = answers(targets()[2:3], question())
    ((wanted,),) = answers(targets()[2:3], question("gc=0.3"))
    assert folded(wanted.sequence) == STRUCTURES[2]
    assert abs(wanted.measures.gc - 0.3) < 0.1 < abs(plain.measures.gc - 0.3)


def test_probability_is_better_where_it_is_polished() -> None:
    ((plain,),) = answers(targets()[2:3], question("distance"))
    ((wanted,),) = answers(targets()[2:3], question("probability"))
    assert plain.losses == ()
    assert wanted.measures.probability > plain.measures.probability
    assert wanted.measures.probability > 0.8


def dominates(one: Design, other: Design) -> bool:
    pairs = list(zip(one.losses, other.losses, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def test_several_objectives_give_a_front(pools: list[WorkerPool]) -> None:
    asked = question("probability", "gc=0.2", count=8)
    front = run(asked.job(targets()[2], 0, 60.0)).designs
    assert len({each.losses for each in front}) > 3
    assert not any(dominates(one, other) for one in front for other in front)
    found = answers(targets()[2:3], asked)
    (designs,) = found
    assert len({each.sequence for each in designs}) == 8
    assert all(folded(each.sequence) == STRUCTURES[2] for each in designs)
    # Of several runs, what no other is better than comes first, by the first objective.
    best = [one for one in designs if not any(dominates(other, one) for other in designs)]
    assert designs[: len(best)] == sorted(best, key=lambda each: each.losses)
    assert len(best) > 3
    assert answers(targets()[2:3], asked, pools[1]) == found


@pytest.mark.parametrize("workers", [0, 1])
def test_what_cannot_be_solved_ends_in_time_with_the_best_failure(
    workers: int, pools: list[WorkerPool]
) -> None:
    begun = time.process_time()
    designing = Designing([HOPELESS], question(seconds=0.5), pools[0] if workers else None)
    seen = list(designing.steps())
    (progress,) = designing.progress
    assert len(seen) == progress.begun > 1
    assert not progress.solved
    assert not progress.enough
    # A run looks at the clock between folds, which take less than a millisecond here.
    assert 0.4 < progress.seconds < 0.7
    if not workers:
        assert time.process_time() - begun < 2.0
    (best,) = progress.designs
    assert best.structure == folded(best.sequence) == "......."
    assert best.distance == 4
    assert best.losses == ()


def test_a_target_without_hope_leaves_the_others_theirs() -> None:
    designing = Designing([HOPELESS, *targets()[:2]], question(seconds=0.5))
    order = [designing.progress.index(each) for each in designing.steps()]
    assert [each.solved for each in designing.progress] == [False, True, True]
    # Every target has a run before any has two.
    assert order[:3] == [0, 1, 2]
    assert set(order[3:]) == {0}


def test_two_workers_for_one_target_have_twice_the_time() -> None:
    progress = Progress(HOPELESS, question(seconds=1.0), lanes=2)
    jobs = [progress.begin(), progress.begin(), progress.begin()]
    assert [job and (job.number, job.seconds) for job in jobs] == [(0, 1.0), (1, 1.0), None]
    progress.take(Outcome(1, (), 0.25, solved=False, folds=1))
    last = progress.begin()
    assert last is not None
    assert (last.number, last.seconds) == (2, 0.75)


Outcomes = Callable[..., Outcome]


@pytest.fixture(scope="module")
def outcome() -> Outcomes:
    """``outcome(number, *sequences, solved=, loss=, distance=)``: what a run may have given."""
    (example,) = run(Job(targets()[0], 0, 0, 5.0)).designs

    def make(
        number: int, *sequences: str, solved: bool = True, loss: float = 0.5, distance: int = 0
    ) -> Outcome:
        designs = tuple(
            replace(example, sequence=each, losses=(loss,), distance=distance) for each in sequences
        )
        return Outcome(number, designs, 0.1, solved, 1)

    return make


def test_the_answer_is_of_the_first_runs_that_are_enough_in_whatever_order_they_end(
    outcome: Outcomes,
) -> None:
    progress = Progress(targets()[0], question("defect", count=2), lanes=4)
    for _ in range(4):
        progress.begin()
    assert progress.begun == 4
    progress.take(outcome(3, "the best of all", loss=0.0))
    progress.take(outcome(2, "second", loss=0.2))
    # Two designs are there, but of runs before which others are not done.
    assert progress.solved
    assert not progress.enough
    progress.take(outcome(0, "first", "first", loss=0.3))
    assert not progress.enough
    progress.take(outcome(1, "failure", solved=False, loss=0.1))
    assert progress.enough
    assert [each.sequence for each in progress.designs] == ["second", "first"]
    assert progress.seconds == pytest.approx(0.3)


def test_of_failures_alone_the_best_is_given(outcome: Outcomes) -> None:
    progress = Progress(targets()[0], question(), lanes=2)
    assert progress.designs == []
    for number, distance in ((0, 6), (1, 2)):
        progress.begin()
        progress.take(outcome(number, f"off by {distance}", solved=False, distance=distance))
    assert [each.sequence for each in progress.designs] == ["off by 2"]


def fold_warm(sequence: str) -> str:
    return RNA.fold_compound(sequence, RNA.md(temperature=45.0)).mfe()[0]


def test_any_folder_can_judge_here_and_in_a_worker(pools: list[WorkerPool]) -> None:
    asked = question("gc=0.5", fold=fold_warm)
    found = answers(targets()[2:3], asked)
    assert fold_warm(found[0][0].sequence) == STRUCTURES[2]
    assert answers(targets()[2:3], asked, pools[0]) == found


def fold_with_vienna(sequence: str) -> str:
    with energies(FoldSettings(temperature=30.0)) as model:
        return model.fold(sequence)[0]


def test_a_folder_may_ask_vienna_itself() -> None:
    found: list[list[Design]] = []
    asked = question("probability", "gc=0.5", fold=fold_with_vienna)
    work = threading.Thread(target=lambda: found.extend(answers(targets()[:1], asked)), daemon=True)
    work.start()
    # One that waits for itself would wait for ever.
    work.join(timeout=60)
    assert fold_with_vienna(found[0][0].sequence) == STRUCTURES[0]


class DieOnce:
    """Folds, but the first worker that is asked is killed; Python's own process never is."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self.parent = os.getpid()

    def __call__(self, sequence: str) -> str:
        if os.getpid() != self.parent and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return folded(sequence)


@pytest.mark.slow
def test_runs_of_a_worker_that_was_killed_are_done_again(
    pools: list[WorkerPool], told: list[str], tmp_path: Path
) -> None:
    def asked(marker: str) -> Question:
        return question(count=2, fold=DieOnce(tmp_path / marker))

    expected = answers(targets()[:2], asked("here"))
    assert not (tmp_path / "here").exists()
    told.clear()
    assert answers(targets()[:2], asked("dead"), pools[1]) == expected
    assert (tmp_path / "dead").exists()
    assert len(told) == 1
    assert told[0].startswith("A worker process died; ")


def test_a_file_stops_runs_with_the_best_so_far(tmp_path: Path) -> None:
    stop, folds = tmp_path / "stop", 0

    def fold(sequence: str) -> str:
        nonlocal folds
        folds += 1
        if folds == 20:
            stop.touch()
        return folded(sequence)

    begun = time.process_time()
    designing = Designing([HOPELESS, HOPELESS], question(seconds=60.0, fold=fold, stop=stop))
    assert len(list(designing.steps())) == 1
    first, second = designing.progress
    assert first.designs[0].structure == "......."
    assert (second.begun, second.designs) == (0, [])
    assert time.process_time() - begun < 5.0


def test_no_targets_are_done_at_once() -> None:
    assert answers([], question()) == []
