"""Tasks as folders: ``entities.csv`` and ``outcomes.csv``, the layout of gene-benchmark.

Row i of the one belongs to row i of the other. A nested task may leave its entities to a folder
above it. A third file is ours: ``groups.csv``, beside the entities, one group for each row.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path, PurePosixPath

import polars as pl

from genomark.atomic import write_whole
from genomark.errors import UnknownNameError, UsageError, WriteError
from genomark.genes.filters import pick_label
from genomark.genes.task import GeneTask, Kind, make_task
from genomark.genes.text_table import read_text_table

ENTITIES = "entities.csv"
OUTCOMES = "outcomes.csv"
GROUPS = "groups.csv"

#: What a single column of outcomes is called.
_HEADER = "Outcomes"


def list_tasks(root: str | Path) -> list[str]:
    """Name the tasks below a folder.

    Parameters
    ----------
    root : str or Path

    Returns
    -------
    list of str
        Sorted, ``/`` between the parts of a nested name. Only folders that hold an
        ``outcomes.csv`` are tasks; links to folders are not followed.

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    root = _existing(root)
    found = (file.parent for file in root.rglob(OUTCOMES) if file.is_file())
    return sorted(folder.relative_to(root).as_posix() for folder in found if folder != root)


def read_task(
    root: str | Path, name: str, *, kind: Kind | None = None, positive: str | None = None
) -> GeneTask:
    """Read one task.

    Parameters
    ----------
    root : str or Path
        The folder of tasks.
    name : str
        Where the task lies below `root`, or ``Parent;Label``: the binary task of one column of a
        multi-label table, whose positive class is ``1``.
    kind : str, optional
        By default as `make_task` has it. A multi-class task whose classes are numbers needs
        ``"multi-class"``.
    positive : str, optional
        Positive class of a binary task; by default as `make_task` has it.

    Returns
    -------
    GeneTask
        The same gene may be named by two columns ``symbol``; the second is ``symbol.1``.

    Raises
    ------
    UnknownNameError
        If there is no such task or label.
    UsageError
        If the name leads out of `root`, there are no entities from the task's folder up to
        `root`, or the tables are not what `make_task` expects.
    """
    root = _existing(root)
    parent, semicolon, label = name.partition(";")
    if semicolon and not (_is_path(name) and (_folder(root, name) / OUTCOMES).is_file()):
        if kind not in (None, "binary") or positive not in (None, "1"):
            raise UsageError(
                f"Task '{name}': one label of a table is a binary task whose positive class is 1; "
                f"leave out kind and positive"
            )
        return pick_label(_read(root, parent, None, None), label)
    return _read(root, name, kind, positive)


def write_task(root: str | Path, task: GeneTask, *, name: str | None = None) -> Path:
    """Write a task where `read_task` and gene-benchmark find it.

    A task that was there is replaced, and while it is, there is none. Notes are not written, nor
    are kind and positive class: `read_task` has to be told them where they are not what it takes
    by default.

    Parameters
    ----------
    root : str or Path
        The folder of tasks; made if it is missing.
    task : GeneTask
    name : str, optional
        Instead of the task's own name.

    Returns
    -------
    Path
        The folder of the task.

    Raises
    ------
    UsageError
        If the name leads out of `root`, or has a semicolon, which gene-benchmark takes for the
        beginning of a label.
    WriteError
        If the files cannot be written.
    """
    name = task.name if name is None else name
    if ";" in name:
        raise UsageError(
            f"Task '{name}' cannot be written under this name: what follows a semicolon is read "
            f"as a label. Give another with name="
        )
    folder = _folder(Path(root), name)
    # The outcomes make the folder a task: they go first and come last.
    for stale in (OUTCOMES, GROUPS):
        try:
            (folder / stale).unlink(missing_ok=True)
        except OSError as error:
            raise WriteError(f"Cannot replace {folder / stale}: {error.strerror}") from error
    write_whole(folder / ENTITIES, _csv(_entity_header(task.entities), task.entities))
    if task.groups is not None:
        write_whole(folder / GROUPS, _csv(["group"], pl.DataFrame({"group": task.groups})))
    outcomes = _outcomes(task)
    write_whole(folder / OUTCOMES, _csv(outcomes.columns, outcomes))
    return folder


