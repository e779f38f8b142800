"""Which places of this machine a model in a sandbox sees, and which a benchmark's name says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from genomark.models.isolation.installation import hidden_places, holds, installed_places


def local_places(name: str) -> list[Path]:
    """Give the files and folders of this machine that the name of a benchmark says.

    Parameters
    ----------
    name : str
        Such as ``points:FILE``, ``tasks:FOLDER#TASK``, ``sequences:FOLDER#TASK:fits=2``, or
        ``guanine/cons30:data=FOLDER``.

    Returns
    -------
    list of Path
        Without links, and only of what exists; also what a declaration (TOML) there names.
    """
    _, _, rest = name.partition(":")
    folder, _, task = rest.partition("#")
    told = [rest, folder]
    for text in (rest, task.partition(":")[2]):
        values = [part.partition("=")[2] for part in text.split(",")]
        told += [value.replace("%2C", ",").replace("%25", "%") for value in values]
    found = [Path(each).resolve() for each in dict.fromkeys(told) if each and _exists(each)]
    for place in list(found):
        for file in sorted(place.glob("*.toml")) if place.is_dir() else [place]:
            found += _named_in(file)
    return list(dict.fromkeys(found))


def where_seen(place: Path, folders: Iterable[Path]) -> Path | None:
    """Give the folder in which a model in a sandbox sees a place; None if it does not.

    Parameters
    ----------
    place : Path
    folders : iterable of Path
        The model's own.
    """
    place = place.resolve()
    own = next((each for each in folders if holds(each.resolve(), place)), None)
    if own is not None:
        return own
    if any(holds(hidden, place) for hidden in hidden_places()):
        return None
    return next((each for each in installed_places() if holds(each, place)), None)


def _named_in(file: Path) -> list[Path]:
    """Give the files and folders that a declaration names."""
    if file.suffix.lower() != ".toml":
        return []
    try:
        waiting: list[object] = [tomllib.loads(file.read_text("utf-8"))]
    except (OSError, ValueError, RecursionError):
        # Who loads it says what is wrong.
        return []
    found = []
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, dict):
            waiting += thing.values()
        elif isinstance(thing, list):
            waiting += thing
        elif isinstance(thing, str) and thing and _exists(str(file.parent / thing)):
            found.append((file.parent / thing).resolve())
    return found


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        # Too long for a name, or with a null in it.
        return False
