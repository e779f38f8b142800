"""The files of a prediction cache: written whole, counted, and removed when they are too many."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from genomark.errors import WriteError

SUFFIX = ".predictions"
_UNFINISHED = ".tmp"
#: After which what a writer left behind is nobody's.
_ABANDONED_SECONDS = 3600.0
#: Once the cache is too large, as much goes as leaves this share of its limit.
_KEPT_SHARE = 0.9
#: Between two notes that a file was of use.
_SECONDS_BETWEEN_NOTES = 60.0


@dataclass(frozen=True)
class CacheFile:
    """A file of the cache: where it is, when it was last of use, and its size in bytes."""

    path: Path
    used: float
    size: int


def put(path: Path, content: bytes) -> None:
    """Write a file, so that others see all of it or nothing.

    It is not synced: what a power cut leaves of it is noticed when it is read.

    Raises
    ------
    OSError
        If the folder refuses, or the disk is full; nothing is left then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{uuid.uuid4().hex}{_UNFINISHED}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def note_use(path: Path, modified: float) -> None:
    """Say that a file was of use: its time of modification is when it last was."""
    if time.time() - modified > _SECONDS_BETWEEN_NOTES:
        # A folder of somebody else's can be read all the same.
        with suppress(OSError):
            os.utime(path)


def files(folder: Path) -> Iterator[CacheFile]:
    """Give all files of a cache, unfinished ones that nobody writes any more removed."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            # Whatever is gone meanwhile was removed by another process.
            with suppress(OSError):
                known = path.stat()
                if name.endswith(SUFFIX):
                    yield CacheFile(path, known.st_mtime, known.st_size)
                elif (
                    name.endswith(_UNFINISHED) and time.time() - known.st_mtime > _ABANDONED_SECONDS
                ):
                    path.unlink()


def remove(found: Iterable[CacheFile]) -> int:
    """Remove files, and the folders that are empty then.

    Returns
    -------
    int
        Bytes that are free.

    Raises
    ------
    WriteError
        If any is still there; all others are removed.
    """
    freed = 0
    left: list[tuple[Path, OSError]] = []
    for each in found:
        try:
            each.path.unlink(missing_ok=True)
        except OSError as error:
            left.append((each.path, error))
            continue
        freed += each.size
        # Refused unless it was the last of its request, and that the last of its model.
        with suppress(OSError):
            each.path.parent.rmdir()
            each.path.parent.parent.rmdir()
    if left:
        path, refused = left[0]
        others = f", nor can {len(left) - 1:,} others" if len(left) > 1 else ""
        raise WriteError(
            f"prediction cache: {path} cannot be removed ({refused.strerror}){others}. "
            "Ask whom it belongs to, or choose another folder with --prediction-cache"
        )
    return freed


def make_room(folder: Path, max_bytes: int) -> int:
    """Remove what was of use longest ago, if all of it is more than `max_bytes`.

    Returns
    -------
    int
        Bytes that are left.
    """
    found = sorted(files(folder), key=lambda each: (each.used, each.path))
    left = sum(each.size for each in found)
    if left <= max_bytes:
        return left
    for each in found:
        if left <= _KEPT_SHARE * max_bytes:
            break
        try:
            each.path.unlink(missing_ok=True)
        except OSError:
            continue
        left -= each.size
        # Refused unless it was the last of its folder.
        with suppress(OSError):
            each.path.parent.rmdir()
    return left
