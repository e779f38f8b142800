"""One table of GUANinE: models down, tasks across, scores computed here before published ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from genomark.benchmarks.sequences.declared import read_shipped
from genomark.errors import UsageError
from genomark.results.collection import Failed, Results, Skipped, headlines
from genomark.results.guanine_scores import PREFIX, SCORE, TASKS
from genomark.results.task_scores import is_reference
from genomark.scoring import Result

SCHEMA = {
    "model": pl.String,
    "asked_as": pl.String,
    "published": pl.Boolean,
    "task": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "remarks": pl.String,
}
#: Stands for a task in the rows of means.
MEAN = "mean"

#: Whether a line is of published scores, its model, and what is not as usual of the question.
_Key = tuple[bool, str, str]


@dataclass(frozen=True)
class Score:
    """Spearman correlation times 100 of one model on one task, or why there is none.

    Attributes
    ----------
    value, interval
        None where there is none; no published score has an interval.
    n : int
        Rows that were asked; 0 where it is not told.
    reason : str
        Why there is no value.
    remarks : tuple of str
        What is to be known of it: that it stands corrected, or cannot be right.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    n: int = 0
    reason: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One model: its scores by task, and their mean over the tasks that are averaged.

    `asked_as` is what is not as usual of the question, such as ``train=1per``; empty if nothing is.
    """

    model: str
    asked_as: str
    published: bool
    scores: Mapping[str, Score]
    mean: Score

    @property
    def name(self) -> str:
        """Model, and how it was asked where that is not as usual."""
        return f"{self.model} ({self.asked_as})" if self.asked_as else self.model


@dataclass(frozen=True)
class GuanineTable:
    """Models and tasks.

    Attributes
    ----------
    tasks : tuple of str
        Ids, in the order of the suite; those that some model has a score of.
    averaged : tuple of str
        Tasks that means are over.
    lines : tuple of Line
        Models asked here and then published ones, each best mean first.
    sources : tuple of str
        What is told of where published scores are from.
    left_out : tuple of str
        What was skipped, failed, or is of another suite.
    """

    tasks: tuple[str, ...]
    averaged: tuple[str, ...]
    lines: tuple[Line, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]

    def frame(self) -> pl.DataFrame:
        """Give a row for each model and task, and one of task `MEAN` for each model.

        Returns
        -------
        polars.DataFrame
            Columns of `SCHEMA`, lines in order. Where there is no value, `remarks` says why.
        """
        rows = []
        for line in self.lines:
            told = {MEAN: line.mean, **{task: line.scores.get(task) for task in self.tasks}}
            for task, score in told.items():
                if score is None:
                    continue
                low, high = score.interval or (None, None)
                said = "; ".join(filter(None, (score.reason, *score.remarks))) or None
                named = line.model, line.asked_as or None, line.published, task
                rows.append((*named, score.value, low, high, score.n or None, said))
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def guanine_table(
    results: Results, published: Iterable[Result] = (), *, common_tasks: bool = False
) -> GuanineTable:
    """Lay scores side by side.

    Parameters
    ----------
    results : Results
        Of any benchmarks; of a model that was asked a task more than once the last counts.
    published : iterable of Result
        As `read_guanine_scores` gives them. Such among `results` are published ones, too.
    common_tasks : bool
        Average only over tasks that all have a value for.

    Returns
    -------
    GuanineTable
        Means are over tasks with ordered classes that both a model asked here and a published one
        have a value for (where there are only the ones or only the others: that any of them has).
        A model that lacks one has no mean, as another's would be over other tasks.

    Raises
    ------
    UsageError
        If there are no results on tasks of GUANinE.
    """
    latest = _latest([*results, *published])
    if not latest:
        raise UsageError(
            "no results on tasks of GUANinE to report on: run some first, such as "
            "genomark run -b suite:guanine"
        )
    scores = {
        key: {task: _score(result) for task, result in of.items()} for key, of in latest.items()
    }
    known = {
        key: of
        for key, of in scores.items()
        if any(score.value is not None for score in of.values())
    }
    averaged = _averaged(known, common_tasks)
    lines = [
        Line(model, asked_as, reference, of, _mean(of, averaged))
        for (reference, model, asked_as), of in known.items()
    ]
    tasks = {task for of in known.values() for task in of}
    silent = {key: of for key, of in scores.items() if key not in known}
    return GuanineTable(
        tasks=(*(task for task in TASKS if task in tasks), *sorted(tasks - set(TASKS))),
        averaged=averaged,
        lines=tuple(sorted(lines, key=_best_first)),
        sources=_sources(latest),
        left_out=(*_without_values(silent), *_left_out(results)),
    )


def short_name(task: str) -> str:
    """Name a task as the columns of the published table do."""
    return task.removeprefix(PREFIX).removesuffix("_propensity")


def _latest(results: Iterable[Result]) -> dict[_Key, dict[str, Result]]:
    found: dict[_Key, dict[str, Result]] = {}
    for result in sorted(results, key=lambda each: each.finished):
        if result.benchmark.id.startswith(PREFIX):
            task, _, asked_as = result.benchmark.id.partition(":")
            key = is_reference(result), result.model.id, asked_as
            found.setdefault(key, {})[task] = result
    return found


def _score(result: Result) -> Score:
    """Take the row that tables show first."""
    row = result.metric(headlines(result)[0])
    remarks = list(result.settings.get("remarks", ()))
    limit = result.settings.get("limit")
    if limit is not None:
        remarks.append(f"of {limit:,} rows only (--limit)")
    if row.value is None:
        return Score(None, reason=row.reason_if_null or "undefined", remarks=tuple(remarks))
    if not row.name.endswith(SCORE):
        raise UsageError(
            f"{result.benchmark.id}, {result.model.id}: expected {SCORE} as its first metric, "
            f"found {row.name}: not a result of a benchmark of GUANinE"
        )
    return Score(row.value, row.interval, row.n, remarks=tuple(remarks))


def _averaged(scores: Mapping[_Key, Mapping[str, Score]], common_tasks: bool) -> tuple[str, ...]:
    """Choose the tasks of which means are.

    Tasks of two classes stay out of them: no score without ties exceeds 86.60 there.
    """
    ordered = {task for task in TASKS if read_shipped(task).classes}
    known = [
        (reference, {task for task in of if of[task].value is not None} & ordered)
        for (reference, *_), of in scores.items()
    ]
    if common_tasks:
        # Whoever has no such task at all, as models of variants do, has no say in it.
        of_all = [found for _, found in known if found]
    else:
        of_all = [
            set[str]().union(*(found for is_one, found in known if is_one == reference))
            for reference in dict.fromkeys(reference for reference, _ in known)
        ]
    wanted = set.intersection(*of_all) if of_all else set()
    return tuple(task for task in TASKS if task in wanted)


def _mean(scores: Mapping[str, Score], averaged: Sequence[str]) -> Score:
    lacking = [task for task in averaged if task not in scores or scores[task].value is None]
    if not averaged:
        return Score(None, reason="no task to average over")
    if lacking:
        names = ", ".join(map(short_name, lacking))
        return Score(None, reason=f"no value for {names}")
    found = [scores[task] for task in averaged]
    value = math.fsum(each.value or 0.0 for each in found) / len(found)
    intervals = [each.interval for each in found if each.interval is not None]
    if len(intervals) < len(found):
        return Score(value)
    # Tasks share sequences. The mean of the ends is wide enough however much they have in common.
    low, high = (math.fsum(ends) / len(found) for ends in zip(*intervals, strict=True))
    return Score(value, (low, high))


def _best_first(line: Line) -> tuple[object, ...]:
    value = line.mean.value
    known = sum(score.value is not None for score in line.scores.values())
    return line.published, value is None, -(value or 0.0), -known, line.model, line.asked_as


def _sources(latest: Mapping[_Key, Mapping[str, Result]]) -> tuple[str, ...]:
    """Tell once what is told of published scores, but for what is told of a single one."""
    notes = [
        note
        for (reference, *_), of in sorted(latest.items(), key=lambda each: each[0])
        if reference
        for task in TASKS
        if task in of
        for note in of[task].model.notes
        if note not in of[task].settings.get("remarks", ())
    ]
    return tuple(dict.fromkeys(notes))


def _without_values(silent: Mapping[_Key, Mapping[str, Score]]) -> list[str]:
    return [
        f"{model}, {short_name(task)}: {score.reason}"
        for (_, model, _), of in sorted(silent.items(), key=lambda each: each[0])
        for task, score in of.items()
    ]


def _left_out(results: Results) -> tuple[str, ...]:
    told = []
    others = sum(not each.benchmark.id.startswith(PREFIX) for each in results)
    if others:
        told.append(f"{others:,} result{'' if others == 1 else 's'}: not of GUANinE")
    entries: list[Skipped | Failed] = [*results.skipped, *results.failed]
    told += [
        f"{type(each).__name__.lower()} "
        f"{' × '.join(filter(None, (each.benchmark, each.model)))}: {each.reason}"
        for each in entries
    ]
    return tuple(told)
