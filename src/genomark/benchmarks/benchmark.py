"""What every benchmark is: who asks, what of whom, and how answers become numbers.

Each capability of models has its own kind of benchmark below this; a run knows no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from genomark.models import Model, TrainingSplit
from genomark.protocol import PredictResponse
from genomark.scoring import (
    BenchmarkIdentity,
    Comparison,
    Coverage,
    FailureCount,
    MetricRow,
    ModelIdentity,
)


@dataclass(frozen=True)
class Asking:
    """How a part is asked.

    Attributes
    ----------
    seed : int
        Of the run.
    threads : int
        For what computes in this process; no answer depends on it.
    keep : callable or None
        Is handed the answer of a Predictor as it came.
    tell : callable
        Takes what a Result should say of how the answers were come by, and `notes` for tables.
    workspace : Path or None
        Where a fit that takes long keeps checkpoints until it is done.
    progress : callable
        Takes one line on how far a long fit has come, now and then.
    """

    seed: int = 0
    threads: int = 1
    keep: Callable[[PredictResponse], None] | None = None
    tell: Callable[[Mapping[str, Any]], None] = field(default=lambda report: None)
    workspace: Path | None = None
    progress: Callable[[str], None] = field(default=lambda line: None)


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

    @abstractmethod
    def scored(self, predictions: Path, limit: int | None) -> Any:
        """Set predictions, as kept in a file, beside the truth: what the methods below take."""

    @abstractmethod
    def score(self, scored: Any, asking: Asking) -> list[MetricRow]:
        """Compute every metric."""

    @abstractmethod
    def coverage(self, scored: Any) -> Coverage:
        """Count what was asked and answered."""

    @abstractmethod
    def compare(self, scored: Mapping[str, Any], asking: Asking) -> list[Comparison]:
        """Compare every pair of models, by id."""

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


def coverage_of(reasons: pl.Series, answered: pl.Series) -> Coverage:
    """Count items and the reasons why some have no answer.

    Parameters
    ----------
    reasons : polars.Series of String
    answered : polars.Series of Boolean
    """
    told = Counter(reasons.filter(~answered).fill_null("no reason given").to_list())
    return Coverage(
        asked=len(answered),
        answered=int(answered.sum()),
        failed=[
            FailureCount(reason=reason, items=count)
            for reason, count in sorted(told.items(), key=lambda each: (-each[1], each[0]))
        ],
    )
