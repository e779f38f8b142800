"""Reporter assays of one library in several cell types, each insert within its plasmid.

One request asks all cell types about the same sequences.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import ClassVar, NamedTuple

import msgspec
import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.joint_scores import (
    Drawing,
    Facet,
    JointScores,
    facet_row,
    with_answers,
)
from genomark.benchmarks.game.opaque_ids import opaque_id
from genomark.benchmarks.game.published import published_pearson
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import (
    Answer,
    PredictorBenchmark,
    answer_frame,
    point_of,
)
from genomark.datasets.overlap import overlapping
from genomark.errors import DatasetError
from genomark.protocol import PredictionTask, PredictRequest, PredictResponse, TaskPrediction
from genomark.scoring import MetricRow, ScoringRule

#: Letters of an insert for which the coordinates of a plasmid are told.
INSERT = 200
_LARGEST_BACKBONE = 1_000_000


class Backbone(NamedTuple):
    """The plasmid an insert of `INSERT` letters stands in.

    Attributes
    ----------
    upstream, downstream : str
        Letters before and behind the insert.
    start, end : int
        The reporter: 0-based and half-open, in the plasmid with its insert.
    """

    upstream: str
    downstream: str
    start: int
    end: int


class MpraPanel(PredictorBenchmark):
    """Expression of a reporter behind each sequence of a library, in each of some cell types.

    Attributes
    ----------
    cell_types : dict of str to str
        What a cell type is called in rows and tasks, and what a model is asked for.
    published_as : str
        How the published evaluator calls the rows of cell types.
    contrasts : tuple of (str, str)
        Cell types whose difference is scored too.
    """

    asks = "sequences"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="families", grouped=True)
    cell_types: ClassVar[dict[str, str]]
    published_as: ClassVar[str]
    contrasts: ClassVar[tuple[tuple[str, str], ...]]

    @abstractmethod
    def library(self) -> pl.DataFrame:
        """Read the sequences.

        Returns
        -------
        polars.DataFrame
            `name` (unique), `sequence`, a Float64 column for each of `cell_types` with the
            measured activity (log2; null where there is none), and `origin` where there are
            several.

        Raises
        ------
        genomark.errors.DatasetError
            If the data cannot be had or read.
        """

    @cached_property
    @abstractmethod
    def backbone(self) -> Backbone:
        """The plasmid."""

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row a sequence and cell type in which it was measured.

        Sequences that share a stretch of 30 letters, on either strand and along any chain, are one
        cluster: both orientations of an element, its neighbours, designs that grew out of one.
        """
        library = self.library()
        families = overlapping(library["sequence"].to_list())
        library = library.with_columns(
            cluster=pl.Series(
                [f"family {number}" for number in families.tolist()], dtype=pl.String
            ),
            sequence_id=pl.Series(list(map(opaque_id, library["sequence"])), dtype=pl.String),
            row=pl.int_range(pl.len(), dtype=pl.Int64),
        )
        kept = [
            "row",
            "sequence_id",
            "sequence",
            *(["origin"] if "origin" in library.columns else []),
        ]
        return pl.concat(
            library.filter(pl.col(label).is_finite()).select(
                *kept,
                item_id=pl.format("{} {}", "name", pl.lit(label)),
                task=pl.lit(label),
                group=pl.lit(label),
                cluster="cluster",
                truth=pl.col(label).cast(pl.Float64),
            )
            for label in self.cell_types
        )

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or those of evenly spaced sequences, about `limit` of them."""
        items = self.items
        if limit is None or limit >= items.height:
            return items
        rows = items["row"].unique().sort()
        n = max(1, limit // len(self.cell_types))
        chosen = rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(np.int64)]
        return items.filter(pl.col("row").is_in(chosen.implode()))

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Cut the items into what one request holds: some sequences, all cell types."""
        items = self.selected(limit)
        rows = items["row"].unique().sort()
        for at in range(0, len(rows), self.max_request_items):
            first, last = rows[at], rows[min(at + self.max_request_items, len(rows)) - 1]
            yield items.filter(pl.col("row").is_between(first, last))

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the expression of the reporter behind each sequence, on a log scale."""
        sequences = dict(items.select("sequence_id", "sequence").iter_rows())
        backbone = self.backbone
        return PredictRequest(
            readout="point",
            prediction_tasks=[
                self._task(label) for label in items["task"].unique(maintain_order=True)
            ],
            sequences=sequences,
            prediction_ranges={
                # The last base is in a range (GAME 1.0, section 2.3).
                name: [backbone.start + more, backbone.end + more - 1]
                for name, more in ((n, len(s) - INSERT) for n, s in sequences.items())
            },
            upstream_seq=backbone.upstream,
            downstream_seq=backbone.downstream,
        )

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Give one value a sequence and cell type; answers on another scale are none."""
        tasks = {task.name: task for task in response.prediction_tasks}
        pairs = items.select("task", "sequence_id").iter_rows()
        return answer_frame([_logged(tasks.get(label), name) for label, name in pairs])

    def sequence_ids(self, items: pl.DataFrame) -> pl.DataFrame:
        """Ids of the sequences, which inserts of the same letters share."""
        return items.select("task", item_id="sequence_id").unique(maintain_order=True)

    def scored(self, predictions: Path, limit: int | None) -> JointScores:
        """Set predictions beside the truth; each cell type is a group."""
        answered = with_answers(self.selected(limit), predictions)
        return _PanelScores(answered, self.rule, lambda: self.published(answered), self._further)

    def published(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Compute r in each cell type, as published."""
        return [
            published_row_of(f"{self.published_as} ({label})", part)
            for label in self.cell_types
            if not (part := frame.filter(pl.col("task") == label)).is_empty()
        ]

    def contrast(self, frame: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
        """Subtract what belongs to one cell type from what belongs to another.

        Returns
        -------
        polars.DataFrame
            `cluster`, `truth` and `value`, one row a sequence measured in both; `value` is null
            where one of the answers is.
        """
        one, other = (frame.filter(pl.col("task") == label) for label in (first, second))
        both = one.join(other, on="row", suffix="_other", maintain_order="left")
        return both.select(
            "cluster",
            truth=pl.col("truth") - pl.col("truth_other"),
            value=pl.col("value") - pl.col("value_other"),
        )

    def material(self, limit: int | None = None) -> Material:
        """Give the inserts; where they lie in a genome is not told."""
        return Material.of(self.selected(limit))

    def _further(self, answered: pl.DataFrame, drawing: Drawing) -> Iterable[MetricRow]:
        """Rows of contrasts between cell types, then of origins."""
        facets = [
            Facet(f"{first} - {second}", self.contrast(answered, first, second), "specificity_")
            for first, second in self.contrasts
        ]
        if "origin" in answered.columns:
            by = answered.group_by("task", "origin", maintain_order=True)
            facets += [Facet(f"{label}, {origin}", part) for (label, origin), part in by]
        for facet in facets:
            for name in self.rule.metrics:
                yield facet_row(name, facet, drawing, self.rule.cluster)

    def _task(self, label: str) -> PredictionTask:
        return PredictionTask(
            name=label,
            type="expression",
            cell_type=self.cell_types[label],
            species="homo_sapiens",
            scale="log",
        )

    def _wording(self) -> object:
        return [[self._task(label) for label in self.cell_types], self.backbone, self.contrasts]


class _PanelScores(JointScores):
    """Scores that say what a constant prediction is mostly due to."""

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every row."""
        return [_explained(row) for row in super().rows(asking)]


def _explained(row: MetricRow) -> MetricRow:
    if "constant prediction" not in (row.reason_if_null or ""):
        return row
    why = "all constructs have the same reporter: does the model see the prediction range alone?"
    return msgspec.structs.replace(row, reason_if_null=f"{row.reason_if_null}; {why}")


def all_contrasts(labels: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pair each cell type with those behind it."""
    return tuple(combinations(labels, 2))


def check_library(where: str, library: pl.DataFrame) -> pl.DataFrame:
    """Return a library in upper case if its names are unique and its sequences are DNA.

    Raises
    ------
    DatasetError
        If not, or if it is empty; names the first that is wrong.
    """
    if library.is_empty():
        raise DatasetError(f"{where}: no sequence in it that was measured")
    twice = library.filter(pl.col("name").is_duplicated())
    if twice.height:
        raise DatasetError(f"{where}: '{twice['name'][0]}' is there more than once")
    library = library.with_columns(pl.col("sequence").str.to_uppercase())
    strange = library.filter(~pl.col("sequence").str.contains(r"\A[ACGTN]+\z").fill_null(False))
    if strange.height:
        name, letters = strange.select("name", "sequence").row(0)
        raise DatasetError(f"{where}: the sequence of '{name}' is no DNA: '{str(letters)[:40]}'")
    return library


def read_backbone(path: Path, upstream: str, downstream: str, coordinates: str) -> Backbone:
    """Read the plasmid around an insert of `INSERT` letters.

    Parameters
    ----------
    path : Path
        Two columns with a tab between them: what a row is, and its letters.
    upstream, downstream, coordinates : str
        What the rows are called; that of coordinates is ``[start, end]``, 0-based and half-open.

    Raises
    ------
    DatasetError
        If a row is missing or holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST_BACKBONE:
            raise DatasetError(f"{path}: more than {_LARGEST_BACKBONE:,} bytes, so no plasmid")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"Cannot read {path}: {error}") from error
    rows = dict(line.split("\t", 1) for line in lines if "\t" in line)
    missing = [name for name in (upstream, downstream, coordinates) if name not in rows]
    if missing:
        raise DatasetError(f"{path}: no row '{missing[0]}'; expected a name, a tab and letters")
    for name in (upstream, downstream):
        if not re.fullmatch("[ACGTN]+", rows[name]):
            raise DatasetError(f"{path}: row '{name}' has other letters than A, C, G, T and N")
    place = re.fullmatch(r"\[(\d{1,7}), ?(\d{1,7})\]", rows[coordinates].strip())
    length = len(rows[upstream]) + INSERT + len(rows[downstream])
    if place is None or not 0 <= int(place[1]) < int(place[2]) <= length:
        raise DatasetError(f"{path}: row '{coordinates}' is no stretch of the {length:,} letters")
    return Backbone(rows[upstream], rows[downstream], int(place[1]), int(place[2]))


def _logged(task: TaskPrediction | None, name: str) -> Answer:
    if task is None:
        return None, "the answer lacks this cell type"
    value, reason = point_of(task, name)
    if value is not None and task.scale_prediction_actual != "log":
        return None, f"asked on a log scale, answered on '{task.scale_prediction_actual}'"
    return value, reason


def published_row_of(group: str, frame: pl.DataFrame, name: str = "game_pearson_r") -> MetricRow:
    """Compute a published row of a table with `cluster`, `truth` and `value`."""
    prediction = frame["value"].cast(pl.Float64).fill_null(math.nan).to_numpy()
    clusters = frame["cluster"].n_unique()
    return published_pearson(
        prediction, frame["truth"].to_numpy(), group, name=name, n_clusters=clusters
    )
