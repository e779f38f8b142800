"""One task, made ready to be asked: its rows, the labels that can be judged, and the folds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.genes.options import GeneOptions
from genomark.errors import UsageError
from genomark.genes import GeneTask, filter_task
from genomark.probes import labels_to_leave_out, make_folds

#: Labels named in a note before it says how many more there are.
_NAMED = 5
#: Seed of the control that shuffles answers.
_PERMUTATION = 20110401


def prepared(task: GeneTask, options: GeneOptions) -> GeneTask:
    """Filter a task, and leave out labels and classes with too few genes; each in a note.

    Raises
    ------
    UsageError
        If nothing is left that can be judged.
    """
    task = filter_task(
        task,
        exclude=options.exclude,
        include=options.include,
        frac=options.sub_sample,
        multi_label_th=options.label_threshold if task.kind == "multi-label" else 0.0,
        cat_label_th=options.class_threshold if task.kind == "multi-class" else 0.0,
    )
    if options.probe.permuted:
        order = np.random.Generator(np.random.PCG64(_PERMUTATION)).permutation(len(task))
        shuffled = np.ascontiguousarray(task.targets[order])
        note = "a control: answers were shuffled among the rows"
        task = replace(task, targets=shuffled, notes=(*task.notes, note))
    if task.kind == "regression":
        return task
    out = labels_to_leave_out(
        task.targets, task.labels, options.min_positives, entity_numbers(task)
    )
    if not out:
        return task
    named = "; ".join(f"{label} ({reason})" for label, reason in out[:_NAMED])
    more = f"; and {len(out) - _NAMED:,} more" if len(out) > _NAMED else ""
    left = {label for label, _ in out}
    kept = np.array([label not in left for label in task.labels])
    if kept.sum() < (2 if task.kind == "multi-class" else 1):
        raise UsageError(f"Task '{task.name}': too few genes to judge {named}{more}")
    note = f"{len(out):,} of {len(task.labels):,} labels left out: {named}{more}"
    if task.kind == "multi-class":
        note = note.replace("labels", "classes", 1)
        task = task.keep_rows(task.targets[:, kept].sum(axis=1) > 0)
        return replace(task, notes=(*task.notes, note))
    return replace(
        task,
        labels=tuple(label for label in task.labels if label not in left),
        targets=np.ascontiguousarray(task.targets[:, kept]),
        notes=(*task.notes, note),
    )


def entity_numbers(task: GeneTask) -> NDArray[np.int64] | None:
    """Number the entities of each row: the same gene or pair, in either order, the same number.

    None where no entities are there twice.
    """
    if task.entities.width == 1:
        names = task.entities.to_series()
        return _numbers(names) if names.n_unique() < len(names) else None
    both = _numbers_of_both(task)
    pairs = both.min(axis=1) * (both.max(initial=0) + 1) + both.max(axis=1)
    known, numbers = np.unique(pairs, return_inverse=True)
    return numbers.astype(np.int64) if known.size < pairs.size else None


def cluster_numbers(task: GeneTask) -> NDArray[np.int64]:
    """Number what is resampled: the gene of each row, int64[n], or both of a pair, int64[n, 2]."""
    if task.entities.width == 1:
        return _numbers(task.entities.to_series())
    return _numbers_of_both(task)


def _numbers_of_both(task: GeneTask) -> NDArray[np.int64]:
    kinds = [kind_of(column) for column in task.entities.columns]
    # A gene and a disease may have the same name; two genes with the same name are one.
    first, second = (
        task.entities[column] if kind == kinds[0] else kind + "\t" + task.entities[column]
        for column, kind in zip(task.entities.columns, kinds, strict=True)
    )
    numbers = _numbers(pl.concat([first, second.alias(first.name)]))
    return numbers.reshape(2, -1).T.copy()


def _numbers(values: pl.Series) -> NDArray[np.int64]:
    return numbered(values)[0]


def numbered(values: pl.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Number strings from 0, in sorted order: the numbers, int64[n], and what they stand for."""
    known = values.unique().sort()
    return values.cast(pl.Enum(known)).to_physical().to_numpy().astype(np.int64), known.to_list()


def kind_of(column: str) -> str:
    """Say what an entity column names: ``symbol`` for genes, else its own name."""
    return "symbol" if column.lower().startswith("symb") else column


def item_ids(task: GeneTask) -> pl.Series:
    """Name each row: its gene, or its pair; a number tells repetitions apart."""
    ids = task.entities.select(item_id=pl.concat_str(pl.all(), separator=" + ")).to_series()
    repeated = ids.is_duplicated()
    if not repeated.any():
        return ids
    # A window over all of many pairs, of which few repeat, takes most of a second.
    again = pl.int_range(pl.len()).over("item_id")
    numbered = (
        ids.filter(repeated)
        .to_frame()
        .select(
            pl.when(again == 0)
            .then("item_id")
            .otherwise(pl.format("{} #{}", "item_id", again + 1))
            .alias("item_id")
        )
    )
    return ids.scatter(repeated.arg_true(), numbered.to_series())


@dataclass(frozen=True)
class Question:
    """The rows that are asked, and how they are cut.

    Attributes
    ----------
    task : GeneTask
        These rows alone.
    ids : polars.Series of String
        Of the rows.
    folds : ndarray of int8, shape (repeats, n)
    notes : tuple of str
    """

    task: GeneTask
    ids: pl.Series
    folds: NDArray[np.int8]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, task: GeneTask, options: GeneOptions, seed: int) -> Question:
        """Cut a task into folds by seed and name, so that they are the same for every model."""
        probe = options.probe
        ids = item_ids(task)
        made = make_folds(
            task.kind,
            task.targets,
            n_folds=probe.folds,
            seed=seed,
            repeats=probe.repeats,
            clusters=entity_numbers(task),
            groups=task.groups,
            names=ids.to_list(),
            labels=task.labels,
        )
        return cls(task, ids, made.fold, made.notes)
