"""2bit files with chromosomes as long as real ones, of which only some stretches have letters."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np

_CODES = np.full(256, 255, np.uint8)
_CODES[list(b"TCAG")] = [0, 1, 2, 3]


def write_sparse_2bit(
    path: Path, lengths: dict[str, int], stretches: dict[str, list[tuple[int, str]]]
) -> None:
    """Write 2bit (https://genome.ucsc.edu/FAQ/FAQformat.html#format7).

    Parameters
    ----------
    path : Path
        Its folder is made. What is N takes no room on the disk.
    lengths : dict of str to int
        Positions of each chromosome, in order.
    stretches : dict of str to list of (int, str)
        By chromosome: where it has letters (0-based start) and which (A, C, G, T, N); all else
        is N. Stretches do not overlap.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = 16 + sum(5 + len(name) for name in lengths)
    with path.open("wb") as out:
        out.write(struct.pack("<IIII", 0x1A412743, 0, len(lengths), 0))
        offsets = []
        out.seek(place)
        for name, length in lengths.items():
            offsets.append(out.tell())
            _write_chromosome(out, length, sorted(stretches.get(name, [])))
        out.truncate()
        out.seek(16)
        for name, offset in zip(lengths, offsets, strict=True):
            out.write(bytes([len(name)]) + name.encode() + struct.pack("<I", offset))


def _write_chromosome(out, length, stretches):
    known = [
        (start + run.start(), run[0])
        for start, letters in stretches
        for run in re.finditer("[ACGT]+", letters.upper())
    ]
    edges = [0, *(edge for start, run in known for edge in (start, start + len(run))), length]
    assert edges == sorted(edges), "stretches overlap or lie beyond their chromosome"
    unknown = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    out.write(struct.pack("<II", length, len(unknown)))
    out.write(np.array([a for a, _ in unknown], "<u4").tobytes())
    out.write(np.array([b - a for a, b in unknown], "<u4").tobytes())
    out.write(struct.pack("<II", 0, 0))  # no small letters, and a reserved word
    bases = out.tell()
    packed: dict[int, int] = {}
    for start, run in known:
        # Two runs may share a byte, so that bytes at the edges are put together here.
        first = start // 4
        codes = np.zeros((start % 4 + len(run) + 3) // 4 * 4, np.uint8)
        codes[start % 4 : start % 4 + len(run)] = _CODES[list(run.encode())]
        row = codes.reshape(-1, 4) @ np.array([64, 16, 4, 1], np.uint8)
        row[0] |= packed.get(first, 0)
        packed = {first + row.size - 1: int(row[-1])}
        out.seek(bases + first)
        out.write(row.tobytes())
    end = bases + -(-length // 4)
    out.truncate(end)
    out.seek(end)
