"""Files of submissions that wait: whole and on the disk before a row names them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from genomark.errors import UsageError, WriteError
from genomark.results.submission.bundle import LARGEST_BUNDLE

_ID = re.compile(r"[0-9a-f]{32}")
_PART, _WHOLE = ".part", ".zip"
#: Seconds that no upload lasts.
_STALE = 3600.0


class Incoming:
    """The folder in which submissions wait; no name in it comes from a stranger.

    Parameters
    ----------
    folder : Path
        Made if it is missing, for its owner alone.

    Raises
    ------
    UsageError
        If it cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(f"{folder}: submissions cannot be kept ({error.strerror})") from error
        if not os.access(folder, os.W_OK):
            raise UsageError(f"{folder}: submissions cannot be kept (it cannot be written)")

    def free_bytes(self) -> int:
        """Give how much more the disk has room for."""
        return shutil.disk_usage(self.folder).free

    def begin(self) -> Upload:
        """Begin to receive a file, under a name that is drawn."""
        return Upload(self.folder, secrets.token_hex(16))

    def path(self, id: str) -> Path:
        """Give the file of a submission.

        Raises
        ------
        UsageError
            If it is no id.
        """
        if not _ID.fullmatch(id):
            raise UsageError("an id of a submission has 32 hexadecimal digits")
        return self.folder / f"{id}{_WHOLE}"

    def read(self, id: str) -> bytes:
        """Read a file that is there whole, and no more than any bundle has.

        Raises
        ------
        WriteError
            If it is gone.
        """
        try:
            with self.path(id).open("rb") as file:
                return file.read(LARGEST_BUNDLE + 1)
        except OSError as error:
            raise WriteError(f"{self.path(id)}: cannot be read ({error.strerror})") from error

    def remove(self, id: str) -> None:
        """Let go of a file that is no longer needed."""
        self.path(id).unlink(missing_ok=True)

    def sweep(self, needed: Iterable[str]) -> None:
        """Remove old files that no row needs: nobody was told that they came."""
        kept = {f"{id}{_WHOLE}" for id in needed}
        since = time.time() - _STALE
        for path in self.folder.iterdir():
            if path.suffix in (_PART, _WHOLE) and path.name not in kept:
                with suppress(FileNotFoundError):
                    # What is newer may be an upload that goes on at this moment.
                    if path.stat().st_mtime < since:
                        path.unlink()


class Upload:
    """A file that comes a piece at a time; what is not `kept` leaves nothing behind."""

    def __init__(self, folder: Path, id: str) -> None:
        self.id = id
        self.size = 0
        self._folder = folder
        self._part = folder / f"{id}{_PART}"
        self._whole = folder / f"{id}{_WHOLE}"
        self._sha256 = hashlib.sha256()
        self._kept = False
        try:
            handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._refused(error) from error
        self._file = os.fdopen(handle, "wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._kept:
            self.drop()

    @property
    def digest(self) -> str:
        """SHA-256 of what came so far."""
        return self._sha256.hexdigest()

    async def write(self, chunk: bytes) -> None:
        """Add a piece, in a thread: a disk may be slow.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        await asyncio.to_thread(self._write, chunk)

    def finish(self) -> None:
        """Bring all of it to the disk, under its last name.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._whole)
            handle = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._refused(error) from error

    def head(self, size: int) -> bytes:
        """Read the beginning of a finished file."""
        with self._whole.open("rb") as file:
            return file.read(size)

    def keep(self) -> None:
        """Leave the file to whoever calls this: it stays unless they `drop` it."""
        self._kept = True

    def drop(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._part.unlink(missing_ok=True)
        self._whole.unlink(missing_ok=True)

    def _write(self, chunk: bytes) -> None:
        left = memoryview(chunk)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            raise self._refused(error) from error
        self._sha256.update(chunk)
        self.size += len(chunk)

    def _refused(self, error: OSError) -> WriteError:
        return WriteError(
            f"the submission cannot be written ({error.strerror}); nothing of it was kept"
        )
