"""Compile the kernels that read genomes and compare sequences, so that no first command waits.

Set-up calls it (``python -m genomark.datasets.warm``). Without it they compile on first use, some
seconds in all.
"""

from __future__ import annotations

import numpy as np

from genomark.datasets.leakage import nearest
from genomark.datasets.windows import copy_windows, unpack_windows


def warm() -> None:
    """Read a window by each, with arrays as files give them, of read-only bytes; find a copy."""
    raw = np.frombuffer(b"ACGT", dtype=np.uint8)
    row, out = np.zeros(1, dtype=np.int64), np.empty((1, 4), dtype=np.uint8)
    unknown = np.empty((0, 2), dtype=np.int64)
    four_bases = np.zeros(256, dtype=np.uint32)
    unpack_windows(raw, four_bases, np.array([[4, 0, 0, 0]]), unknown, row, row, row, out)
    copy_windows(raw, np.array([[4, 0, 4, 4]]), row, row, row, out)
    nearest(["ACGTTGCAAGTCCATGACGT"], ["ACGTTGCAAGTCCATGACGT"])


if __name__ == "__main__":
    warm()
