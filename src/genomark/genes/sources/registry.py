"""Every source of gene tasks, by its name."""

from __future__ import annotations

from genomark.errors import UnknownNameError
from genomark.genes.sources import (
    gene2gene,
    genecorpus,
    gmt,
    hla,
    human_tfs,
    open_targets,
    protein_atlas,
    reactome,
    table,
    uniprot_keywords,
)
from genomark.genes.sources.source import KnownTask, Source

_MODULES = (
    reactome,
    protein_atlas,
    uniprot_keywords,
    genecorpus,
    human_tfs,
    hla,
    gene2gene,
    open_targets,
    gmt,
    table,
)


def sources() -> dict[str, Source]:
    """Every source by its name: those with addresses of their own, then the user's own files."""
    return {module.SOURCE.name: module.SOURCE for module in _MODULES}


def source(name: str) -> Source:
    """The source called `name`.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    known = sources()
    if name not in known:
        raise UnknownNameError("source of gene tasks", name, known)
    return known[name]


def known_tasks() -> tuple[KnownTask, ...]:
    """Every task the sources are known to give, whether or not their files are at hand.

    Tasks of the user's own files are not known beforehand, and releases of a live source may lack
    some of these.
    """
    return tuple(task for each in sources().values() for task in each.tasks)
