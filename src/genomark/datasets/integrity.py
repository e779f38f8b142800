"""Are the bytes of a file those the catalogue names?

Where it names none, they are held to what was recorded beside the file when it first came, and
where nothing was, as with a file that was put there by hand, to being there.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from genomark.atomic import write_whole
from genomark.datasets.catalogue import DatasetFile
from genomark.errors import ChecksumError, DatasetUnavailableError, TruncatedFileError

#: Of the file beside another that says what its SHA-256 was when it came.
_RECORD = ".sha256"
_EMPTY = "empty; get it again"

# What this process has hashed and found right: path, size, mtime in nanoseconds, SHA-256.
# A file that is written anew has another mtime and is hashed again.
_verified: set[tuple[str, int, int, str]] = set()


def check(path: Path, file: DatasetFile, *, origin: str | None = None) -> None:
    """Return quietly if `path` holds exactly the bytes of `file`.

    Parameters
    ----------
    path : Path
        What to read; all of it is hashed if its SHA-256 is known.
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
            expected = known_sha256(path, file)
            digest = hashlib.file_digest(stream, "sha256").hexdigest() if expected else None
    except OSError as error:
        raise DatasetUnavailableError(f"{place}: {error.strerror}") from error
    if digest != expected:
        told = "" if file.sha256 else f", as {path.name}{_RECORD} beside it says"
        raise ChecksumError(f"{place}: SHA-256 is {digest}, should be {expected}{told}")
    _verified.add(_key(path, status, expected))


def known_sha256(path: Path, file: DatasetFile) -> str | None:
    """Give what a copy's SHA-256 must be: that of the catalogue, else the recorded one.

    Raises
    ------
    ChecksumError
        When what lies beside the copy is no record.
    """
    if file.sha256 is not None:
        return file.sha256
    record = path.with_name(path.name + _RECORD)
    try:
        text = record.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None
    found = re.match(r"([0-9a-f]{64})\s", text)
    if found is None:
        raise ChecksumError(
            f"{record}: not a SHA-256; remove it, and {path.name} is taken as it is"
        )
    return found[1]


def record_sha256(path: Path, digest: str) -> None:
    """Note beside a file what its SHA-256 is, as ``sha256sum`` writes it.

    Raises
    ------
    genomark.errors.WriteError
        When the folder refuses.
    """
    write_whole(path.with_name(path.name + _RECORD), f"{digest}  {path.name}\n".encode())


def way_to_get_again(path: Path) -> str:
    """Say, for the end of a message, how a file that a reader makes nothing of is fetched anew.

    Returns
    -------
    str
        Empty where the file did not come first and was not recorded for that: the catalogue or
        whoever put it there answers for it.
    """
    record = path.with_name(path.name + _RECORD)
    if not record.is_file():
        return ""
    return f"; no checksum of it is published: to get it again, remove it and {record.name}"


def require_size(size: int, file: DatasetFile, place: str) -> None:
    """Return quietly if `size` is that of `file`, or not known but not 0.

    Raises
    ------
    TruncatedFileError
        When it is less.
    ChecksumError
        When it is more.
    """
    if file.bytes is None:
        if size == 0:
            raise TruncatedFileError(f"{place}: {_EMPTY}")
        return
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
        known = _key(path, path.stat(), known_sha256(path, file)) in _verified
    except OSError:
        known = False
    if not known:
        check(path, file)


def remember(path: Path, file: DatasetFile) -> None:
    """Note that `path` was hashed under another name and found right."""
    _verified.add(_key(path, path.stat(), known_sha256(path, file)))


def looks_right(path: Path, file: DatasetFile) -> bool:
    """Return whether `path` is a file of the right size, or of any; nothing is read."""
    try:
        size = path.stat().st_size if path.is_file() else 0
        return size > 0 if file.bytes is None else path.is_file() and size == file.bytes
    except OSError:
        return False


def _key(path: Path, status: os.stat_result, sha256: str | None) -> tuple[str, int, int, str]:
    return str(path), status.st_size, status.st_mtime_ns, sha256 or ""
