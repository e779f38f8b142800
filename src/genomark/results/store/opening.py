"""From the place of a store to its database, made or migrated where need be."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from filelock import FileLock, Timeout

from genomark.errors import UsageError, WriteError, one_line
from genomark.results.store.database import (
    FILE,
    Database,
    is_url,
    postgres_database,
    sqlite_database,
)
from genomark.results.store.migrating import is_current, is_empty, migrate

#: Seconds to wait for another process that makes the same store.
_PATIENCE = 60.0


def open_database(place: str | Path, *, create: bool = True) -> tuple[Database, str | Path | None]:
    """Open the database of a place.

    Parameters
    ----------
    place : str or Path
        A folder, or ``postgresql://USER@HOST/DATABASE``, perhaps with ``?files=PLACE``.
    create : bool
        Make what is not there.

    Returns
    -------
    database : Database
        With the tables that this genomark knows.
    files : str, Path or None
        Where the place says that files are.

    Raises
    ------
    UsageError
        If the place is neither, an extra is not installed, or there is no store to open.
    WriteError
        If the database has to be made or migrated, and cannot be.
    GenomarkError
        If it is damaged, or a newer genomark wrote it.
    """
    text = str(place)
    if not is_url(text):
        if "://" in text:
            raise UsageError(f"{text}: expected a folder, or postgresql://USER@HOST/DATABASE")
        return _of_folder(Path(place), create), place
    url, files = _without_files(text)
    database = postgres_database(url)
    if not is_current(database):
        if not create and is_empty(database):
            raise _absent(database.name)
        migrate(database)
    return database, files


def _of_folder(folder: Path, create: bool) -> Database:
    """Use the database of a folder; make it, if need be, while no other process does."""
    if not create and not (folder / FILE).exists():
        raise _absent(str(folder))
    database = sqlite_database(folder)
    if (folder / FILE).exists() and is_current(database):
        return database
    database.close()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "store.lock", timeout=_PATIENCE):
            made = sqlite_database(folder, anew=True)
            migrate(made)
            made.close()
    except (OSError, Timeout) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise WriteError(
            f"Cannot make a store in {folder}: {one_line(reason)}. Choose another folder"
        ) from error
    return database


def _without_files(url: str) -> tuple[str, str | None]:
    """Part the place of files from a URL."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    named = [value for name, value in query if name == "files"]
    rest = urllib.parse.urlencode([each for each in query if each[0] != "files"])
    return urllib.parse.urlunsplit(parts._replace(query=rest)), named[-1] if named else None


def _absent(place: str) -> UsageError:
    return UsageError(
        f"{place}: there is no store; one is made by: genomark import results DIR --store PLACE"
    )
