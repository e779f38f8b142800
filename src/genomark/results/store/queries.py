"""What is asked of the table `results`."""

from __future__ import annotations

from operator import attrgetter

import sqlalchemy as sa

from genomark.results.store.entry import ENTRY_FIELDS, Column, ColumnCount, Entry
from genomark.results.store.tables import results

_OF_COLUMN = (
    results.c.benchmark_id,
    results.c.benchmark_version,
    results.c.benchmark_digest,
    results.c.item_limit,
)
_ENTRIES = sa.select(*(results.c[name] for name in ENTRY_FIELDS))


def read_entries(
    connection: sa.Connection,
    *,
    id: str | None = None,
    column: Column | None = None,
    benchmark: str | None = None,
    model: str | None = None,
) -> list[Entry]:
    """Give every attempt that all that is asked holds of, oldest first."""
    asked = _ENTRIES
    if column is not None:
        values = (column.benchmark, column.version, column.digest, column.limit)
        asked = asked.where(
            *(
                place.is_(None) if value is None else place == value
                for place, value in zip(_OF_COLUMN, values, strict=True)
            )
        )
    for place, value in (
        (results.c.id, id),
        (results.c.benchmark_id, benchmark),
        (results.c.model_id, model),
    ):
        if value is not None:
            asked = asked.where(place == value)
    # Sorted here: the database would carry whole rows through its sort.
    rows = connection.execute(asked).all()
    return sorted((Entry(*row) for row in rows), key=attrgetter("number"))


def column_counts(connection: sa.Connection, benchmark: str | None = None) -> list[ColumnCount]:
    """Count what stands in each column."""
    models = sa.select(
        *_OF_COLUMN,
        sa.func.max(results.c.title).label("title"),
        sa.func.count().label("count"),
        sa.func.sum(sa.case((results.c.withdrawn.is_(None), 1), else_=0)).label("live"),
        sa.func.max(results.c.number).label("newest"),
    ).group_by(*_OF_COLUMN, results.c.owner, results.c.model_id)
    if benchmark is not None:
        models = models.where(results.c.benchmark_id == benchmark)
    each = models.subquery()
    columns = [each.c[column.name] for column in _OF_COLUMN]
    asked = sa.select(
        *columns,
        sa.func.max(each.c.title),
        sa.func.sum(sa.case((each.c.live > 0, 1), else_=0)),
        sa.func.sum(each.c.count),
        sa.func.sum(each.c.count - each.c.live),
        sa.func.max(each.c.newest),
    ).group_by(*columns)
    return [
        ColumnCount(Column(*row[:4]), row[4], *map(int, row[5:]))
        for row in connection.execute(asked)
    ]
