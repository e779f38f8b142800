"""Windows of FASTA by an index, plain or packed with bgzip.

A plain file is mapped into memory, and where a base lies in it is computed from the index. Of a
packed one, whole chromosomes are unpacked and kept once so many windows were asked of them that
it takes less time.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.location import cache_folder, writing
from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.extras import import_extra

#: Bytes of a file whose index takes more than a moment to build.
_LARGE = 200_000_000
#: Bases that are unpacked for any window, however short: a block of bgzip.
_BLOCK = 1 << 16
#: Bytes of unpacked chromosomes that are kept.
_KEPT = 1 << 30


class IndexedFasta:
    """FASTA with its index, which is built if there is none.

    Parameters
    ----------
    path : Path
    packed : bool
        Whether with bgzip.

    Raises
    ------
    UsageError
        If the file or its index is damaged, or pysam is not installed.
    CacheNotWritableError, DiskFullError
        If there is no place for the index.
    """

    def __init__(self, path: Path, *, packed: bool) -> None:
        pysam = import_extra(str(path), "pysam", "genome")
        self._path, self._packed = path, packed
        self._index, blocks = _indexes(pysam, path, packed=packed)
        try:
            self._handle: Any = pysam.FastaFile(
                str(path),
                filepath_index=str(self._index),
                filepath_index_compressed=str(blocks) if packed else None,
            )
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path}: cannot be read with the index {self._index}: {error}"
            ) from error
        # A handle has one place in the file, which threads would move about.
        self._reading = threading.Lock()
        self._names = tuple(self._handle.references)
        self._sizes = np.array(self._handle.lengths, dtype=np.int64)
        self._keeping = threading.Lock()
        #: Unpacked chromosomes by number, that used last at the end.
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._asked = np.zeros_like(self._sizes)

    @property
    def lengths(self) -> dict[str, int]:
        """Positions of each chromosome, in the order of the file."""
        return dict(zip(self._names, self._sizes.tolist(), strict=True))

    def read(self, chrom: str, start: int, end: int) -> str:
        """Read ``[start, end)`` of a chromosome, both inside it, as the file spells it."""
        try:
            with self._reading:
                found: str = self._handle.fetch(chrom, start, end)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{self._path}: '{chrom}' cannot be read by the index {self._index}: the file is "
                "cut short or damaged; get it again"
            ) from error
        return found

    def fill(
        self,
        rows: NDArray[np.int64],
        numbers: NDArray[np.int64],
        starts: NDArray[np.int64],
        out: NDArray[np.uint8],
    ) -> None:
        """Write windows to rows of uint8[n, length]; none lies off its chromosome."""
        from genomark.datasets.windows import copy_windows

        if self._packed:
            for number in np.unique(numbers).tolist():
                these = numbers == number
                self._fill_of_one(number, rows[these], starts[these], out)
            return
        raw, layout = self._lines
        copy_windows(raw, layout, rows, numbers, starts, out)

    @cached_property
    def _lines(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The plain file, and for each chromosome what `copy_windows` has to know."""
        rows = [line.split("\t")[1:5] for line in self._index.read_text("utf-8").splitlines()]
        layout = np.array(rows, dtype=np.int64).reshape(-1, 4)
        size, offset, bases, width = layout.T
        lines = (size - 1) // np.maximum(bases, 1)
        ends = offset + lines * width + size - lines * bases
        raw = np.memmap(self._path, dtype=np.uint8, mode="r")
        fits = (size == 0) | ((bases > 0) & (width >= bases) & (offset >= 0) & (ends <= raw.size))
        if not (np.array_equal(size, self._sizes) and fits.all()):
            raise UsageError(
                f"{self._path}: the index {self._index} is not of this file; remove it"
            )
        return np.asarray(raw), layout

    def _fill_of_one(
        self,
        number: int,
        rows: NDArray[np.int64],
        starts: NDArray[np.int64],
        out: NDArray[np.uint8],
    ) -> None:
        """Do so for windows of one chromosome of a packed file."""
        from genomark.datasets.windows import copy_windows

        size, length = int(self._sizes[number]), out.shape[1]
        letters = self._unpacked(number, rows.size * (_BLOCK + length))
        if letters is not None:
            layout = np.array([[size, 0, size, size]], dtype=np.int64)
            copy_windows(letters, layout, rows, np.zeros_like(rows), starts, out)
            return
        for row, start in zip(rows.tolist(), starts.tolist(), strict=True):
            first, last = max(start, 0), min(start + length, size)
            found = self.read(self._names[number], first, last).upper().encode("ascii")
            out[row] = ord("N")
            out[row, first - start : last - start] = np.frombuffer(found, dtype=np.uint8)

    def _unpacked(self, number: int, cost: int) -> NDArray[np.uint8] | None:
        """Give a whole chromosome, or None as long as little was asked of it.

        `cost` is how many bases have to be unpacked for the windows one by one. That they may take
        as much as the whole chromosome, so that in all it is at most twice what it would be had
        all windows been known before.
        """
        with self._keeping:
            letters = self._kept.pop(number, None)
            if letters is None:
                self._asked[number] += cost
                if self._asked[number] < self._sizes[number]:
                    return None
                name, size = self._names[number], int(self._sizes[number])
                letters = np.frombuffer(self.read(name, 0, size).encode("ascii"), dtype=np.uint8)
                self._asked[number] = 0
            self._kept[number] = letters
            while len(self._kept) > 1 and sum(each.size for each in self._kept.values()) > _KEPT:
                del self._kept[next(iter(self._kept))]
        return letters


def _indexes(pysam: ModuleType, path: Path, *, packed: bool) -> tuple[Path, Path]:
    """Find the index and, for bgzip, that of its blocks; build both if need be."""
    about = path.stat()
    beside = path.with_name(f"{path.name}.fai"), path.with_name(f"{path.name}.gzi")
    needed = beside if packed else beside[:1]
    if all(each.is_file() and each.stat().st_mtime >= about.st_mtime for each in needed):
        return beside
    folder = cache_folder("genomes")
    key = digest_of([str(path.resolve()), about.st_size, about.st_mtime_ns])
    index, blocks = folder / f"{key}.fai", folder / f"{key}.gzi"
    if not index.is_file():
        if about.st_size > _LARGE and sys.stderr is not None:
            sys.stderr.write(f"Indexing {path} (once)\n")
        with writing(index), tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch, "fai"), Path(scratch, "gzi")
            _build(pysam, path, *made)
            if packed:
                made[1].replace(blocks)
            # Last: where it is, the other is too.
            made[0].replace(index)
    return index, blocks


def _build(pysam: ModuleType, path: Path, index: Path, blocks: Path) -> None:
    # The library writes to standard error what the exception does not say.
    quiet = pysam.set_verbosity(0)
    try:
        pysam.faidx(str(path), "--fai-idx", str(index), "--gzi-idx", str(blocks))
    except pysam.SamtoolsError as error:
        raise UsageError(
            f"{path}: cannot be indexed; expected FASTA whose lines, but for the last of each "
            "chromosome, have the same length, and names that differ"
        ) from error
    finally:
        pysam.set_verbosity(quiet)
