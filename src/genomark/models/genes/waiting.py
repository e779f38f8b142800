"""Something that may take a while: nothing is shown of it unless it does."""

from __future__ import annotations

import logging
import time
from types import TracebackType

from genomark.bars import Bar, bar, interactive

logger = logging.getLogger("genomark.models")

_SECONDS_BEFORE_BAR = 1.0
_SECONDS_BETWEEN_LINES = 10.0


class Waiting:
    """Shows a bar after a second, if more than another is to come; elsewhere logs a line at times.

    Parameters
    ----------
    total : int
        Items.
    what : str
        What is done to them, for people.
    """

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._bar: Bar | None = None

    def __enter__(self) -> Waiting:
        self._began = self._last = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, items: int) -> None:
        """Count items as done."""
        self._done += items
        now = time.monotonic()
        if self._bar is not None:
            self._bar.show(self._done, self._what)
        elif interactive() and self._done:
            elapsed = now - self._began
            left = elapsed * (self._total - self._done) / self._done
            if min(elapsed, left) > _SECONDS_BEFORE_BAR:
                self._bar = bar(self._total, "items")
                self._bar.show(self._done, self._what)
        elif now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            logger.info("%s: %s of %s", self._what, f"{self._done:,}", f"{self._total:,}")
