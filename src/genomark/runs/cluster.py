"""Workers of Dask, as a run sees them: they are given shards, and something comes back for each."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster

from genomark.errors import GenomarkError, UsageError, WriteError, one_line
from genomark.runs.plan import Shard
from genomark.runs.post import Delivery, Errand, close, compute

logger = logging.getLogger("genomark.runs")

_CONNECT_SECONDS = 10
_GUARD = "In a script, what calls genomark.run must stand under: if __name__ == '__main__':"
#: Outcomes fetched at a time.
_MOST_FETCHED = 256

Connect = Callable[[], AbstractContextManager[Any]]


class Cluster:
    """The workers that a client of Dask reaches, for as long as a run needs them.

    Parameters
    ----------
    client : distributed.Client
    errand : Errand

    Raises
    ------
    WriteError
        If the folder refuses.
    """

    def __init__(self, client: Client, errand: Errand) -> None:
        self._client = client
        self._errand = errand
        self._futures: dict[str, Future] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._first_id = self._scheduler_id()
        #: Of the scheduler.
        self.address = str(getattr(client.scheduler, "address", "the client's cluster"))
        _allow_many_files()
        self._sign = Path(errand.folder) / errand.sign
        try:
            self._sign.parent.mkdir(exist_ok=True)
            self._sign.touch()
        except OSError as error:
            raise WriteError(f"Cannot write {self._sign}: {error.strerror}") from error

    def workers(self) -> list[str]:
        """Give the addresses of the workers that are there now."""
        # While a connection is made anew there is nobody to ask.
        with suppress(OSError):
            return list(self._client.nthreads())
        return []

    def hand_out(self, key: str, shard: Shard, worker: str | None, *, others: bool = True) -> None:
        """Have a shard computed, if it may be by a certain worker; or by it and no other.

        A key is used once: of one that is known Dask gives what came of it before.
        """
        future = self._client.submit(
            *(compute, self._errand, shard),
            key=f"genomark-shard-{self._errand.token}-{key}",
            workers=worker and [worker],
            allow_other_workers=worker is not None and others,
            pure=False,
        )
        self._futures[key] = future
        future.add_done_callback(lambda _: self._ended.put(key))

    def ended(self, seconds: float) -> dict[str, Delivery | BaseException]:
        """Give what came back, by key, as soon as something has, or nothing after a while.

        Raises
        ------
        GenomarkError
            If the scheduler is gone.
        """
        keys = self._keys(seconds)
        if not keys and (self._client.status in ("closing", "closed") or self._is_another()):
            raise GenomarkError(
                f"the Dask scheduler at {self.address} is gone, or was started anew. What was "
                "finished is kept: the same command goes on from there"
            )
        futures = {key: self._futures.pop(key) for key in keys if key in self._futures}
        sound = {key: each for key, each in futures.items() if each.status == "finished"}
        found: dict[str, Delivery | BaseException] = {
            key: _failure(each) for key, each in futures.items() if key not in sound
        }
        return found | self._fetched(sound)

    def _is_another(self) -> bool:
        """Whether there is another scheduler now, which knows nothing of what was handed out."""
        now = self._scheduler_id()
        return "" not in (now, self._first_id) and now != self._first_id

    def _scheduler_id(self) -> str:
        # While a connection is made anew there is nobody to ask.
        with suppress(Exception):
            return str(self._client.scheduler_info(n_workers=0)["id"])
        return ""

    def _keys(self, seconds: float) -> list[str]:
        keys = []
        with suppress(queue.Empty):
            keys.append(self._ended.get(timeout=seconds))
            while len(keys) < _MOST_FETCHED:
                keys.append(self._ended.get_nowait())
        return keys

    def _fetched(self, futures: dict[str, Future]) -> dict[str, Delivery | BaseException]:
        try:
            return dict(zip(futures, self._client.gather(list(futures.values())), strict=True))
        except Exception:  # noqa: BLE001 - one of them: each is asked by itself
            found: dict[str, Delivery | BaseException] = {}
            for key, future in futures.items():
                try:
                    found[key] = future.result()
                except Exception as error:  # noqa: BLE001 - whoever handed it out decides
                    found[key] = error
            return found

    def close(self) -> None:
        """Drop what has not come back, and have workers end what they had for the run."""
        # Who is gone has nothing that could be ended.
        with suppress(Exception):
            self._client.cancel(list(self._futures.values()), force=True)
        self._futures.clear()
        with suppress(Exception):
            self._client.run(close, self._errand.token, on_error="ignore")
        with suppress(OSError):
            self._sign.unlink()


def connection(engine: Any, scheduler: str | None, workers: int) -> Connect:
    """Say how a client of Dask is had: given, of a scheduler, or of a cluster of this machine.

    A cluster of this machine takes nobody who does not have its certificate.

    Parameters
    ----------
    engine : distributed.Client or "dask"
    scheduler : str or None
        Address, or the file that a scheduler writes its address to.
    workers : int
        Of a cluster of this machine.

    Raises
    ------
    UsageError
        If what is given is no client that can be asked.
    """
    if not logger.isEnabledFor(logging.DEBUG):
        # It tells of every worker that comes and goes; what matters is said by the run.
        logging.getLogger("distributed").setLevel(logging.ERROR)
    if not isinstance(engine, str):
        if not isinstance(engine, Client) or engine.asynchronous or engine.status != "running":
            raise UsageError(
                f"engine {engine!r}: expected local, dask, or a distributed.Client that is "
                "connected and not asynchronous"
            )
        return partial(nullcontext, engine)
    if scheduler is not None:
        return partial(_connected, scheduler)
    return partial(_local, workers)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    place = {"scheduler_file": scheduler} if Path(scheduler).is_file() else {"address": scheduler}
    try:
        client = Client(**place, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {scheduler}: {one_line(error)}. Expected an address "
            "such as tcp://HOST:8786, or the file of `dask scheduler --scheduler-file`"
        ) from error
    with client:
        yield client


@contextmanager
def _local(workers: int) -> Iterator[Client]:
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker that is being started reads the caller's script, which starts workers.
        sys.stderr.write(f"{_GUARD}\n")
        raise SystemExit(1)
    with (
        tempfile.TemporaryDirectory(prefix="genomark-dask-") as scratch,
        # Models are computed in processes of the workers' own.
        dask.config.set({"distributed.worker.daemon": False, "temporary-directory": scratch}),
        ExitStack() as held,
    ):
        try:
            cluster = held.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    # Other users of this machine are kept out.
                    security=True,
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    local_directory=scratch,
                    silence_logs=logging.ERROR,
                )
            )
        except RuntimeError as error:
            raise UsageError(
                f"Dask cannot start workers: {one_line(error).rstrip('.')}. {_GUARD}"
            ) from error
        yield held.enter_context(Client(cluster, set_as_default=False))


def _failure(future: Future) -> BaseException:
    if future.status == "error":
        error = future.exception()
        if isinstance(error, BaseException):
            return error
    return CancelledError(future.status)


def _allow_many_files() -> None:
    """Let this process have as many files open as the system lets it: each claim is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
