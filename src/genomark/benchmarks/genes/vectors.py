"""From a model's vectors to the rows a probe sees, and what becomes of genes without one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from genomark.benchmarks.genes.options import GeneOptions
from genomark.benchmarks.genes.question import kind_of, numbered
from genomark.errors import CapabilityError, UsageError
from genomark.genes import GeneTask
from genomark.models import GeneEmbedder
from genomark.models.genes.controls import RandomGenes
from genomark.models.genes.table import GeneTable
from genomark.probes import Curvature, DenseDesign, Design, PairDesign, one_thread, scaling_of
from genomark.probes.kernels import standardised_rows

#: Embeddings whose statistics are kept: they serve every task on the same vectors.
_KEPT = 4
#: Rows that the shared statistics of curvature are taken from, and so many a dimension.
_SAMPLE, _SAMPLE_A_DIMENSION = 8000, 3


@dataclass(frozen=True)
class Rows:
    """The rows of a task that can be answered.

    Attributes
    ----------
    design, curvature
        Of the rows that are answered.
    present : ndarray of bool, shape (n,)
        Which rows of the task those are.
    reasons : list of str or None
        For each row of the task, why it is not.
    filled : int
        Vectors that were made up, as asked for.
    """

    design: Design
    curvature: Curvature
    present: NDArray[np.bool_]
    reasons: list[str | None]
    filled: int


def rows_of(model: GeneEmbedder, task: GeneTask, options: GeneOptions) -> Rows:
    """Look up the vectors of a task's entities.

    Raises
    ------
    CapabilityError
        If the model cannot embed entities of such a kind.
    UsageError
        If the two vectors of a pair cannot be averaged.
    """
    columns: dict[str, list[str]] = {}
    for column in task.entities.columns:
        columns.setdefault(kind_of(column), []).append(column)
    asked = [
        _Asked.of(model, task.entities.select(names), kind, options)
        for kind, names in columns.items()
    ]
    present = np.logical_and.reduce([each.present for each in asked])
    _require_answers(asked, task, present)
    reasons: list[str | None] = [None] * len(task)
    for row in np.flatnonzero(~present):
        reasons[row] = next(filter(None, (each.reason(int(row)) for each in asked)))
    filled = sum(each.filled for each in asked)
    with one_thread():
        if task.entities.width == 1:
            design, curvature = asked[0].single(present)
        else:
            design = _pairs(asked, present, options)
            curvature = Curvature(design)
    return Rows(design, curvature, present, reasons, filled)


def _require_answers(asked: list[_Asked], task: GeneTask, present: NDArray[np.bool_]) -> None:
    """Refuse rows from which nothing can be learned, before a probe makes something of them."""
    for each in asked:
        if not (each.rows >= 0).any():
            held = f"; it has '{each.table.names[0]}', ..." if len(each.table.names) else ""
            raise UsageError(
                f"the model has a vector for none of {len(each.names):,} names of kind "
                f"'{each.kind}' ('{each.names[0]}', ...){held}"
            )
    n = int(present.sum())
    if n < 2:
        raise UsageError(
            f"the model has vectors for {n} of {len(task):,} rows: too few to learn from"
        )
    # Of one class, there is nothing to tell from another.
    if task.kind != "regression" and not np.ptp(task.targets[present], axis=0).any():
        raise UsageError(
            f"the model has vectors for {n:,} of {len(task):,} rows, and all of them have the same "
            "answer: nothing can be learned from them"
        )


@dataclass(frozen=True)
class _Asked:
    """The entities of one kind in a task, and what the model has for them.

    `places`, one int64[n] for each entity column, is the entity of each row among `names`; `rows`
    the row of each entity in the table, -1 where it has none.
    """

    table: GeneTable
    kind: str
    names: list[str]
    places: list[NDArray[np.int64]]
    rows: NDArray[np.int64]
    options: GeneOptions

    @classmethod
    def of(
        cls, model: GeneEmbedder, entities: pl.DataFrame, kind: str, options: GeneOptions
    ) -> _Asked:
        """Look up both columns of a pair at once: a gene has one vector, on whichever side."""
        values = pl.concat([each.alias("name") for each in entities])
        place, names = numbered(values)
        table = model.gene_table(names, kind)
        places = np.split(place, entities.width)
        return cls(table, kind, names, places, table.rows(names), options)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Whether each row of the task has all its vectors, real or made up."""
        if self.options.missing != "drop":
            return np.ones(self.places[0].size, dtype=bool)
        found: NDArray[np.bool_] = np.logical_and.reduce(
            [self.rows[place] >= 0 for place in self.places]
        )
        return found

    @property
    def filled(self) -> int:
        """Entities whose vector is made up."""
        return int((self.rows < 0).sum()) if self.options.missing != "drop" else 0

    def reason(self, row: int) -> str | None:
        """Say why a row has not all its vectors; None if it has."""
        for place in self.places:
            if self.rows[place[row]] < 0:
                name = self.names[place[row]]
                return self.table.reasons.get(name, f"no vector for the {self.kind}")
        return None

    def single(self, present: NDArray[np.bool_]) -> tuple[Design, Curvature]:
        """Make the design of a task with one entity a row."""
        vectors = self.table.vectors
        if isinstance(vectors, scipy.sparse.csr_array):
            raise CapabilityError(
                "one vector for each gene and nothing in common: it can be asked about pairs only"
            )
        basis = _basis(self.table, self.options)
        place = self.places[0][present]
        rows = self.rows[place]
        # Other heads may depend on the axes that a reduction of few rows turns.
        if (rows >= 0).all() and self.options.probe.head == "linear":
            design = DenseDesign.of(vectors, rows, basis.scaling)
        else:
            design = DenseDesign(self.matrix()[place])
        shared = design.width == basis.width
        return design, basis.curvature() if shared else Curvature(design)

    def matrix(self) -> NDArray[np.float32]:
        """Vectors of all entities, scaled, float32[n_names, d]; those that are unknown made up."""
        vectors = np.asarray(self.table.vectors)
        basis = _basis(self.table, self.options)
        mean, factor = basis.scaling.mean, basis.scaling.factor
        out = np.zeros((len(self.names), mean.size), np.float32)
        unknown = np.flatnonzero(self.rows < 0)
        if not unknown.size:
            standardised_rows(vectors, self.rows, mean, factor, out)
            return out
        known = np.flatnonzero(self.rows >= 0)
        found = np.empty((known.size, mean.size), np.float32)
        standardised_rows(vectors, self.rows[known], mean, factor, found)
        out[known] = found
        if self.options.missing == "noise":
            names = [self.names[place] for place in unknown]
            drawn = RandomGenes(mean.size).gene_table(names, self.kind)
            out[unknown] = np.asarray(drawn.vectors) * basis.spread
        return out


