"""Vectors written as text: CSV, TSV and word2vec, perhaps gzipped.

The file is read in blocks of whole lines, which a few threads parse into one matrix. A row that the
compiled parser leaves is read cell by cell, so that what is wrong with it can be said.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models.genes.named_vectors import NamedVectors, reading
from genomark.models.genes.number_text import BLANKS, parse_rows, read_number
from genomark.models.genes.reading_bar import ReadingBar

#: Separator by the end of the file name, less ``.gz``.
SEPARATORS = {
    ".csv": ord(","),
    ".tsv": ord("\t"),
    ".txt": BLANKS,
    ".vec": BLANKS,
    ".w2v": BLANKS,
}

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Fits the cache of a processor, and is worth a task of its own.
_BLOCK = 1 << 19
_MOST_THREADS = 4
#: Numbers as text are at most so many times as long as gzip makes them.
_GZIP_RATIO = 4
#: Characters shown of a cell.
_SHOWN = 40


def read_text(path: Path, names: str = "") -> NamedVectors:
    """Read vectors from text.

    Parameters
    ----------
    path : Path
        Its end says how cells are separated (`SEPARATORS`); ``.gz`` may follow.
    names : str
        Header of the column of names. Left out: ``symbol``, else the first column.

    Returns
    -------
    NamedVectors
        Each number as ``numpy.float32(float(cell))`` gives it; all of them finite.

    Raises
    ------
    UsageError
        Naming the file, the row (of data, from 1) and the column.
    """
    zipped = path.suffix.lower() == ".gz"
    with reading(path, "text"), path.open("rb") as file:
        size = path.stat().st_size
        lines = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if zipped else file)
        first = lines.readline()
        layout = _layout(path, first.removeprefix(_BYTE_ORDER_MARK), names)
        opening = b"" if layout.headed else first.removeprefix(_BYTE_ORDER_MARK)
        matrix = _Matrix(layout, size * _GZIP_RATIO if zipped else size)
        with ReadingBar(path.name, size) as bar:
            found = _parse(matrix, _watched(_blocks(lines, opening), file, bar))
    return layout.finished(found, matrix)


def text_ending(path: Path) -> str:
    """End of a file name, in lower case, without ``.gz``."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.suffix.lower()


@dataclass(frozen=True)
class _Layout:
    """How the rows of a file are made up."""

    path: Path
    separator: int
    columns: int
    name_column: int = 0
    #: A column of row numbers, which is neither name nor number; -1 if there is none.
    left_out: int = -1
    header: tuple[str, ...] = ()
    #: Whether the first line is something else than a row.
    headed: bool = False
    #: Vectors there are, by the first line of a word2vec file.
    declared: int | None = None

    @property
    def numbers(self) -> int:
        """Columns of numbers."""
        return self.columns - 1 - (self.left_out >= 0)

    @property
    def dialect(self) -> tuple[int, int, int, int]:
        """As `parse_rows` wants it."""
        return self.separator, self.columns, self.name_column, self.left_out

    def read_row(self, line: bytes, row: int) -> tuple[str, list[float]]:
        """Read a row cell by cell: its name and numbers."""
        place = f"{self.path}: row {row}"
        try:
            cells = _split(line.decode(), self.separator)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{place}: {error}") from error
        if len(cells) != self.columns:
            raise UsageError(
                f"{place}: expected {self.columns:,} cells, as in the first line, "
                f"found {len(cells):,}"
            )
        name = cells[self.name_column].strip()
        numbers = []
        for column, cell in enumerate(cells):
            if column in (self.name_column, self.left_out):
                continue
            number = read_number(cell)
            if number is None or not np.isfinite(number):
                label = f"'{self.header[column]}'" if self.header else str(column + 1)
                shown = f"'{cell.strip()[:_SHOWN]}'" if cell.strip() else "nothing"
                raise UsageError(
                    f"{place} ('{name}'), column {label}: expected a finite number (float32), "
                    f"found {shown}"
                )
            numbers.append(number)
        return name, numbers

    def finished(self, names: list[str], matrix: _Matrix) -> NamedVectors:
        """Check what only shows at the end."""
        if not names:
            raise UsageError(f"{self.path}: there are no rows below the first line")
        if self.declared not in (None, len(names)):
            raise UsageError(
                f"{self.path}: the first line tells of {self.declared:,} vectors, "
                f"there are {len(names):,}"
            )
        kind = (self.header[self.name_column] or None) if self.header else None
        if kind != "symbol" and read_number(names[0]) is not None:
            raise UsageError(
                f"{self.path}: row 1: expected the name of a gene in the first column, found "
                f"'{names[0]}'; call the column of names 'symbol', or say names=COLUMN"
            )
        return NamedVectors(names, matrix.whole(), kind)


