"""Predictions of a stranger, decoded where they can do no harm.

A parquet file of a few kilobytes can decode to gigabytes, and no field of its footer is bound to
say so. It is decoded by a process of its own (`decoder_process`), whose memory and time the system
limits; what comes back is an array of a size known beforehand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.errors import WriteError, one_line
from genomark.results.submission.receipt import RefusedError

_PROGRAM = Path(__file__).with_name("decoder_process.py")
_REFUSED = 3
#: Address space of the process; a million rows take a fifth of it.
_MEMORY = 3 << 29
#: Processor time; a million rows take one second.
_CPU_SECONDS = 60
_WALL_SECONDS = 180
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
    RefusedError
        If it is no such file, or items are missing, unknown or there twice, or values not finite.
    WriteError
        If there is no room for temporary files.
    """
    size = items * len(labels) * 8
    order = {
        "ids": str(ids),
        "items": items,
        "labels": labels,
        "memory": _MEMORY,
        "seconds": _CPU_SECONDS,
        "answer": max(size, _LONGEST_REASON),
    }
    try:
        # Files without a name: they are gone with the process, however it ends.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            given.write(parquet)
            given.seek(0)
            code = _run(json.dumps(order), given.fileno(), answer.fileno())
            answer.seek(0)
            content = answer.read(max(size, _LONGEST_REASON) + 1)
    except OSError as error:
        raise WriteError(
            f"Predictions cannot be decoded in {tempfile.gettempdir()}: {error.strerror}. The "
            "attempt is not counted"
        ) from error
    if code == _REFUSED:
        reason = one_line(content[:_LONGEST_REASON].decode("ascii", "replace"))
        raise RefusedError(f"predictions.parquet: {reason}")
    if code or len(content) != size:
        raise RefusedError(
            f"predictions.parquet cannot be decoded within {_MEMORY >> 20:,} MB of memory and "
            f"{_CPU_SECONDS} s: damaged, or it unpacks to far more than {items:,} items"
        )
    values = np.frombuffer(content, np.float64).reshape(items, len(labels))
    if not np.isfinite(values).all():
        raise RefusedError("predictions.parquet: values that are not finite")
    return values


def _run(order: str, given: int, answer: int) -> int:
    """Run the process, without this one's environment; None of its words are read."""
    try:
        return subprocess.run(
            [sys.executable, "-B", "-P", str(_PROGRAM), order],
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env={"POLARS_MAX_THREADS": "1"},
            timeout=_WALL_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1
