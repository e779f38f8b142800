"""The headline of every model on every task on genes, one row each: what families are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import polars as pl

from genomark.results.collection import Results, headlines
from genomark.results.gene_task_names import same_task
from genomark.results.published_scores import ROC_AUC
from genomark.scoring import MetricRow, Result

#: Which scale a metric is on. AUROC and a published figure that stands for it are on one.
_MEASURES = {"auroc": "AUROC", "mean_auroc": "AUROC", ROC_AUC: "AUROC"}

SCHEMA = {
    "task": pl.String,
    "title": pl.String,
    "family": pl.String,
    "measure": pl.String,
    "metric": pl.String,
    "model": pl.String,
    "reference": pl.Boolean,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "reason": pl.String,
}


def task_scores(results: Iterable[Result], published: Iterable[Result] = ()) -> pl.DataFrame:
    """Take the headline of each result that is about genes.

    Parameters
    ----------
    results, published : iterable of Result
        Results that were read from reports of others are references, in either.

    Returns
    -------
    polars.DataFrame
        Columns `task` (one id for a task, whatever it was asked as), `title`, `family`, `measure`
        (``AUROC`` for all classes; values are not averaged with those of another measure),
        `metric`, `model`, `reference`, `value`, `low`, `high`, `n` (genes or pairs), `reason` (why
        there is no value). Of several results of a model on a task the last to finish counts.
    """
    latest: dict[tuple[str, str], Result] = {}
    for result in sorted([*results, *published], key=_age):
        if "family" in result.settings:
            latest[same_task(result.benchmark.id), result.model.id] = result
    titles: dict[str, str] = {}
    for (task, _), result in latest.items():
        if not is_reference(result):
            titles.setdefault(task, result.benchmark.title)
    rows = []
    for (task, model), result in latest.items():
        row = _headline(result)
        low, high = row.interval or (None, None)
        rows.append(
            {
                "task": task,
                "title": titles.get(task, result.benchmark.title),
                "family": result.settings["family"],
                "measure": _MEASURES.get(row.name, row.name),
                "metric": row.name,
                "model": model,
                "reference": is_reference(result),
                "value": row.value,
                "low": low,
                "high": high,
                "n": row.n,
                "reason": row.reason_if_null,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def is_reference(result: Result) -> bool:
    """Whether a result was read from a report of others."""
    return "source" in result.settings


def caveats(results: Results) -> list[str]:
    """Say what a reader of a table over tasks should know of how it came to be."""
    own = [each for each in results if "family" in each.settings and not is_reference(each)]
    told = []
    others = sum("family" not in each.settings for each in results)
    if others:
        told.append(f"{_results(others)} left out: not about genes")
    asked = Counter((same_task(each.benchmark.id), each.model.id) for each in own)
    older = sum(count - 1 for count in asked.values())
    if older:
        told.append(f"{_results(older)} left out: the model was asked the task again later")
    newest = {(same_task(each.benchmark.id), each.model.id): each for each in sorted(own, key=_age)}
    questions: dict[str, set[object]] = {}
    for (task, _), result in newest.items():
        asked_as = (result.benchmark.digest, result.seed, result.settings["limit"])
        questions.setdefault(task, set()).add(asked_as)
    told.extend(
        f"{task}: models were asked {len(asked)} versions of it (other options, seeds, or a "
        "--limit), so their values cannot be compared"
        for task, asked in questions.items()
        if len(asked) > 1
    )
    return told


def _results(number: int) -> str:
    return f"{number:,} result{'' if number == 1 else 's'}"


def _age(result: Result) -> tuple[bool, str]:
    """Order by time; what has no time of its own comes first."""
    return not is_reference(result), result.finished


def _headline(result: Result) -> MetricRow:
    """Give the row that ranks; of a report of others its own figure, or else the first it has."""
    rows = {row.name: row for row in result.metrics if row.group is None}
    first = rows[headlines(result)[0]]
    if not is_reference(result):
        return first
    if ROC_AUC in rows:
        return rows[ROC_AUC]
    return next((row for row in rows.values() if row.value is not None), first)
