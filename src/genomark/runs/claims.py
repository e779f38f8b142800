"""Which shards a run computes now, told to other runs in the same folder.

A claim is a lock that the system holds for a process and lets go of when it ends, however it ends:
what a killed run left is free at once. On a disk that several machines share it is the server of
the disk that notices that a machine is gone, after a time of its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from genomark.errors import WriteError

#: Of file systems without locks. A shard computed twice is the same shard, so a run goes on.
_UNLOCKABLE = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
#: Folders in which a kill may leave files that were not renamed yet.
_WRITTEN = ("shards", "responses", "results", "predictions")
_FOLDER = "claims"
#: No file takes so long to write.
_SURELY_LEFT_SECONDS = 86_400.0


class Claims:
    """The claims of one run.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER
        self._held: dict[str, int] = {}

    def take(self, digest: str) -> bool:
        """Claim a shard, unless another run has.

        Raises
        ------
        WriteError
            If the folder refuses.
        """
        path = self._path(digest)
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = _locked(path)
            if descriptor is None:
                return False
            with contextlib.suppress(OSError):
                # For people; the lock is what counts.
                os.ftruncate(descriptor, 0)
                os.pwrite(
                    descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0
                )
        except OSError as error:
            raise WriteError(f"Cannot write {path}: {error.strerror}") from error
        self._held[digest] = descriptor
        return True

    def release(self, digest: str) -> None:
        """Let go of a shard; nothing if it is not claimed."""
        if digest not in self._held:
            return
        # While it is locked: nobody else may remove the file of who comes next.
        with contextlib.suppress(OSError):
            self._path(digest).unlink()
        os.close(self._held.pop(digest))

    def release_all(self) -> None:
        """Let go of everything."""
        for digest in list(self._held):
            self.release(digest)

    def holder(self, digest: str) -> str:
        """Say who has claimed a shard."""
        try:
            return self._path(digest).read_text("utf-8") or "another run"
        except (OSError, UnicodeDecodeError):
            return "another run"

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.lock"


class Presence:
    """Says that a run works in a folder, for as long as it does.

    The first to come when nobody else is there removes what killed runs have left half-written.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OSError
        If the folder refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sweep(folder)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        except BlockingIOError:
            # Somebody else is there; what is half-written may be theirs.
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        except OSError as error:
            if error.errno not in _UNLOCKABLE:
                os.close(self._descriptor)
                raise

    def leave(self) -> None:
        """Say that the run has ended."""
        os.close(self._descriptor)


def _locked(path: Path) -> int | None:
    """Open a file and lock it; None if another process has."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno in _UNLOCKABLE:
                return descriptor
            os.close(descriptor)
            raise
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        # Whoever had it removed it between our two steps.
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    leftovers = [file for name in _WRITTEN for file in (folder / name).rglob("*.tmp")]
    if (folder / "plan").exists():
        # Jobs on machines whose locks are not seen from here may be writing.
        leftovers = [file for file in leftovers if _age(file) > _SURELY_LEFT_SECONDS]
    for file in (*leftovers, *(folder / _FOLDER).glob("*.lock")):
        with contextlib.suppress(OSError):
            file.unlink()


def _age(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return 0.0
