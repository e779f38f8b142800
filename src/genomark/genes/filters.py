"""Parts of tasks: without some genes, with some only, one label, a sample, the frequent ones.

The filters are those of gene-benchmark, in its order, so that the same options give the same rows.
Only the sample differs: it has a seed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UnknownNameError, UsageError
from genomark.genes.task import GeneTask


def filter_task(
    task: GeneTask,
    *,
    exclude: Collection[str] | None = None,
    include: Collection[str] | None = None,
    label: str | None = None,
    frac: float = 1.0,
    seed: int = 0,
    multi_label_th: float = 0.0,
    cat_label_th: float = 0.0,
) -> GeneTask:
    """Apply filters, in the order of the parameters.

    Parameters
    ----------
    task : GeneTask
    exclude : collection of str, optional
        Rows go where any entity is one of these.
    include : collection of str, optional
        Rows stay where all entities are among these.
    label : str, optional
        Of a multi-label task: make it the binary task of this label.
    frac : float
        Share of the rows to keep, over 0 and up to 1; their order stays.
    seed : int
        Of the sample, not negative. With one seed, the rows of a smaller share are among those of
        a larger one.
    multi_label_th : float
        Of a multi-label task: labels stay whose mean is larger. 0 keeps all.
    cat_label_th : float
        Of a task of classes: rows stay whose class has a larger share of the rows. 0 keeps all.

    Returns
    -------
    GeneTask
        With a note for each filter that was asked for: how much it left out.

    Raises
    ------
    UnknownNameError
        If there is no such label.
    UsageError
        If a number is out of its bounds, a filter does not go with the kind of the task, or
        nothing is left.
    """
    _check(frac, seed, multi_label_th, cat_label_th)
    if exclude is not None:
        listed = _listed(task, exclude)
        task = _keep(task, ~np.any(listed, axis=1), f"exclude list of {len(exclude):,}")
    if include is not None:
        listed = _listed(task, include)
        task = _keep(task, np.all(listed, axis=1), f"include list of {len(include):,}")
    if label is not None:
        task = pick_label(task, label)
    if frac < 1:
        sampled = _sampled(len(task), frac, seed)
        task = _keep(task, sampled, f"sample of {frac:g} with seed {seed}")
    if multi_label_th:
        task = _frequent_labels(task, multi_label_th)
    if cat_label_th:
        task = _frequent_classes(task, cat_label_th)
    return task


def pick_label(task: GeneTask, label: str) -> GeneTask:
    """Make the binary task of one label of a multi-label task.

    Parameters
    ----------
    task : GeneTask
    label : str

    Returns
    -------
    GeneTask
        Named ``task;label``; positive class ``1``, negative class ``0``, which may be constant.

    Raises
    ------
    UnknownNameError
        If there is no such label.
    UsageError
        If the task is of another kind.
    """
    if task.kind != "multi-label":
        raise UsageError(
            f"Task '{task.name}' is {task.kind}: only of a multi-label task can the label "
            f"'{label}' be picked"
        )
    if label not in task.labels:
        raise UnknownNameError(f"label of task '{task.name}'", label, task.labels)
    column = task.labels.index(label)
    return replace(
        task,
        name=f"{task.name};{label}",
        kind="binary",
        labels=("1",),
        targets=task.targets[:, [column]],
        negative="0",
    )


def _check(frac: float, seed: int, multi_label_th: float, cat_label_th: float) -> None:
    if not 0 < frac <= 1:
        raise UsageError(f"frac is the share of rows to keep, over 0 and up to 1, not {frac}")
    if seed < 0:
        raise UsageError(f"seed is 0 or more, not {seed}")
    for name, value in (("multi_label_th", multi_label_th), ("cat_label_th", cat_label_th)):
        if not 0 <= value < 1:
            raise UsageError(f"{name} is a share, from 0 to under 1, not {value}")


def _listed(task: GeneTask, symbols: Collection[str]) -> NDArray[np.bool_]:
    """Say of every entity whether it is one of `symbols`, bool[n, n_columns]."""
    known = pl.Series(sorted(set(symbols)), dtype=pl.String)
    return task.entities.select(pl.all().is_in(known.implode())).to_numpy()


def _keep(task: GeneTask, keep: NDArray[np.bool_], why: str) -> GeneTask:
    kept = task.keep_rows(keep, f"{why}: {(~keep).sum():,} of {len(task):,} rows left out")
    if not len(kept):
        raise UsageError(f"Task '{task.name}': {why}: none of {len(task):,} rows is left")
    return kept


def _sampled(n: int, frac: float, seed: int) -> NDArray[np.bool_]:
    # The bare stream of the generator: NumPy keeps it the same for ever, unlike its `choice`.
    order = np.random.PCG64(seed).random_raw(n).argsort(kind="stable")
    keep = np.zeros(n, dtype=np.bool_)
    keep[order[: round(frac * n)]] = True
    return keep


def _frequent_labels(task: GeneTask, threshold: float) -> GeneTask:
    if task.kind != "multi-label":
        raise UsageError(f"multi_label_th is for multi-label tasks; '{task.name}' is {task.kind}")
    frequent = task.targets.mean(axis=0) > threshold
    if not frequent.any():
        raise UsageError(
            f"Task '{task.name}': none of {len(task.labels):,} labels has a mean over {threshold:g}"
        )
    note = (
        f"labels with a mean over {threshold:g}: "
        f"{(~frequent).sum():,} of {len(task.labels):,} labels left out"
    )
    return replace(
        task,
        labels=tuple(task.labels[column] for column in np.flatnonzero(frequent)),
        targets=task.targets[:, frequent],
        notes=(*task.notes, note),
    )


def _frequent_classes(task: GeneTask, threshold: float) -> GeneTask:
    if task.kind not in ("multi-class", "binary"):
        raise UsageError(f"cat_label_th is for tasks of classes; '{task.name}' is {task.kind}")
    # Of a binary task the negative class is the other column.
    columns = (
        task.targets if task.kind == "multi-class" else np.hstack([1 - task.targets, task.targets])
    )
    frequent = columns.mean(axis=0) > threshold
    if frequent.sum() < 2:
        raise UsageError(
            f"Task '{task.name}': fewer than two of its classes have a share over {threshold:g}"
        )
    keep = np.any(columns[:, frequent], axis=1)
    return _keep(task, keep, f"classes with a share over {threshold:g}")
