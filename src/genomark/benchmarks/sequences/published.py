"""Scores others published, as they stand in the declarations of tasks and suites.

A score keeps the figure that was published and the name of the quantity it is, which is not
always the name it was published under; where and why they differ is told beside it. A figure that
cannot be what it says it is stands corrected, with what was printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]


class TableRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One score of a `PublishedTable`.

    Parameters
    ----------
    model : str
        As the source names it.
    metric : str
        What the figure is, in the names of this project; a name with ``_published`` at its end is
        a quantity this project does not compute.
    value : float
        On a scale of 0 to 1 where the metric has such a one.
    group : str, optional
        Of a suite's table: the group of tasks over which `value` is a mean.
    label : str, optional
        Of a task of several labels: the one that `value` is of.
    corrected : str, optional
        Where `value` is not what was printed: what was, and why it is replaced.
    """

    model: Text
    metric: Text
    value: float
    group: Text | None = None
    label: Text | None = None
    corrected: Text | None = None


class PublishedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Scores of one source.

    Parameters
    ----------
    source : str
        Where they were published.
    scores : tuple of TableRow
        The scores.
    scale : str, optional
        How the source writes them, where that differs from `value` here.
    caveats : tuple of str
        What is to be known before one's own score is laid beside these.
    """

    source: Text
    scores: tuple[TableRow, ...]
    scale: Text | None = None
    caveats: tuple[Text, ...] = ()


class PublishedScore(msgspec.Struct, frozen=True, omit_defaults=True):
    """One published score, with all that is told of it.

    Parameters
    ----------
    model, metric, value, group, label, corrected
        As in `TableRow`.
    source, scale, caveats
        As in `PublishedTable`.
    """

    model: str
    metric: str
    value: float
    group: str | None
    source: str
    scale: str | None
    caveats: tuple[str, ...]
    label: str | None = None
    corrected: str | None = None


def published_scores(tables: Iterable[PublishedTable]) -> list[PublishedScore]:
    """Lay the rows of tables one under the other, in their order."""
    return list(_rows(tables))


def _rows(tables: Iterable[PublishedTable]) -> Iterator[PublishedScore]:
    for table in tables:
        for row in table.scores:
            yield PublishedScore(
                model=row.model,
                metric=row.metric,
                value=row.value,
                group=row.group,
                source=table.source,
                scale=table.scale,
                caveats=table.caveats,
                label=row.label,
                corrected=row.corrected,
            )
