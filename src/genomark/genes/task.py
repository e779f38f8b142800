"""What a gene-property task is: entities, and what is to be told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.genes.outcomes import Kind, encode

__all__ = ["GeneTask", "Kind", "make_task"]


@dataclass(frozen=True)
class GeneTask:
    """A question about genes, or about pairs of a gene and another entity.

    Attributes
    ----------
    name : str
        ``/`` between the parts of a nested name.
    kind : str
        ``binary``, ``multi-class``, ``multi-label`` or ``regression``.
    entities : polars.DataFrame, shape (n, 1 or 2)
        Names as strings, one column an entity; a column whose name begins with ``symb`` holds
        gene symbols, any other names its type (``diseaseId``).
    labels : tuple of str
        What the columns of `targets` are: the positive class of a binary task, the classes of a
        multi-class one, the labels of a multi-label one, the measured value of a regression.
    targets : ndarray of float64, shape (n, n_labels)
        0 or 1, one-hot, or values.
    negative : str or None
        For a binary task, the class that is not the positive one.
    groups : tuple of str or None
        For each row, what folds must not part, such as its gene family or chromosome.
    notes : tuple of str
        What was left out or repaired on the way here, each in one line for people.

    Raises
    ------
    UsageError
        If the parts are not of one shape.
    """

    name: str
    kind: Kind
    entities: pl.DataFrame
    labels: tuple[str, ...]
    targets: NDArray[np.float64]
    negative: str | None = None
    groups: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        shape = (self.entities.height, len(self.labels))
        if self.targets.shape != shape:
            raise UsageError(
                f"Task '{self.name}': expected targets of shape {shape}, one row an entity and one "
                f"column a label, found {self.targets.shape}"
            )
        if self.groups is not None and len(self.groups) != len(self):
            raise UsageError(
                f"Task '{self.name}': expected one group for each of {len(self):,} rows, "
                f"found {len(self.groups):,}"
            )

    def __len__(self) -> int:
        """Count the rows."""
        return self.entities.height

    def keep_rows(self, keep: NDArray[np.bool_], *notes: str) -> GeneTask:
        """Make the task of some of the rows.

        A class of a multi-class task that has no row left is no longer one of its labels; the
        labels of the other kinds stay.

        Parameters
        ----------
        keep : ndarray of bool, shape (n,)
        *notes : str
            Added to those of this task.
        """
        targets, labels = self.targets[keep], self.labels
        if self.kind == "multi-class":
            occurring = np.flatnonzero(targets.any(axis=0))
            targets = targets[:, occurring]
            labels = tuple(labels[column] for column in occurring)
        groups = self.groups
        if groups is not None:
            groups = tuple(groups[row] for row in np.flatnonzero(keep))
        return replace(
            self,
            entities=self.entities.filter(pl.Series(keep)),
            labels=labels,
            targets=targets,
            groups=groups,
            notes=(*self.notes, *notes),
        )


def make_task(
    name: str,
    entities: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    kind: Kind | None = None,
    positive: str | None = None,
    groups: Sequence[str] | None = None,
    source: str | None = None,
) -> GeneTask:
    """Make a task of two tables of the same length.

    Parameters
    ----------
    name : str
    entities : polars.DataFrame, shape (n, 1 or 2)
        As of a `GeneTask`; a null is an empty name.
    outcomes : polars.DataFrame, shape (n, n_columns)
        Text, numbers or truth values. The columns of a multi-label task hold 0 or 1, True or
        False, Yes or No, in any case. Rows with an empty cell are left out, and noted.
    kind : str, optional
        By default several columns make a multi-label task; of one column, two distinct values make
        a binary one, more than two that are all numbers a regression, others a multi-class one.
    positive : str, optional
        Positive class of a binary task. By default the last in sorted order, as in scikit-learn:
        1, True, Yes.
    groups : sequence of str, optional
        One for each row. A row whose group is empty is in a group of its own, which has the name
        of its entities.
    source : str, optional
        What messages call the outcomes, such as a path; by default the task's name.

    Returns
    -------
    GeneTask
        Classes sort by name, or by value where all are numbers. Entities that occur twice stay,
        and are noted where their answers differ.

    Raises
    ------
    UsageError
        If the tables do not fit together, if there are fewer than two classes, or if a cell is not
        what its kind of task expects: column, row (counted from 1, without the header) and value
        are named.
    """
    where = source or f"Task '{name}'"
    if entities.width not in (1, 2):
        raise UsageError(
            f"{where}: expected one or two columns of entities, found {entities.width}: "
            f"{', '.join(entities.columns)}"
        )
    for what, n in (
        ("outcomes", outcomes.height),
        ("groups", None if groups is None else len(groups)),
    ):
        if n is not None and n != entities.height:
            raise UsageError(
                f"{where}: {entities.height:,} entities but {n:,} {what}; expected as many rows, "
                f"in the same order (blank lines at the end are not rows)"
            )
    encoding = encode(outcomes, kind, positive, where)
    named = entities.select(pl.all().cast(pl.String).fill_null(""))
    n_empty = len(encoding.kept) - int(encoding.kept.sum())
    notes = []
    if n_empty:
        notes.append(f"{n_empty:,} of {len(named):,} rows left out: no outcome")
        named = named.filter(pl.Series(encoding.kept))
    if groups is not None:
        groups = [group for group, kept in zip(groups, encoding.kept, strict=True) if kept]
        n_single = sum(not group for group in groups)
        if n_single:
            notes.append(f"{n_single:,} of {len(named):,} rows have no group: each is its own")
            own = named.select(pl.concat_str(pl.all(), separator=" ")).to_series().to_list()
            groups = [group or single for group, single in zip(groups, own, strict=True)]
    notes += _contradictions(named, encoding.targets)
    return GeneTask(
        name=name,
        kind=encoding.kind,
        entities=named,
        labels=encoding.labels,
        targets=encoding.targets,
        negative=encoding.negative,
        groups=None if groups is None else tuple(groups),
        notes=tuple(notes),
    )


def _contradictions(entities: pl.DataFrame, targets: NDArray[np.float64]) -> list[str]:
    """Note the entities that are there more than once, with different answers."""
    rows = entities.is_duplicated().arg_true().to_numpy()
    first: dict[tuple[str, ...], int] = {}
    differing: dict[tuple[str, ...], None] = {}
    for row, names in zip(rows, entities[rows].iter_rows(), strict=True):
        if not np.array_equal(targets[first.setdefault(names, row)], targets[row]):
            differing[names] = None
    if not differing:
        return []
    example = " and ".join(next(iter(differing)))
    return [
        f"rows of the same entities with different answers: {len(differing):,}, such as {example}"
    ]
