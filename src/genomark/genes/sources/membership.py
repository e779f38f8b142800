"""From who belongs to what, to a multi-label task."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import polars as pl

from genomark.genes.task import GeneTask


def membership_task(
    name: str,
    members: Mapping[str, Collection[str]],
    *,
    labels: Iterable[str] | None = None,
    notes: Iterable[str] = (),
) -> GeneTask:
    """Lay memberships out as one row a gene and one column a label.

    Parameters
    ----------
    name : str
        Of the task.
    members : mapping of str to collection of str
        What each gene belongs to; the order of the genes is kept.
    labels : iterable of str, optional
        The labels, in this order; by default everything that is named, sorted.
    notes : iterable of str
        Of the task.

    Returns
    -------
    GeneTask
        Multi-label, on one column ``symbol``; 1 where the gene belongs to the label, else 0.
    """
    if labels is None:
        labels = sorted({label for belongs in members.values() for label in belongs})
    column = {label: place for place, label in enumerate(labels)}
    targets = np.zeros((len(members), len(column)))
    for row, belongs in enumerate(members.values()):
        targets[row, [column[label] for label in belongs]] = 1.0
    return GeneTask(
        name=name,
        kind="multi-label",
        entities=pl.DataFrame({"symbol": list(members)}, schema={"symbol": pl.String}),
        labels=tuple(column),
        targets=targets,
        notes=tuple(notes),
    )
