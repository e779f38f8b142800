"""One task under several names: gene-benchmark's, the suite's id, and that of a user's folder."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from genomark.benchmarks.genes.suite import FOLDER, PREFIX, tasks_folder
from genomark.errors import UsageError
from genomark.genes.sources import KnownTask, known_tasks
from genomark.models.genes.gene_benchmark_yaml import read_plain_yaml

#: What gene-benchmark calls a task besides the name in its lists.
_OTHER_NAMES = {"pathways-hgnc": "pathways"}


def task_id(name: str) -> str:
    """Id of the benchmark that asks a task of gene-benchmark.

    Parameters
    ----------
    name : str
        As in its reports and lists; ``Parent;Label`` is one label of a multi-label task.

    Returns
    -------
    str
        ``genes/...`` where the suite has it, else ``tasks:NAME``, as for a task of a folder.
    """
    slug = _slug(name)
    return f"{PREFIX}{slug}" if slug in _known() and ";" not in name else f"{FOLDER}{name}"


def known_task(name: str) -> KnownTask | None:
    """What is known of a task by its name, or by that of the parent of a label."""
    return _known().get(_slug(name.partition(";")[0]))


def same_task(benchmark: str) -> str:
    """Give benchmarks that ask one task one id.

    A folder's ``tasks:TF vs non-TF``, or ``tasks:FOLDER#TF vs non-TF`` as it is asked for on the
    command line, is what the suite calls ``genes/tf-vs-non-tf``.
    """
    if not benchmark.startswith(FOLDER):
        return benchmark
    folder, number_sign, name = benchmark.removeprefix(FOLDER).partition("#")
    return task_id(name if number_sign else folder)


def name_of(benchmark: str, task: str) -> str:
    """What gene-benchmark calls the task of a benchmark.

    Parameters
    ----------
    benchmark : str
        Its id.
    task : str
        The name of its `GeneTask`, which is given back where gene-benchmark has no other.
    """
    known = _known().get(benchmark.removeprefix(PREFIX))
    return known.name if known is not None and benchmark.startswith(PREFIX) else task


def read_task_list(path: str | Path, folder: Path | None = None) -> list[str]:
    """Read a list of tasks of gene-benchmark, as what ``genomark run -b`` takes.

    Parameters
    ----------
    path : str or Path
        A YAML list of names, of which some may be ``Parent;Label``.
    folder : Path, optional
        Where the tasks lie. Left out: those that the suite has are asked as the suite's; the
        others lie where `genomark tasks build` puts them.

    Raises
    ------
    UsageError
        If it is no such list.
    """
    names = read_plain_yaml(path)
    if not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
        raise UsageError(f"{path}: expected a YAML list of names, such as '- TF vs non-TF'")
    return [_asked_as(name, folder) for name in dict.fromkeys(names)]


def _asked_as(name: str, folder: Path | None) -> str:
    if folder is None and not task_id(name).startswith(FOLDER):
        return task_id(name)
    return f"{FOLDER}{folder or tasks_folder()}#{name}"


@cache
def _known() -> dict[str, KnownTask]:
    """Tasks by what their ids end in."""
    return {_slug(task.name): task for task in known_tasks()}


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return _OTHER_NAMES.get(slug, slug)
