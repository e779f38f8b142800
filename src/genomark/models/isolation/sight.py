"""Which places of this machine a model in a sandbox sees, and which a benchmark's name speaks of."""

from __future__ import annotations

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
        Without links, and only of what exists.
    """
    _, _, rest = name.partition(":")
    folder, _, task = rest.partition("#")
    told = [rest, folder]
    for text in (rest, task.partition(":")[2]):
        values = [part.partition("=")[2] for part in text.split(",")]
        told += [value.replace("%2C", ",").replace("%25", "%") for value in values]
    return [Path(each).resolve() for each in dict.fromkeys(told) if each and _exists(each)]


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


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        # Too long for a name, or with a null in it.
        return False
