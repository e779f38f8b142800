"""Files that strangers sent, looked at where they can do no harm.

A parquet file of a few kilobytes can unpack to gigabytes, and no field of it is bound to say so. A
process of its own (`parquet_process`) unpacks it first, with memory and time that the system
limits; what it could not unpack is never read here.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from genomark.errors import UsageError, WriteError, one_line

#: Bytes of a file of predictions, and of a document of results, that are read at all.
LARGEST_PREDICTIONS, LARGEST_DOCUMENT = 1 << 30, 1 << 28
_PROGRAM = Path(__file__).with_name("parquet_process.py")
_REFUSED = 3
#: Address space, of which the libraries take 0.9 GB before anything is read.
_MEMORY = 5 << 30
#: Processor seconds, and bytes for which there is one more; a wait takes none of them.
_CPU_SECONDS, _BYTES_OF_SECOND, _WALL_TO_CPU = 10, 10_000_000, 4
_MOST_ROWS = 50_000_000
_LONGEST_REASON = 4096


def read_bounded(path: Path, most: int) -> bytes:
    """Read a regular file that may have been made by anybody, if it is not too large.

    Parameters
    ----------
    path : Path
        A link is not followed: it may lead to what its maker may not read.
    most : int
        Bytes.

    Raises
    ------
    UsageError
        If it is no such file, or has more bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UsageError(f"{path}: not a file")
        content = file.read(most + 1)
    if len(content) > most:
        raise UsageError(f"{path}: larger than the {most >> 20:,} MB that are read")
    return content


def check_parquet(content: bytes, name: str) -> None:
    """Refuse what is no parquet file of predictions, or unpacks to more than it should.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.

    Raises
    ------
    UsageError
        If it is refused.
    WriteError
        If there is no room for temporary files.
    """
    seconds = _CPU_SECONDS + len(content) // _BYTES_OF_SECOND
    limits = [_MEMORY, seconds, _MOST_ROWS, _LONGEST_REASON]
    try:
        # Files without a name: they are gone with the process, however it ends.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            given.write(content)
            given.seek(0)
            code = _run([str(each) for each in limits], given.fileno(), answer.fileno(), seconds)
            answer.seek(0)
            told = answer.read(_LONGEST_REASON)
    except OSError as error:
        raise WriteError(
            f"{name} cannot be looked at in {tempfile.gettempdir()}: {error.strerror}"
        ) from error
    if code == _REFUSED:
        raise UsageError(f"{name}: {one_line(told.decode('ascii', 'replace'))}")
    if code:
        raise UsageError(
            f"{name} cannot be unpacked within {_MEMORY >> 30} GB and {seconds} s: damaged, or no "
            "parquet file of predictions"
        )


def _run(limits: list[str], given: int, answer: int, seconds: int) -> int:
    """Run the process without this one's environment."""
    try:
        return subprocess.run(
            # -B: the limit on the size of files would cut bytecode short that Python keeps.
            [sys.executable, "-B", "-P", str(_PROGRAM), *limits],
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env={"POLARS_MAX_THREADS": "1"},
            timeout=_WALL_TO_CPU * seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1
