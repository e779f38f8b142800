"""Records of structures in dot-bracket files, without those that no folding of one RNA can answer.

A record is three lines: ``>id``, the sequence, and its structure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.rna.structure import SHORTEST_HAIRPIN, pair_set, partners

#: Why a record is left out, in the order in which it is looked for.
DNA = "DNA (a T in it)"
LETTERS = "letters other than A, C, G and U (bases modified or not known)"
NOTATION = "brackets that do not close, or not as many symbols as bases"
STRANDS = "strands joined to one (neighbours that pair, or the same strand twice)"
HAIRPIN = f"a hairpin of fewer than {SHORTEST_HAIRPIN} bases"
COPY = "the sequence of an earlier record"
REASONS = (DNA, LETTERS, NOTATION, STRANDS, HAIRPIN, COPY)

#: What verified structures are called: the title of a publication, and then their id.
_TITLED = re.compile(r".*_\((\w+)\)")


@dataclass(frozen=True)
class StructureRecords:
    """What a dot-bracket file holds.

    Attributes
    ----------
    ids, sequences, structures : tuple of str
        Records that can be asked, in the order of the file.
    excluded : polars.DataFrame
        Those that cannot: columns `record` (from 1), `item_id`, `reason` (one of `REASONS`).
    """

    ids: tuple[str, ...]
    sequences: tuple[str, ...]
    structures: tuple[str, ...]
    excluded: pl.DataFrame


def read_structures(path: Path) -> StructureRecords:
    """Read a dot-bracket file.

    An id is what follows ``>``; of a title with an id in brackets at its end, ``>TITLE_(ID)``, the
    latter.

    Raises
    ------
    UsageError
        If the file cannot be read, is not of such records, or has an id twice.
    """
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a dot-bracket file ({error})") from error
    kept: list[tuple[str, str, str]] = []
    excluded: list[tuple[int, str, str]] = []
    names: set[str] = set()
    known: set[str] = set()
    for number, first in enumerate(range(0, len(lines), 3), start=1):
        name, sequence, structure = _record(lines[first : first + 3], f"{path}, line {first + 1}")
        if name in names:
            raise UsageError(
                f"{path}, line {first + 1}: '{name}' is there twice; expected each once"
            )
        names.add(name)
        reason = why_not(sequence, structure) or (COPY if sequence in known else None)
        if reason is None:
            known.add(sequence)
            kept.append((name, sequence, structure))
        else:
            excluded.append((number, name, reason))
    ids, sequences, structures = zip(*kept, strict=True) if kept else ((), (), ())
    schema = {"record": pl.Int64, "item_id": pl.String, "reason": pl.String}
    table = pl.DataFrame(excluded, schema=schema, orient="row")
    return StructureRecords(ids, sequences, structures, table)


def why_not(sequence: str, structure: str) -> str | None:
    """Say why no folding of one RNA can answer a record, by itself; None if one can."""
    letters = set(sequence)
    if letters & set("Tt"):
        return DNA
    if not letters <= set("ACGU"):
        return LETTERS
    try:
        found = partners(structure)
    except UsageError:
        return NOTATION
    if len(structure) != len(sequence):
        return NOTATION
    pairs = pair_set(found)
    half = len(sequence) // 2
    twice = len(sequence) > 1 and sequence == 2 * sequence[:half]
    if twice or any(closing - opening == 1 for opening, closing in pairs):
        return STRANDS
    if any(closing - opening <= SHORTEST_HAIRPIN for opening, closing in pairs):
        return HAIRPIN
    return None


def _record(lines: list[str], where: str) -> tuple[str, str, str]:
    if len(lines) < 3 or not lines[0].startswith(">") or len(lines[0]) < 2 or not lines[1]:
        found = lines[0][:40] if lines else ""
        raise UsageError(
            f"{where}: '{found}'; expected three lines a record: >id, sequence, structure"
        )
    titled = _TITLED.fullmatch(lines[0])
    return titled[1] if titled else lines[0][1:], lines[1], lines[2]
