"""Windows of a genome: FASTA, plain or bgzip, and 2bit."""

from __future__ import annotations

import difflib
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from genomark.datasets.location import cache_folder, writing
from genomark.datasets.twobit import TwoBit
from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.extras import import_extra

#: Reads ``[start, end)`` of a chromosome, both inside it.
_Read = Callable[[str, int, int], str]

_COMPLEMENT = str.maketrans("ACGTURYKMBVDHacgturykmbvdh", "TGCAAYRMKVBHDtgcaayrmkvbhd")
#: First bytes of a 2bit file, in either byte order.
_TWOBIT = (b"\x43\x27\x41\x1a", b"\x1a\x41\x27\x43")
_GZIP = b"\x1f\x8b"
#: Bytes of a file whose index takes more than a moment to build.
_LARGE = 200_000_000


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

    def __init__(
        self, name: str, lengths: Mapping[str, int], read: _Read, *, soft_mask: bool
    ) -> None:
        self.name = name
        self.lengths = lengths
        self._read = read
        self._soft_mask = soft_mask

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
            raise UsageError(
                f"{where} lies beyond {chrom} of {self.name}, which has {length:,} positions: "
                "are the coordinates those of another assembly?"
            )
        found = self._read(chrom, max(start, 0), min(end, length))
        if not self._soft_mask:
            found = found.upper()
        window = "N" * -min(start, 0) + found + "N" * max(end - length, 0)
        return reverse_complement(window) if strand == "-" else window

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
    lengths: Mapping[str, int]
    read: _Read
    if head[:4] in _TWOBIT:
        twobit = TwoBit(path)
        lengths, read = twobit.lengths, twobit.read
    elif head[:1] == b">" or head[:2] == _GZIP:
        # The first extra field of a bgzip block is called BC.
        if head[:2] == _GZIP and head[12:14] != b"BC":
            raise UsageError(
                f"{path}: packed with gzip, which cannot be read by window; "
                "unpack it, or pack it with bgzip"
            )
        lengths, read = _open_fasta(path, packed=head[:2] == _GZIP)
    else:
        raise UsageError(f"{path}: neither FASTA (plain or bgzip) nor 2bit")
    return Genome(name, lengths, read, soft_mask=soft_mask)


def reverse_complement(sequence: str) -> str:
    """Give the other strand as DNA, ambiguity codes included; other letters stay."""
    return sequence.translate(_COMPLEMENT)[::-1]


def _open_fasta(path: Path, *, packed: bool) -> tuple[Mapping[str, int], _Read]:
    pysam = import_extra(str(path), "pysam", "genome")
    index, blocks = _indexes(pysam, path, packed=packed)
    try:
        handle: Any = pysam.FastaFile(
            str(path),
            filepath_index=str(index),
            filepath_index_compressed=str(blocks) if packed else None,
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read with the index {index}: {error}") from error
    lock = threading.Lock()

    def read(chrom: str, start: int, end: int) -> str:
        # A handle has one place in the file, which threads would move about.
        with lock:
            found: str = handle.fetch(chrom, start, end)
        return found

    return dict(zip(handle.references, handle.lengths, strict=True)), read


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
