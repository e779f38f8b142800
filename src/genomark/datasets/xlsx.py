"""Tables in xlsx workbooks: the first sheet, as text, without a library for spreadsheets.

A workbook is a zip file of XML (ECMA-376). What is needed of it, cells that are text or numbers, is
little; sizes are looked at before anything is unpacked.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse

from genomark.datasets.integrity import way_to_get_again
from genomark.errors import DatasetError, one_line

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
#: Bytes that a part of a workbook may unpack to; 57,000 rows of four cells are 11 million.
_LARGEST_PART = 200_000_000
_MOST_COLUMNS = 1_000
#: Rows of a sheet, as of the format; texts that cells name may be more.
_MOST_ROWS = 1_048_576
_MOST_TEXTS = 4_000_000
#: Elements within one row or text, and one within the other.
_MOST_PIECES = 20 * _MOST_COLUMNS
_DEEPEST = 50
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
#: What zipfile, zlib and expat raise of what is broken; a RuntimeError is of what is encrypted.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, ParseError),
    *(KeyError, ValueError, EOFError, RuntimeError),
)


def read_xlsx(path: str | Path) -> Iterator[list[str]]:
    """Read the rows of the first sheet.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    list of str
        The cells of one row from the first column on, as the file spells them; empty where there
        is none. Rows without a cell are left out.

    Raises
    ------
    DatasetError
        If it is not an xlsx workbook, is encrypted or damaged, or is larger than anything that is
        read here: 200 MB of a part unpacked, 1,048,576 rows, 1,000 columns.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(path, book)
            with _part(path, book, _first_sheet(path, book)) as sheet:
                yield from _rows(path, sheet, shared)
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror or error}") from error
    except _BROKEN as error:
        raise DatasetError(
            f"{path}: not an xlsx workbook, or encrypted or damaged ({one_line(error)})"
            f"{way_to_get_again(path)}"
        ) from error


def _rows(path: Path, sheet: IO[bytes], shared: list[str]) -> Iterator[list[str]]:
    for row in _elements(path, sheet, f"{_MAIN}row", _MOST_ROWS):
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            column = _column(cell.get("r"), len(cells))
            if column < len(cells) or column >= _MOST_COLUMNS:
                raise DatasetError(f"{path}: cell {cell.get('r')} is out of place")
            cells += [""] * (column - len(cells))
            cells.append(_text(path, cell, shared))
        if cells:
            yield cells


def _text(path: Path, cell: Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _letters(cell)
    value = cell.find(f"{_MAIN}v")
    text = "" if value is None or value.text is None else value.text
    if cell.get("t") != "s" or not text:
        return text
    if not (text.isascii() and text.isdigit()) or int(text) >= len(shared):
        raise DatasetError(
            f"{path}: cell {cell.get('r')} has text {one_line(text)}, of {len(shared)}"
        )
    return shared[int(text)]


def _letters(element: Element) -> str:
    """Text of a cell that may be in pieces of different looks."""
    return "".join(piece.text or "" for piece in element.iter(f"{_MAIN}t"))


def _column(reference: str | None, following: int) -> int:
    """Number the column of a cell from 0; cells without a reference follow one another."""
    found = _CELL.fullmatch(reference or "")
    if found is None:
        return following
    number = 0
    for letter in found[1]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _shared(path: Path, book: zipfile.ZipFile) -> list[str]:
    """Texts that cells name by number."""
    name = "xl/sharedStrings.xml"
    if name not in book.namelist():
        return []
    with _part(path, book, name) as part:
        return [_letters(text) for text in _elements(path, part, f"{_MAIN}si", _MOST_TEXTS)]


def _first_sheet(path: Path, book: zipfile.ZipFile) -> str:
    with _part(path, book, "xl/workbook.xml") as part:
        found = _elements(path, part, f"{_MAIN}sheet", _MOST_PIECES)
        sheets = [sheet.get(_RELATED) for sheet in found]
    with _part(path, book, "xl/_rels/workbook.xml.rels") as part:
        found = _elements(path, part, _PACKAGE, _MOST_PIECES)
        targets = {each.get("Id"): each.get("Target") for each in found}
    target = targets.get(sheets[0]) if sheets else None
    if target is None:
        raise DatasetError(f"{path}: no sheet in this workbook")
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _part(path: Path, book: zipfile.ZipFile, name: str) -> IO[bytes]:
    size = book.getinfo(name).file_size
    if size > _LARGEST_PART:
        raise DatasetError(
            f"{path}: {name} unpacks to {size:,} bytes; {_LARGEST_PART:,} are taken at most"
        )
    # zipfile reads no more than the size that was just looked at.
    return book.open(name)


def _elements(path: Path, part: IO[bytes], tag: str, most: int) -> Iterator[Element]:
    """Give elements one after the other, and forget each when the next is asked for.

    Nothing else is kept either: what is around them is emptied as soon as it has been read.
    """
    above: list[Element] = []
    wanted: Element | None = None
    found = pieces = 0
    for event, element in iterparse(part, events=("start", "end")):
        if event == "start":
            above.append(element)
            pieces = pieces + 1 if wanted is not None else 0
            if len(above) > _DEEPEST or pieces > _MOST_PIECES:
                raise DatasetError(
                    f"{path}: no table; a row of more than {_MOST_PIECES:,} pieces, or elements "
                    f"more than {_DEEPEST} deep"
                )
            if wanted is None and element.tag == tag:
                wanted = element
            continue
        above.pop()
        if wanted is not None and wanted is element:
            found += 1
            if found > most:
                raise DatasetError(f"{path}: more than {most:,} rows or texts in a part")
            yield wanted
            wanted = None
        if wanted is None and above:
            above[-1].clear()
