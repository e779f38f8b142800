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

from genomark.errors import DatasetError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
#: Bytes that a part of a workbook may unpack to; 57,000 rows of four cells are 11 million.
_LARGEST_PART = 500_000_000
_MOST_COLUMNS = 1_000
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


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
        If it is not an xlsx workbook, or unpacks to more than 500 MB.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(path, book)
            with _part(path, book, _first_sheet(path, book)) as sheet:
                yield from _rows(path, sheet, shared)
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, ParseError, zlib.error, KeyError, NotImplementedError) as error:
        raise DatasetError(f"{path}: not an xlsx workbook, or damaged ({error})") from error


def _rows(path: Path, sheet: IO[bytes], shared: list[str]) -> Iterator[list[str]]:
    for row in _elements(sheet, f"{_MAIN}row"):
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
    if not text.isdigit() or int(text) >= len(shared):
        raise DatasetError(f"{path}: cell {cell.get('r')} has text {text}, of {len(shared)}")
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
        return [_letters(text) for text in _elements(part, f"{_MAIN}si")]


def _first_sheet(path: Path, book: zipfile.ZipFile) -> str:
    with _part(path, book, "xl/workbook.xml") as part:
        sheets = [sheet.get(_RELATED) for sheet in _elements(part, f"{_MAIN}sheet")]
    with _part(path, book, "xl/_rels/workbook.xml.rels") as part:
        targets = {each.get("Id"): each.get("Target") for each in _elements(part, _PACKAGE)}
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


def _elements(part: IO[bytes], tag: str) -> Iterator[Element]:
    """Give elements one after the other, and forget each when the next is asked for."""
    for _, element in iterparse(part):
        if element.tag == tag:
            yield element
            element.clear()
