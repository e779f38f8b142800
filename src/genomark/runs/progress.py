"""How far a run has come: a bar on a terminal or in a notebook, a line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Protocol

logger = logging.getLogger("genomark.runs")

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Told by a run what it does."""

    def begin(self, items: int) -> None:
        """Start: so many items will be asked."""
        ...

    def doing(self, what: str) -> None:
        """Name what is being done now."""
        ...

    def advance(self, items: int) -> None:
        """Count items as answered."""
        ...

    def end(self) -> None:
        """Stop, whether all is done or not."""
        ...


class Silent:
    """Says nothing."""

    def begin(self, items: int) -> None:
        """Start."""

    def doing(self, what: str) -> None:
        """Name what is being done now."""

    def advance(self, items: int) -> None:
        """Count items."""

    def end(self) -> None:
        """Stop."""


class Lines(Silent):
    """Logs a line every ten seconds: for files, pipes and schedulers."""

    def begin(self, items: int) -> None:
        """Start."""
        self._items, self._done, self._what = items, 0, ""
        self._last = time.monotonic()

    def doing(self, what: str) -> None:
        """Name what is being done now."""
        self._what = what

    def advance(self, items: int) -> None:
        """Count items."""
        self._done += items
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            logger.info("%s: %s of %s items", self._what, f"{self._done:,}", f"{self._items:,}")


class Bar(Silent):
    """Draws a bar with the time left, on standard error or in a notebook."""

    def begin(self, items: int) -> None:
        """Start."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left", style="dim"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=items)
        self._bar.start()

    def doing(self, what: str) -> None:
        """Name what is being done now."""
        self._bar.update(self._task, description=what if len(what) <= 28 else f"{what[:27]}…")

    def advance(self, items: int) -> None:
        """Count items."""
        self._bar.update(self._task, advance=items)

    def end(self) -> None:
        """Stop."""
        self._bar.stop()


def default_progress() -> Progress:
    """Choose by where this process runs."""
    from rich.console import Console

    if sys.stderr.isatty() or Console().is_jupyter:
        return Bar()
    return Lines()
