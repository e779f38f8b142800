"""How far a run has come: a bar on a terminal or in a notebook, a line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from typing import Protocol

from genomark.bars import bar, interactive

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

    def note(self, text: str) -> None:
        """Tell how far what takes long has come; from any thread."""
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

    def note(self, text: str) -> None:
        """Tell how far what takes long has come."""

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
        self._say(self._what)

    def note(self, text: str) -> None:
        """Tell how far what takes long has come."""
        self._say(text)

    def _say(self, what: str) -> None:
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            logger.info("%s: %s of %s items", what, f"{self._done:,}", f"{self._items:,}")


class Drawn(Silent):
    """Draws a bar with the time left, on standard error or in a notebook."""

    def begin(self, items: int) -> None:
        """Start."""
        self._done, self._what = 0, ""
        self._bar = bar(items, "items")

    def doing(self, what: str) -> None:
        """Name what is being done now."""
        self._what = what

    def advance(self, items: int) -> None:
        """Count items."""
        self._done += items
        self._bar.show(self._done, self._what)

    def note(self, text: str) -> None:
        """Tell how far what takes long has come."""
        self._bar.show(self._done, text)

    def end(self) -> None:
        """Stop."""
        self._bar.close()


def default_progress() -> Progress:
    """Choose by where this process runs."""
    return Drawn() if interactive() else Lines()
