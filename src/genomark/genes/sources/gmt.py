"""Gene sets of the user's own, as one multi-label task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from genomark.errors import UsageError
from genomark.genes.gene_sets import gene_set_task, read_gmt
from genomark.genes.sources.files import only, task_name
from genomark.genes.sources.reading import check_plain
from genomark.genes.sources.source import Settings, Source
from genomark.genes.task import GeneTask

NAME = "gmt"

BOUNDS = (15, 500)
"""How few and how many genes a set may have, where nothing else is said; as is usual for GSEA."""

HEEDS = frozenset({"name", "min_genes", "max_genes"})


def sets_task(path: Path, settings: Settings, name: str) -> GeneTask:
    """Make a task whose labels are the sets of a GMT.

    Parameters
    ----------
    path : Path
    settings : Settings
        `name`, `min_genes` and `max_genes` are heeded.
    name : str
        Of the task, where the settings give none.

    Raises
    ------
    UsageError
        When the file is packed or no GMT, or no set is within bounds.
    """
    low = BOUNDS[0] if settings.min_genes is None else settings.min_genes
    high = BOUNDS[1] if settings.max_genes is None else settings.max_genes
    if not 1 <= low <= high:
        raise UsageError(
            f"Sets of {low} to {high} genes: expected at least 1, and no more than max"
        )
    check_plain(path)
    return gene_set_task(settings.name or name, read_gmt(path), min_genes=low, max_genes=high)


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read GMT files, each as a task named after it.

    Parameters
    ----------
    files : sequence of Path
    settings : Settings
        `name` (of a single file), `min_genes` and `max_genes` are heeded.

    Yields
    ------
    GeneTask

    Raises
    ------
    UsageError
        As `sets_task`.
    """
    if settings.name is not None:
        only(files, "to be given the name of the task")
    for path in files:
        yield sets_task(path, settings, task_name(path.name.partition(".gmt")[0]))


SOURCE = Source(
    name=NAME,
    title="Gene sets in a GMT file: one label a set",
    home="",
    licence="That of the file",
    citation="That of the file",
    remotes=(),
    tasks=(),
    files="any *.gmt, unpacked",
    parse=parse,
    heeds=HEEDS,
)
