"""Are the bytes of a file those the catalogue names?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from genomark.datasets.catalogue import DatasetFile
from genomark.errors import ChecksumError, DatasetUnavailableError, TruncatedFileError

# What this process has hashed and found right: path, size, mtime in nanoseconds, SHA-256.
# A file that is written anew has another mtime and is hashed again.
_verified: set[tuple[str, int, int, str]] = set()


def check(path: Path, file: DatasetFile, *, origin: str | None = None) -> None:
    """Return quietly if `path` holds exactly the bytes of `file`.

    Parameters
    ----------
    path : Path
        What to read; all of it is hashed.
    file : DatasetFile
        What it should be.
    origin : str, optional
        Where the bytes came from, for the messages; `path` when not given.

    Raises
    ------
    TruncatedFileError
        When there are fewer bytes than catalogued.
    ChecksumError
        When there are more bytes, or other ones.
    DatasetUnavailableError
        When the file is not there or cannot be read.
    """
    place = origin or str(path)
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            require_size(status.st_size, file, place)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DatasetUnavailableError(f"{place}: {error.strerror}") from error
    if digest != file.sha256:
        raise ChecksumError(f"{place}: SHA-256 is {digest}, should be {file.sha256}")
    _verified.add(_key(path, status, file))


def require_size(size: int, file: DatasetFile, place: str) -> None:
    """Return quietly if `size` is that of `file`.

    Raises
    ------
    TruncatedFileError
        When it is less.
    ChecksumError
        When it is more.
    """
    if size < file.bytes:
        raise TruncatedFileError(f"{place}: {size:,} bytes where there should be {file.bytes:,}")
    if size > file.bytes:
        raise ChecksumError(f"{place}: more bytes than the {file.bytes:,} there should be")


def check_once(path: Path, file: DatasetFile) -> None:
    """Do as `check`, but do not hash again what this process has hashed and nobody touched since.

    Raises
    ------
    TruncatedFileError, ChecksumError, DatasetUnavailableError
        As `check`.
    """
    try:
        known = _key(path, path.stat(), file) in _verified
    except OSError:
        known = False
    if not known:
        check(path, file)


def remember(path: Path, file: DatasetFile) -> None:
    """Note that `path` was hashed under another name and found right."""
    _verified.add(_key(path, path.stat(), file))


def looks_right(path: Path, file: DatasetFile) -> bool:
    """Return whether `path` is a file of the right size; nothing is read."""
    try:
        return path.is_file() and path.stat().st_size == file.bytes
    except OSError:
        return False


def _key(path: Path, status: os.stat_result, file: DatasetFile) -> tuple[str, int, int, str]:
    return str(path), status.st_size, status.st_mtime_ns, file.sha256
