"""Windows of 2bit files, of which the bases stay on disk until they are asked for.

Layout: https://genome.ucsc.edu/FAQ/FAQformat.html#format7. The file is mapped into memory and four
bases are unpacked with one look-up, which is as quick as reading it by library, and a file that was
cut short is found out when it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError

_MAGIC = 0x1A412743
#: Bytes of an offset in each version of the format.
_OFFSET_BYTES = (4, 8)
_SMALL = 0x20


def _four_bases() -> NDArray[np.uint32]:
    """The four letters of each byte, the first in the upper bits, as one word."""
    numbers = np.arange(256)[:, np.newaxis] >> np.array([6, 4, 2, 0]) & 3
    letters = np.frombuffer(b"TCAG", dtype=np.uint8)[numbers]
    return np.ascontiguousarray(letters).view(np.uint32).ravel()


_FOUR_BASES = _four_bases()


@dataclass(frozen=True)
class _Blocks:
    """Stretches of a chromosome, in order, half-open."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def within(self, start: int, end: int) -> list[slice]:
        """Give the parts of a window they cover, counted from its start."""
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.starts, end, side="left"))
        lows = np.maximum(self.starts[first:last] - start, 0)
        highs = np.minimum(self.ends[first:last], end) - start
        return [slice(low, high) for low, high in zip(lows.tolist(), highs.tolist(), strict=True)]


@dataclass(frozen=True)
class _Chromosome:
    length: int
    unknown: _Blocks
    masked: _Blocks
    #: Where its bases begin in the file.
    bases: int


class TwoBit:
    """A 2bit file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UsageError
        If it is not 2bit, or shorter than it says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.stat().st_size < 16:
            raise self._damaged()
        self._raw = np.memmap(path, dtype=np.uint8, mode="r")
        little = int(self._raw[:4].view("<u4")[0]) == _MAGIC
        self._order = "<" if little else ">"
        magic, version, count, _ = self._numbers(0, 4).tolist()
        if magic != _MAGIC or version >= len(_OFFSET_BYTES):
            raise UsageError(f"{path}: not a 2bit file of version 0 or 1")
        self._chroms: dict[str, _Chromosome] = {}
        at = 16
        for _ in range(count):
            size = int(self._bytes(at, 1)[0])
            name = self._bytes(at + 1, size).tobytes().decode("latin-1")
            at += 1 + size
            offset = int(self._numbers(at, 1, _OFFSET_BYTES[version])[0])
            at += _OFFSET_BYTES[version]
            self._chroms[name] = self._chromosome(offset)

    @property
    def lengths(self) -> dict[str, int]:
        """Positions of each chromosome, in the order of the file."""
        return {name: chrom.length for name, chrom in self._chroms.items()}

    def read(self, chrom: str, start: int, end: int) -> str:
        """Read ``[start, end)`` of a chromosome, both inside it; masked letters are small."""
        found = self._chroms[chrom]
        first, last = start // 4, -(-end // 4)
        packed = self._raw[found.bases + first : found.bases + last]
        letters = _FOUR_BASES.take(packed).view(np.uint8)[start - 4 * first : end - 4 * first]
        for part in found.unknown.within(start, end):
            letters[part] = ord("N")
        for part in found.masked.within(start, end):
            letters[part] |= _SMALL
        return letters.tobytes().decode("ascii")

    def fill(
        self,
        rows: NDArray[np.int64],
        numbers: NDArray[np.int64],
        starts: NDArray[np.int64],
        out: NDArray[np.uint8],
    ) -> None:
        """Write windows to rows of uint8[n, length]; none lies off its chromosome."""
        from genomark.datasets.windows import unpack_windows

        raw = np.asarray(self._raw)
        unpack_windows(raw, _FOUR_BASES, *self._layout, rows, numbers, starts, out)

    @cached_property
    def _layout(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The chromosomes and their stretches of N, as `unpack_windows` has to know them."""
        chroms = list(self._chroms.values())
        last = np.cumsum([chrom.unknown.starts.size for chrom in chroms], dtype=np.int64)
        layout = np.array([[c.length, c.bases, 0, 0] for c in chroms], np.int64).reshape(-1, 4)
        layout[1:, 2], layout[:, 3] = last[:-1], last
        blocks = [np.column_stack([c.unknown.starts, c.unknown.ends]) for c in chroms]
        return layout, np.concatenate(blocks or [np.empty((0, 2), dtype=np.int64)])

    def _chromosome(self, at: int) -> _Chromosome:
        length = int(self._numbers(at, 1)[0])
        at += 4
        unknown, at = self._blocks(at)
        masked, at = self._blocks(at)
        bases = at + 4
        self._bytes(bases, -(-length // 4))
        return _Chromosome(length, unknown, masked, bases)

    def _blocks(self, at: int) -> tuple[_Blocks, int]:
        """Read blocks, and say where they end."""
        count = int(self._numbers(at, 1)[0])
        starts = self._numbers(at + 4, count)
        sizes = self._numbers(at + 4 + 4 * count, count)
        return _Blocks(starts, starts + sizes), at + 4 + 8 * count

    def _numbers(self, at: int, count: int, size: int = 4) -> NDArray[np.int64]:
        raw = self._bytes(at, count * size)
        return np.frombuffer(raw.tobytes(), dtype=f"{self._order}u{size}").astype(np.int64)

    def _bytes(self, at: int, count: int) -> NDArray[np.uint8]:
        if at + count > self._raw.size:
            raise self._damaged()
        return self._raw[at : at + count]

    def _damaged(self) -> UsageError:
        return UsageError(f"{self._path}: the 2bit file is cut short or damaged; get it again")
