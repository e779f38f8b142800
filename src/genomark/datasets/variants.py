"""Variants: one form for what VCF, SPDI and ids say, put into windows of a genome.

SPDI (Holmes et al. 2020, Bioinformatics 36:1902) counts from 0 and leaves a side empty that has no
letters; VCF and the ids made after it count from 1 and put the letter before an insertion or a
deletion on both sides.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from genomark.datasets.assemblies import assembly_name, chromosome_name, chromosome_of
from genomark.datasets.genome import Genome, reverse_complement
from genomark.errors import UsageError, one_line

_LETTERS = re.compile("[ACGTN]*")
_SPDI = re.compile(r"([A-Z]{2}_\d+\.\d+):(\d{1,12}):([ACGTNacgtn]*|\d{1,9}):([ACGTNacgtn]*)")
_ID = re.compile(r"([A-Za-z0-9_.]+):(\d{1,12}):([ACGTNacgtn]+)[:>]([ACGTNacgtn]+)")
_GZIP = b"\x1f\x8b"
#: Letters of a line of VCF; those of half a million genotypes are a few million.
_LONGEST_LINE = 64_000_000


@dataclass(frozen=True, slots=True)
class Variant:
    """Letters of a chromosome replaced by others.

    Attributes
    ----------
    chrom : str
    start : int
        0-based place of the first letter of `ref`; of an insertion, of the letter behind it.
    ref, alt : str
        On the forward strand, upper case; one of them may be empty.
    assembly : str or None
        Of the position, such as ``"hg38"``.

    Raises
    ------
    UsageError
        If the position is negative, an allele has other letters than A, C, G, T and N, or both
        are the same.
    """

    chrom: str
    start: int
    ref: str
    alt: str
    assembly: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no variant."""
        if self.start < 0:
            raise UsageError(f"{self}: the position lies before the chromosome")
        for allele in (self.ref, self.alt):
            if not _LETTERS.fullmatch(allele):
                raise UsageError(f"'{one_line(allele)}' is no allele of A, C, G, T and N")
        if self.ref == self.alt:
            raise UsageError(f"{self}: reference and alternate are the same")

    def __str__(self) -> str:
        """Name it as SPDI does, with the chromosome's name."""
        return f"{self.chrom}:{self.start}:{self.ref}:{self.alt}"

    @property
    def end(self) -> int:
        """Place behind the last letter of `ref`."""
        return self.start + len(self.ref)

    def edit(self, start: int, end: int, strand: str = "+") -> tuple[int, int, str]:
        """Give the change to a window of the chromosome.

        Parameters
        ----------
        start, end : int
            Of the window, on the forward strand, 0-based and half-open.
        strand : {"+", "-"}
            On which the window is read.

        Returns
        -------
        tuple of (int, int, str)
            First letter and the one behind the last to be replaced, counted from the window's
            first letter as it is read, and the letters put there, on its strand.

        Raises
        ------
        UsageError
            If the variant is not within the window, or the strand is neither.
        """
        if strand not in ("+", "-"):
            raise UsageError(f"a strand is '+' or '-', not '{strand}'")
        if self.start < start or self.end > end:
            raise UsageError(f"{self} does not lie within {self.chrom}:{start}-{end}")
        if strand == "+":
            return self.start - start, self.end - start, self.alt
        return end - self.end, end - self.start, reverse_complement(self.alt)

    def applied(self, window: str, start: int, strand: str = "+") -> str:
        """Put the variant into a window of the chromosome.

        Parameters
        ----------
        window : str
            As `Genome.window` reads it, on `strand`.
        start : int
            0-based place of its first letter on the forward strand.
        strand : {"+", "-"}

        Returns
        -------
        str
            The window with the alternate letters; it is longer or shorter by what the alleles
            differ.

        Raises
        ------
        UsageError
            If the variant is not within the window, or the window has other letters where the
            reference should be.
        """
        first, last, letters = self.edit(start, start + len(window), strand)
        expected = self.ref if strand == "+" else reverse_complement(self.ref)
        self._require(expected, window[first:last].upper(), f"the window on strand {strand}")
        return window[:first] + letters + window[last:]

    def check(self, genome: Genome) -> None:
        """Return quietly if the genome has the letters of `ref` at its place.

        Raises
        ------
        UsageError
            If it has others, or no such place.
        """
        if self.ref:
            found = genome.window(self.chrom, self.start, self.end)
            self._require(self.ref, found.upper(), genome.name)

    def _require(self, expected: str, found: str, where: str) -> None:
        if found != expected:
            raise UsageError(
                f"{self}: expected {one_line(expected)} at {self.chrom}:{self.start}-{self.end}, "
                f"{where} has {one_line(found)}: are the coordinates those of another assembly?"
            )


