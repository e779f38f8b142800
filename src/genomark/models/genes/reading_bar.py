"""A bar for a file that takes long to read."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from genomark.bars import Bar, bar, interactive

#: Seconds before it is shown.
_PATIENCE = 2.0


class ReadingBar:
    """Drawn where somebody watches, once it has taken two seconds; a context manager.

    Parameters
    ----------
    what : str
        What is read.
    size : int
        Its bytes.
    """

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._size = size
        self._began = time.monotonic()
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def at(self, done: int) -> None:
        """Note that so many bytes are read."""
        if self._bar is None and interactive() and time.monotonic() - self._began > _PATIENCE:
            self._bar = bar(self._size, "bytes")
        if self._bar is not None:
            self._bar.show(done, f"Reading {self._what}")
