"""The tasks of suite `genes` by id, and those of a user's own folder.

Five come from the catalogue; the others from sources whose files change with every release, and
are asked once their folders have been built (`genomark tasks build SOURCE`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path, PurePosixPath

from genomark.benchmarks.genes.gene_benchmark import GeneBenchmark
from genomark.benchmarks.genes.options import GeneOptions
from genomark.datasets import cache_root, dataset
from genomark.datasets import path as dataset_path
from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError
from genomark.genes import (
    GeneSet,
    GeneTask,
    gene_set_task,
    list_tasks,
    pick_label,
    read_gmt,
    read_task,
)
from genomark.genes.sources import BuiltTask, Settings, known_tasks, read_records, sources
from genomark.genes.sources.building import RECORD
from genomark.genes.task_folder import ENTITIES, GROUPS, OUTCOMES

FAMILIES = (
    "genomic properties",
    "regulatory functions",
    "localization",
    "biological processes",
    "protein properties",
)
PREFIX = "genes/"
FOLDER = "tasks:"

#: Reactome pathways of so many genes are asked.
_SMALLEST, _LARGEST = 50, 500


@dataclass(frozen=True)
class _Entry:
    """What the suite knows of a task before it is read."""

    title: str
    family: str
    load: Callable[[], GeneTask]
    citation: str
    datasets: tuple[str, ...] = ()


def gene_benchmark_ids() -> list[str]:
    """Ids of all tasks of the suite, those of the catalogue first."""
    return list(_entries())


def gene_benchmark(name: str, options: GeneOptions) -> GeneBenchmark:
    """Make the benchmark of an id, or of ``tasks:FOLDER#NAME``.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    """
    if name.startswith(FOLDER):
        return _of_folder(name, options)
    if name not in _entries():
        raise UnknownNameError("benchmark", name, _entries())
    entry = _entries()[name]
    return GeneBenchmark(
        name,
        entry.title,
        entry.load,
        family=entry.family,
        citation=entry.citation,
        options=options,
        datasets=entry.datasets,
    )


def folder_benchmarks(name: str) -> list[str]:
    """Name every task of ``tasks:FOLDER``; one that is named already stands for itself."""
    if "#" in name:
        return [name]
    folder = Path(name.removeprefix(FOLDER))
    tasks = list_tasks(folder)
    if not tasks:
        raise UsageError(f"{folder}: no folder below it holds an {OUTCOMES}, so there are no tasks")
    return [f"{name}#{task}" for task in tasks]


def tasks_folder() -> Path:
    """Give the folder that `genomark tasks build` writes to, and the suite reads from."""
    return cache_root() / "gene-tasks"


@cache
def _entries() -> dict[str, _Entry]:
    entries = {
        f"{PREFIX}reactome": _Entry(
            f"Reactome pathways of {_SMALLEST} to {_LARGEST} genes",
            "biological processes",
            _reactome,
            dataset("gene_sets").citation,
            ("gene_sets",),
        ),
        f"{PREFIX}tf-vs-non-tf": _Entry(
            "transcription factor or not",
            "regulatory functions",
            partial(_of_source, "human-tfs", "human_tfs"),
            dataset("human_tfs").citation,
            ("human_tfs",),
        ),
        f"{PREFIX}gene2gene": _Entry(
            "which pairs of genes interact",
            "regulatory functions",
            partial(_of_source, "gene2gene", "gene2gene"),
            dataset("gene2gene").citation,
            ("gene2gene",),
        ),
        f"{PREFIX}long-vs-short-range-tf": _Entry(
            "range of a transcription factor",
            "regulatory functions",
            partial(_of_examples, "test_multiclass/level1/level2/level3_with_data_local"),
            "Chen et al. 2020, Nat Commun 11:2472",
            ("gene_benchmark_tasks",),
        ),
        f"{PREFIX}gene-type": _Entry(
            "kind of gene product",
            "genomic properties",
            partial(_of_examples, "Gene Type Test"),
            dataset("gene_benchmark_tasks").citation,
            ("gene_benchmark_tasks",),
        ),
    }
    for task in known_tasks():
        name = PREFIX + re.sub(r"[^a-z0-9]+", "-", task.name.lower()).strip("-")
        if name not in entries:
            entries[name] = _Entry(
                task.name,
                task.family,
                partial(_built, task.source, task.name),
                sources()[task.source].citation,
            )
    return entries


