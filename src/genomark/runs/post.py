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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

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


class Post:
    """Computes shards of one run in a Dask worker, one at a time.

    Parameters
    ----------
    errand : Errand
    address : str
        Of the worker.
    scratch : Path
        Folder of the worker, for runs whose own it does not see.
    threads : int
        Of the worker.

    Raises
    ------
    GenomarkError
        If the worker has another genomark.
    """

    def __init__(self, errand: Errand, address: str, scratch: Path, threads: int) -> None:
        self._require_same(errand, address)
        self._errand = errand
        self._address = address
        self._lock = threading.Lock()
        self._rest: threading.Timer | None = None
        self._closed = False
        self.sees_folder = (Path(errand.folder) / errand.sign).exists()
        if self.sees_folder:
            self._folder = Path(errand.folder)
        else:
            scratch.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="genomark-", dir=scratch))
        where = Path(errand.where)
        equipment = replace(
            errand.equipment, threads=threads, where=where if where.is_dir() else None
        )
        self._executor = LocalExecutor(self._folder, 1, chosen_cache(*errand.cache), equipment)

    def compute(self, shard: Shard) -> Delivery:
        """Have one shard computed."""
        with self._lock, _may_have_children():
            self._wake()
            self._executor.submit(shard)
            outcome = next(self._executor.as_completed(), None)
            if outcome is None or self._closed:
                # It may have begun anew what was being ended.
                self._executor.cancel()
                raise GenomarkError("the run was ended")
            self._lie_down()
            return Delivery(outcome, self._address, self._files(outcome))

    def close(self) -> None:
        """End the process, and leave nothing behind."""
        self._closed = True
        self._wake()
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

    def _wake(self) -> None:
        if self._rest is not None:
            self._rest.cancel()

    def _lie_down(self) -> None:
        self._rest = threading.Timer(_IDLE_SECONDS, self._end_if_idle)
        self._rest.daemon = True
        self._rest.start()

    def _end_if_idle(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._executor.cancel()
            finally:
                self._lock.release()

    @staticmethod
    def _require_same(errand: Errand, address: str) -> None:
        there = (VERSION, platform.python_version())
        if there != (errand.version, errand.python):
            raise GenomarkError(
                f"the Dask worker {address} has genomark {there[0]} on Python {there[1]}, and the "
                f"run has {errand.version} on {errand.python}: install the same on both"
            )


class PostPlugin(WorkerPlugin):  # type: ignore[misc]
    """Gives each Dask worker, those that come later too, its post; taken back, it ends them.

    Parameters
    ----------
    errand : Errand
    """

    def __init__(self, errand: Errand) -> None:
        self.name = f"genomark-{errand.token}"
        self._errand = errand

    def setup(self, worker: Worker) -> None:
        """Open the post (called by the worker).

        Raises
        ------
        GenomarkError
            If the worker has another genomark.
        """
        scratch = Path(worker.local_directory)
        _posts[self._errand.token] = Post(
            self._errand, worker.address, scratch, worker.state.nthreads
        )

    def teardown(self, worker: Worker) -> None:
        """Close the post (called by the worker)."""
        post = _posts.pop(self._errand.token, None)
        if post is not None:
            post.close()


#: Of the runs for which this worker works, by token.
_posts: dict[str, Post] = {}


def compute(token: str, shard: Shard) -> Delivery:
    """Compute a shard of a run (called in a Dask worker)."""
    if token not in _posts:
        raise GenomarkError("a Dask worker knows nothing of the run")
    return _posts[token].compute(shard)


@contextmanager
def _may_have_children() -> Iterator[None]:
    """Let this process start others; a Dask worker's nanny has said that it must not.

    Theirs watch it, and end with it.
    """
    config = getattr(multiprocessing.current_process(), "_config", {})
    before = config.get("daemon")
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = before
