"""One sandbox: a process of strangers' code, watched from outside, and what is said to it."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from genomark.errors import ModelError, UsageError, one_line
from genomark.models.isolation.launch import WRITABLE, Command, close_all, refusal
from genomark.models.isolation.limits import Limits
from genomark.models.isolation.messages import (
    ANSWER,
    ERROR,
    HEAD_BYTES,
    MODEL,
    PROGRESS,
    STANDS,
    Failure,
    Told,
    head_of,
)
from genomark.models.isolation.watch import Times, confine, files_in, look, memory_shared_out

T = TypeVar("T")

#: Between two looks while it works, and while nothing is asked of it.
_BUSY_SECONDS, _IDLE_SECONDS = 0.05, 0.25
#: A sandbox that is asked nothing for so long is ended; the next question starts another.
_UNUSED_SECONDS = 300.0
#: Of what it prints: read at once, and kept.
_OUTPUT_BYTES, _KEPT_BYTES = 1 << 20, 4096
_BLOCK_BYTES = 1 << 18
#: Of all messages but answers.
_SMALL_BYTES = 1 << 20
#: For bubblewrap to make a sandbox, and Python to import genomark; machines may be busy.
_START_SECONDS = 120.0
_END_SECONDS = 10.0


class SandboxError(ModelError):
    """A sandbox has ended, or was ended.

    Parameters
    ----------
    text : str
    late : bool
        Whether there was no answer in time.
    """

    def __init__(self, text: str, *, late: bool = False) -> None:
        super().__init__(text)
        self.late = late


class FailureError(ModelError):
    """The model raised an error, and its sandbox goes on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(one_line(failure.text) or "an error without a word")
        self.failure = failure


