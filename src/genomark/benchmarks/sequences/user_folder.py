"""Folders of users' own tasks.

A folder asked as ``sequences:FOLDER`` is a benchmark folder of OmniGenBench; or it holds a
``task.toml``, or just the files train, valid and test in any format that labelled sequences have;
or folders that do.
"""

from __future__ import annotations

from pathlib import Path

from genomark.benchmarks.sequences.declared import DeclaredTask, TaskFiles, read_declaration
from genomark.benchmarks.sequences.omnigenbench import METADATA, bench_list, omnigenbench_folder
from genomark.benchmarks.sequences.sequence_task import SEQUENCES, SequenceTask
from genomark.errors import UnknownNameError, UsageError
from genomark.sequences.files import read_labelled

DECLARATION = "task.toml"

_STEMS = {"train": ("train",), "valid": ("valid", "val", "dev"), "test": ("test",)}


def folder_tasks(
    folder: Path, task: str | None = None, *, genome: Path | None = None
) -> list[SequenceTask]:
    """Make the tasks of a user's folder.

    Parameters
    ----------
    folder : Path
        It may hold one task, or several in folders below it.
    task : str, optional
        Only this one: what its id has after ``#``.
    genome : Path, optional
        A genome, for files of coordinates.

    Returns
    -------
    list of SequenceTask
        With ids ``sequences:FOLDER#TASK``, in order: as a benchmark folder of OmniGenBench lists
        them, else by the path of their folder from `folder`. A folder that is one task has it
        under its own name.

    Raises
    ------
    UnknownNameError
        If the folder has no task of that name.
    UsageError
        If there is no such folder, it holds no task, or what it says of one is not well formed.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    if (folder / METADATA).is_file():
        return omnigenbench_folder(folder, task)
    found = _folders_of_tasks(folder)
    if task is not None:
        if task not in found:
            raise UnknownNameError(f"task in {folder}", task, found)
        found = {task: found[task]}
    return [_task(f"{SEQUENCES}{folder}#{name}", place, genome) for name, place in found.items()]


def folder_task_names(folder: Path) -> list[str]:
    """Name the tasks of a user's folder, as `folder_tasks` takes them; none is read.

    Raises
    ------
    UsageError
        If there is no such folder, or it holds no task.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    if (folder / METADATA).is_file():
        return bench_list(folder)
    return list(_folders_of_tasks(folder))


def _folders_of_tasks(folder: Path) -> dict[str, Path]:
    if _holds_task(folder):
        return {folder.resolve().name: folder}
    below = sorted(each for each in folder.rglob("*") if each.is_dir() and _holds_task(each))
    if not below:
        raise UsageError(
            f"{folder}: neither it nor a folder below it holds a {DECLARATION} or a test file"
        )
    return {each.relative_to(folder).as_posix(): each for each in below}


def _holds_task(folder: Path) -> bool:
    return (folder / DECLARATION).is_file() or bool(_candidates(folder, "test"))


def _task(name: str, folder: Path, genome: Path | None) -> SequenceTask:
    if (folder / DECLARATION).is_file():
        declared = read_declaration(folder / DECLARATION, name)
        beside = None if declared.dataset is not None else folder
        return SequenceTask(declared, folder=beside, genome=genome)
    files = {part: file for part in _STEMS if (file := _only(folder, part)) is not None}
    # Labels are those of the train file: a class may be missing from a small test file.
    first = read_labelled(folder / files.get("train", files["test"]), genome=genome)
    named = TaskFiles(
        test=files["test"],
        train=files.get("train"),
        valid=files.get("valid"),
        no_train=None if "train" in files else f"{folder} has no train file",
    )
    declared = DeclaredTask(
        id=name, title=folder.resolve().name, kind=first.kind, labels=first.labels, files=named
    )
    return SequenceTask(declared, folder=folder, genome=genome)


def _only(folder: Path, part: str) -> str | None:
    found = _candidates(folder, part)
    if len(found) > 1:
        raise UsageError(
            f"{folder}: {' and '.join(found)} may each be the {part} file; keep one, or name it in "
            f"a {DECLARATION}"
        )
    return found[0] if found else None


def _candidates(folder: Path, part: str) -> list[str]:
    return sorted(
        each.name
        for each in folder.iterdir()
        if each.name.partition(".")[0].lower() in _STEMS[part] and (each.is_dir() or each.suffix)
    )
