"""Public sources of gene tasks: where their files are, and how they become tasks.

The data themselves are not shipped: `build` downloads them from their live addresses or reads
files that were got by hand, and writes folders in the layout of gene-benchmark::

    from pathlib import Path
    from genomark.genes.sources import build, known_tasks, sources

    sources()["reactome"].licence
    build("human-tfs", Path("tasks"))
"""

from genomark.genes.sources.building import (
    Build,
    BuiltTask,
    Record,
    build,
    read_records,
)
from genomark.genes.sources.listing import ListedTask, listed_tasks
from genomark.genes.sources.registry import known_tasks, sources
from genomark.genes.sources.source import Family, KnownTask, Settings, Source

__all__ = [
    "Build",
    "BuiltTask",
    "Family",
    "KnownTask",
    "ListedTask",
    "Record",
    "Settings",
    "Source",
    "build",
    "known_tasks",
    "listed_tasks",
    "read_records",
    "sources",
]
