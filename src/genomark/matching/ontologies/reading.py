"""Lines of a file from outside, plain or packed with gzip, under caps and with progress."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from genomark.errors import UsageError
from genomark.models.genes.waiting import Waiting

#: Bytes of a file, unpacked, and of one line: several times what the largest releases have.
MOST_BYTES, LONGEST_LINE = 1 << 29, 1 << 20
_GZIP = b"\x1f\x8b"
_MEGABYTE = 1_000_000
#: Lines between two looks at how far it has come.
_LINES = 20_000


def at(path: Path, number: int, what: str) -> UsageError:
    """Make the error that names file and line."""
    return UsageError(f"{path}, line {number:,}: {what}")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read a text line by line, without what ends a line; a byte order mark is left out.

    Yields
    ------
    int, str
        Number of the line, from 1, and the line.

    Raises
    ------
    UsageError
        If the file is not there, empty, no UTF-8, damaged or cut short, or larger than the caps.
    """
    try:
        with path.open("rb") as stored:
            size = path.stat().st_size
            packed = stored.read(2) == _GZIP
            stored.seek(0)
            unpacked = io.BufferedReader(gzip.GzipFile(fileobj=stored)) if packed else stored
            with Waiting(size // _MEGABYTE, f"MB of {path.name}") as waiting:
                yield from _lines(path, cast(BinaryIO, unpacked), stored, waiting)
    except EOFError as error:
        raise UsageError(f"{path}: the gzip file is cut short; get it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{path}: damaged ({error}); get it again") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error


def _lines(
    path: Path, stream: BinaryIO, stored: BinaryIO, waiting: Waiting
) -> Iterator[tuple[int, str]]:
    number = total = shown = 0
    while raw := stream.readline(LONGEST_LINE + 1):
        number += 1
        total += len(raw)
        if len(raw) > LONGEST_LINE:
            raise at(path, number, f"over {LONGEST_LINE:,} bytes; that is no file of names")
        if total > MOST_BYTES:
            raise at(
                path,
                number,
                f"over {MOST_BYTES:,} bytes up to here; cut out what you have a use for",
            )
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise at(path, number, "this is not UTF-8; expected a text, saved as UTF-8") from error
        if "\0" in line:
            raise at(path, number, "a byte of zero; expected a text")
        yield number, line.rstrip()
        if number % _LINES == 0:
            done = stored.tell() // _MEGABYTE
            waiting.advance(done - shown)
            shown = done
    if not total:
        raise UsageError(f"{path}: the file is empty")
