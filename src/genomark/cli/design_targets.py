"""Files of structures to design for: tables, FASTA with structures, one structure a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomark.errors import UsageError, one_line
from genomark.rna.design.target import Target
from genomark.sequences.formats import read_records
from genomark.sequences.records import Records

#: What a file of text may have; a structure has 2,000 symbols at most.
_MOST_BYTES = 1 << 26
_STDIN = "standard input"
_SYMBOLS = frozenset("().[]{}<>")
#: Columns, small or large letters alike. Those of Eterna100 are among them.
_STRUCTURE = ("structure", "secondary structure")
_NAME = ("name", "puzzle name", "id")
_NUMBER = ("puzzle #",)
_CONSTRAINT = ("constraint",)


@dataclass(frozen=True)
class _Row:
    """What a file says of a target, and where."""

    where: str
    name: str
    structure: str
    constraint: str | None = None


def read_targets(file: str) -> list[Target]:
    """Read structures to design for.

    Parameters
    ----------
    file : str
        CSV, TSV, JSON or parquet with a column `structure` and maybe `name` and `constraint`; the
        list of Eterna100; text with ``>name``, maybe letters that are allowed (IUPAC), and a
        structure, each on a line; or one structure a line. ``-`` for such text on standard input.

    Raises
    ------
    UsageError
        In one line with the file and the row or line, counted from 1, whatever cannot be read or
        designed for.
    """
    text = _text(file)
    where = _STDIN if file == "-" else file
    rows = _table_rows(read_records(Path(file), file)) if text is None else _text_rows(text, where)
    targets = [_target(row) for row in rows]
    if not targets:
        raise UsageError(f"{where}: no structures in it")
    return targets


def _target(row: _Row) -> Target:
    try:
        return Target(row.structure, row.constraint, row.name)
    except UsageError as error:
        raise UsageError(one_line(f"{row.where}, {error}")) from None


def _text(file: str) -> str | None:
    """Read a file, if it is text of structures; None for the other formats."""
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as handle:
                raw = handle.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}") from error
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start.split(b"\n", 1)[0].strip().decode("ascii", "replace")
    if file != "-" and not (first.startswith((">", "(", ".", ")")) or _SYMBOLS.issuperset(first)):
        return None
    where = _STDIN if file == "-" else file
    if len(raw) > _MOST_BYTES:
        raise UsageError(f"{where}: more than {_MOST_BYTES:,} bytes of structures; split it up")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: not text in UTF-8, at byte {error.start + 1:,}") from error


def _text_rows(text: str, where: str) -> Iterator[_Row]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    filled = [(number, line) for number, line in lines if line]
    if filled and filled[0][1].startswith(">"):
        return _named_rows(filled, where)
    return (
        _Row(f"{where}, line {number}", f"target-{place}", line)
        for place, (number, line) in enumerate(filled, 1)
    )


def _named_rows(lines: Iterable[tuple[int, str]], where: str) -> Iterator[_Row]:
    """Read ``>name``, letters that are allowed where there are some, structure."""
    records: list[tuple[int, str, list[str]]] = []
    for number, line in lines:
        # A structure that would begin with this symbol is none.
        if line.startswith(">"):
            records.append((number, one_line(line[1:]), []))
        else:
            records[-1][2].append(line)
    for place, (number, name, body) in enumerate(records, 1):
        at = f"{where}, line {number}"
        if len(body) not in (1, 2):
            raise UsageError(
                f"{at}, {name}: {len(body)} lines; expected a structure, or letters that are "
                "allowed and a structure, each on one line"
            )
        constraint = body[0] if len(body) == 2 else None
        yield _Row(at, name or f"target-{place}", body[-1], constraint)


def _table_rows(records: Records) -> Iterator[_Row]:
    structure = records.first(_STRUCTURE)
    if structure is None:
        raise UsageError(f"{records.where}: no column 'structure'; {records.there_are}")
    number, name, constraint = map(records.first, (_NUMBER, _NAME, _CONSTRAINT))
    structures = _cells(records, structure)
    numbers, names, constraints = (
        _cells(records, each) if each else [""] * records.n for each in (number, name, constraint)
    )
    cells = zip(structures, numbers, names, constraints, strict=True)
    for row, (symbols, numbered, named, allowed) in enumerate(cells):
        yield _Row(
            f"{records.where}, row {row + 1}",
            one_line(f"{numbered} {named}") or f"target-{row + 1}",
            symbols,
            allowed or None,
        )


def _cells(records: Records, column: str) -> list[str]:
    return [_cell(records, column, row, cell) for row, cell in enumerate(records.column(column))]


def _cell(records: Records, column: str, row: int, cell: Any) -> str:
    """Give a cell as text; an empty one is empty text, and names may be numbers."""
    if cell is None:
        return ""
    if isinstance(cell, str | int):
        return str(cell).strip()
    raise records.fault(row, f"column '{column}': expected text")