def _reactome() -> GeneTask:
    """Take the genes that the cell-type signatures know: models of expression can answer them."""
    known = {gene for each in _gmt("c8.all.v2023.2.Hs.symbols.gmt") for gene in each.genes}
    sets = _gmt("c2.cp.reactome.v2023.1.Hs.symbols.gmt")
    annotated = {gene for each in sets for gene in each.genes}
    bounded = [each for each in sets if _SMALLEST <= len(each.genes) <= _LARGEST]
    return gene_set_task(
        "Reactome pathways",
        bounded,
        min_genes=1,
        max_genes=_LARGEST,
        background=sorted(annotated & known),
    )


def _gmt(file: str) -> list[GeneSet]:
    return read_gmt(dataset_path("gene_sets", file))


def _of_source(source: str, name: str) -> GeneTask:
    files = [dataset_path(name, file.path) for file in dataset(name).files]
    (task,) = sources()[source].parse(files, Settings())
    return task


def _of_examples(name: str) -> GeneTask:
    for file in ("entities.csv", "outcomes.csv"):
        found = dataset_path("gene_benchmark_tasks", f"{name}/{file}")
    root = found.parents[name.count("/") + 1]
    return read_task(root, name)


def _built(source: str, name: str) -> GeneTask:
    root = tasks_folder()
    if not (root / name / OUTCOMES).is_file():
        raise DatasetUnavailableError(
            f"'{name}' has not been built: run `genomark tasks build {source}`"
        )
    return _read(root, name)


def _of_folder(spec: str, options: GeneOptions) -> GeneBenchmark:
    folder, _, name = spec.removeprefix(FOLDER).partition("#")
    if not name:
        raise UsageError(f"{spec}: expected {FOLDER}FOLDER#TASK")
    return GeneBenchmark(
        f"{FOLDER}{name}",
        name,
        partial(_read, Path(folder), name),
        family=_families().get(name.partition(";")[0], "of users"),
        citation="of the user's own",
        options=options,
    )


@cache
def _families() -> dict[str, str]:
    return {task.name: task.family for task in known_tasks()}


def _read(root: Path, name: str) -> GeneTask:
    """Read a task as it was noted when it was built, if it was."""
    parent, _, label = name.partition(";")
    if label and (root / name / OUTCOMES).is_file():
        parent, label = name, ""
    task = _whole(root, parent, _stamps(root, parent))
    return pick_label(task, label) if label else task


# Hundreds of tasks may be labels of one table.
@lru_cache(maxsize=2)
def _whole(root: Path, name: str, stamps: tuple[object, ...]) -> GeneTask:
    built = _noted(root, stamps[0]).get(name)
    if built is None:
        return read_task(root, name)
    return read_task(root, name, kind=built.kind, positive=built.positive)


@lru_cache(maxsize=2)
def _noted(root: Path, stamp: object) -> dict[str, BuiltTask]:
    return {task.name: task for record in read_records(root).values() for task in record.tasks}


def _stamps(root: Path, name: str) -> tuple[object, ...]:
    """Time and size of every file that a task may hang on, the record first."""
    files = [root / RECORD]
    for place in (PurePosixPath(name), *PurePosixPath(name).parents):
        files += [root / place / file for file in (OUTCOMES, ENTITIES, GROUPS)]
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except (OSError, ValueError):
        # What is not there, or cannot be, is told of by whoever reads it.
        return None
    return found.st_mtime_ns, found.st_size
