"""What a Dask worker does for a run: it has shards computed, and sends back what they came to.

A worker may be on another machine, without the run's folder; then the files of a shard go with its
outcome. Shards are computed in a process beside the worker, which a model may take down without
taking the worker with it: what becomes of such a shard is decided there as on one machine.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import platform
import shutil
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from distributed import Worker, get_worker

from genomark.errors import GenomarkError
from genomark.models.prediction_cache import chosen_cache
from genomark.runs.environment import VERSION
from genomark.runs.outcome import ShardOutcome, response_path, shard_path
from genomark.runs.plan import Shard
from genomark.runs.workers import Equipment, LocalExecutor

#: A process in which nothing was computed for so long is ended: whoever asked may be no more.
_IDLE_SECONDS = 300.0


class Errand(msgspec.Struct, frozen=True):
    """What a worker must know of a run.

    Attributes
    ----------
    token : str
        Tells runs apart.
    folder : str
        Of the run, on the machine that it is on.
    sign : str
        A file that lies in that folder; who sees it is on the same disk.
    where : str
        Folder that the files of specs are relative to.
    equipment : Equipment
    cache : tuple of (str or None, float or None)
        Place and size of the prediction cache, as asked for.
    version, python : str
        Of the run: a worker must have the same.
    """

    token: str
    folder: str
    sign: str
    where: str
    equipment: Equipment
    cache: tuple[str | None, float | None]
    version: str = VERSION
    python: str = platform.python_version()


@dataclass(frozen=True)
class Delivery:
    """What came of a shard, and where.

    Attributes
    ----------
    outcome : ShardOutcome
    worker : str
        Address of the worker.
    files : dict of str to bytes
        ``shard`` and ``response``, where the worker does not see the run's folder.
    """

    outcome: ShardOutcome
    worker: str
    files: dict[str, bytes] = field(default_factory=dict)


class UnfitWorkerError(GenomarkError):
    """A worker, which it names by its address, cannot compute for a run; others may."""

    def __init__(self, message: str, worker: str) -> None:
        super().__init__(message, worker)
        self.worker = worker

    def __str__(self) -> str:
        return str(self.args[0])


class Post:
    """Computes shards of one run in a Dask worker, one at a time.

    Parameters
    ----------
    errand : Errand
    worker : distributed.Worker

    Raises
    ------
    UnfitWorkerError
        If the worker has another genomark.
    """

    def __init__(self, errand: Errand, worker: Worker) -> None:
        self._address = worker.address
        self._require_same(errand)
        self._lock = threading.Lock()
        self._rest: threading.Timer | None = None
        self._closed = False
        self.sees_folder = (Path(errand.folder) / errand.sign).exists()
        if self.sees_folder:
            self._folder = Path(errand.folder)
        else:
            scratch = Path(worker.local_directory)
            scratch.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="genomark-", dir=scratch))
        where = Path(errand.where)
        equipment = replace(
            errand.equipment,
            threads=worker.state.nthreads,
            where=where if where.is_dir() else None,
        )
        self._executor = LocalExecutor(self._folder, 1, chosen_cache(*errand.cache), equipment)

    def compute(self, shard: Shard) -> Delivery:
        """Have one shard computed."""
        with self._lock:
            if self._closed:
                raise GenomarkError("the run was ended")
            if self._rest is not None:
                self._rest.cancel()
            try:
                self._executor.submit(shard)
                outcome = next(self._executor.as_completed(), None)
            except BaseException as error:
                # What it still holds is none of the next shard's.
                self._executor.cancel()
                if self._closed:
                    raise GenomarkError("the run was ended") from error
                raise
            if outcome is None or outcome.digest != shard.digest or self._closed:
                self._executor.cancel()
                raise GenomarkError("the run was ended")
            self._lie_down()
            return Delivery(outcome, self._address, self._files(outcome))

    def close(self) -> None:
        """End the process, and leave nothing behind."""
        self._closed = True
        if self._rest is not None:
            self._rest.cancel()
        self._executor.cancel()
        if not self.sees_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _files(self, outcome: ShardOutcome) -> dict[str, bytes]:
        """Take the files of a shard out of a folder that is the worker's own."""
        if self.sees_folder:
            return {}
        files = {}
        for name, path in (
            ("shard", shard_path(self._folder, outcome.digest)),
            ("response", response_path(self._folder, outcome.digest)),
        ):
            with contextlib.suppress(FileNotFoundError):
                files[name] = path.read_bytes()
                path.unlink()
        return files

    def _lie_down(self) -> None:
        self._rest = threading.Timer(_IDLE_SECONDS, self._close_if_idle)
        self._rest.daemon = True
        self._rest.start()

    def _close_if_idle(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._lock.release()

    def _require_same(self, errand: Errand) -> None:
        there = (VERSION, platform.python_version())
        if there != (errand.version, errand.python):
            raise UnfitWorkerError(
                f"the Dask worker {self._address} has genomark {there[0]} on Python {there[1]}, "
                f"and the run has {errand.version} on {errand.python}: install the same on both",
                self._address,
            )

    @property
    def is_closed(self) -> bool:
        """Whether it computes no more."""
        return self._closed


#: By run and worker: threads of one process may be several workers.
_posts: dict[tuple[str, str], Post] = {}
_opening = threading.Lock()


def compute(errand: Errand, shard: Shard) -> Delivery:
    """Compute a shard of a run (called in a Dask worker)."""
    worker = get_worker()
    key = errand.token, worker.address
    with _opening:
        if key not in _posts or _posts[key].is_closed:
            # Models are computed in processes beside the worker, which its nanny has forbidden.
            # Theirs watch it, and end with it.
            getattr(multiprocessing.current_process(), "_config", {})["daemon"] = False
            _posts[key] = Post(errand, worker)
        post = _posts[key]
    return post.compute(shard)


def close(token: str) -> None:
    """End all that this process has of a run (called in a Dask worker)."""
    with _opening:
        posts = [_posts.pop(key) for key in list(_posts) if key[0] == token]
    for post in posts:
        post.close()