def _pairs(asked: list[_Asked], present: NDArray[np.bool_], options: GeneOptions) -> Design:
    """Make the design of pairs; vectors of two kinds are scaled each by their own table."""
    first, second = (place[present] for each in asked for place in each.places)
    joined = options.pairs == "concat"
    if any(isinstance(each.table.vectors, scipy.sparse.csr_array) for each in asked):
        if len(asked) > 1:
            raise CapabilityError("this model can be asked about pairs of one kind only")
        diagonal = np.arange(len(asked[0].names))
        ones = np.ones(diagonal.size, np.float32)
        return PairDesign(
            scipy.sparse.csr_array((ones, (diagonal, diagonal))), first, second, joined=joined
        )
    if len(asked) == 1:
        return PairDesign(DenseDesign(asked[0].matrix()), first, second, joined=joined)
    parts = [each.matrix() for each in asked]
    widths = [part.shape[1] for part in parts]
    if widths[0] != widths[1] and not joined:
        raise UsageError(
            f"vectors of {widths[0]} and {widths[1]} dimensions cannot be averaged: take --pairs "
            "concat"
        )
    matrix = np.zeros((sum(map(len, parts)), max(widths)), np.float32)
    matrix[: len(parts[0]), : widths[0]] = parts[0]
    matrix[len(parts[0]) :, : widths[1]] = parts[1]
    return PairDesign(DenseDesign(matrix), first, second + len(parts[0]), joined=joined)


class _Basis:
    """What is worked out once for a table of vectors."""

    def __init__(self, table: GeneTable, options: GeneOptions) -> None:
        self._vectors = table.vectors
        self.scaling = scaling_of(table.vectors, options.probe.scale)
        self._lock = threading.Lock()
        self._curvature: Curvature | None = None
        features = self.scaling.mean.size
        self.width = DenseDesign(np.zeros((0, features), np.float32)).width

    @cached_property
    def spread(self) -> NDArray[np.float32]:
        """Standard deviation of each dimension of scaled vectors, float32[d]."""
        to_one = scaling_of(self._vectors, "variance").factor
        return np.divide(self.scaling.factor, to_one, out=np.zeros_like(to_one), where=to_one > 0)

    def curvature(self) -> Curvature:
        """Estimate from evenly spaced rows of the table."""
        with self._lock:
            if self._curvature is None:
                n = self._vectors.shape[0]
                wanted = min(n, max(_SAMPLE, _SAMPLE_A_DIMENSION * self.width))
                rows = np.unique(np.linspace(0, n - 1, wanted).astype(np.int64))
                features = np.empty((rows.size, self.scaling.mean.size), np.float32)
                standardised_rows(
                    np.asarray(self._vectors),
                    rows,
                    self.scaling.mean,
                    self.scaling.factor,
                    features,
                )
                self._curvature = Curvature(DenseDesign(features))
            return self._curvature


_bases: OrderedDict[tuple[str, str], _Basis] = OrderedDict()
_lock = threading.Lock()


def _basis(table: GeneTable, options: GeneOptions) -> _Basis:
    key = (table.digest, options.probe.scale)
    with _lock:
        if key not in _bases:
            _bases[key] = _Basis(table, options)
            while len(_bases) > _KEPT:
                _bases.popitem(last=False)
        _bases.move_to_end(key)
        return _bases[key]
