"""What tasks a folder holds: as they were noted when they were built, else as they are read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from genomark.genes.outcomes import Kind
from genomark.genes.sources.building import RECORD, BuiltTask, read_records
from genomark.genes.sources.progress import counting
from genomark.genes.sources.registry import known_tasks
from genomark.genes.task_folder import list_tasks, read_task


class ListedTask(msgspec.Struct, frozen=True):
    """A task of a folder.

    Parameters
    ----------
    name, kind : str
    rows, labels : int
        How many.
    positive : str or None
        Positive class of a binary task.
    source : str or None
        Name of the source it was built from; None where that is not noted.
    family : str or None
        As of a `KnownTask`.
    """

    name: str
    kind: Kind
    rows: int
    labels: int
    positive: str | None
    source: str | None
    family: str | None


def listed_tasks(folder: Path, *, progress: bool | None = None) -> list[ListedTask]:
    """Say of every task below a folder what it is.

    A task that `build` wrote is not read again, unless somebody wrote to its folder since. Others
    are, and are of the kind their values look like.

    Parameters
    ----------
    folder : Path
    progress : bool, optional
        As for `build`.

    Returns
    -------
    list of ListedTask
        By name.

    Raises
    ------
    UsageError
        When there is no such folder, its record is none of genomark's, or a task cannot be read.
    """
    names = list_tasks(folder)
    noted = _noted(folder)
    families = {(task.source, task.name): task.family for task in known_tasks()}
    listed: list[ListedTask] = []
    with counting(f"Reading {folder}", len(names), progress) as show:
        for name in names:
            show(len(listed), name)
            source, note = noted.get(name, (None, None))
            if note is None or _touched(folder, name):
                kind, positive = (note.kind, note.positive) if note else (None, None)
                note = BuiltTask.of(read_task(folder, name, kind=kind, positive=positive))
            listed.append(
                ListedTask(
                    name=name,
                    kind=note.kind,
                    rows=note.rows,
                    labels=note.labels,
                    positive=note.positive,
                    source=source,
                    family=families.get((source or "", name)),
                )
            )
    return listed


def _noted(folder: Path) -> dict[str, tuple[str, BuiltTask]]:
    return {
        task.name: (source, task)
        for source, record in read_records(folder).items()
        for task in record.tasks
    }


def _touched(folder: Path, name: str) -> bool:
    """Whether a file of the task is newer than the record, which is written last."""
    noted = (folder / RECORD).stat().st_mtime_ns
    return any(file.stat().st_mtime_ns > noted for file in (folder / name).glob("*.csv"))
