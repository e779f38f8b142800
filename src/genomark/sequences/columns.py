"""Which columns of a file are the sequence, its id, its label and its group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from genomark.datasets.genome import Genome
from genomark.errors import UsageError
from genomark.sequences.records import Records

#: How labels come from comparing the sequence with an earlier state of it.
Derivation = Literal["changed", "original-where-changed"]

SEQUENCE_NAMES = ("sequence", "seq", "text", "dna", "rna")
LABEL_NAMES = ("label", "labels", "target", "y")
ID_NAMES = ("id", "name")
GROUP_NAMES = ("group",)
CHROM_NAMES = ("chrom", "chr", "region")

_LETTERS = b"ACGTUNRYSWKMBDHV"
#: Sequences that are looked at side by side: all of them would be held twice more.
_AT_ONCE = 4096
_FAMILIAR = {"-": " (a gap: expected unaligned sequences)", ".": " (a gap, or a structure)"}


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of the columns; what is not given is looked for under its usual names.

    Attributes
    ----------
    sequence : str or None
        None for the first of `sequence`, `seq`, `text`, `dna`, `rna`; without any, the window of
        a genome that `chrom` (or `chr`, `region`), `start`, `end` and `strand` name.
    label : str, tuple of str or None
        Several for several labels or measured values. None for the first of `label`, `labels`,
        `target`, `y`.
    id : str or None
        None for `id` or `name`, if there is one of them.
    group : str or None
        None for `group`, if there is one. Rows of one group are never parted.
    derive : str or None
        Make the labels of positions from comparing the sequence with that in the column `label`,
        which is of the same length: ``changed`` says of each position whether they differ;
        ``original-where-changed`` tells the letter that `label` has where they differ, and nothing
        elsewhere.
    scored : str or None
        Column with the number of positions, the first ones, of which something is told.
    unknown : str
        Further letters of sequences, such as those of modified bases, which are read as N.
    untold : tuple of str
        Further classes of positions that tell nothing, as -100 and empty ones do.
    """

    sequence: str | None = None
    label: str | tuple[str, ...] | None = None
    id: str | None = None
    group: str | None = None
    derive: Derivation | None = None
    scored: str | None = None
    unknown: str = ""
    untold: tuple[str, ...] = ()


def label_columns(records: Records, columns: Columns) -> tuple[str, ...]:
    """Find the columns of labels.

    Raises
    ------
    UsageError
        If there is none.
    """
    if columns.label is None:
        found = records.first(LABEL_NAMES)
        if found is None:
            raise _without(records, "a label", LABEL_NAMES)
        return (found,)
    return (columns.label,) if isinstance(columns.label, str) else columns.label


def sequences_of(records: Records, columns: Columns, genome: Genome | None) -> list[str]:
    """Find or cut out the sequences.

    Returns
    -------
    list of str
        Upper case.

    Raises
    ------
    UsageError
        If there are none, one is empty, or has a letter that is neither a base nor an ambiguity
        code; or a window of the genome cannot be had.
    """
    name = columns.sequence or records.first(SEQUENCE_NAMES)
    if name is not None:
        return checked_sequences(records.cells(name), records, name, columns.unknown)
    if not _names_regions(records):
        raise _without(records, "a sequence", SEQUENCE_NAMES)
    if genome is None:
        raise UsageError(
            f"{records.where}: names regions, not sequences; give the genome they are of "
            "(FASTA or 2bit)"
        )
    windows = [_window(records, row, genome, *cells) for row, cells in enumerate(_regions(records))]
    return checked_sequences(windows, records, "sequence")


def checked_sequences(
    cells: Iterable[Any], records: Records, name: str, unknown: str = ""
) -> list[str]:
    """Make upper-case sequences of the cells of the column `name`, `unknown` letters N.

    Raises
    ------
    UsageError
        As `sequences_of`.
    """
    sequences = [cell.strip().upper() if isinstance(cell, str) else "" for cell in cells]
    if not all(sequences):
        row = sequences.index("")
        raise records.fault(row, f"column '{name}': no sequence")
    if unknown:
        known = str.maketrans(dict.fromkeys(unknown.upper(), "N"))
        sequences = [sequence.translate(known) for sequence in sequences]
    allowed = set(_LETTERS.decode())
    for first in range(0, len(sequences), _AT_ONCE):
        block = sequences[first : first + _AT_ONCE]
        if not "".join(block).encode().translate(None, _LETTERS):
            continue
        for row, sequence in enumerate(block, start=first):
            for position, letter in enumerate(sequence, start=1):
                if letter not in allowed:
                    raise records.fault(
                        row,
                        f"column '{name}': '{letter}' at position {position:,}"
                        f"{_FAMILIAR.get(letter, '')}; expected A, C, G, T, U, N or a IUPAC code; "
                        "Columns(unknown=...) reads others as N",
                    )
    return sequences


def ids_of(records: Records, columns: Columns) -> tuple[str, ...]:
    """Give each row an id of its own.

    The one the file has, if it is there once; ``name#row`` where rows share it or have none;
    the number of the row, from 1, where the file has no ids. Regions without names are called
    ``chrom:start-end``.
    """
    name = columns.id
    if name is None:
        taken = () if columns.label is None else label_columns(records, columns)
        name = records.first([each for each in ID_NAMES if each not in taken])
    if name is not None:
        names = ["" if cell in (None, ".") else str(cell).strip() for cell in records.column(name)]
    elif _names_regions(records) and records.first(SEQUENCE_NAMES) is None:
        names = [f"{chrom}:{start}-{end}" for chrom, start, end, _ in _regions(records)]
    else:
        names = []
    counts = Counter(names)
    ids = tuple(
        each if each and counts[each] == 1 else f"{each}#{row}"
        for row, each in enumerate(names, start=1)
    )
    if names and len(set(ids)) == records.n:
        return ids
    return tuple(str(row) for row in range(1, records.n + 1))


def groups_of(records: Records, columns: Columns) -> tuple[str, ...] | None:
    """Give the group of each row, ``""`` where it has none; None where the file has no groups."""
    name = columns.group or records.first(GROUP_NAMES)
    if name is None:
        return None
    return tuple("" if cell is None else str(cell).strip() for cell in records.column(name))


def _names_regions(records: Records) -> bool:
    return records.first(CHROM_NAMES) is not None and {"start", "end"} <= set(records.columns)


def _regions(records: Records) -> list[tuple[Any, ...]]:
    chrom = records.first(CHROM_NAMES)
    strand = records.column("strand") if "strand" in records.columns else [None] * records.n
    columns = records.column(chrom or ""), records.column("start"), records.column("end"), strand
    return list(zip(*columns, strict=True))


def _window(
    records: Records, row: int, genome: Genome, chrom: Any, start: Any, end: Any, strand: Any
) -> str:
    try:
        first, last = int(start), int(end)
    except (TypeError, ValueError):
        raise records.fault(
            row, f"expected start and end as whole numbers, found '{start}' and '{end}'"
        ) from None
    try:
        # BED's '.' is a region without a strand.
        return genome.window(
            str(chrom), first, last, "+" if strand in (None, "", ".") else str(strand)
        )
    except UsageError as error:
        raise records.fault(row, str(error)) from error


def _without(records: Records, what: str, names: tuple[str, ...]) -> UsageError:
    return UsageError(
        f"{records.where}: no column for {what} ({', '.join(names)}); {records.there_are}. "
        "Name it with Columns"
    )
