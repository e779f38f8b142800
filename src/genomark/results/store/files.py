"""The files of a store, each named by the SHA-256 of its bytes.

``predictions/ab/abcdef....parquet``: who adds a file that is there adds nothing, and a file that no
row names harms nobody. A file is whole and on the disk before a row names it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from genomark.atomic import write_whole
from genomark.errors import GenomarkError, WriteError, one_line
from genomark.extras import require_extras

Kind = Literal["predictions", "items"]
KINDS: tuple[Kind, ...] = ("predictions", "items")
_ENDING = ".parquet"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileMissingError(GenomarkError):
    """A row names a file that is not there."""


class FileDamagedError(GenomarkError):
    """A file has not the bytes that its name says."""


class Files(Protocol):
    """Where the files are."""

    def put(self, kind: Kind, content: bytes) -> str:
        """Keep a file; give its SHA-256."""
        ...

    def get(self, kind: Kind, digest: str) -> bytes:
        """Read a file, and check it."""
        ...

    def digests(self, kind: Kind) -> Iterator[str]:
        """Give the names of all files."""
        ...


class LocalFiles:
    """Files in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, kind: Kind, content: bytes) -> str:
        """Keep a file, synced; one that is there and whole stays as it is.

        Raises
        ------
        WriteError
            If the folder refuses, or the disk is full.
        """
        digest = sha256(content)
        path = self._path(kind, digest)
        if not _holds(path, digest):
            write_whole(path, content)
        # The names too: a row must not outlive them in a power cut. Who finds the file may be
        # faster than the one who has just written it.
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync_folder(folder)
        return digest

    def get(self, kind: Kind, digest: str) -> bytes:
        """Read a file.

        Raises
        ------
        FileMissingError
        FileDamagedError
        """
        path = self._path(kind, digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise _missing(str(path)) from error
        except OSError as error:
            raise GenomarkError(f"Cannot read {path}: {error.strerror}") from error
        return _checked(content, digest, str(path))

    def digests(self, kind: Kind) -> Iterator[str]:
        """Give the names of all files, sorted; what is half-written has another name."""
        for path in sorted((self._folder / kind).glob(f"??/*{_ENDING}")):
            if _DIGEST.fullmatch(path.stem):
                yield path.stem

    def _path(self, kind: Kind, digest: str) -> Path:
        return self._folder / _name(kind, digest)


class RemoteFiles:
    """Files at any URL that fsspec knows (``s3://``, ``gs://``, ``memory://``).

    Parameters
    ----------
    url : str

    Raises
    ------
    UsageError
        If fsspec, or what it needs for such a URL, is not installed.
    """

    def __init__(self, url: str) -> None:
        require_extras(f"Files at {url}", {"fsspec": "remote-files"})
        import fsspec

        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise GenomarkError(f"Files at {url}: {one_line(error)}") from error
        self._url = url.rstrip("/")

    def put(self, kind: Kind, content: bytes) -> str:
        """Keep a file; stores of objects show it when it is whole.

        Raises
        ------
        WriteError
            If the other side refuses.
        """
        digest = sha256(content)
        path = self._path(kind, digest)
        try:
            if not self._system.exists(path) or sha256(self._system.cat_file(path)) != digest:
                self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(path, content)
        # Each file system of fsspec raises what the library below it does.
        except Exception as error:
            raise WriteError(
                f"Cannot write {self._url}/{_name(kind, digest)}: {one_line(error)}"
            ) from error
        return digest

    def get(self, kind: Kind, digest: str) -> bytes:
        """Read a file.

        Raises
        ------
        FileMissingError
        FileDamagedError
        """
        where = f"{self._url}/{_name(kind, digest)}"
        try:
            content: Any = self._system.cat_file(self._path(kind, digest))
        except FileNotFoundError as error:
            raise _missing(where) from error
        except Exception as error:
            raise GenomarkError(f"Cannot read {where}: {one_line(error)}") from error
        return _checked(content, digest, where)

    def digests(self, kind: Kind) -> Iterator[str]:
        """Give the names of all files, sorted."""
        self._system.invalidate_cache()
        for path in sorted(self._system.find(f"{self._root.rstrip('/')}/{kind}")):
            stem = path.rpartition("/")[2].removesuffix(_ENDING)
            if path.endswith(_ENDING) and _DIGEST.fullmatch(stem):
                yield stem

    def _path(self, kind: Kind, digest: str) -> str:
        return f"{self._root.rstrip('/')}/{_name(kind, digest)}"


def open_files(place: str | Path) -> Files:
    """Prepare to use files in a folder, or at a URL."""
    text = str(place)
    if text.startswith("file://"):
        return LocalFiles(Path(text.removeprefix("file://")))
    return RemoteFiles(text) if "://" in text else LocalFiles(Path(place))


def sha256(content: bytes) -> str:
    """Digest of bytes, 64 hexadecimal characters."""
    return hashlib.sha256(content).hexdigest()


def _name(kind: Kind, digest: str) -> str:
    # What a row names may have been written by anybody who reaches the database.
    if not _DIGEST.fullmatch(digest):
        raise FileDamagedError(f"'{one_line(digest)}' is no SHA-256, and names no file")
    return f"{kind}/{digest[:2]}/{digest}{_ENDING}"


def _checked(content: bytes, digest: str, where: str) -> bytes:
    if sha256(content) != digest:
        raise FileDamagedError(f"{where}: not the bytes that its name says; restore it from a copy")
    return content


def _missing(where: str) -> FileMissingError:
    return FileMissingError(f"{where}: no such file, though a result names it")


def _holds(path: Path, digest: str) -> bool:
    try:
        return sha256(path.read_bytes()) == digest
    except OSError:
        return False


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise WriteError(f"Cannot sync {folder}: {error.strerror}") from error
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
