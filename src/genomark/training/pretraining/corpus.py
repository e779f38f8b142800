"""Windows of a genome to learn from, and others, set apart by place, to be judged by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genomark.datasets.genome import Genome, open_genome
from genomark.digests import digest_of_bytes
from genomark.errors import UsageError

_REGION = re.compile(r"(?P<chrom>[^:]+)(?::(?P<start>[\d,]+)-(?P<end>[\d,]+))?")
_OF_BASES = re.compile("[ACGT]+")
#: Bases of the shortest window worth reading: one in which something can be hidden.
SHORTEST_WINDOW = 64


@dataclass(frozen=True)
class Corpus:
    """Windows of bases A, C, G and T alone.

    Attributes
    ----------
    train : tuple of str
        To learn from, in the order of the genome.
    held_out : tuple of str
        Windows of the regions set apart; they share no base with those to learn from.
    window : int
        Bases of a window; the only one of a chromosome may be shorter.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    window: int

    @cached_property
    def digest(self) -> str:
        """Of all windows."""
        parts = (self.train, self.held_out)
        return digest_of_bytes("\n".join(each).encode() for each in parts)


def read_corpus(
    path: Path, held_out: Sequence[str], window: int, shortest: int = SHORTEST_WINDOW
) -> Corpus:
    """Cut a genome into windows side by side.

    Windows with a letter other than A, C, G and T are left out: gaps of an assembly are no
    sequence. So are windows that lie partly in a region set apart.

    Parameters
    ----------
    path : Path
        FASTA, plain or bgzip, or 2bit.
    held_out : sequence of str
        ``chrom:start-end``, 0-based and half-open as in BED, or ``chrom`` for all of it.
    window : int
        Bases, `shortest` or more.
    shortest : int
        Chromosomes with fewer bases, 64 or more, are left out.

    Raises
    ------
    UsageError
        If a region is none or lies outside, or no window is left of either part.
    """
    shortest = max(shortest, SHORTEST_WINDOW)
    if window < shortest:
        raise UsageError(f"windows of {window} bases; expected {shortest} or more")
    genome = open_genome(path)
    regions = [_region(genome, each) for each in held_out]
    train: list[str] = []
    for chrom, length in genome.lengths.items():
        apart = [(start, end) for name, start, end in regions if name == chrom]
        for start in _starts(0, length, window):
            end = min(start + window, length)
            if all(end <= first or start >= last for first, last in apart):
                train += _usable(genome.window(chrom, start, end), shortest)
    judged = [
        sequence
        for chrom, first, last in regions
        for start in _starts(first, last, window)
        for sequence in _usable(genome.window(chrom, start, min(start + window, last)), shortest)
    ]
    for name, part in (("to learn from", train), ("held out", judged)):
        if not part:
            raise UsageError(
                f"{path}: no window {name}: expected {window} bases of A, C, G and T side by side"
            )
    return Corpus(tuple(train), tuple(judged), window)


def _region(genome: Genome, text: str) -> tuple[str, int, int]:
    found = _REGION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"held-out region '{text}': expected chrom:start-end, or chrom")
    chrom = found["chrom"]
    start = int((found["start"] or "0").replace(",", ""))
    length = genome.lengths.get(chrom, start + 1)
    end = int(found["end"].replace(",", "")) if found["end"] else length
    # Says what is wrong with a place that is none.
    genome.window(chrom, start, min(end, start + 1) if end > start else end)
    if end > length:
        raise UsageError(
            f"held-out region '{text}': {chrom} of {genome.name} has {length:,} positions"
        )
    return chrom, start, end


def _starts(first: int, last: int, window: int) -> range:
    """Where whole windows begin; what is shorter than a window is one by itself."""
    return range(first, max(last - window, first) + 1, window)


def _usable(sequence: str, shortest: int) -> list[str]:
    fits = len(sequence) >= shortest and _OF_BASES.fullmatch(sequence)
    return [sequence] if fits else []
