"""Windows of a genome: FASTA, plain or bgzip, and 2bit."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.bars import Bar, bar, interactive
from genomark.datasets.indexed_fasta import IndexedFasta
from genomark.datasets.twobit import TwoBit
from genomark.errors import UsageError

_COMPLEMENT = str.maketrans("ACGTURYKMBVDHacgturykmbvdh", "TGCAAYRMKVBHDtgcaayrmkvbhd")
#: First bytes of a 2bit file, in either byte order.
_TWOBIT = (b"\x43\x27\x41\x1a", b"\x1a\x41\x27\x43")
_GZIP = b"\x1f\x8b"
#: Letters that are read at a time: few enough to stay in the processor's cache.
_LETTERS_AT_A_TIME = 1 << 20
#: Seconds before a bar is drawn.
_PATIENCE = 2.0

_Whole = NDArray[np.int64]


class _File(Protocol):
    """What a genome is read from."""

    @property
    def lengths(self) -> Mapping[str, int]:
        """Positions of each chromosome, in the order of the file."""
        ...

    def read(self, chrom: str, start: int, end: int) -> str:
        """Read ``[start, end)`` of a chromosome, both inside it, as the file spells it."""
        ...

    def fill(self, rows: _Whole, numbers: _Whole, starts: _Whole, out: NDArray[np.uint8]) -> None:
        """Write windows, upper case, to some rows; all lie on their chromosome, if only in part."""
        ...


class _Renamed:
    """A file under other names of its chromosomes."""

    def __init__(self, file: _File, names: Mapping[str, str]) -> None:
        self.lengths = {names[name]: length for name, length in file.lengths.items()}
        self._spelled = {names[name]: name for name in file.lengths}
        self._file = file
        self.fill = file.fill  # knows chromosomes by number

    def read(self, chrom: str, start: int, end: int) -> str:
        return self._file.read(self._spelled[chrom], start, end)


class Genome:
    """Chromosomes of which any window can be read.

    Made by `open_genome`. Threads may share one; a process that forks opens its own.

    Attributes
    ----------
    name : str
        Assembly if one was given, else the name of the file.
    lengths : mapping of str to int
        Positions of each chromosome, in the order of the file.
    """

    def __init__(self, name: str, file: _File, *, soft_mask: bool) -> None:
        self.name = name
        self.lengths = file.lengths
        self._file = file
        self._soft_mask = soft_mask
        self._numbers = {chrom: number for number, chrom in enumerate(self.lengths)}
        self._sizes = np.fromiter(self.lengths.values(), np.int64, len(self.lengths))

    def renamed(self, names: Mapping[str, str]) -> Genome:
        """Give the same genome with other names of its chromosomes.

        Parameters
        ----------
        names : mapping of str to str
            The new name of each chromosome.
        """
        return Genome(self.name, _Renamed(self._file, names), soft_mask=self._soft_mask)

    def window(self, chrom: str, start: int, end: int, strand: str = "+") -> str:
        """Read a window, filled up with N where it reaches beyond an end of the chromosome.

        Parameters
        ----------
        chrom : str
        start, end : int
            0-based and half-open, as in BED.
        strand : {"+", "-"}
            The reverse complement is given for ``"-"``.

        Returns
        -------
        str
            `end` - `start` letters, upper case unless the genome was opened with its soft mask.

        Raises
        ------
        UsageError
            If there is no such chromosome, the window is empty or lies beyond the chromosome, or
            the strand is neither.
        """
        length = self.lengths.get(chrom)
        if length is None:
            raise UsageError(self._unknown(chrom))
        where = f"{chrom}:{start}-{end}"
        if start >= end:
            raise UsageError(f"{where}: the start of a window must be below its end")
        if strand not in ("+", "-"):
            raise UsageError(f"{where}: a strand is '+' or '-', not '{strand}'")
        if end <= 0 or start >= length:
            raise UsageError(self._beyond(chrom, start, end))
        found = self._file.read(chrom, max(start, 0), min(end, length))
        if not self._soft_mask:
            found = found.upper()
        window = "N" * -min(start, 0) + found + "N" * max(end - length, 0)
        return reverse_complement(window) if strand == "-" else window

    def windows(self, chroms: Sequence[str], starts: ArrayLike, length: int) -> NDArray[np.uint8]:
        """Read many windows of one length, filled up with N beyond the ends of chromosomes.

        Parameters
        ----------
        chroms : sequence of str
            One a window.
        starts : array_like of int, shape (n,)
            0-based.
        length : int
            Letters of each window.

        Returns
        -------
        ndarray of uint8, shape (n, length)
            ASCII, upper case even if the genome was opened with its soft mask; else what `window`
            reads, row by row.

        Raises
        ------
        UsageError
            If there is no such chromosome or a window lies beyond it (the row is named, from 1),
            or the arguments do not belong together.
        """
        numbers, firsts = self._located(chroms, starts, length)
        out = np.empty((firsts.size, length), dtype=np.uint8)
        for rows in self._in_parts(numbers, length):
            self._file.fill(rows, numbers[rows], firsts[rows], out)
        return out

    def sequences(self, chroms: Sequence[str], starts: ArrayLike, length: int) -> list[str]:
        """Read many windows as strings; parameters and errors are those of `windows`."""
        numbers, firsts = self._located(chroms, starts, length)
        found: list[str] = [""] * firsts.size
        # One for all parts: it stays in the processor's cache.
        buffer = np.empty((min(_part(length), firsts.size), length), dtype=np.uint8)
        places = np.arange(len(buffer))
        for rows in self._in_parts(numbers, length):
            out = buffer[: rows.size]
            self._file.fill(places[: rows.size], numbers[rows], firsts[rows], out)
            for row, letters in zip(rows.tolist(), strings_of(out), strict=True):
                found[row] = letters
        return found

    def numbers(self, chroms: Sequence[str]) -> _Whole:
        """Number chromosomes by their place in `lengths`, int64[n].

        Raises
        ------
        UsageError
            If there is no such chromosome; the row is named, from 1.
        """
        found = np.fromiter(map(self._numbers.get, chroms, repeat(-1)), np.int64, len(chroms))
        if found.size and found.min() < 0:
            row = int(found.argmin())
            raise UsageError(f"row {row + 1}: {self._unknown(chroms[row])}")
        return found

    def _in_parts(self, numbers: _Whole, length: int) -> Iterator[_Whole]:
        """Cut rows into parts, chromosome by chromosome; a bar follows what takes a while."""
        order = np.argsort(numbers, kind="stable")
        step = _part(length)
        began = time.monotonic()
        shown: Bar | None = None
        try:
            for at in range(0, order.size, step):
                yield order[at : at + step]
                if shown is None and interactive() and time.monotonic() - began > _PATIENCE:
                    shown = bar(order.size, "items")
                if shown is not None:
                    shown.show(min(at + step, order.size), f"Windows of {self.name}")
        finally:
            if shown is not None:
                shown.close()

    def _located(
        self, chroms: Sequence[str], starts: ArrayLike, length: int
    ) -> tuple[_Whole, _Whole]:
        """Give the number of the chromosome and the start of each window, all of them checked."""
        firsts = np.asarray(starts)
        if firsts.shape != (len(chroms),) or (firsts.size and firsts.dtype.kind not in "iu"):
            raise UsageError(
                f"Expected {len(chroms):,} whole numbers as starts, one a chromosome, found "
                f"{firsts.dtype} of shape {firsts.shape}"
            )
        if length < 1:
            raise UsageError(f"A window has at least one letter, not {length}")
        firsts = firsts.astype(np.int64)
        numbers = self.numbers(chroms)
        outside = (firsts <= -length) | (firsts >= self._sizes[numbers])
        if outside.any():
            row = int(outside.argmax())
            start = int(firsts[row])
            raise UsageError(f"row {row + 1}: {self._beyond(chroms[row], start, start + length)}")
        return numbers, firsts

    def _beyond(self, chrom: str, start: int, end: int) -> str:
        return (
            f"{chrom}:{start}-{end} lies beyond {chrom} of {self.name}, which has "
            f"{self.lengths[chrom]:,} positions: are the coordinates those of another assembly?"
        )

    def _unknown(self, chrom: str) -> str:
        spelled = [chrom.removeprefix("chr"), f"chr{chrom}"]
        near = [name for name in spelled if name in self.lengths]
        near += difflib.get_close_matches(chrom, self.lengths, n=3, cutoff=0.5)
        named = ", ".join(f"'{name}'" for name in dict.fromkeys(near or list(self.lengths)[:5]))
        hint = "did you mean" if near else "it has, among others,"
        return f"{self.name} has no chromosome '{chrom}'; {hint} {named}"


def open_genome(
    path: str | Path, *, assembly: str | None = None, soft_mask: bool = False
) -> Genome:
    """Open a genome.

    Parameters
    ----------
    path : str or Path
        2bit, or FASTA, plain or packed with bgzip. An index beside it (``.fai``, and ``.gzi`` for
        bgzip) is used if it is not older than the file; else one is built into the cache.
    assembly : str, optional
        What to call it, such as ``"hg38"``; nothing is guessed from names or lengths.
    soft_mask : bool
        Whether repeats keep their small letters.

    Raises
    ------
    UsageError
        If there is no such file, it is none of these or damaged, or the library that reads it is
        not installed.
    CacheNotWritableError, DiskFullError
        If there is no place for the index.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            head = handle.read(18)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from error
    name = assembly or path.name
    file: _File
    if head[:4] in _TWOBIT:
        file = TwoBit(path)
    elif head[:1] == b">" or head[:2] == _GZIP:
        # The first extra field of a bgzip block is called BC.
        if head[:2] == _GZIP and head[12:14] != b"BC":
            raise UsageError(
                f"{path}: packed with gzip, which cannot be read by window; "
                "unpack it, or pack it with bgzip"
            )
        file = IndexedFasta(path, packed=head[:2] == _GZIP)
    else:
        raise UsageError(f"{path}: neither FASTA (plain or bgzip) nor 2bit")
    return Genome(name, file, soft_mask=soft_mask)


def reverse_complement(sequence: str) -> str:
    """Give the other strand as DNA, ambiguity codes included; other letters stay."""
    return sequence.translate(_COMPLEMENT)[::-1]


def strings_of(windows: NDArray[np.uint8]) -> list[str]:
    """Make a string of each row of ASCII letters, uint8[n, length]."""
    n, length = windows.shape
    # One text that is cut up: a tenth of the time of decoding row by row.
    text = str(np.ascontiguousarray(windows).data, "ascii")
    return [text[at : at + length] for at in range(0, n * length, length)]


def _part(length: int) -> int:
    """How many windows are read at a time."""
    return max(1, _LETTERS_AT_A_TIME // length)
