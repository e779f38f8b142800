"""The report that gene-benchmark's `run_task` writes, of evaluations made here.

One row a task and model, in its columns and order, so that scripts that read its reports read these
too. `docs/gene-benchmark.md` says where a column means something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.atomic import write_whole
from genomark.benchmarks import Benchmark, GeneBenchmark
from genomark.errors import UsageError
from genomark.genes import GeneTask, Kind
from genomark.results.gene_task_names import name_of
from genomark.scoring import LabelAnswers, Result, fold_values

Floats = NDArray[np.float64]
#: A result, the benchmark that asked, and the file of the predictions.
Evaluated = tuple[Result, Benchmark, Path]

#: Its scorers in its order, each by its name in `fold_values` and with its sign. Beside its
#: ``roc_auc_weighted`` of multi-label tasks, which it takes from hard labels, stands the AUROC of
#: decision values, which it does not have.
_SCORERS: dict[Kind, dict[str, tuple[str, int]]] = {
    "binary": {name: (name, 1) for name in ("roc_auc", "accuracy", "precision", "recall", "f1")},
    "multi-class": {
        name: (name, 1)
        for name in (
            "roc_auc_ovr_weighted",
            "accuracy",
            "precision_weighted",
            "recall_weighted",
            "f1_weighted",
        )
    },
    "multi-label": {
        "roc_auc_weighted": ("balanced_accuracy_weighted", 1),
        "roc_auc_macro": ("roc_auc_macro", 1),
        "hamming_loss": ("hamming_loss", 1),
        "accuracy": ("accuracy", 1),
        "precision_weighted": ("precision_weighted", 1),
        "recall_weighted": ("recall_weighted", 1),
        "f1_weighted": ("f1_weighted", 1),
    },
    "regression": {
        "r2": ("r2", 1),
        "neg_root_mean_squared_error": ("rmse", -1),
        "neg_mean_absolute_error": ("mae", -1),
    },
}


def gene_benchmark_report(evaluations: Iterable[Evaluated]) -> pl.DataFrame:
    """Put together the rows of a report.

    Parameters
    ----------
    evaluations : iterable of (Result, Benchmark, Path)
        The path is that of the predictions (parquet). What is not about genes is passed over.

    Returns
    -------
    polars.DataFrame
        A row an evaluation. Columns that only some kinds of tasks have are empty in the others.
        For each scorer ``test_NAME`` holds the values of the test folds with commas between them,
        ``mean_NAME`` and ``sd_NAME`` their mean and population standard deviation, empty where a
        fold has no value.

    Raises
    ------
    UsageError
        If no evaluation is about genes.
    """
    rows = [
        pl.DataFrame([_row(result, benchmark, predictions)], infer_schema_length=None)
        for result, benchmark, predictions in evaluations
        if isinstance(benchmark, GeneBenchmark)
    ]
    if not rows:
        raise UsageError(
            "a report of gene-benchmark has rows for tasks on genes alone, and none was evaluated: "
            "ask some with -b suite:genes or -b tasks:FOLDER"
        )
    return pl.concat(rows, how="diagonal_relaxed")


def write_gene_benchmark_report(path: str | Path, evaluations: Iterable[Evaluated]) -> Path:
    """Write `gene_benchmark_report` as CSV, in place of what was there.

    Raises
    ------
    UsageError
        As `gene_benchmark_report`.
    WriteError
        If the file cannot be written.
    """
    target = Path(path)
    write_whole(target, gene_benchmark_report(evaluations).write_csv().encode())
    return target


def _row(result: Result, benchmark: GeneBenchmark, predictions: Path) -> dict[str, Any]:
    task, options = benchmark.task, benchmark.options
    frame = _with_rows(benchmark, predictions)
    name, _, label = name_of(benchmark.id, task.name).partition(";")
    first = frame.filter(pl.col("repeat") == 0)
    answered = first.filter(pl.col("value").is_not_null())["row"].to_numpy()
    row: dict[str, Any] = {"task_name": name}
    if label:
        row["sub_task"] = label
    row["base_prediction_model"] = str(options.probe)
    row["sample_size"] = answered.size
    if task.kind == "binary":
        row |= _classes(task, answered)
    row["encoder class"] = result.model.id.partition(":")[0]
    row["encoder_model_name"] = result.model.id
    if options.missing == "drop" and task.entities.width == 1:
        silent = first.filter(pl.col("value").is_null())["row"].to_numpy()
        row["num_missing_entities"] = task.entities.to_series()[silent].n_unique()
    row["allow_missing"] = "True"
    row["randomize_missing"] = str(options.missing == "noise")
    row |= _scores(_answers(task, frame), task)
    row["exclude_symbols_num"] = len(options.exclude or ())
    row["model_name"] = result.model.id
    row["post_processing"] = options.pairs
    row["frac"] = options.sub_sample
    return row


def _with_rows(benchmark: GeneBenchmark, predictions: Path) -> pl.DataFrame:
    """Read predictions, and find for each its row of the task."""
    frame = pl.read_parquet(predictions, columns=["item_id", "repeat", "fold", "value"])
    return frame.join(benchmark.items, on="item_id", how="left", maintain_order="left")


def _first_in_order(task: GeneTask) -> str:
    """Give the class that gene-benchmark takes for the positive one: the first in sorted order."""
    classes = (task.labels[0], task.negative or "")
    try:
        return min(classes, key=float)
    except ValueError:
        return min(classes)


def _classes(task: GeneTask, rows: NDArray[np.int64]) -> dict[str, str]:
    """Classes by falling size, and which of them precision, recall and F1 are about."""
    positives = int(task.targets[rows, 0].sum())
    sizes = {task.labels[0]: positives, task.negative or "": rows.size - positives}
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    return {
        "class_sizes": ",".join(str(sizes[name]) for name in ordered),
        "classes_names": ",".join(ordered),
        "positive_class": _first_in_order(task),
    }


def _answers(task: GeneTask, frame: pl.DataFrame) -> LabelAnswers:
    """Set what was answered beside the truth; the folds of each repeat are numbered on."""
    known = frame.filter(pl.col("value").is_not_null())
    fold = known["fold"].to_numpy().astype(np.int64)
    fold += known["repeat"].to_numpy().astype(np.int64) * (int(fold.max(initial=0)) + 1)
    scores = known["value"].explode().to_numpy().reshape(-1, len(task.labels))
    truth = task.targets[known["row"].to_numpy()]
    if task.kind == "binary" and _first_in_order(task) != task.labels[0]:
        scores, truth = -scores, 1.0 - truth
    return LabelAnswers(
        kind=task.kind,
        labels=task.labels,
        scores=scores,
        truth=truth,
        folds=np.unique(fold, return_inverse=True)[1].astype(np.int64),
        # Values of folds have no interval, so what would be drawn for one makes no difference.
        clusters=np.zeros(known.height, np.int64),
    )


def _scores(answers: LabelAnswers, task: GeneTask) -> dict[str, Any]:
    found = fold_values(answers)
    columns: dict[str, Any] = {}
    for name, (ours, sign) in _SCORERS[task.kind].items():
        values = sign * found[ours]
        known = values.size > 0 and bool(np.isfinite(values).all())
        columns[f"test_{name}"] = ",".join(repr(float(value)) for value in values)
        columns[f"mean_{name}"] = float(values.mean()) if known else None
        columns[f"sd_{name}"] = float(values.std()) if known else None
    return columns
