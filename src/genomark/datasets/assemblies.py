"""Genome assemblies by name: whose file is opened is checked, never guessed.

`assemblies.tsv` gives the assembled chromosomes with their length, their name without ``chr`` and
their RefSeq accession, as NCBI's assembly reports do.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from genomark.datasets.genome import Genome, open_genome
from genomark.datasets.location import cached, mirrored
from genomark.errors import DatasetError, DatasetUnavailableError, UnknownNameError, UsageError

#: What else assemblies are called, in lower case.
_ALIASES = {"grch37": "hg19", "b37": "hg19", "grch38": "hg38", "grcm38": "mm10"}
_FILES = ("{}.2bit", "{}.fa", "{}.fa.gz")


class Chromosome(NamedTuple):
    """An assembled chromosome.

    Attributes
    ----------
    assembly, name : str
        Such as ``"hg38"`` and ``"chr7"``.
    length : int
        Positions.
    plain : str
        Its name where names have no ``chr``; empty where there is none.
    refseq : str
        RefSeq accession with version.
    """

    assembly: str
    name: str
    length: int
    plain: str
    refseq: str


def assembly_name(name: str) -> str:
    """Give the name genomark has for an assembly: ``hg38`` for ``GRCh38``.

    Raises
    ------
    UnknownNameError
        If it is neither known nor the other name of a known one.
    """
    folded = name.strip().lower()
    folded = _ALIASES.get(folded, folded)
    if folded not in _table():
        raise UnknownNameError("assembly", name, [*_table(), "GRCh37", "GRCh38", "GRCm38"])
    return folded


def chromosomes(assembly: str) -> Mapping[str, Chromosome]:
    """Give the assembled chromosomes of an assembly by their names with ``chr``.

    Raises
    ------
    UnknownNameError
        If there is no such assembly.
    """
    return _table()[assembly_name(assembly)]


def chromosome_name(assembly: str, chrom: str) -> str:
    """Give a chromosome's name with ``chr``, from that name or from the one without.

    Raises
    ------
    UsageError
        If the assembly has no such assembled chromosome.
    """
    known = chromosomes(assembly)
    if chrom in known:
        return chrom
    for found in known.values():
        if chrom and chrom == found.plain:
            return found.name
    raise UsageError(
        f"{assembly_name(assembly)} has no chromosome '{chrom}'; it has {', '.join(known)}"
    )


def open_assembly(name: str) -> Genome:
    """Open a genome that is at hand.

    Looked for as ``NAME/NAME.2bit``, ``.fa`` and ``.fa.gz`` (bgzip) in the mirror, where that is a
    folder, and in the cache's ``datasets``. Nothing is downloaded: these are hundreds of megabytes.

    Parameters
    ----------
    name : str
        ``"hg19"``, ``"hg38"`` or ``"mm10"``, or what else these are called (``"GRCh38"``).

    Returns
    -------
    Genome
        Its chromosomes are named with ``chr``, also where the file names them without.

    Raises
    ------
    UnknownNameError
        If there is no such assembly.
    DatasetUnavailableError
        If no file of it is at hand; tells the command that gets it.
    DatasetError
        If the file is damaged, or a chromosome has another length than that of the assembly.
    """
    assembly = assembly_name(name)
    path = _find(assembly)
    try:
        genome = open_genome(path, assembly=assembly)
    except UsageError as error:
        raise DatasetError(str(error)) from error
    named = _with_prefix(assembly, genome.lengths)
    _check(assembly, path, genome.lengths, named)
    return genome if list(named.values()) == list(named) else genome.renamed(named)


def _find(assembly: str) -> Path:
    files = [file.format(assembly) for file in _FILES]
    places = [place for file in files if isinstance(place := mirrored(assembly, file), Path)]
    places += [cached(assembly, file) for file in files]
    for place in places:
        if place.is_file():
            return place
    raise DatasetUnavailableError(
        f"The genome {assembly} is not at hand: get it with 'genomark data fetch {assembly}', or "
        f"put {files[0]} (or .fa, or .fa.gz packed with bgzip) at {cached(assembly, files[0])}"
    )


def _with_prefix(assembly: str, lengths: Mapping[str, int]) -> dict[str, str]:
    """Names with ``chr`` of a file's chromosomes; those that are not assembled keep theirs."""
    plain = {found.plain: found.name for found in chromosomes(assembly).values() if found.plain}
    return {name: plain.get(name, name) for name in lengths}


def _check(assembly: str, path: Path, lengths: Mapping[str, int], named: Mapping[str, str]) -> None:
    known = chromosomes(assembly)
    twice = len(named) - len(set(named.values()))
    if twice:
        raise DatasetError(f"{path}: {twice} chromosomes are there twice, with and without 'chr'")
    found = [(name, known[chrom]) for name, chrom in named.items() if chrom in known]
    if not found:
        some = ", ".join(list(lengths)[:3])
        raise DatasetError(
            f"{path}: none of its chromosomes ({some}, ...) is one of {assembly}, "
            f"which has {', '.join(list(known)[:3])}, ..."
        )
    for name, chrom in found:
        if lengths[name] != chrom.length:
            raise DatasetError(
                f"{path}: {name} has {lengths[name]:,} positions where {assembly} has "
                f"{chrom.length:,}; it is another assembly, or a part of one: "
                f"get the whole with 'genomark data fetch {assembly}'"
            )


@functools.cache
def _table() -> dict[str, dict[str, Chromosome]]:
    found: dict[str, dict[str, Chromosome]] = {}
    text = (resources.files("genomark.datasets") / "assemblies.tsv").read_text("utf-8")
    for line in text.splitlines()[1:]:
        assembly, name, length, plain, refseq = line.split("\t")
        chrom = Chromosome(assembly, name, int(length), plain, refseq)
        found.setdefault(assembly, {})[name] = chrom
    return found


@functools.cache
def _accessions() -> dict[str, tuple[Chromosome, ...]]:
    found: dict[str, tuple[Chromosome, ...]] = {}
    for known in _table().values():
        for chrom in known.values():
            found[chrom.refseq] = (*found.get(chrom.refseq, ()), chrom)
    return found


def chromosome_of(accession: str, assembly: str | None = None) -> Chromosome:
    """Find the chromosome that has a RefSeq accession.

    Parameters
    ----------
    accession : str
        With its version: ``NC_000010.11`` is chr10 of hg38, ``NC_000010.10`` that of hg19.
    assembly : str, optional
        Which it must be of; needed where two share a chromosome (the mitochondrial one).

    Raises
    ------
    UsageError
        If it is no assembled chromosome of the assemblies known, or not of `assembly`.
    """
    found = _accessions().get(accession, ())
    if not found:
        stem = accession.partition(".")[0]
        near = [f"{name} ({it[0].assembly})" for name, it in _accessions().items()]
        near = [name for name in near if name.startswith(f"{stem}.")]
        hint = f"; known are {', '.join(near)}" if near else ""
        raise UsageError(
            f"'{accession}' is the RefSeq accession of no chromosome of {', '.join(_table())}{hint}"
        )
    if assembly is not None:
        wanted = assembly_name(assembly)
        within = [chrom for chrom in found if chrom.assembly == wanted]
        if not within:
            raise UsageError(f"'{accession}' is of {found[0].assembly}, not of {wanted}")
        return within[0]
    if len(found) > 1:
        names = " and ".join(chrom.assembly for chrom in found)
        raise UsageError(f"'{accession}' is of {names}: say which assembly is meant")
    return found[0]
