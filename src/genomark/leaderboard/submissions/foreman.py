"""Has submissions scored, one after the other, by processes that may fail in any way."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec
from filelock import FileLock, Timeout

from genomark.errors import GenomarkError, one_line
from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.scorer import Hosting
from genomark.leaderboard.submissions.waiting_list import SCORING, WAITING, Row, WaitingList
from genomark.leaderboard.submissions.worker import NO_MEMORY, Order
from genomark.results.store import Store

logger = logging.getLogger("genomark.leaderboard")

#: Seconds between looks for what another server of the same store received.
_LOOK = 2.0
#: Seconds between looks at a process that scores.
_WATCH = 0.05
_LONGEST_WORDS = 2000


class ScoringLimits(msgspec.Struct, frozen=True):
    """What the scoring of one submission may take.

    Attributes
    ----------
    memory : int
        Bytes of address space.
    cpu_seconds : int
    seconds : float
        On the clock.
    tries : int
        How often it may end in a way that nobody foresaw.
    pause_seconds : float
        Before another try.
    """

    memory: int = 12 << 30
    cpu_seconds: int = 1800
    seconds: float = 3600.0
    tries: int = 3
    pause_seconds: float = 5.0


class Foreman:
    """Scores what waits, from when it is entered until it is left.

    Of the servers that share a folder of submissions one has a foreman that works; when that
    server ends, another one's does.

    Parameters
    ----------
    store : Store
    place, files : str or None
        Of the store, as it was opened.
    incoming : Incoming
    hosting : Hosting, optional
    limits : ScoringLimits
    """

    def __init__(
        self,
        store: Store,
        place: str,
        files: str | None,
        incoming: Incoming,
        hosting: Hosting | None = None,
        limits: ScoringLimits | None = None,
    ) -> None:
        self._place = place
        self._files = files
        self._incoming = incoming
        self._hosting = hosting
        self._limits = limits or ScoringLimits()
        self._waiting = WaitingList(store.database)
        self._lock = FileLock(incoming.folder / "scoring.lock")
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="genomark-foreman", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._news.set()
        self._thread.join()

    def arrived(self) -> None:
        """Say that something new waits."""
        self._news.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._lock.acquire(timeout=0):
                    self._recover()
                    while not self._stopped.is_set():
                        self._next()
            except Timeout:
                self._news.wait(_LOOK)
                self._news.clear()
            except GenomarkError as error:
                logger.error("submissions: %s", one_line(error))
                self._stopped.wait(self._limits.pause_seconds)

    def _recover(self) -> None:
        """Take up what a server was scoring when it was killed."""
        for id in self._waiting.ids(SCORING):
            row = self._waiting.get(id)
            if row is not None and row.state == SCORING:
                self._unforeseen(row, "the server was stopped meanwhile")
        self._incoming.sweep(self._waiting.ids(WAITING))

    def _next(self) -> None:
        self._news.clear()
        row = self._waiting.claim()
        if row is None:
            self._news.wait(_LOOK)
            return
        with tempfile.TemporaryFile() as words:
            process = self._start(row, words.fileno())
            why = self._watch(process)
            words.seek(0)
            said = one_line(words.read(_LONGEST_WORDS).decode("utf-8", "replace"))
        after = self._waiting.get(row.id)
        if after is None or after.state != SCORING:
            logger.info("submission %s…: %s", row.id[:8], "gone" if after is None else after.state)
            return
        if self._stopped.is_set():
            # No fault of this one: the try does not count.
            self._waiting.settle(row, WAITING, tries=row.tries - 1)
        elif why is not None:
            self._fail(row, why)
        else:
            self._unforeseen(row, _ended(process.returncode), said)
            self._stopped.wait(self._limits.pause_seconds)

    def _start(self, row: Row, words: int) -> subprocess.Popen[bytes]:
        order = Order(
            place=self._place,
            files=self._files,
            incoming=str(self._incoming.folder),
            row=row,
            hosting=self._hosting,
            memory=self._limits.memory,
            seconds=self._limits.cpu_seconds,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "genomark.leaderboard.submissions.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
            # Nothing is looked for elsewhere because a stranger names it.
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            start_new_session=True,
        )
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            process.stdin.flush()
        return process

    def _watch(self, process: subprocess.Popen[bytes]) -> str | None:
        """Wait for a process and what it started; say why it could not be scored, if that is so."""
        limits = self._limits
        end = time.monotonic() + limits.seconds
        late = False
        while _runs(process) and not self._stopped.wait(_WATCH):
            late = time.monotonic() > end
            if late:
                break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        if late:
            return f"it took longer than {limits.seconds:g} s"
        if process.returncode == -signal.SIGXCPU:
            return f"it took more than {limits.cpu_seconds} s of a processor"
        if process.returncode == NO_MEMORY:
            return f"it took more than {limits.memory >> 20:,} MB of memory"
        return None

    def _unforeseen(self, row: Row, why: str, said: str = "") -> None:
        """Let it wait again, or fail when that happened too often."""
        logger.warning("submission %s…, try %d: %s %s", row.id[:8], row.tries, why, said)
        if row.tries < self._limits.tries:
            self._waiting.settle(row, WAITING)
        else:
            self._fail(row, f"{row.tries} times {why}")

    def _fail(self, row: Row, why: str) -> None:
        logger.warning("submission %s… failed: %s", row.id[:8], why)
        reason = f"{why}. Tell whoever keeps this board, and pack again to submit anew"
        if self._waiting.settle(row, "failed", reason=reason):
            self._incoming.remove(row.id)


def _runs(process: subprocess.Popen[bytes]) -> bool:
    """Whether it runs; one that has ended keeps its number, so that its group can be told."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _ended(status: int) -> str:
    if status < 0:
        return f"the process that scored it was ended by signal {-status}"
    return f"the process that scored it ended with status {status}"
