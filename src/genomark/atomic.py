"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading
from pathlib import Path

from genomark.errors import WriteError

#: Errors whose words of the system's own leave people guessing.
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
}
#: Of file systems whose folders cannot be synced, or need not be.
_UNSYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR)
#: A process has one mask for all its threads.
_mask_lock = threading.Lock()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, a crash or a power cut sees all of it or none of it.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    content : bytes

    Raises
    ------
    WriteError
        If the folder refuses, or the disk is full.
    """
    temporary: Path | None = None
    try:
        _make_folder(path.parent)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as handle:
            temporary = Path(handle.name)
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        raise WriteError(f"Cannot write {path}: {reason}. Nothing was left half-written") from error
    finally:
        if temporary is not None:
            # A disk that fails may refuse this too, and what is left is never taken for the file.
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a power cut: syncing a file keeps its content alone.

    Raises
    ------
    OSError
        If the disk fails; nothing where a file system has no such thing.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            raise


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def _umask() -> int:
    with _mask_lock:
        mask = os.umask(0)
        os.umask(mask)
    return mask
