"""A user's own points as a benchmark: ``points:FILE``, a table or a declaration of one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.material import Material
from genomark.benchmarks.points.point_table import PointColumns, PointTable
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ScoringRule, metric

#: Begins the name of such a benchmark.
POINTS = "points:"
#: What values are judged by, and what two classes are, where nothing is declared.
_OF_VALUES, _OF_CLASSES = ("pearson", "spearman"), ("auroc", "average_precision")


class DeclaredPoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a TOML file declares.

    Attributes
    ----------
    table : str
        The file, relative to the declaration.
    title, version, citation : str
        For tables and results; another version is another question.
    type, cell_type, species : str
        What a Predictor is asked for, in the words of GAME.
    scale : {"log", "linear"}
        Of what was measured.
    metrics : tuple of str
        The first ranks. Left out: correlations, or `auroc` and `average_precision` where all
        that was measured is 0 or 1.
    clusters : str
        What a cluster is, in the plural, for people.
    columns : PointColumns
    """

    table: str
    title: str = ""
    version: str = "1"
    citation: str = "of the user's own"
    type: str = "expression"
    cell_type: str = "NA"
    species: str = "homo_sapiens"
    scale: Literal["log", "linear"] = "log"
    metrics: tuple[str, ...] = ()
    clusters: str = ""
    columns: PointColumns = PointColumns()


class PointBenchmark(PredictorBenchmark):
    """One value a sequence, of any number of sequences.

    The run holds ids and values of all items and the sequences of none; a worker holds those of one
    request.

    Parameters
    ----------
    path : Path
        A table (parquet, CSV, TSV), or a TOML file that declares one.

    Raises
    ------
    UsageError
        If a declaration cannot be read.
    """

    def __init__(self, path: Path) -> None:
        declared = _declared(path)
        self._declared = declared
        self._table = PointTable(path.parent / declared.table, declared.columns)
        name = path.name.partition(".")[0]
        self.id = f"{POINTS}{name}"
        self.version = declared.version
        self.title = declared.title or name
        self.citation = declared.citation
        self._task = PredictionTask(
            name=name,
            type=declared.type,
            cell_type=declared.cell_type,
            species=declared.species,
            scale=declared.scale,
        )

    @cached_property
    def rule(self) -> ScoringRule:  # type: ignore[override]
        """By what it is judged."""
        metrics = self._declared.metrics
        if not metrics:
            metrics = _OF_CLASSES if self._table.two_classes else _OF_VALUES
        return ScoringRule(metrics, self._declared.clusters or "sequences")

    @property
    def max_request_items(self) -> int:  # type: ignore[override]
        """No request holds more: as usual, and fewer of long sequences."""
        return min(super().max_request_items, 4 * self._table.block)

    @cached_property
    def items(self) -> pl.DataFrame:
        """All rows without their sequences."""
        return self._table.items().with_columns(task=pl.lit(self._task.name))

    @cached_property
    def digest(self) -> str:
        """Digest of the table's bytes, the wording and the rule."""
        return digest_of(
            [self.id, self.version, repr(self.rule), self._task, self._table.digest],
        )

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Cut the items as they are asked, without their sequences."""
        yield from self.selected(limit).iter_slices(self.max_request_items)

    def part_at(self, number: int, limit: int | None = None) -> pl.DataFrame:
        """Read one of the parts with its sequences."""
        rows = self._chosen(limit)[number * self.max_request_items :][: self.max_request_items]
        return self._read(rows).with_columns(task=pl.lit(self._task.name))

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the value of each sequence."""
        return PredictRequest(
            readout="point",
            prediction_tasks=[self._task],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )

    def material(self, limit: int | None = None) -> Material:
        """Give the sequences, which are then all held."""
        return Material.of(self._read(self._chosen(limit)))

    def _chosen(self, limit: int | None) -> NDArray[np.int64]:
        """Number the rows that are asked, as `selected` takes them."""
        n = self._table.height
        if limit is None or limit >= n:
            return np.arange(n)
        return np.linspace(0, n - 1, limit).round().astype(np.int64)

    def _read(self, rows: NDArray[np.int64]) -> pl.DataFrame:
        """Read rows, which rise; of those between them few are held at a time."""
        found = []
        for first, n in self._table.chunks():
            inside = rows[(rows >= first) & (rows < first + n)]
            if inside.size:
                start = int(inside[0])
                found.append(self._table.rows(start, int(inside[-1]) - start + 1)[inside - start])
        return pl.concat(found)

    def _wording(self) -> Any:
        return self._task


def _declared(path: Path) -> DeclaredPoints:
    if path.suffix.lower() != ".toml":
        return DeclaredPoints(table=path.name)
    try:
        declared = msgspec.convert(tomllib.loads(path.read_text("utf-8")), DeclaredPoints)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # of TOML, of msgspec and of text that is none
        raise UsageError(f"{path}: not a declaration of points: {error}") from error
    for name in declared.metrics:
        metric(name)
    return declared