def _existing(root: str | Path) -> Path:
    root = Path(root)
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder of tasks")
    return root


def _is_path(name: str) -> bool:
    plain = not any(sign in name for sign in "\\\0") and not Path(name).drive
    return plain and not any(part in ("", ".", "..") for part in name.split("/"))


def _folder(root: Path, name: str) -> Path:
    """Place a name below the root, or refuse it: names come from files of strangers."""
    if not _is_path(name):
        raise UsageError(
            f"Task name {name!r} is not a path below the folder of tasks: expected names of "
            f"folders with / between them"
        )
    folder = root / name
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"Task '{name}': {folder} leads out of {root}")
    return folder


def _read(root: Path, name: str, kind: Kind | None, positive: str | None) -> GeneTask:
    folder = _folder(root, name)
    outcomes = folder / OUTCOMES
    if not outcomes.is_file():
        raise _no_task(root, name)
    above = _folder_of_entities(root, name)
    groups = None
    if (above / GROUPS).is_file():
        groups = _groups(above / GROUPS)
    return make_task(
        name,
        read_text_table(above / ENTITIES, repeats=True),
        read_text_table(outcomes),
        kind=kind,
        positive=positive,
        groups=groups,
        source=str(outcomes),
    )


def _no_task(root: Path, name: str) -> UsageError:
    known = list_tasks(root)
    below = [task for task in known if task.startswith(f"{name}/")]
    if below:
        return UsageError(
            f"Task '{name}' has no {OUTCOMES} of its own; below it are "
            + ", ".join(f"'{task}'" for task in below[:5])
            + (", ..." if len(below) > 5 else "")
        )
    if not known:
        return UsageError(f"{root}: no folder below it holds an {OUTCOMES}, so there are no tasks")
    return UnknownNameError("task", name, known)


def _folder_of_entities(root: Path, name: str) -> Path:
    """Walk up from the task to the root; the first entities on the way are the task's."""
    for place in (PurePosixPath(name), *PurePosixPath(name).parents):
        if (root / place / ENTITIES).is_file():
            return root / place
    raise UsageError(f"Task '{name}': no {ENTITIES} in {root / name} or above it, up to {root}")


def _groups(path: Path) -> list[str]:
    table = read_text_table(path)
    if table.width != 1:
        raise UsageError(f"{path}: expected one column, found {table.width}")
    return table.to_series().to_list()


def _entity_header(entities: pl.DataFrame) -> list[str]:
    first, *second = entities.columns
    return [first, *(first if name == f"{first}.1" else name for name in second)]


def _outcomes(task: GeneTask) -> pl.DataFrame:
    if task.kind == "multi-label":
        return pl.DataFrame(task.targets.astype("uint8"), schema=list(task.labels))
    values = task.targets[:, 0]
    if task.kind == "regression":
        # Python writes the shortest text that is read as the same number.
        return pl.DataFrame({task.labels[0]: [repr(value) for value in values.tolist()]})
    if task.kind == "binary":
        classes = [task.negative or "", task.labels[0]]
        codes = values.astype("int64")
    else:
        classes = list(task.labels)
        codes = task.targets.argmax(axis=1)
    return pl.DataFrame({_HEADER: [classes[code] for code in codes]})


def _csv(header: list[str], table: pl.DataFrame) -> bytes:
    # The header apart: two columns may have one name.
    first = io.StringIO()
    csv.writer(first, lineterminator="\n").writerow(header)
    return (first.getvalue() + table.write_csv(include_header=False)).encode()
