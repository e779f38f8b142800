"""What every benchmark is: who asks, what of whom, and how answers become numbers.

Each capability of models has its own kind of benchmark below this; a run knows no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.material import Material
from genomark.benchmarks.scored import Scored
from genomark.models import Model, TrainingSplit
from genomark.scoring import BenchmarkIdentity, Comparison, ModelIdentity, compare
from genomark.sequences import TaskSplit


class Benchmark(ABC):
    """A versioned question.

    Attributes
    ----------
    id, version, title : str
        Raise the version when items, truth or scoring change.
    asks : str
        What an item is, in the plural ("variants").
    capability : str
        What a model must be to be asked.
    datasets : tuple of str
        Names in the catalogue; empty where the benchmark needs no data.
    citation : str
        What to cite.
    """

    id: str
    version: str
    title: str
    citation: str
    asks: str = "sequences"
    capability: ClassVar[str]
    datasets: tuple[str, ...] = ()

    #: Whether every model's answers depend on the seed, and not those of controls alone.
    seeded: ClassVar[bool] = False
    #: Whether answers are computed where the run is, with threads, and not in worker processes.
    in_process: ClassVar[bool] = False
    #: Whether any rows of a part can be asked alone: what is asked beside them changes no answer.
    divisible: ClassVar[bool] = False

    @property
    @abstractmethod
    def headlines(self) -> tuple[str, ...]:
        """Names of the rows a table shows; the first ranks models."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Digest of the question: items, truth, wording and scoring."""

    @abstractmethod
    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Cut the items, or `limit` of them, into what is asked at once: column `item_id`.

        Raises
        ------
        genomark.errors.DatasetError
            If the data cannot be had.
        """

    def part_at(self, number: int, limit: int | None = None) -> pl.DataFrame:
        """Give one of `parts`; they are cut once and kept, unless a benchmark reads each by itself.

        Parameters
        ----------
        number : int
            From 0, in the order of `parts`.
        limit : int or None
            As of `parts`.
        """
        if limit not in self._kept_parts:
            self._kept_parts[limit] = list(self.parts(limit))
        return self._kept_parts[limit][number]

    @cached_property
    def _kept_parts(self) -> dict[int | None, list[pl.DataFrame]]:
        return {}

    @abstractmethod
    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Say who would answer, and what it is fitted on beforehand.

        Raises
        ------
        genomark.errors.CapabilityError
            If the model cannot be asked this.
        """

    @abstractmethod
    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Ask a model one part; a Trainable has been fitted.

        Returns
        -------
        polars.DataFrame
            Predictions: columns `item_id`, `task`, `value`, `reason`, and what scoring needs.
        """

    def unanswered(self, part: pl.DataFrame, reason: str) -> pl.DataFrame:
        """Give what `answer` of a divisible benchmark would where nobody could be asked."""
        value = pl.lit(None, pl.Float64).alias("value")
        return part.select("item_id", "task", value, pl.lit(reason).alias("reason"))

    @abstractmethod
    def scored(self, predictions: Path, limit: int | None) -> Scored:
        """Set predictions, as kept in a file, beside the truth."""

    def material(self, limit: int | None = None) -> Material | None:
        """Give what a training set could hold of each item; None where items are no sequences.

        Rows stand as in `scored` of the same `limit`.

        Raises
        ------
        genomark.errors.DatasetError
            If the data cannot be had.
        """
        return None

    def learned(self, model: Model, limit: int | None = None) -> TaskSplit | None:
        """Give what genomark fits a model on before it is asked; None where it learns nothing.

        Of a `Trainable` that is fitted beforehand `identify` gives the split.
        """
        return None

    def compare(self, scored: Mapping[str, Scored], asking: Asking) -> list[Comparison]:
        """Compare every pair of models, by id, on the items both answered, drawn in pairs."""
        return compare(
            self.id,
            self.headlines[0],
            {model: each.compared for model, each in scored.items()},
            lambda model, shared: scored[model].headline(asking, shared),
        )

    def settings(self) -> Mapping[str, Any]:
        """What else its numbers depend on, as a Result tells it."""
        return {}

    @property
    def ceiling(self) -> Mapping[str, float]:
        """Best value any model could reach, by metric, where it is known."""
        return {}

    @property
    def identity(self) -> BenchmarkIdentity:
        """Who asks, as a Result names it."""
        return BenchmarkIdentity(
            id=self.id, version=self.version, digest=self.digest, title=self.title
        )
