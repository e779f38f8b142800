"""Designing RNA as a benchmark: structures out, sequences in, and each is folded again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.rna.design_clock import Spent, stopwatch
from genomark.benchmarks.rna.design_judge import MOST, Judge, Verdict
from genomark.benchmarks.rna.design_scores import (
    MEDIAN_SECONDS,
    SOLVED,
    SOLVED_WITHIN_60S,
    DesignScores,
)
from genomark.benchmarks.rna.eterna100 import CITATION, DATASET, Puzzle, PuzzleList, read_puzzles
from genomark.datasets import path
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError
from genomark.models import Designer, Model, TrainingSplit
from genomark.rna.parameters import vienna_rna
from genomark.scoring import ModelIdentity

#: What a designer may take above its time, as a share of it and in seconds, whichever is more: it
#: looks at the clock between two folds.
TOLERANCE, LEAST_TOLERANCE = 0.05, 1.0
#: Asked before the first puzzle, so that what a designer loads on its first call is not counted.
_EASY, _EASY_SECONDS = "((((....))))", 1.0

_SCHEMA: dict[str, Any] = {
    "item_id": pl.String,
    "task": pl.String,
    "value": pl.Float64,
    "reason": pl.String,
    "target": pl.String,
    "sequence": pl.String,
    "structure": pl.String,
    "distance": pl.Int32,
    "solved": pl.Boolean,
    "seconds": pl.Float64,
    "cpu_seconds": pl.Float64,
    "wall_seconds": pl.Float64,
    "mfe": pl.Float64,
    "ensemble_defect": pl.Float64,
    "gc": pl.Float64,
    "n_given": pl.Int32,
}


@runtime_checkable
class ItemDesigner(Protocol):
    """Tells sequences by puzzle: a file of designs."""

    def designs_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether it knows designs, and those of the puzzles of a benchmark.

        `items` has the columns `item_id` and `structure`.

        Raises
        ------
        genomark.errors.PredictionFileError
            If it knows those of other puzzles, or lacks some.
        """
        ...

    def design_items(self, items: pl.DataFrame) -> list[list[str]]:
        """Give the sequences for each puzzle, the best first; none where it has none."""
        ...


