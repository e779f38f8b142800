"""Processes that compute for a server: started, kept, and started again when one ends."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading

from genomark.errors import GenomarkError, ModelError
from genomark.protocol import PredictRequest, PredictResponse, ServerError
from genomark.serving.computing import ReplicaDiedError
from genomark.serving.replica_messages import (
    Answered,
    Channel,
    ClosedError,
    Failed,
    ModelLoaded,
    ModelRecipe,
    asked_of,
    frame_of,
)
from genomark.serving.served_model import ServedModel

logger = logging.getLogger("genomark.serving")

#: What a process runs; its folder is no place to look for modules (`ModelRecipe.path` is).
_PROGRAM = ("-P", "-m", "genomark.serving.replica")
#: Seconds before a process is started again; twice as long each time, up to the second.
_PAUSES = (0.05, 30.0)
#: Processes that are told to end are given so long.
_ENDING_SECONDS = 5.0
#: What the threads of common libraries are counted by.
_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Replicas:
    """Computes in processes of their own, each of which has the model.

    They end with the server, however it ends.

    Parameters
    ----------
    spec : str
        What each makes its model of.
    matcher : str or None
        As for `serve_model`.
    count : int
    seconds : float
        After which a process that still computes is ended, as nobody waits for it any more.

    Attributes
    ----------
    served : ServedModel
    restarts : int

    Raises
    ------
    GenomarkError
        If the model cannot be made.
    """

    is_here = False

    def __init__(self, spec: str, matcher: str | None, count: int, seconds: float) -> None:
        self.places = count
        self.restarts = 0
        self._recipe = ModelRecipe(spec, matcher, tuple(sys.path))
        self._seconds = seconds
        self._idle: queue.SimpleQueue[_Replica] = queue.SimpleQueue()
        self._loads: queue.SimpleQueue[ServedModel | Exception] = queue.SimpleQueue()
        self._is_known = False
        self._closing = threading.Event()
        self._running: dict[int, _Replica] = {}
        self._keepers = [
            threading.Thread(target=self._keep, args=[number], daemon=True)
            for number in range(count)
        ]
        for keeper in self._keepers:
            keeper.start()
        first = self._loads.get()
        self._is_known = True
        if isinstance(first, Exception):
            self.close()
            raise first
        self.served = first

    @property
    def alive(self) -> int:
        """How many processes have their model, and run."""
        return sum(each.loaded for each in list(self._running.values()))

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Have a process answer a request.

        Raises
        ------
        ReplicaDiedError
            If the process ended in the middle of it.
        ServerError
            503 if it took too long, or there is no process that could be asked.
        """
        # What cannot be written is the fault of this request, and of no process.
        frame = frame_of(*asked_of(request))
        while True:
            try:
                replica = self._idle.get(timeout=self._seconds)
            except queue.Empty:
                raise ServerError(
                    "The processes that hold the model have ended, and do not come up again",
                    status=503,
                    retry_after=_PAUSES[1],
                ) from None
            with replica.asked:
                try:
                    replica.channel.send_frame(frame)
                    answer, _ = replica.channel.receive()
                except ClosedError as error:
                    if not error.reached:
                        # It ended while it was idle: another one has never seen the request.
                        continue
                    raise ReplicaDiedError(replica.end()) from error
                except TimeoutError as error:
                    replica.kill()
                    raise ServerError(
                        f"No answer within {self._seconds:g} s; send fewer sequences at once",
                        status=503,
                        retry_after=self._seconds,
                    ) from error
                except BaseException:
                    # What is left of a frame would be taken for the next one.
                    replica.kill()
                    raise
            self._idle.put(replica)
            if isinstance(answer, Failed):
                raise answer.error()
            assert isinstance(answer, Answered)
            return answer.response

    def close(self) -> None:
        """End all processes."""
        self._closing.set()
        for replica in list(self._running.values()):
            replica.shut()
        for keeper in self._keepers:
            keeper.join(_ENDING_SECONDS)
        for replica in list(self._running.values()):
            replica.kill()
        for keeper in self._keepers:
            keeper.join(_ENDING_SECONDS)

    def _keep(self, number: int) -> None:
        """Start a process, and another one each time that it ends."""
        pause = _PAUSES[0]
        while not self._closing.is_set():
            was_loaded, ended = self._run(number)
            if self._closing.wait(pause):
                return
            # Only what fails before it has a model is given time: another request needs a process.
            pause = _PAUSES[0] if was_loaded else min(2 * pause, _PAUSES[1])
            logger.warning("%s; another is started", ended)
            self.restarts += 1

    def _run(self, number: int) -> tuple[bool, str]:
        """Run a process to its end: whether it had a model, and how it ended."""
        try:
            replica = _Replica(self._recipe, self.places, self._seconds)
        except OSError as error:
            self._tell(ModelError(f"No process could be started for the model: {error}"))
            return False, "No process could be started"
        self._running[number] = replica
        if self._closing.is_set():
            replica.shut()
        try:
            self._tell(replica.load())
            self._idle.put(replica)
        except (GenomarkError, RuntimeError) as error:
            self._tell(error)
        was_loaded = replica.loaded
        return was_loaded, f"Process {replica.process.pid} {replica.wait()}"

    def _tell(self, loaded: ServedModel | Exception) -> None:
        """Tell who waits for the first process; a failure of a later one is logged."""
        if not self._is_known:
            self._loads.put(loaded)
        elif isinstance(loaded, Exception) and not self._closing.is_set():
            logger.error("A process has no model: %s", loaded)


