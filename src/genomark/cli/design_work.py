"""The work of ``genomark design``: where designs are computed, and what is told meanwhile."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from genomark.cli.terminal import status
from genomark.errors import ModelError, one_line
from genomark.results.design_report import Designed
from genomark.rna.design.designing import Designing, Progress, Question
from genomark.rna.design.run import warm_up
from genomark.rna.design.target import Target
from genomark.rna.pool import WorkerPool

#: So long is tried here, before processes are started: seconds in all, and at most this share of
#: the time of a target. Most structures of some dozens of bases need no more.
_HERE_SECONDS, _HERE_SHARE = 1.0, 0.1
#: After which it is said what takes so long.
_SILENT_SECONDS = 2.0


class Watch:
    """Tells of targets while they are worked on, on standard error; on a terminal with a bar."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._least: dict[int, int] = {}
        self._bar: Bar | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line, above the bar."""
        if self._bar is None:
            status(line)
        else:
            self._bar.console.print(line, style="dim", markup=False, soft_wrap=True)

    def begin(self, left: int, workers: int, seconds: float) -> None:
        """Say that it takes a while."""
        side_by_side = max(1, workers // left)
        whole = left * seconds * side_by_side / workers
        self.say(
            f"{left:,} of {len(self._targets):,} targets to go on with: at most {_span(seconds)} "
            f"each, {_span(whole)} in all, processes: {workers}; Ctrl-C ends it"
        )
        if not sys.stderr.isatty():
            return
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("solved,"),
            TimeElapsedColumn(),
            console=Console(stderr=True, highlight=False, emoji=False),
            transient=True,
        )
        self._bar.add_task("designing", total=len(self._targets), completed=self._solved)
        self._bar.start()

    @property
    def _solved(self) -> int:
        return sum(least == 0 for least in self._least.values())

    def tell(self, number: int, progress: Progress) -> None:
        """Say so when a target is solved, or a design comes nearer to it than any before."""
        done = [outcome for outcome in progress.outcomes.values() if outcome.designs]
        if not done:
            return
        best = min(done, key=lambda outcome: (outcome.designs[0].distance, outcome.number))
        distance = best.designs[0].distance
        if distance >= self._least.get(number, sys.maxsize):
            return
        self._least[number] = distance
        target = self._targets[number]
        came = "solved" if best.solved else f"distance {distance} so far"
        self.say(
            f"{one_line(target.name)} ({len(target):,} nt): {came}, {progress.seconds:.2f} s, "
            f"run {best.number + 1}"
        )
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._solved)


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Work:
    """Designs for targets: easy ones here and at once, the others in processes.

    Attributes
    ----------
    interrupted : bool
        Whether Ctrl-C ended it.
    failure : ModelError or None
        What else did; the designs of other targets are worth telling all the same.
    """

    def __init__(
        self, targets: Sequence[Target], question: Question, workers: int, watch: Watch
    ) -> None:
        self._targets = targets
        self._question = question
        self._workers = workers
        self._watch = watch
        #: Parts of the work, and which targets each is about: the first of all.
        self._parts: list[tuple[Sequence[int], Designing]] = []
        self.interrupted = False
        self.failure: Exception | None = None

    def run(self) -> None:
        """Work until all is done, the time has ended, or Ctrl-C; a second one ends it at once."""
        try:
            with TemporaryDirectory() as folder, self._ended_by_interrupt(Path(folder) / "stop"):
                self._run()
        except KeyboardInterrupt:
            self.interrupted = True
        except ModelError as error:
            self.failure = error
        if self.interrupted:
            self._watch.say("interrupted: what was found is told as if the time had ended")

    @contextmanager
    def _ended_by_interrupt(self, stop: Path) -> Iterator[None]:
        """Let Ctrl-C ask all runs for the best they have."""
        usual = signal.getsignal(signal.SIGINT)

        def ask(number: int, frame: object) -> None:
            self.interrupted = True
            stop.touch()
            signal.signal(signal.SIGINT, usual)

        self._question = replace(self._question, stop=stop)
        signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def _run(self) -> None:
        # The first time on a machine the search is compiled, which takes some ten seconds.
        waiting = threading.Timer(_SILENT_SECONDS, self._watch.say, ["compiling, this once"])
        waiting.start()
        warm_up()
        waiting.cancel()
        began, limit = time.monotonic(), min(_HERE_SECONDS, _HERE_SHARE * self._question.seconds)
        here = Designing(self._targets, replace(self._question, seconds=limit))
        self._parts.append((range(len(self._targets)), here))
        self._do(lambda: time.monotonic() - began > limit)
        left = [
            number for number, each in enumerate(here.progress) if not _as_if_unlimited(each, limit)
        ]
        if self.interrupted or not left:
            return
        with WorkerPool(self._workers, self._watch.say) as pool:
            self._watch.begin(len(left), pool.workers, self._question.seconds)
            later = Designing([self._targets[number] for number in left], self._question, pool)
            self._parts.append((left, later))
            self._do(lambda: False)

    def _do(self, stop: Callable[[], bool]) -> None:
        numbers, designing = self._parts[-1]
        for progress in designing.steps():
            self._watch.tell(numbers[designing.progress.index(progress)], progress)
            if stop():
                return

    @property
    def found(self) -> list[Designed]:
        """What there is for each target, at any time."""
        best: dict[int, Progress] = {}
        for numbers, designing in self._parts:
            for number, progress in zip(numbers, designing.progress, strict=True):
                if number not in best or _standing(progress) <= _standing(best[number]):
                    best[number] = progress
        return [
            Designed(each.target, tuple(each.designs), each.solved, each.seconds)
            for _, each in sorted(best.items())
        ]


def _as_if_unlimited(progress: Progress, limit: float) -> bool:
    """Whether more time would give the same designs: a run that was cut short may have better."""
    return progress.enough and sum(each.seconds for each in progress.outcomes.values()) < limit


def _standing(progress: Progress) -> tuple[bool, int]:
    designs = progress.designs
    return not progress.solved, designs[0].distance if designs else sys.maxsize