def _layout(path: Path, first: bytes, names: str) -> _Layout:
    if not first.strip():
        raise UsageError(f"{path}: the {'first line' if first else 'file'} is empty")
    separator = SEPARATORS[text_ending(path)]
    cells = [cell.strip() for cell in _split(first.decode().rstrip("\r\n"), separator)]
    if separator == BLANKS and len(cells) == 2 and all(cell.isdigit() for cell in cells):
        count, dimensions = (int(cell) for cell in cells)
        return _Layout(path, separator, dimensions + 1, headed=True, declared=count)
    if len(cells) < 2:
        between = {BLANKS: "spaces", ord(","): "commas"}.get(separator, "tabs")
        raise UsageError(
            f"{path}: expected a name and numbers with {between} between them, "
            f"found one cell in the first line"
        )
    if not names and not _is_header(cells):
        return _Layout(path, separator, len(cells))
    wanted = names or "symbol"
    if names and names not in cells:
        shown = ", ".join(cells[:5])
        raise UsageError(f"{path}: no column '{names}'; the first are {shown}")
    name_column = cells.index(wanted) if wanted in cells else 0
    numbered = name_column > 0 and cells[0] in ("", "Unnamed: 0")
    return _Layout(
        path,
        separator,
        len(cells),
        name_column,
        left_out=0 if numbered else -1,
        header=tuple(cells),
        headed=True,
    )


def _is_header(cells: list[str]) -> bool:
    """Whether a first line names columns: a row has a name and numbers.

    Columns may be called by their number, so numbers that only count up are names.
    """
    if "symbol" in cells:
        return True
    values = cells[1:]
    if not all(_could_be_number(cell) for cell in values):
        return True
    counted = [[str(number + first) for number in range(len(values))] for first in (0, 1)]
    return len(values) > 1 and values in counted


def _could_be_number(cell: str) -> bool:
    return read_number(cell) is not None or cell.lower().lstrip("+-") in ("", "na", "nan", "inf")


def _split(line: str, separator: int) -> list[str]:
    if separator == BLANKS:
        return line.split()
    return next(csv.reader([line], delimiter=chr(separator), strict=True))


class _Matrix:
    """A matrix that rows are added to.

    Memory that is not written to takes no room, so it is asked for generously, and once.
    """

    def __init__(self, layout: _Layout, size: int) -> None:
        self.layout = layout
        self.rows = 0
        self._size = size
        self._parts: list[NDArray[np.float32]] = []
        self._used = 0

    def room(self, rows: int, size: int) -> NDArray[np.float32]:
        """Make room for rows that took `size` bytes as text."""
        if not self._parts or self._used + rows > len(self._parts[-1]):
            self._close()
            likely = 1.1 * rows * max(1.0, self._size / size)
            shape = (rows + int(likely), self.layout.numbers)
            self._parts.append(np.empty(shape, dtype=np.float32))
        part = self._parts[-1][self._used : self._used + rows]
        self._used += rows
        self.rows += rows
        self._size -= size
        return part

    def whole(self) -> NDArray[np.float32]:
        """All rows."""
        self._close()
        return self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)

    def _close(self) -> None:
        if self._parts:
            self._parts[-1] = self._parts[-1][: self._used]
        self._used = 0


def _blocks(lines: IO[bytes], opening: bytes) -> Iterator[bytes]:
    """Whole lines, half a megabyte or more at a time, each with its line feed."""
    while block := lines.read(_BLOCK):
        if not block.endswith(b"\n"):
            block += lines.readline()
        block, opening = opening + block, b""
        yield block if block.endswith(b"\n") else block + b"\n"
    if opening:
        yield opening if opening.endswith(b"\n") else opening + b"\n"


def _watched(blocks: Iterator[bytes], file: IO[bytes], bar: ReadingBar) -> Iterator[bytes]:
    for block in blocks:
        bar.at(file.tell())
        yield block


def _parse(matrix: _Matrix, blocks: Iterable[bytes]) -> list[str]:
    """Fill the matrix; the names of its rows."""
    threads = min(_MOST_THREADS, _processors())
    names: list[str] = []
    waiting: deque[Future[list[str]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block in blocks:
            begin, rows = matrix.rows, _count_rows(block)
            room = matrix.room(rows, len(block))
            waiting.append(pool.submit(_parse_block, matrix.layout, block, room, begin))
            if len(waiting) > 2 * threads:
                names += waiting.popleft().result()
        for each in waiting:
            names += each.result()
    return names


def _processors() -> int:
    # Not everywhere can it be told which of them this process may use.
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _count_rows(block: bytes) -> int:
    """Lines that are not empty; each ends in a line feed."""
    rows = start = 0
    # To find each is six times as quick as to count them.
    while (end := block.find(b"\n", start)) >= 0:
        rows += end > start and block[start:end] != b"\r"
        start = end + 1
    return rows


def _parse_block(
    layout: _Layout, block: bytes, vectors: NDArray[np.float32], begin: int
) -> list[str]:
    """Parse lines into `vectors`, rows of the file from `begin` on; their names."""
    text = np.frombuffer(block, dtype=np.uint8)
    spans = np.empty((len(vectors), 2), dtype=np.int64)
    named: dict[int, str] = {}
    position, row = parse_rows(text, 0, 0, layout.dialect, vectors, spans)
    while position < len(block):
        end = block.index(b"\n", position)
        line = block[position:end].removesuffix(b"\r")
        named[row], vectors[row] = layout.read_row(line, begin + row + 1)
        spans[row] = 0
        position, row = parse_rows(text, end + 1, row + 1, layout.dialect, vectors, spans)
    names = []
    for row, (start, end) in enumerate(spans.tolist()):
        try:
            names.append(named[row] if row in named else block[start:end].decode().strip())
        except UnicodeDecodeError as error:
            raise UsageError(f"{layout.path}: row {begin + row + 1}: {error}") from error
    return names
