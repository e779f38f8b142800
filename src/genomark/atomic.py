"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from genomark.errors import WriteError


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
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as handle:
            temporary = Path(handle.name)
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise WriteError(f"Cannot write {path}: {reason}. Nothing was left half-written") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
