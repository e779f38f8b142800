"""Where data lie: the cache folder, the mirror, and what to say when the disk refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from genomark.errors import CacheNotWritableError, DiskFullError

# Windows has no quotas of this kind.
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def cache_root() -> Path:
    """Return the folder of everything genomark keeps between runs; it may not exist yet.

    The environment's ``GENOMARK_CACHE``, else the place the operating system has for caches.
    """
    if chosen := os.environ.get("GENOMARK_CACHE"):
        return Path(chosen).expanduser().absolute()
    import platformdirs  # only where it is needed: most setups name their cache or mirror

    return platformdirs.user_cache_path("genomark", appauthor=False)


def cache_folder(name: str) -> Path:
    """Return the folder `name` of the cache, created if need be.

    Parameters
    ----------
    name : str
        Whose folder, such as ``"fits"``; ``/`` leads deeper.

    Raises
    ------
    CacheNotWritableError
        When it is not there and cannot be created.
    DiskFullError
        When there is no room even for a folder.
    """
    folder = cache_root() / name
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached(dataset: str, file: str) -> Path:
    """Return where the cache keeps a file of a dataset, be it there or not."""
    return cache_root() / "datasets" / dataset / file


def mirrored(dataset: str, file: str) -> Path | str | None:
    """Return where the mirror has a file of a dataset, be it there or not.

    Returns
    -------
    Path or str or None
        A path when ``GENOMARK_MIRROR`` is a folder, a URL when it begins with ``http://`` or
        ``https://``, None when it is not set.
    """
    mirror = os.environ.get("GENOMARK_MIRROR")
    if not mirror:
        return None
    if mirror.lower().startswith(("http://", "https://")):
        return f"{mirror.rstrip('/')}/{quote(f'{dataset}/{file}')}"
    return Path(mirror).expanduser().absolute() / dataset / file


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Name what went wrong when the file system refuses a write below `place`.

    Raises
    ------
    DiskFullError
        When the disk, or the user's share of it, is full.
    CacheNotWritableError
        When the write is refused for any other reason.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        if error.errno in _NO_ROOM:
            raise DiskFullError(
                f"No room to write {place} ({why}): free some space, "
                "or set GENOMARK_CACHE to a folder on another disk."
            ) from error
        raise CacheNotWritableError(
            f"Cannot write {place} ({why}): set GENOMARK_CACHE to a folder that can be written."
        ) from error
