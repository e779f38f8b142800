"""Predictions of a stranger, decoded where they can do no harm.

A parquet file of a few kilobytes can decode to gigabytes, and no field of its footer is bound to
say so. It is decoded by a process of its own (`decoder_process`), whose memory and time the system
limits to what so many rows may need; what comes back is an array of a size known beforehand. No
more than `AT_ONCE` of these processes run at once for one user of a machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from genomark.datasets.location import cache_folder
from genomark.errors import WriteError, one_line
from genomark.results.submission.receipt import RefusedError, RefusedPredictionsError

_PROGRAM = Path(__file__).with_name("decoder_process.py")
_REFUSED = 3
#: Processes that decode at once.
AT_ONCE = 2
#: Seconds that a bundle waits for its turn.
_PATIENCE = 120.0
#: Address space in bytes, of which the libraries take 0.9 GB before anything is read; and more for
#: each row, at most 0.8 kB of which are needed where they stand in another order.
_MEMORY, _MEMORY_OF_ROW = 5 << 28, 1 << 10
#: Processor time, and rows for which there is a second more; these take a tenth of it.
_CPU_SECONDS, _ROWS_OF_SECOND = 5, 100_000
#: A process that waits takes no processor time.
_WALL_TO_CPU = 4
_LONGEST_REASON = 4096


def decode_predictions(
    parquet: bytes, ids: Path, items: int, labels: tuple[str, ...]
) -> NDArray[np.float64]:
    """Decode predictions, check them against what is asked, and bring them into its order.

    Parameters
    ----------
    parquet : bytes
        Columns `item_id` and `label` (strings) and `value` (float64): one row an item and label.
    ids : Path
        Parquet with the column `item_id`: the items that are asked.
    items : int
        How many there are.
    labels : tuple of str

    Returns
    -------
    ndarray of float64, shape (items, len(labels))
        Finite.

    Raises
    ------
    RefusedPredictionsError
        If it is no such file, or items are missing, unknown or there twice, or values not finite.
    RefusedError
        If others are decoded all the while.
    WriteError
        If there is no room for temporary files.
    """
    rows = items * len(labels)
    size, memory = rows * 8, _MEMORY + rows * _MEMORY_OF_ROW
    seconds = _CPU_SECONDS + rows // _ROWS_OF_SECOND
    order = {
        "ids": str(ids),
        "items": items,
        "labels": labels,
        "memory": memory,
        "seconds": seconds,
        "answer": max(size, _LONGEST_REASON),
    }
    try:
        # Files without a name: they are gone with the process, however it ends.
        with _turn(), tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            given.write(parquet)
            given.seek(0)
            wall = _WALL_TO_CPU * seconds
            code = _run(json.dumps(order), given.fileno(), answer.fileno(), wall)
            answer.seek(0)
            content = answer.read(max(size, _LONGEST_REASON) + 1)
    except OSError as error:
        raise WriteError(
            f"Predictions cannot be decoded in {tempfile.gettempdir()}: {error.strerror}. The "
            "attempt is not counted"
        ) from error
    if code == _REFUSED:
        reason = one_line(content[:_LONGEST_REASON].decode("ascii", "replace"))
        raise RefusedPredictionsError(f"predictions.parquet: {reason}")
    if code or len(content) != size:
        raise RefusedPredictionsError(
            f"predictions.parquet cannot be decoded within {memory >> 20:,} MB of memory and "
            f"{seconds} s: damaged, or it unpacks to far more than {items:,} items"
        )
    values = np.frombuffer(content, np.float64).reshape(items, len(labels))
    if not np.isfinite(values).all():
        raise RefusedPredictionsError("predictions.parquet: values that are not finite")
    return values


def refuse_constant(prediction: NDArray[np.float64], labels: list[str]) -> None:
    """Refuse what has no score on either share; that depends on no label.

    Parameters
    ----------
    prediction : ndarray of float64, shape (n, n_labels)
    labels : list of str

    Raises
    ------
    RefusedPredictionsError
        If all values of a label are the same.
    """
    for label, column in zip(labels, prediction.T, strict=True):
        if column.min() == column.max():
            raise RefusedPredictionsError(f"the predictions of label '{label}' are all the same")


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until fewer than `AT_ONCE` are decoded; a lock is free when who held it is killed."""
    locks = [FileLock(cache_folder("locks") / f"decoding-{n}.lock") for n in range(AT_ONCE)]
    end = time.monotonic() + _PATIENCE
    held = _first_free(locks)
    while held is None:
        if time.monotonic() > end:
            raise RefusedError("this board is busy with other bundles; send it again later")
        time.sleep(0.05)
        held = _first_free(locks)
    try:
        yield
    finally:
        held.release()


def _first_free(locks: list[FileLock]) -> FileLock | None:
    """Take the first lock that is free."""
    for lock in locks:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return lock
    return None


def _run(order: str, given: int, answer: int, wall: int) -> int:
    """Run the process, without this one's environment; None of its words are read."""
    try:
        return subprocess.run(
            # -B: what the size of files is limited to would cut bytecode short that Python keeps.
            [sys.executable, "-B", "-P", str(_PROGRAM), order],
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env={"POLARS_MAX_THREADS": "1"},
            timeout=wall,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1
