"""Which of the files that were given is which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from genomark.errors import UsageError


def expanded(paths: Iterable[Path]) -> list[Path]:
    """Replace each folder by the files in it, at any depth and sorted; hidden files left out.

    Raises
    ------
    UsageError
        When a path is neither file nor folder, or there is no file in the end.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (each.relative_to(path) for each in path.rglob("*") if each.is_file())
            shown = (
                each for each in inside if not any(part.startswith(".") for part in each.parts)
            )
            files.extend(path / each for each in sorted(shown))
        elif path.is_file():
            files.append(path)
        else:
            raise UsageError(f"{path}: no such file or folder")
    if not files:
        raise UsageError("No file to read: the folders that were given are empty")
    return files


def only(files: Sequence[Path], what: str) -> Path:
    """The one file of a source that has one.

    Raises
    ------
    UsageError
        When there are several.
    """
    if len(files) != 1:
        raise UsageError(f"Expected one file, {what}; got {len(files)}: {_names(files)}")
    return files[0]


def find(files: Sequence[Path], what: str, fits: Callable[[str], bool]) -> Path | None:
    """The file whose lower-case name fits; None if there is none.

    Raises
    ------
    UsageError
        When several do.
    """
    found = [file for file in files if fits(file.name.lower())]
    if len(found) > 1:
        raise UsageError(f"Expected one {what}; got {len(found)}: {_names(found)}")
    return found[0] if found else None


def task_name(text: str) -> str:
    """A name from a file as the name of a task: without what a folder cannot be called."""
    return re.sub(r'[/\\:;*?"<>|\x00-\x1f]', "", text).strip(" .")


def _names(files: Sequence[Path]) -> str:
    shown = ", ".join(str(file) for file in files[:4])
    return f"{shown} and others" if len(files) > 4 else shown
