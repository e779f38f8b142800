"""Scores that gene-benchmark wrote or its authors published, as results to lay beside one's own.

Two forms are read: the report of `run_task` (a row a task and model, ``test_`` columns with the
values of the folds) and the long form of its notebooks (a row a task, model, fold and metric).
Values are means over folds. Nothing in them says what other genes would give, so no row has an
interval; a figure keeps a name of this project only where it is the same quantity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from genomark.digests import digest_of_file
from genomark.errors import UsageError
from genomark.genes import Kind
from genomark.genes.text_table import read_text_table
from genomark.results.collection import Results
from genomark.results.gene_task_names import known_task, task_id
from genomark.results.reported import (
    NOT_PUBLISHED,
    PUBLISHED,
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.scoring import LABEL_HEADLINES, MetricRow, Result

#: What `settings["source"]` of such a result says.
SOURCE = "gene-benchmark"
#: The published figure whatever it is: of multi-label tasks the AUROC of hard labels.
ROC_AUC = "roc_auc_published"

_LONG = ("task_name", "model_name", "fold", "metric", "score")
_TEST = "test_"
_KINDS: dict[str, Kind] = {
    "binary": "binary",
    "derived bin": "binary",
    "category": "multi-class",
    "multi label": "multi-label",
    "regression": "regression",
}
#: Metrics that only one kind of task has, in either form of file.
_TELLING: dict[str, Kind] = {
    "hamming": "multi-label",
    "r2": "regression",
    "roc_auc_ovr_weighted": "multi-class",
    "roc_auc_weighted": "multi-label",
}
_WEIGHTED = {name: f"{name}_weighted" for name in ("precision", "recall", "f1")}
#: What a metric is called here, by kind of task; others are called ``..._published``. Precision,
#: recall and F1 of a binary task are of the class that sorts first, so they are among these.
_NAMES: dict[Kind, dict[str, str]] = {
    "binary": {"roc_auc": "auroc", "accuracy": "accuracy"},
    "multi-class": {"roc_auc": "weighted_auroc", "accuracy": "accuracy", **_WEIGHTED},
    "multi-label": {
        "roc_auc": "weighted_balanced_accuracy",
        "hamming": "hamming_loss",
        "accuracy": "exact_match_accuracy",
        **_WEIGHTED,
    },
    "regression": {
        "r2": "r2",
        "neg_root_mean_squared_error": "rmse",
        "neg_mean_absolute_error": "mae",
    },
}
#: Told with the sign turned round by scikit-learn, which wants more to be better.
_NEGATED = frozenset({"rmse", "mae"})
_HARD = "of hard labels, which is the balanced accuracy"


@dataclass
class _Reported:
    """What a file says of one model on one task."""

    model: str
    task: str
    group: str
    kind: Kind | None
    rows: int = 0
    #: Value of each fold, by metric.
    folds: dict[str, dict[str, float]] = field(default_factory=dict)
    replaced: bool = False


def read_published_scores(path: str | Path) -> Results:
    """Read a report of gene-benchmark, or its scores in the long form.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8. Where a model was run on a task more than once, the last counts.

    Returns
    -------
    Results
        One for each model and task, in the order of the file. A model's id begins with
        ``published:``; a task has the id of the benchmark that asks it here. `ROC_AUC` is the
        file's own figure for every kind of task.

    Raises
    ------
    UsageError
        If it is neither, or a score is not a number.
    """
    path = Path(path)
    table = read_text_table(path)
    tests = [name for name in table.columns if name.startswith(_TEST)]
    if set(_LONG) <= set(table.columns):
        reported = _from_long(table, path)
    elif "task_name" in table.columns and tests:
        reported = _from_report(table, tests, path)
    else:
        raise UsageError(
            f"{path}: neither a report of run_task (columns task_name and test_...) nor scores in "
            f"the long form ({', '.join(_LONG)}); found {', '.join(table.columns)}"
        )
    if not reported:
        raise UsageError(f"{path}: there are no rows below the header")
    content = digest_of_file(path)
    return Results([_result(each, path.name, content) for each in reported])


def _from_long(table: pl.DataFrame, path: Path) -> list[_Reported]:
    found: dict[tuple[str, str], _Reported] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        task = _full_name(row)
        model = row.get("Model") or row["model_name"]
        kind = _KINDS.get(row.get("task_type", ""))
        each = found.setdefault(
            (model, task), _Reported(model, task, row.get("task_group", ""), kind)
        )
        folds = each.folds.setdefault(_plain(row["metric"]), {})
        each.replaced |= row["fold"] in folds
        folds[row["fold"]] = _number(row["score"], f"{path}, row {number}: column 'score'")
        each.kind = each.kind or _TELLING.get(row["metric"])
    return list(found.values())


def _from_report(table: pl.DataFrame, tests: list[str], path: Path) -> list[_Reported]:
    found: dict[tuple[str, str], _Reported] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        task = _full_name(row)
        model = row.get("model_name") or row.get("encoder_model_name")
        if not model:
            raise UsageError(
                f"{path}, row {number}: no model_name and no encoder_model_name; name the model"
            )
        each = _Reported(model, task, "", None, rows=_whole(row.get("sample_size", "")))
        for column in tests:
            if row[column]:
                where = f"{path}, row {number}: column '{column}'"
                values = [_number(value, where) for value in row[column].split(",")]
                metric = column.removeprefix(_TEST)
                each.folds[_plain(metric)] = {str(k): value for k, value in enumerate(values)}
                each.kind = each.kind or _TELLING.get(metric) or _TELLING.get(_plain(metric))
        each.kind = each.kind or ("binary" if "roc_auc" in each.folds else None)
        each.replaced = (model, task) in found
        found[model, task] = each
    return list(found.values())


def _full_name(row: Mapping[str, str]) -> str:
    label = row.get("sub_task", "")
    return f"{row['task_name']};{label}" if label else row["task_name"]


def _plain(metric: str) -> str:
    """Name a metric as the long form does, in which every kind of task has the same names."""
    name = metric.replace("_weighted", "").replace("_ovr", "")
    return "hamming" if name == "hamming_loss" else name


def _number(text: str, where: str) -> float:
    """Read a score; an empty one is none."""
    try:
        return float(text) if text else math.nan
    except ValueError as error:
        raise UsageError(f"{where}: expected a number, found '{text}'") from error


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _result(each: _Reported, file: str, content: str) -> Result:
    known = known_task(each.task)
    kind = each.kind or (known.kind if known and ";" not in each.task else "binary")
    family = each.group.lower() or (known.family if known else "of users")
    metrics = list(_metric_rows(each, kind))
    notes = [f"self-reported: read from {file}, not computed here"]
    if each.replaced:
        notes.append(f"{each.task}: there more than once in {file}; the last counts")
    return reported_result(
        reported_benchmark(
            task_id(each.task), f"{each.task}, as {SOURCE} reported it", [SOURCE, each.task]
        ),
        reported_model(f"{PUBLISHED}{each.model}", [SOURCE, each.model], notes),
        metrics,
        headline=_headline(kind, metrics),
        source=SOURCE,
        content=content,
        settings={"family": family, "task_kind": kind},
        n=each.rows,
    )


def _metric_rows(each: _Reported, kind: Kind) -> Iterator[MetricRow]:
    """Mean of each metric; then, without a value, what tables show of such tasks and it lacks."""
    given = set()
    for metric, folds in each.folds.items():
        name = _NAMES[kind].get(metric, f"{metric}_published")
        hard = f" ({_HARD})" if metric == "roc_auc" and kind == "multi-label" else ""
        yield _mean(name, list(folds.values()), each.rows, hard)
        given.add(name)
        if metric == "roc_auc":
            yield _mean(ROC_AUC, list(folds.values()), each.rows, hard)
    for name in LABEL_HEADLINES[kind][:2]:
        if name not in given:
            yield reported_row(name, None, NOT_PUBLISHED, n=each.rows)


def _mean(name: str, folds: list[float], rows: int, remark: str) -> MetricRow:
    known = [value for value in folds if math.isfinite(value)]
    whole = len(known) == len(folds)
    mean = math.fsum(known) / len(folds) if whole else None
    return reported_row(
        name,
        -mean if mean is not None and name in _NEGATED else mean,
        f"mean of {len(folds)} folds as published{remark}; no interval over genes",
        missing=f"no number in {len(folds) - len(known)} of {len(folds)} folds",
        n=rows,
    )


def _headline(kind: Kind, metrics: list[MetricRow]) -> list[str]:
    """Give the row that ranks, as everywhere; where it was not published, its stand-in too."""
    first = LABEL_HEADLINES[kind][0]
    values = {row.name: row.value for row in metrics if row.name != ROC_AUC}
    if values[first] is not None:
        return [first]
    return [first, *[name for name, value in values.items() if value is not None][:1]]
