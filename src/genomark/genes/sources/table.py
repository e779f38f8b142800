"""A table of the user's own, as one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from genomark.genes.sources.files import only, task_name
from genomark.genes.sources.source import Settings, Source
from genomark.genes.table_task import read_table_task
from genomark.genes.task import GeneTask

NAME = "table"


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read one table with a header.

    Parameters
    ----------
    files : sequence of Path
        One file.
    settings : Settings
        `symbols` (by default the column ``symbol``), `outcomes` (by default all other columns),
        `groups`, `name` (by default that of the file), `kind` and `positive` are heeded.

    Yields
    ------
    GeneTask

    Raises
    ------
    UsageError
        As `genomark.genes.read_table_task`.
    """
    path = only(files, "a table with a header")
    yield read_table_task(
        path,
        symbol=settings.symbols or "symbol",
        outcomes=settings.outcomes or None,
        groups=settings.groups,
        name=settings.name or task_name(path.stem),
        kind=settings.kind,
        positive=settings.positive,
    )


SOURCE = Source(
    name=NAME,
    title="A table of genes and what is known of them",
    home="",
    licence="That of the file",
    citation="That of the file",
    remotes=(),
    tasks=(),
    files="any *.csv or *.tsv with a header",
    parse=parse,
    heeds=frozenset({"name", "symbols", "outcomes", "groups", "kind", "positive"}),
)
