"""Results made of figures that others computed: what such a result can tell, and what it cannot.

Nothing of them was computed here, and nothing says what other rows would give: they have no
interval, no clusters and no cost, and their model is known by its name alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genomark.digests import digest_of
from genomark.scoring import (
    CONFIDENCE,
    SCHEMA_VERSION,
    BenchmarkIdentity,
    Cost,
    Coverage,
    MetricRow,
    ModelIdentity,
    Result,
)

#: Begins the ids of models whose scores were published.
PUBLISHED = "published:"
NOT_STATED = "not stated"
NOT_PUBLISHED = "not published"


def reported_benchmark(id: str, title: str, told: Sequence[str]) -> BenchmarkIdentity:
    """Name what was asked; its digest is of what is told of it."""
    return BenchmarkIdentity(id=id, version="as published", digest=digest_of(told), title=title)


def reported_model(id: str, told: Sequence[str], notes: list[str]) -> ModelIdentity:
    """Name what answered; its digest is of what is told of it."""
    return ModelIdentity(id=id, version=NOT_STATED, digest=digest_of(told), notes=notes)


def reported_row(
    name: str,
    value: float | None,
    method: str,
    *,
    group: str | None = None,
    missing: str = NOT_PUBLISHED,
    n: int = 0,
) -> MetricRow:
    """Make a row of a figure as it was reported.

    Parameters
    ----------
    name : str
    value : float or None
    method : str
    group : str, optional
    missing : str
        Why there is no value, if there is none.
    n : int
        Items that it is of; 0 where that is not told.
    """
    return MetricRow(
        name=name,
        group=group,
        value=value,
        reason_if_null=missing if value is None else None,
        interval=None,
        method=method,
        n=n,
        n_clusters=0,
    )


def reported_result(
    benchmark: BenchmarkIdentity,
    model: ModelIdentity,
    metrics: list[MetricRow],
    *,
    headline: list[str],
    source: str,
    content: str,
    settings: Mapping[str, Any],
    n: int = 0,
    when: str = NOT_STATED,
) -> Result:
    """Make a result of rows as they were reported.

    Parameters
    ----------
    benchmark : BenchmarkIdentity
    model : ModelIdentity
    metrics : list of MetricRow
    headline : list of str
        Names of the rows that rank.
    source : str
        What ``settings["source"]`` is to say.
    content : str
        Digest of what the figures were read from.
    settings : mapping
        Further ones.
    n : int
        Items that were asked and answered; 0 where that is not told.
    when : str
        When they were computed.
    """
    return Result(
        schema_version=SCHEMA_VERSION,
        benchmark=benchmark,
        model=model,
        metrics=metrics,
        coverage=Coverage(asked=n, answered=n, failed=[]),
        seed=0,
        settings={
            "replicates": 0,
            "confidence": CONFIDENCE,
            "limit": None,
            "headline": headline,
            "source": source,
            **settings,
        },
        environment={},
        cost=Cost(0.0, 0.0, 0, 0, 0),
        predictions_digest=content,
        started=when,
        finished=when,
    )
