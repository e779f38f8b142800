"""Lists that ``genomark match`` reads: terms and choices, one a line or out of a table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from genomark.errors import UnknownNameError, UsageError, one_line

#: In place of a file's name.
STDIN = "-"
#: Columns that hold the names of a category, in tables of targets as Enformer and Borzoi have them.
COLUMNS = {"cell_type": "Cell Type", "binding_molecule": "Molecule", "species": "Species"}
_ASSAY = "Assay"
#: Far more than any vocabulary; what is longer is no list of names.
_MOST_BYTES = 100_000_000


def read_lines(file: Path) -> list[str]:
    """Read a list: one name a line, each once, without spaces around it.

    Raises
    ------
    UsageError
        If the file cannot be read, is no UTF-8, or holds no name.
    """
    return _names(_text(file).split("\n"), file)


def read_choices(
    file: Path, category: str, column: str | None = None, assay: str | None = None
) -> list[str]:
    """Read choices: one a line, or a column of a table with tabs and a first line of names.

    Parameters
    ----------
    file : Path
    category : str
        Whose column is read where none is named.
    column, assay : str, optional
        Which column, and only lines with this in the column `Assay`; case does not matter.

    Returns
    -------
    list of str
        Each once, in the order of the file.

    Raises
    ------
    UsageError
        If the file cannot be read, is no UTF-8, lacks the column or assay, or holds no name.
    """
    lines = _text(file).split("\n")
    if "\t" not in lines[0]:
        if column is not None or assay is not None:
            raise UsageError(
                f"{_shown(file)}, line 1: no tabs, so there are no columns; expected a table whose "
                "first line names them, or leave --column and --assay out"
            )
        return _names(lines, file)
    rows = [line.split("\t") for line in lines if line.strip()]
    names = [name.strip() for name in rows[0]]
    wanted = _place(names, column or COLUMNS[category], file)
    kept = rows[1:]
    if assay is not None:
        where = _place(names, _ASSAY, file)
        assays = [_cell(row, where) for row in kept]
        kept = [
            row
            for row, each in zip(kept, assays, strict=True)
            if each.casefold() == assay.casefold()
        ]
        if not kept:
            raise UnknownNameError("assay", assay, sorted({*assays} - {""}))
    return _names([_cell(row, wanted) for row in kept], file)


def _text(file: Path) -> str:
    try:
        raw = _bytes(file)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{_shown(file)}, line {line:,}: this is not UTF-8; expected a list of names, one a "
            "line, or a table with tabs"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(file: Path) -> bytes:
    if str(file) == STDIN:
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        with file.open("rb") as handle:
            raw = handle.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise UsageError(f"{_shown(file)}: over {_MOST_BYTES:,} bytes; expected a list of names")
    return raw


def _place(names: Sequence[str], name: str, file: Path) -> int:
    folded = [each.casefold() for each in names]
    if name.casefold() not in folded:
        shown = ", ".join(f"'{one_line(each)}'" for each in names if each)
        raise UsageError(
            f"{_shown(file)}, line 1: no column '{name}'; there are {shown}: choose one with "
            "--column"
        )
    return folded.index(name.casefold())


def _cell(row: Sequence[str], place: int) -> str:
    """Give a cell; those at the end of a line may be missing."""
    return row[place].strip() if place < len(row) else ""


def _names(found: Iterable[str], file: Path) -> list[str]:
    names = list(dict.fromkeys(name for each in found if (name := each.strip())))
    if not names:
        raise UsageError(f"{_shown(file)}: there is no name in it")
    return names


def _shown(file: Path) -> str:
    return "standard input" if str(file) == STDIN else str(file)
