"""Sequences around places of a genome: of regions, and of variants with either allele.

Where a context of C letters lies is that of GUANinE's documentation, for even and odd C alike.
Positions are 0-based and half-open, as in BED. A chromosome is found with and without ``chr``, the
mitochondrial one as M and as MT. What would lie beyond an end of its chromosome is N.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.datasets.genome import Genome
from genomark.errors import UsageError

_ALLELE = re.compile("[ACGTN]+", re.IGNORECASE)
_MITOCHONDRIAL = ("chrM", "chrMT", "M", "MT")
_Whole = NDArray[np.int64]


@dataclass(frozen=True)
class RegionContexts:
    """Sequences around the centres of regions.

    Attributes
    ----------
    sequences : list of str
        Upper case, all of one length.
    padded : ndarray of bool, shape (n,)
        Which reach beyond an end of their chromosome.
    """

    sequences: list[str]
    padded: NDArray[np.bool_]


@dataclass(frozen=True)
class VariantContexts:
    """Sequences around variants, with either allele.

    Attributes
    ----------
    references, alternates : list of str
        Upper case, all of one length C; alleles begin at index (C - 1) // 2.
    padded : ndarray of bool, shape (n,)
        Where either reaches beyond an end of its chromosome.
    """

    references: list[str]
    alternates: list[str]
    padded: NDArray[np.bool_]


def region_contexts(
    genome: Genome, chroms: Sequence[str], centers: ArrayLike, context: int
) -> RegionContexts:
    """Read the sequences around the centres of regions.

    Parameters
    ----------
    genome : Genome
    chroms : sequence of str
    centers : array_like of int, shape (n,)
        The letter right of the middle if `context` is even, that in the middle if it is odd.
    context : int
        Letters C of each sequence: ``[center - C // 2, center + C // 2)``, and one more to the
        right if it is odd.

    Raises
    ------
    UsageError
        If there is no such chromosome, or a centre lies beyond it; the row is named, from 1.
    """
    names = _spelled(genome, chroms)
    middle = _positions("centres", centers, len(names))
    sizes = _sizes(genome, names, middle)
    starts = middle - context // 2
    return RegionContexts(
        genome.sequences(names, starts, context), (starts < 0) | (starts + context > sizes)
    )


def variant_contexts(
    genome: Genome,
    chroms: Sequence[str],
    starts: ArrayLike,
    ends: ArrayLike,
    refs: Sequence[str] | None,
    alts: Sequence[str],
    context: int,
) -> VariantContexts:
    """Read the sequences around variants, with the reference and with the alternate allele.

    The first letter of the reference allele is at index (C - 1) // 2. For a single letter that is
    ``[end - C // 2, end + C // 2)`` where C is even, and ``[start - C // 2, start + C // 2]`` where
    it is odd. Behind an alternate of another length the genome goes on right of the reference
    allele, to as many letters as the reference has; what then stands beyond the end is cut off.

    Parameters
    ----------
    genome : Genome
    chroms : sequence of str
    starts : array_like of int, shape (n,)
        Of the first letter of the reference allele.
    ends : array_like of int, shape (n,)
        Behind its last letter; behind the first if the file has that of all variants.
    refs : sequence of str or None
        Reference alleles, which must be those of the genome. None: what the genome has.
    alts : sequence of str
        Alternate alleles. Insertions and deletions are as VCF has them, with the letter before.
    context : int
        Letters C of each sequence.

    Raises
    ------
    UsageError
        If there is no such chromosome, a variant lies beyond it, the genome has another reference
        allele or already has the alternate one, or an allele is no sequence of bases; the row is
        named, from 1.
    """
    variants = _checked(genome, chroms, starts, ends, refs, alts)
    before = (context - 1) // 2
    lefts = variants.starts - before
    references = genome.sequences(variants.chroms, lefts, context)
    _check_alleles(genome, variants, references, before, refs)
    # Letters behind the alternate alleles that the genome has to fill.
    behind = np.maximum(context - before - np.array([len(each) for each in variants.alts], int), 0)
    ends_read = np.where(behind > 0, variants.starts + variants.replaced + behind, 0)
    sizes = _sizes(genome, variants.chroms, variants.starts)
    return VariantContexts(
        references,
        _alternates(genome, variants, references, before, context),
        (lefts < 0) | (np.maximum(lefts + context, ends_read) > sizes),
    )


@dataclass(frozen=True)
class _Variants:
    """Variants whose places are on their chromosomes; how many letters each replaces by which."""

    chroms: list[str]
    starts: _Whole
    replaced: _Whole
    alts: list[str]

    def place(self, row: int) -> str:
        start = int(self.starts[row])
        return f"{self.chroms[row]}:{start}-{start + int(self.replaced[row])}"


def _checked(
    genome: Genome,
    chroms: Sequence[str],
    starts: ArrayLike,
    ends: ArrayLike,
    refs: Sequence[str] | None,
    alts: Sequence[str],
) -> _Variants:
    names = _spelled(genome, chroms)
    firsts = _positions("starts", starts, len(names))
    spans = _positions("ends", ends, len(names)) - firsts
    inserted = _alleles("alternate", alts, len(names))
    replaced, wrong = spans, spans < 1
    if refs is not None:
        lengths = [len(each) for each in _alleles("reference", refs, len(names))]
        replaced = np.array(lengths, dtype=np.int64)
        wrong = (spans != replaced) & (spans != 1)
    if wrong.any():
        row = int(wrong.argmax())
        expected = "at least 1" if refs is None else f"{replaced[row]}, as many as in '{refs[row]}'"
        raise UsageError(
            f"row {row + 1}: from start {firsts[row]} to end {firsts[row] + spans[row]} there are "
            f"{spans[row]} letters; expected {expected}"
        )
    _sizes(genome, names, firsts)
    _sizes(genome, names, firsts + replaced - 1)
    return _Variants(names, firsts, replaced, inserted)


def _spelled(genome: Genome, chroms: Sequence[str]) -> list[str]:
    """Spell chromosomes as the genome does; those it has not stay as they are."""
    spelled = {chrom: _in_genome(genome, chrom) for chrom in dict.fromkeys(chroms)}
    return [spelled[chrom] for chrom in chroms]


def _in_genome(genome: Genome, chrom: str) -> str:
    bare = chrom.removeprefix("chr")
    spellings = [chrom, bare, f"chr{bare}"]
    if chrom in _MITOCHONDRIAL:
        spellings += _MITOCHONDRIAL
    return next((each for each in spellings if each in genome.lengths), chrom)


def _positions(what: str, values: ArrayLike, n: int) -> _Whole:
    positions = np.asarray(values)
    if positions.shape != (n,) or (n and positions.dtype.kind not in "iu"):
        raise UsageError(
            f"expected {n:,} whole numbers as {what}, one a chromosome, found {positions.dtype} "
            f"of shape {positions.shape}"
        )
    return positions.astype(np.int64)


def _sizes(genome: Genome, names: list[str], positions: _Whole) -> _Whole:
    """Give the length of the chromosome of each position, which must lie on it."""
    lengths = np.array(list(genome.lengths.values()), dtype=np.int64)
    sizes: _Whole = lengths[genome.numbers(names)]
    outside = (positions < 0) | (positions >= sizes)
    if outside.any():
        row = int(outside.argmax())
        raise UsageError(
            f"row {row + 1}: position {int(positions[row])} (0-based) is not on {names[row]} of "
            f"{genome.name}, which has {int(sizes[row]):,}: are the coordinates those of another "
            "assembly?"
        )
    return sizes


def _alleles(what: str, alleles: Sequence[str], n: int) -> list[str]:
    if len(alleles) != n:
        raise UsageError(f"expected {n:,} {what} alleles, found {len(alleles):,}")
    for row, allele in enumerate(alleles):
        if not isinstance(allele, str) or not _ALLELE.fullmatch(allele):
            raise UsageError(
                f"row {row + 1}: expected bases as {what} allele, found {allele!r}; deletions and "
                "insertions are told with the letter before, as in VCF"
            )
    return [allele.upper() for allele in alleles]


def _check_alleles(
    genome: Genome,
    variants: _Variants,
    references: list[str],
    before: int,
    refs: Sequence[str] | None,
) -> None:
    """Refuse variants that are not of this genome."""
    for row, size in enumerate(variants.replaced.tolist()):
        found = references[row][before : before + size]
        if len(found) < size:
            start = int(variants.starts[row])
            found = genome.window(variants.chroms[row], start, start + size).upper()
        if refs is not None and refs[row].upper() != found:
            raise UsageError(
                f"row {row + 1}: the reference allele of {variants.place(row)} is '{refs[row]}', "
                f"and {genome.name} has '{found}': are the coordinates those of another assembly?"
            )
        if variants.alts[row] == found:
            raise UsageError(
                f"row {row + 1}: the alternate allele of {variants.place(row)} is '{found}', as in "
                f"{genome.name}; expected another: are the coordinates those of another assembly?"
            )


def _alternates(
    genome: Genome, variants: _Variants, references: list[str], before: int, context: int
) -> list[str]:
    """Put the alternate alleles in."""
    replaced = variants.replaced.tolist()
    shifted = [row for row, size in enumerate(replaced) if len(variants.alts[row]) != size]
    # From the last letter of the reference allele on, since a chromosome may end with it.
    right = genome.sequences(
        [variants.chroms[row] for row in shifted],
        (variants.starts + variants.replaced - 1)[shifted],
        context - before + 1,
    )
    tails = dict(zip(shifted, right, strict=True))
    made = []
    for row, (reference, alt) in enumerate(zip(references, variants.alts, strict=True)):
        tail = tails[row][1:] if row in tails else reference[before + len(alt) :]
        made.append((reference[:before] + alt + tail)[:context])
    return made