class _Replica:
    """One process, from start to end.

    Attributes
    ----------
    channel : Channel
    asked : Lock
        Held by who asks it.
    loaded : bool
        Whether it runs, and has its model.
    """

    def __init__(self, recipe: ModelRecipe, count: int, seconds: float) -> None:
        self._recipe = recipe
        self._seconds = seconds
        self.asked = threading.Lock()
        self.loaded = False
        ours, theirs = socket.socketpair()
        self._lifeline, lifeline = socket.socketpair()
        with theirs, lifeline:
            self.process = subprocess.Popen(
                [sys.executable, *_PROGRAM, *_numbers(theirs, lifeline)],
                pass_fds=(theirs.fileno(), lifeline.fileno()),
                stdin=subprocess.DEVNULL,
                env=_environment(count),
            )
        self._end = ours
        self.channel = Channel(ours)

    def load(self) -> ServedModel:
        """Have it make its model, which may take as long as it takes.

        Raises
        ------
        GenomarkError
            If it cannot.
        """
        try:
            self.channel.send(self._recipe)
            answer, _ = self.channel.receive()
        except ClosedError as error:
            raise ModelError(
                f"The process that was to make the model '{self._recipe.spec}' {self.end()}"
            ) from error
        if isinstance(answer, Failed):
            raise answer.error()
        assert isinstance(answer, ModelLoaded)
        self._end.settimeout(self._seconds)
        self.loaded = True
        return answer.served

    def wait(self) -> str:
        """Wait until it has ended, and say how."""
        self.process.wait()
        self.loaded = False
        # A child of its own may keep the other end open: who waits for an answer is told here.
        self.shut()
        with self.asked:
            self.channel.close()
        return self.end()

    def shut(self) -> None:
        """Have it end, whatever it does."""
        self.channel.shut()
        self._lifeline.close()

    def end(self) -> str:
        """Say how it ended; called when it has, or is about to."""
        try:
            code = self.process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self.process.wait()
        if code >= 0:
            return f"ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def kill(self) -> None:
        """End it now."""
        self.process.kill()


def _numbers(*ends: socket.socket) -> list[str]:
    return [str(each.fileno()) for each in ends]


def _environment(count: int) -> dict[str, str]:
    """Share the cores among the processes, unless somebody has said how many threads there are."""
    if count == 1:
        return dict(os.environ)
    threads = str(max(1, (os.cpu_count() or 1) // count))
    return {**dict.fromkeys(_THREAD_SETTINGS, threads), **os.environ}
