"""A benchmark that could not be made: it fails in its own name, and those beside it run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.errors import GenomarkError
from genomark.models import Model, TrainingSplit
from genomark.scoring import ModelIdentity


class Unloadable(Benchmark):
    """Raises what went wrong as soon as it is asked for items.

    Parameters
    ----------
    name : str
    error : GenomarkError
    """

    capability = "nothing"

    def __init__(self, name: str, error: GenomarkError) -> None:
        self.id = name
        self.version = "1"
        self.title = self.citation = ""
        self._error = error

    def _fail(self) -> NoReturn:
        raise self._error

    @property
    def headlines(self) -> tuple[str, ...]:
        """Fail."""
        self._fail()

    @property
    def digest(self) -> str:
        """Fail."""
        self._fail()

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Fail."""
        self._fail()

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Fail."""
        self._fail()

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Fail."""
        self._fail()

    def scored(self, predictions: Path, limit: int | None) -> Any:
        """Fail."""
        self._fail()
