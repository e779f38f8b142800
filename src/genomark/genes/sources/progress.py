"""Say how a download or a build goes, where it is not known beforehand how many bytes will come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from genomark.bars import Bar, bar, interactive
from genomark.datasets.progress import Lines, Report, human, report

#: Seconds of work before anything is said of how far it has come.
PATIENCE = 2.0

_SECONDS_BETWEEN_LINES = 5.0


def following(what: str, size: int | None, progress: bool | None) -> Report:
    """Return what follows the download of one file.

    Parameters
    ----------
    what : str
        What is being downloaded.
    size : int or None
        Its bytes; None where the server does not say.
    progress : bool or None
        True for a bar, False for silence; None for a bar on a terminal, and for lines elsewhere.
    """
    if size is not None:
        return report(what, size, progress=progress)
    return Report() if progress is False else _Counted(what)


class _Counted(Lines):
    """Writes how much has come, now and then."""

    def __init__(self, what: str) -> None:
        super().__init__(what, 0)
        self._what = what

    def __enter__(self) -> _Counted:
        self._began = self._said = time.monotonic()
        _write(f"Downloading {self._what} (size not told)")
        return self

    def at(self, held: int) -> None:
        if time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            _write(f"  {human(held)} so far")


@contextmanager
def counting(what: str, total: int, progress: bool | None) -> Iterator[Callable[[int, str], None]]:
    """Follow work on a number of things; say nothing while it takes less than `PATIENCE`.

    Parameters
    ----------
    what : str
        What is done, as in ``"Building hpa"``.
    total : int
        Of how many things; 0 where that is not known.
    progress : bool or None
        As for `following`.

    Yields
    ------
    callable
        To be told how many are done, and which is next.
    """
    began = time.monotonic()
    drawn: list[Bar] = []
    told = [began + PATIENCE - _SECONDS_BETWEEN_LINES]

    def show(done: int, name: str) -> None:
        now = time.monotonic()
        if progress is False or now - began < PATIENCE:
            return
        if progress or interactive():
            if not drawn:
                drawn.append(bar(max(total, done), "items"))
            drawn[0].show(done, name)
        elif now - told[0] >= _SECONDS_BETWEEN_LINES:
            told[0] = now
            _write(f"{what}: {done}{f' of {total}' if total else ''} done, now {name}")

    try:
        yield show
    finally:
        for shown in drawn:
            shown.close()


def _write(line: str) -> None:
    if sys.stderr is not None:  # as under pythonw
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
