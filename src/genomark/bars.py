"""A progress bar with the time left, on a terminal or in a notebook."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any, Literal, Protocol

Unit = Literal["items", "bytes"]

_SECONDS_BETWEEN_UPDATES = 0.2


class Bar(Protocol):
    """Shows how far something has come."""

    def show(self, done: int, text: str) -> None:
        """Say how much is done, and of what."""
        ...

    def close(self) -> None:
        """Take the bar away."""
        ...


def interactive() -> bool:
    """Whether somebody watches: standard error is a terminal, or this is a notebook."""
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return "ipykernel" in sys.modules


def bar(total: int, unit: Unit) -> Bar:
    """Make a bar that suits where this process runs.

    Parameters
    ----------
    total : int
        What `done` will be at the end.
    unit : {"items", "bytes"}
        What is counted.
    """
    return NotebookBar(total) if in_notebook() else TerminalBar(total, unit)


class TerminalBar:
    """Draws on standard error, and leaves nothing behind."""

    def __init__(self, total: int, unit: Unit) -> None:
        # Rich takes a while to load, and mostly there is nothing to wait for.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        counted = [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else []
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            *(counted or [MofNCompleteColumn()]),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def show(self, done: int, text: str) -> None:
        """Move the bar; back, too."""
        short = text if len(text) <= 32 else f"{text[:31]}…"
        self._progress.update(self._task, completed=done, description=short)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


class NotebookBar:
    """Draws in the output of the cell.

    Rich's own needs ipywidgets, and says so again and again where they are not installed.
    """

    def __init__(self, total: int) -> None:
        from IPython.display import HTML, display

        self._html: Any = HTML
        self._total = total
        self._began = self._last = time.monotonic()
        self._handle: Any = display(HTML(""), display_id=True)

    def show(self, done: int, text: str) -> None:
        """Move the bar, a few times a second at most."""
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_UPDATES:
            return
        self._last = now
        left = f"{(now - self._began) * (self._total - done) / done:.0f} s left" if done else ""
        self._handle.update(
            self._html(
                f"<progress value='{done}' max='{self._total}'></progress> "
                f"{escape(text)} {done:,} / {self._total:,} {left}"
            )
        )

    def close(self) -> None:
        """Clear the output."""
        self._handle.update(self._html(""))
