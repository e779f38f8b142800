"""Scores that others published, as the declarations of the suites hold them, as results.

Of each table and model there is one result a task, and one for each group of tasks of which a mean
was published. `settings["source"]` names the table: two tables may tell different figures of one
model, and both stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genomark.benchmarks.rna.design_suite import SUITE as DESIGN
from genomark.benchmarks.rna.design_suite import design_benchmark, suite_ids
from genomark.benchmarks.sequences.declared import read_shipped
from genomark.benchmarks.sequences.published import PublishedScore, published_scores
from genomark.benchmarks.sequences.suites import sequence_suite, sequence_suites
from genomark.digests import digest_of
from genomark.errors import UnknownNameError
from genomark.results.collection import Results
from genomark.results.guanine_scores import SOURCE as GUANINE
from genomark.results.guanine_scores import declared_guanine_scores
from genomark.results.reported import (
    PUBLISHED,
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.scoring import MetricRow, Result


def declared_suites() -> list[str]:
    """Name the suites that such scores can be told of."""
    return [*sequence_suites(), DESIGN]


def declared_scores(suite: str) -> Results:
    """Give what others published of a suite.

    Parameters
    ----------
    suite : str

    Returns
    -------
    Results
        Task after task, then groups; none where nothing was published. A model's id begins with
        ``published:``; no row has an interval.

    Raises
    ------
    UnknownNameError
        If there is no such suite, or nothing of it is declared.
    """
    if suite not in declared_suites():
        raise UnknownNameError("suite with published scores", suite, declared_suites())
    if suite == GUANINE:
        return declared_guanine_scores()
    if suite == DESIGN:
        return Results([each for id in suite_ids() for each in _of_design(id)])
    found = [each for task in sequence_suite(suite).ids for each in _of_task(task)]
    return Results([*found, *_of_groups(suite)])


def _of_task(task: str) -> Iterator[Result]:
    declared = read_shipped(task)
    scores = published_scores(declared.published)
    yield from _results(task, declared.title, declared.metrics[0], scores)


def _of_design(id: str) -> Iterator[Result]:
    benchmark = design_benchmark(id)
    scores = benchmark.list.published_scores()
    yield from _results(id, benchmark.title, benchmark.headlines[0], scores)


def _of_groups(suite: str) -> Iterator[Result]:
    told = sequence_suite(suite)
    groups: dict[str | None, list[PublishedScore]] = {}
    for score in told.published:
        groups.setdefault(score.group, []).append(score)
    for group, scores in groups.items():
        id, title = (suite, told.title) if group is None else (f"{suite}/{group}", f"group {group}")
        yield from _results(id, title, scores[0].metric, scores)


def _results(
    id: str, title: str, headline: str, scores: Iterable[PublishedScore]
) -> Iterator[Result]:
    """Make one result of each table and model."""
    found: dict[tuple[str, str], list[PublishedScore]] = {}
    for score in scores:
        found.setdefault((score.source, score.model), []).append(score)
    for (source, model), told in found.items():
        yield _result(id, title, headline, source, model, told)


def _result(
    id: str, title: str, headline: str, source: str, model: str, scores: list[PublishedScore]
) -> Result:
    rows = [_row(score) for score in scores]
    if (headline, None) not in {(row.name, row.group) for row in rows}:
        rows.insert(0, reported_row(headline, None, "not published"))
    first = scores[0]
    remarks = [f"corrected: {score.corrected}" for score in scores if score.corrected]
    notes = [f"self-reported: {source}, not computed here", *first.caveats, *remarks]
    return reported_result(
        reported_benchmark(id, f"{title}, as published", [PUBLISHED, id]),
        reported_model(f"{PUBLISHED}{model}", [source, model], notes),
        rows,
        headline=[headline],
        source=source,
        content=digest_of([source, scores]),
        settings={"scale": first.scale, "remarks": remarks},
    )


def _row(score: PublishedScore) -> MetricRow:
    told = f"; corrected: {score.corrected}" if score.corrected else ""
    return reported_row(
        score.metric, score.value, f"as published; no interval{told}", group=score.label
    )
