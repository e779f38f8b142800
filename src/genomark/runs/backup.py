"""A second copy of the journal, in lines of text: what a damaged journal is made anew from.

A shard's file does not say what it cost, and equal shards are equal bytes; so that is kept here.
Each line has a checksum and begins with the end of the line before, so a line that was torn, or
fell victim to a full disk, takes no other with it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from genomark.atomic import sync_folder
from genomark.digests import digest_of_bytes
from genomark.runs.outcome import ShardOutcome

#: Of file systems without locks: there the file is never written anew.
_UNLOCKABLE = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
#: A file of more lines a shard than this is written anew.
_MOST_LINES = 2

_decoder = msgspec.json.Decoder(ShardOutcome)


class Backup:
    """Appends outcomes of shards that were computed; several processes may.

    Parameters
    ----------
    path : Path
        Made with the first line.
    synced : bool
        Have each line on disk before the next. A copy of a journal, which is synced, need not be.
    """

    def __init__(self, path: Path, *, synced: bool = False) -> None:
        self._path = path
        self._synced = synced

    def add(self, outcome: ShardOutcome) -> None:
        """Append one outcome.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        with self._opened() as descriptor:
            _write(descriptor, _line(outcome))
            if self._synced:
                os.fsync(descriptor)

    def outcomes(self) -> dict[str, ShardOutcome]:
        """Read the newest outcome of each shard; damaged lines are left out.

        A file that has grown to more than twice the lines it needs is written anew, unless another
        process has it open.
        """
        try:
            lines, found = _read(self._path)
        except FileNotFoundError:
            return {}
        if lines > _MOST_LINES * len(found):
            # What was read is right all the same.
            with contextlib.suppress(OSError):
                self._compact()
        return found

    def _compact(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(descriptor, self._path):
                return
            # Lines may have come before the lock did.
            _, found = _read(self._path)
            target = self._path.with_name(f"{self._path.name}.new")
            with target.open("wb") as handle:
                handle.writelines(map(_line, found.values()))
                handle.flush()
                os.fsync(handle.fileno())
            target.replace(self._path)
            sync_folder(self._path.parent)
        finally:
            os.close(descriptor)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the file to append to it; nobody puts another in its place meanwhile."""
        while True:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                _share(descriptor)
                if _is_at(descriptor, self._path):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)


def _share(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in _UNLOCKABLE:
            raise


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _line(outcome: ShardOutcome) -> bytes:
    text = msgspec.json.encode(outcome)
    return b"\n" + digest_of_bytes([text]).encode() + b" " + text


def _read(path: Path) -> tuple[int, dict[str, ShardOutcome]]:
    """Give the number of lines, and the newest outcome of each shard."""
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    found = {}
    for line in lines:
        checksum, _, text = line.partition(b" ")
        if checksum != digest_of_bytes([text]).encode():
            continue
        # A line may be whole and of another form: that of another version.
        with contextlib.suppress(msgspec.DecodeError):
            outcome = _decoder.decode(text)
            found[outcome.digest] = outcome
    return len(lines), found
