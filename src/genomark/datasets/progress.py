"""Say how a download goes: a bar on a terminal, two lines elsewhere, or nothing at all."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from genomark.bars import bar, interactive


class Report:
    """Follows the download of some files, one after the other, and says nothing.

    Used as a context manager around all of them.
    """

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, well or badly."""

    def begin(self, file: str) -> None:
        """Turn to the next file."""

    def at(self, held: int) -> None:
        """Note that `held` bytes of the present file are there."""

    def note(self, line: str) -> None:
        """Tell what one should know of the present file."""


class Lines(Report):
    """Writes a line when the download starts and one when it is done, to standard error."""

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._size = size

    def __enter__(self) -> Self:
        """Write the first line."""
        self._began = time.monotonic()
        size = f" ({human(self._size)})" if self._size else ""
        _write(f"Downloading {self._what}{size}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the last line, unless an error speaks for itself."""
        if kind is None:
            _write(f"Downloaded {self._what} in {time.monotonic() - self._began:.1f} s")

    def note(self, line: str) -> None:
        """Write a line."""
        _write(line)


class Bar(Report):
    """Draws one bar for all files, with speed and time left, on standard error."""

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._size = size
        self._before = 0
        self._present = 0

    def __enter__(self) -> Self:
        """Draw the bar."""
        self._bar = bar(self._size, "bytes")
        self._bar.show(0, self._what)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._bar.close()

    def begin(self, file: str) -> None:
        """Count on from what the files before brought."""
        self._before += self._present
        self._present = 0
        self._what = file

    def at(self, held: int) -> None:
        """Move the bar; back, too, when a server makes a download start over."""
        self._present = held
        self._bar.show(self._before + held, self._what)

    def note(self, line: str) -> None:
        """Write a line, which stays when the bar is gone."""
        _write(line)


def report(what: str, size: int, *, progress: bool | None) -> Report:
    """Return what follows the download of `size` bytes in the way that suits the occasion.

    Parameters
    ----------
    what : str
        What is being downloaded.
    size : int
        Bytes in all; 0 where that is not known.
    progress : bool or None
        True for a bar, False for silence; None for a bar on a terminal or in a notebook, and for
        lines elsewhere.
    """
    if progress is None:
        return Bar(what, size) if interactive() else Lines(what, size)
    return Bar(what, size) if progress else Report()


def human(size: float) -> str:
    """Return a number of bytes in the unit that suits it, such as ``2.7 MB``."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


def _write(line: str) -> None:
    if sys.stderr is not None:  # as under pythonw
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