class Sandbox:
    """A model's process.

    One thread starts it, watches it, and ends it: the system ends a sandbox with the thread that
    started it.

    Parameters
    ----------
    command : Command
    limits : Limits
    """

    def __init__(self, command: Command, limits: Limits) -> None:
        self._limits = limits
        self._stands = False
        self._busy = True
        self._used = time.monotonic()
        #: Why it was ended.
        self._reason = ""
        self._late = False
        self._output = b""
        self._baseline = 0.0
        self._times = Times()
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: OSError | None = None
        self._started = threading.Event()
        requests, self._requests = os.pipe2(os.O_CLOEXEC)
        self._answers, answers = os.pipe2(os.O_CLOEXEC)
        self._errors, errors = os.pipe2(os.O_CLOEXEC)
        for handle in (self._requests, self._answers, self._errors):
            os.set_blocking(handle, False)
        self._thread = threading.Thread(
            target=self._run,
            args=(command, requests, answers, errors),
            name="sandbox",
            daemon=True,
        )
        self._thread.start()
        self._started.wait()
        close_all([requests, answers, errors, *command.handles])
        self._check_started()

    def model(self) -> Told:
        """Wait until the model is loaded, and hear what it says of itself.

        Raises
        ------
        UsageError
            If this machine can make no sandbox.
        FailureError, SandboxError
            If the model cannot be loaded.
        """
        try:
            kind, _ = self._message(time.monotonic() + _START_SECONDS, _SMALL_BYTES)
        except SandboxError as error:
            raise refusal(self._said() or str(error)) from error
        if kind != STANDS:
            raise self._broken("it does not begin as it should")
        # An ordinary user's process 1 can be written to from inside. No foreign code runs yet.
        self._confine()
        self._stands = True
        until = time.monotonic() + self._limits.seconds
        kind, body = self._message(until, _SMALL_BYTES)
        if kind != MODEL:
            raise self._broken(f"it says {kind!r} where it should say who it is")
        told = self._read(body, Told)
        self._rest()
        return told

    def ask(self, message: bytes, most: int, progress: Callable[[int], None]) -> bytes:
        """Ask, and wait for the answer.

        Parameters
        ----------
        message : bytes
        most : int
            Bytes of the answer that are read.
        progress : callable
            Takes how much more is done.

        Raises
        ------
        FailureError
            If the model raises.
        SandboxError
            If there will be no answer; the sandbox has ended then.
        """
        self._busy = True
        try:
            until = time.monotonic() + self._limits.seconds
            self._send(message, until)
            while True:
                kind, body = self._message(until, most)
                if kind == ANSWER:
                    return body
                if kind != PROGRESS:
                    raise self._broken(f"it says {kind!r} where it should answer")
                progress(max(0, self._read(body, int)))
        except FailureError:
            raise
        except BaseException:
            # Whatever it goes on to say would be taken for the next answer.
            self.close()
            raise
        finally:
            self._rest()

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return self._thread.is_alive() and not self._reason

    def close(self) -> None:
        """End all its processes and wait until they have ended."""
        self._end("it was ended")
        self._thread.join(2 * _END_SECONDS)
        close_all([self._requests, self._answers])
        self._requests = self._answers = -1

    def _check_started(self) -> None:
        if self._fault is not None:
            close_all([self._requests, self._answers])
            raise UsageError(f"no sandbox to isolate models: {one_line(self._fault)}")

    def _confine(self) -> None:
        process = self._process
        try:
            confine(look(process.pid).first if process else 0, self._limits.tasks)
        except OSError as error:
            self._end(f"process 1 of the sandbox cannot be limited: {one_line(error)}")
            raise self._ended() from error

    def _rest(self) -> None:
        self._used = time.monotonic()
        self._baseline = -1.0
        self._busy = False

    def _send(self, message: bytes, until: float) -> None:
        view = memoryview(message)
        while view:
            self._wait(self._requests, select.POLLOUT, until)
            try:
                view = view[os.write(self._requests, view[:_BLOCK_BYTES]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._ended() from error

    def _message(self, until: float, most: int) -> tuple[bytes, bytes]:
        kind, length = head_of(self._bytes(HEAD_BYTES, until))
        if length > (most if kind == ANSWER else _SMALL_BYTES):
            raise self._broken(
                f"an answer of {length:,} bytes, where it can have {most:,} at most"
                if kind == ANSWER
                else f"a message of {length:,} bytes"
            )
        body = self._bytes(length, until)
        if kind == ERROR:
            raise FailureError(self._read(body, Failure))
        return kind, body

    def _bytes(self, number: int, until: float) -> bytes:
        # Unlike other ways it never holds the bytes twice.
        found = io.BytesIO()
        while (left := number - found.tell()) > 0:
            self._wait(self._answers, select.POLLIN, until)
            try:
                block = os.read(self._answers, min(left, _BLOCK_BYTES))
            except BlockingIOError:
                continue
            if not block:
                raise self._ended()
            found.write(block)
        return found.getvalue()

    def _wait(self, handle: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(handle, event)
        # A wait without end would not notice Ctrl-C where libraries have calls restarted.
        while (left := until - time.monotonic()) > 0:
            if poll.poll(min(left, 0.5) * 1000):
                return
        self._late = True
        self._end(f"no answer within {self._limits.seconds:g} s")
        raise self._ended()

    def _read(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._broken(one_line(error)) from error

    def _broken(self, text: str) -> SandboxError:
        """End what does not keep to what was agreed."""
        self._end(f"its answer cannot be read: {text}")
        return self._ended()

    def _ended(self) -> SandboxError:
        """Wait for the end, and say how it came."""
        self._thread.join(2 * _END_SECONDS)
        return SandboxError(self._reason, late=self._late)

    def _run(self, command: Command, requests: int, answers: int, errors: int) -> None:
        """Start, watch until the end, and note how it came: all of the watching thread."""
        try:
            process = subprocess.Popen(
                command.words,
                stdin=requests,
                stdout=answers,
                stderr=errors,
                pass_fds=command.handles,
                env=command.environment,
                cwd="/",
                # Ctrl-C is for the run, which decides what it means.
                start_new_session=True,
            )
        except OSError as error:
            self._fault = error
            close_all([self._errors])
            self._started.set()
            return
        self._process = process
        self._started.set()
        try:
            while process.poll() is None:
                self._listen(_BUSY_SECONDS if self._busy else _IDLE_SECONDS)
                self._inspect(process.pid)
                if self._reason:
                    self._kill(process)
        finally:
            self._kill(process)
            self._listen(0)
            os.close(self._errors)
        if not self._reason:
            self._reason = _how(process.returncode, self._said())

    def _inspect(self, starter: int) -> None:
        seen = look(starter)
        limits = self._limits
        seconds = self._times.after(seen)
        if self._baseline < 0:
            self._baseline = seconds
        if len(seen.processes) > limits.processes:
            self._end(f"it started more than {limits.processes} processes")
        elif seen.memory > limits.memory and memory_shared_out(seen) > limits.memory:
            self._end(f"it used more than {limits.memory_gb:g} GB of memory")
        elif seconds - self._baseline > limits.cpu_seconds:
            self._end(f"it used more than {limits.cpu_seconds:g} s of processor time")
        # Until it stands, its files are those of this machine.
        elif self._stands and files_in(seen.first, WRITABLE) > limits.files_on_disk:
            self._end(f"it made more than {limits.files_on_disk:,} files")
        elif not self._busy and time.monotonic() - self._used > _UNUSED_SECONDS:
            self._end("it was not used")

    def _listen(self, seconds: float) -> None:
        """Take what it prints, no faster than it can do no harm, and keep the last of it."""
        poll = select.poll()
        poll.register(self._errors, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return
        with suppress(BlockingIOError):
            left = _OUTPUT_BYTES
            while left > 0 and (block := os.read(self._errors, min(left, _BLOCK_BYTES))):
                left -= len(block)
                self._output = (self._output + block)[-_KEPT_BYTES:]
        time.sleep(min(seconds, _BUSY_SECONDS) / 2)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        process = self._process
        if process is not None and process.poll() is None:
            self._kill(process)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """End process 1 of the sandbox, and so all others, before who waits for it."""
        if process.returncode is not None:
            return
        first = look(process.pid).first
        with suppress(OSError):
            os.kill(first or process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return
        process.kill()
        process.wait()

    def _said(self) -> str:
        """Give the last line it printed."""
        lines = self._output.decode(errors="replace").split("\n")
        return next((line for each in reversed(lines) if (line := one_line(each))), "")


def _how(code: int, said: str) -> str:
    """Say how a process ended that nobody ended."""
    number = code - 128 if code > 128 else -code
    names = {each.value: each.name for each in signal.Signals}
    if number in names:
        how = f"it died of {names[number]}"
    else:
        how = f"it ended by itself with exit status {code}"
    return f"{how} ({said})" if said else how