class DesignBenchmark(Benchmark):
    """How many structures a `Designer` finds sequences for that fold into them.

    One puzzle is one part. Sequences are folded again in a process of their own.

    Parameters
    ----------
    id : str
    puzzles : PuzzleList
    seconds : float
        Of one core, for each puzzle.
    """

    capability = "Designer"
    asks = "puzzles"
    seeded = True
    version = "1"
    citation = CITATION
    datasets = (DATASET,)

    def __init__(self, id: str, puzzles: PuzzleList, seconds: float) -> None:
        self.id = id
        self.list = puzzles
        self.seconds = seconds
        self.title = f"{puzzles.title}, {_lasting(seconds)} each"
        # A process that nobody else uses: what a designer does to ViennaRNA does not reach it.
        self._judge = Judge()
        self._asked_before: list[Model] = []

    @property
    def headlines(self) -> tuple[str, ...]:
        """Share of solved puzzles; beside it how soon."""
        return (SOLVED, SOLVED_WITHIN_60S if self.seconds > 60 else MEDIAN_SECONDS)

    @cached_property
    def puzzles(self) -> tuple[Puzzle, ...]:
        """All puzzles, in the order of the list.

        Raises
        ------
        DatasetError
            If the list cannot be had.
        """
        return read_puzzles(path(DATASET, self.list.file))

    @cached_property
    def digest(self) -> str:
        """Digest of structures, time, and the version of ViennaRNA that judges."""
        asked = [(each.id, each.structure) for each in self.puzzles]
        judging = [_judge_version(), MOST, TOLERANCE, LEAST_TOLERANCE]
        return digest_of([self.id, self.version, asked, self.seconds, judging])

    @property
    def allowed(self) -> float:
        """Seconds after which what was given does not count: the time and its tolerance."""
        return self.seconds + max(LEAST_TOLERANCE, TOLERANCE * self.seconds)

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Give one puzzle after the other; of `limit` puzzles, evenly spaced ones."""
        for puzzle in self._limited(limit):
            yield _items([puzzle])

    def _limited(self, limit: int | None) -> list[Puzzle]:
        n = len(self.puzzles)
        rows = np.linspace(0, n - 1, n if limit is None else min(limit, n)).round().astype(np.int64)
        return [self.puzzles[row] for row in rows]

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take designers, and files of designs."""
        _judge_version()
        if isinstance(model, Designer) or self._recorded(model):
            return model.info, None
        raise CapabilityError(
            f"'{model.info.id}' designs no RNA: '{self.id}' needs a {self.capability} (a method "
            "design), or a file with the columns item_id and sequence"
        )

    def _recorded(self, model: Model) -> bool:
        return isinstance(model, ItemDesigner) and model.designs_items(
            self.id, _items(self.puzzles)
        )

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Have a sequence designed for each structure, and fold it again."""
        rows = []
        for number, (item, target) in enumerate(part.iter_rows()):
            asking.progress(f"puzzle {item}, {len(target)} bases")
            if isinstance(model, Designer):
                given, spent = self._designed(model, target, asking.seed)
            elif isinstance(model, ItemDesigner):
                given, spent = model.design_items(part[number])[0], None
            else:
                raise CapabilityError(f"'{model.info.id}' designs no RNA")
            verdict = self._judge.verdict(target, given)
            rows.append(self._row(item, target, len(given), verdict, spent))
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def _designed(self, model: Designer, target: str, seed: int) -> tuple[list[str], Spent]:
        if not any(each is model for each in self._asked_before):
            model.design(_EASY, _EASY_SECONDS, seed)
            self._asked_before.append(model)
        with stopwatch() as spent:
            given = model.design(target, float(self.seconds), seed)
        return _sequences(given, model.info.id), spent

    def _row(
        self, item: str, target: str, n_given: int, verdict: Verdict, spent: Spent | None
    ) -> dict[str, Any]:
        reason = verdict.reason
        if spent is not None and spent.counted > self.allowed:
            reason = f"took longer than {self.seconds:g} s"
        solved = reason is None and verdict.distance == 0
        return {
            "item_id": item,
            "task": self.id,
            "value": float(solved) if reason is None else None,
            "reason": reason,
            "target": target,
            "sequence": verdict.sequence,
            "structure": verdict.structure,
            "distance": verdict.distance,
            "solved": solved,
            "seconds": spent.counted if spent else None,
            "cpu_seconds": spent.cpu if spent else None,
            "wall_seconds": spent.wall if spent else None,
            "mfe": verdict.mfe,
            "ensemble_defect": verdict.ensemble_defect,
            "gc": verdict.gc,
            "n_given": n_given,
        }

    def scored(self, predictions: Path, limit: int | None) -> DesignScores:
        """Take what was given, puzzle by puzzle."""
        return DesignScores(predictions, self._limited(limit), self.seconds)

    def settings(self) -> Mapping[str, Any]:
        """Time, the judge, caveats, and what others published."""
        impossible = [each.id for each in self.puzzles if not each.foldable]
        notes = [
            f"{self.seconds:g} s of one core a puzzle, judged by ViennaRNA {_judge_version()}, "
            "minimum free energy; a puzzle for which nothing counts is not solved"
        ]
        if impossible:
            notes.append(
                f"{len(impossible)} of {len(self.puzzles)} puzzles have no solution under "
                f"ViennaRNA: {', '.join(impossible)}"
            )
        return {
            "seconds": self.seconds,
            "seconds_allowed": self.allowed,
            "judge": f"ViennaRNA {_judge_version()}",
            "notes": notes,
            "caveats": list(self.list.caveats),
            "published": [msgspec.to_builtins(each) for each in self.list.published_scores()],
        }

    def facts(self) -> dict[str, int]:
        """Count puzzles, and tell how long they are."""
        lengths = sorted(len(each.structure) for each in self.puzzles)
        return {"puzzles": len(lengths), "shortest": lengths[0], "longest": lengths[-1]}


def _items(puzzles: Sequence[Puzzle]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": [each.id for each in puzzles],
            "structure": [each.structure for each in puzzles],
        }
    )


def _sequences(given: Any, model: str) -> list[str]:
    """Refuse what is no list of sequences."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ModelError(
            f"'{model}': design gave a {type(given).__name__}; expected a list of sequences"
        )
    for each in given:
        if not isinstance(each, str):
            raise ModelError(
                f"'{model}': design gave a list with a {type(each).__name__}; expected sequences"
            )
    return [str(each) for each in given]


def _judge_version() -> str:
    return str(vienna_rna().__version__)


def _lasting(seconds: float) -> str:
    return f"{seconds:g} s" if seconds <= 60 else f"{seconds / 60:g} min"
