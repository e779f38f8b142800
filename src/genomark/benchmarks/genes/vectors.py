"""From a model's vectors to the rows a probe sees, and what becomes of genes without one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from genomark.benchmarks.genes.options import GeneOptions
from genomark.benchmarks.genes.question import kind_of
from genomark.errors import CapabilityError, UsageError
from genomark.genes import GeneTask
from genomark.models import GeneEmbedder
from genomark.models.genes.controls import RandomGenes
from genomark.models.genes.table import GeneTable
from genomark.probes import Curvature, DenseDesign, Design, PairDesign, Scaling, scaling_of
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
    asked = [_Asked.of(model, task, column, options) for column in task.entities.columns]
    present = np.logical_and.reduce([each.present for each in asked])
    reasons: list[str | None] = [None] * len(task)
    for each in reversed(asked):
        for row in np.flatnonzero(~each.present):
            reasons[row] = each.reason(int(row))
    filled = sum(each.filled for each in asked)
    if len(asked) == 1:
        design, curvature = asked[0].single(present)
    else:
        design = _pairs(asked, present, options)
        curvature = Curvature(design)
    return Rows(design, curvature, present, reasons, filled)


@dataclass(frozen=True)
class _Asked:
    """One entity column of a task, and what the model has for it.

    `place`, int64[n], is the entity of each row among `names`; `rows` the row of each entity in
    the table, -1 where it has none.
    """

    table: GeneTable
    kind: str
    names: list[str]
    place: NDArray[np.int64]
    rows: NDArray[np.int64]
    options: GeneOptions

    @classmethod
    def of(cls, model: GeneEmbedder, task: GeneTask, column: str, options: GeneOptions) -> _Asked:
        values = task.entities[column]
        names = sorted(values.unique().to_list())
        number = {name: place for place, name in enumerate(names)}
        place = np.fromiter((number[value] for value in values), np.int64, len(values))
        kind = kind_of(column)
        table = model.gene_table(names, kind)
        return cls(table, kind, names, place, table.rows(names), options)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Whether each row of the task has a vector, real or made up."""
        if self.options.missing != "drop" and len(self.table.names):
            return np.ones(self.place.size, dtype=bool)
        return self.rows[self.place] >= 0

    @property
    def filled(self) -> int:
        """Entities whose vector is made up."""
        return int((self.rows < 0).sum()) if self.options.missing != "drop" else 0

    def reason(self, row: int) -> str:
        name = self.names[self.place[row]]
        return self.table.reasons.get(name, f"no vector for the {self.kind}")

    def single(self, present: NDArray[np.bool_]) -> tuple[Design, Curvature]:
        """Make the design of a task with one entity a row."""
        vectors = self.table.vectors
        if isinstance(vectors, csr_array):
            raise CapabilityError(
                "one vector for each gene and nothing in common: it can be asked about pairs only"
            )
        basis = _basis(self.table, self.options)
        rows = self.rows[self.place[present]]
        if (rows >= 0).all():
            design = DenseDesign.of(vectors, rows, basis.scaling)
        else:
            design = DenseDesign(self._matrix(basis.scaling)[self.place[present]])
        shared = design.width == basis.width
        return design, basis.curvature() if shared else Curvature(design)

    def _matrix(self, scaling: Scaling) -> NDArray[np.float32]:
        """Vectors of all entities of the column, scaled, float32[n_names, d]."""
        known = np.flatnonzero(self.rows >= 0)
        found = np.empty((known.size, scaling.mean.size), np.float32)
        standardised_rows(
            np.asarray(self.table.vectors), self.rows[known], scaling.mean, scaling.factor, found
        )
        out = np.zeros((len(self.names), scaling.mean.size), np.float32)
        out[known] = found
        unknown = np.flatnonzero(self.rows < 0)
        if unknown.size and self.options.missing == "noise":
            drawn = RandomGenes(scaling.mean.size).gene_table([self.names[k] for k in unknown])
            numbers = np.asarray(drawn.vectors)[drawn.rows([self.names[k] for k in unknown])]
            spread = found.std(axis=0) if self.options.probe.scale == "none" else np.float32(1.0)
            out[unknown] = numbers * spread
        return out


def _pairs(asked: list[_Asked], present: NDArray[np.bool_], options: GeneOptions) -> Design:
    """Make the design of pairs; the vectors of both columns are scaled each by their own table."""
    first, second = (each.place[present] for each in asked)
    sparse = [isinstance(each.table.vectors, csr_array) for each in asked]
    if any(sparse):
        if asked[0].kind != asked[1].kind:
            raise CapabilityError("this model can be asked about pairs of one kind only")
        names = sorted({*asked[0].names, *asked[1].names})
        number = {name: place for place, name in enumerate(names)}
        entities = csr_array(
            (np.ones(len(names), np.float32), (np.arange(len(names)), np.arange(len(names))))
        )
        renumber = [np.array([number[name] for name in each.names]) for each in asked]
        joined = options.pairs == "concat"
        return PairDesign(entities, renumber[0][first], renumber[1][second], joined=joined)
    parts = [each._matrix(_basis(each.table, options).scaling) for each in asked]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1 and options.pairs == "average":
        raise UsageError(
            f"vectors of {parts[0].shape[1]} and {parts[1].shape[1]} dimensions cannot be "
            "averaged: take --pairs concat"
        )
    matrix = np.zeros((sum(map(len, parts)), max(widths)), np.float32)
    matrix[: len(parts[0]), : parts[0].shape[1]] = parts[0]
    matrix[len(parts[0]) :, : parts[1].shape[1]] = parts[1]
    return PairDesign(
        DenseDesign(matrix), first, second + len(parts[0]), joined=options.pairs == "concat"
    )


class _Basis:
    """What is worked out once for a table of vectors."""

    def __init__(self, table: GeneTable, options: GeneOptions) -> None:
        self._vectors = table.vectors
        self.scaling = scaling_of(table.vectors, options.probe.scale)
        self._lock = threading.Lock()
        self._curvature: Curvature | None = None
        features = self.scaling.mean.size
        self.width = DenseDesign(np.zeros((0, features), np.float32)).width

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
    if not len(table.names):
        raise UsageError("the model knows none of these genes")
    key = (table.digest, options.probe.scale)
    with _lock:
        if key not in _bases:
            _bases[key] = _Basis(table, options)
            while len(_bases) > _KEPT:
                _bases.popitem(last=False)
        _bases.move_to_end(key)
        return _bases[key]