def parse_spdi(text: str, assembly: str | None = None) -> Variant:
    """Read SPDI such as ``NC_000010.11:79347410::AACGGAGC``.

    Parameters
    ----------
    text : str
        Accession, 0-based position, deleted letters, inserted letters.
    assembly : str, optional
        Which the accession must be of; it tells by itself but for the mitochondrial chromosome.

    Raises
    ------
    UsageError
        If it is not SPDI, the accession is that of no known chromosome, or the deleted letters
        are given as a number, which says not what they are.
    """
    parts = _SPDI.fullmatch(text.strip())
    if parts is None:
        raise UsageError(
            f"'{one_line(text)}' is not SPDI, such as NC_000010.11:79347410:G:GAACGG "
            "(accession, 0-based position, deleted, inserted)"
        )
    accession, position, deleted, inserted = parts.groups()
    if deleted.isdigit():
        raise UsageError(f"'{one_line(text)}': spell the deleted letters, not their number")
    chrom = chromosome_of(accession, assembly)
    return Variant(
        chrom.name, int(position), deleted.upper(), inserted.upper(), assembly=chrom.assembly
    )


def parse_variant_id(text: str, assembly: str) -> Variant:
    """Read an id such as ``chr10:81107165:G>GAACGGAGC`` or ``7:70038969:G:T``.

    Parameters
    ----------
    text : str
        Chromosome, 1-based position, reference and alternate, as in VCF.
    assembly : str
        Which the position is of: ids do not tell.

    Raises
    ------
    UsageError
        If it is no such id, or the assembly has no such chromosome.
    """
    parts = _ID.fullmatch(text.strip())
    if parts is None:
        raise UsageError(
            f"'{one_line(text)}' is no variant such as chr10:81107165:G>GAACGGAGC or "
            "7:70038969:G:T (chromosome, 1-based position, reference, alternate)"
        )
    chrom, position, ref, alt = parts.groups()
    name = chromosome_name(assembly, chrom)
    return Variant(name, int(position) - 1, ref.upper(), alt.upper(), assembly_name(assembly))


def read_vcf(path: str | Path, assembly: str) -> Iterator[Variant]:
    """Read the variants of a VCF file, one for each alternate allele.

    Parameters
    ----------
    path : str or Path
        Plain, or packed with gzip or bgzip.
    assembly : str
        Which its positions are of. Assembled chromosomes get ``chr``, others keep their names.

    Yields
    ------
    Variant
        In the order of the file. A row without an alternate (``.``) has none.

    Raises
    ------
    UsageError
        If the file cannot be read, is not VCF, or a row of it is no variant: a column is missing,
        the position is no number, or an allele is symbolic (``<DEL>``, ``*``, a breakend). The
        line is named.
    """
    path = Path(path)
    assembly = assembly_name(assembly)
    try:
        with _opened(path) as lines:
            yield from _variants(path, lines, assembly)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UsageError(f"{path}: damaged, or not VCF ({error}); get it again") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as handle:
        packed = handle.read(2) == _GZIP
    return gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8")


def _variants(path: Path, lines: IO[str], assembly: str) -> Iterator[Variant]:
    number = 0
    while line := lines.readline(_LONGEST_LINE):
        number += 1
        where = f"{path}, line {number}"
        if number == 1 and not line.startswith("##fileformat=VCF"):
            raise UsageError(f"{where}: a VCF file begins with ##fileformat=VCF")
        if not line.endswith("\n") and len(line) >= _LONGEST_LINE:
            raise UsageError(f"{where}: longer than {_LONGEST_LINE:,} letters")
        if line.startswith("#") or not line.strip():
            continue
        try:
            yield from _of_row(line.rstrip("\r\n").split("\t", 5), assembly)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
    if number == 0:
        raise UsageError(f"{path}: empty; a VCF file begins with ##fileformat=VCF")


def _of_row(fields: list[str], assembly: str) -> list[Variant]:
    if len(fields) < 5:
        raise UsageError(f"{len(fields)} columns; expected CHROM, POS, ID, REF and ALT, with tabs")
    chrom, position, _, ref, alts = fields[:5]
    if not re.fullmatch(r"\d{1,12}", position) or int(position) < 1:
        raise UsageError(f"POS is '{one_line(position)}'; expected a whole number from 1 on")
    try:
        chrom = chromosome_name(assembly, chrom)
    except UsageError:
        if not chrom:
            raise
    found = []
    for alt in alts.split(",") if alts != "." else ():
        if not alt or not _LETTERS.fullmatch(alt.upper()):
            raise UsageError(
                f"'{one_line(alt)}' is no allele of letters (symbolic alleles and breakends have "
                "no sequence); leave such rows out, as with bcftools view -V other"
            )
        found.append(Variant(chrom, int(position) - 1, ref.upper(), alt.upper(), assembly))
    return found
