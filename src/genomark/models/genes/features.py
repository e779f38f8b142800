"""What little a name or a length says of a gene: `symbol-ngrams` and `gene-length:FILE`.

Symbols of a family begin alike (ZNF, SLC, HLA-), and long genes are in more of everything that was
ever counted. A model of genes has to tell more than these do.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, cast

import numpy as np

from genomark.digests import digest_of, digest_of_file
from genomark.errors import CapabilityError, UsageError
from genomark.models.genes.formats_text import text_ending
from genomark.models.genes.named_vectors import reading
from genomark.models.genes.reading_bar import ReadingBar
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

_VERSION = "1"
_SHORTEST = 2
_LINES_BETWEEN = 10_000
_GENE_NAME = re.compile(r'\bgene_name "([^"]+)"')


class SymbolNgrams:
    """Counts of the n-grams of a name, hashed; a GeneEmbedder that knows all names.

    An n-gram is two letters or more of the name between ``^`` and ``$``. A hash gives it a
    dimension and a sign, so that two that share a dimension cancel as often as they add up
    (Weinberger et al. 2009, Feature hashing for large scale multitask learning).

    Parameters
    ----------
    dimensions : int
    longest : int
        Letters of the longest n-grams, with the marks.
    """

    def __init__(self, dimensions: int = 512, longest: int = 4) -> None:
        if dimensions < 1 or longest < _SHORTEST:
            raise UsageError(
                f"symbol-ngrams: dimensions must be at least 1 and longest at least {_SHORTEST}, "
                f"not {dimensions} and {longest}"
            )
        self.dimensions = dimensions
        self.longest = longest
        settings = [("dimensions", dimensions, 512), ("longest", longest, 4)]
        changed = ",".join(f"{key}={value}" for key, value, usual in settings if value != usual)
        self.info = ModelIdentity(
            id="symbol-ngrams" + (f":{changed}" if changed else ""),
            version=_VERSION,
            digest=digest_of(["symbol-ngrams", _VERSION, dimensions, longest]),
            notes=[f"{_SHORTEST} to {longest} letters of the name, {dimensions:,} dimensions"],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Count the n-grams of `names`; what kind of names they are makes no difference.

        Returns
        -------
        GeneTable
            float32[n_names, dimensions], each name once, in the order asked.
        """
        unique = list(dict.fromkeys(names))
        places: dict[str, tuple[int, int]] = {}
        vectors = np.zeros((len(unique), self.dimensions), dtype=np.float32)
        for vector, name in zip(vectors, unique, strict=True):
            for gram in self._grams(name):
                if gram not in places:
                    places[gram] = self._place(gram)
                column, sign = places[gram]
                vector[column] += sign
        return GeneTable(unique, vectors, digest_of([self.info.digest, kind, unique]))

    def _grams(self, name: str) -> Iterator[str]:
        marked = f"^{name}$"
        for length in range(_SHORTEST, self.longest + 1):
            for start in range(len(marked) - length + 1):
                yield marked[start : start + length]

    def _place(self, gram: str) -> tuple[int, int]:
        word = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little")
        return (word >> 1) % self.dimensions, 1 if word & 1 else -1


class GeneLength:
    """Logarithm of the length of a gene; a GeneEmbedder of one dimension.

    Parameters
    ----------
    path : str
        A GTF (its records of genes, by `gene_name`), a BED (its fourth column), or a table with
        tabs and the columns `symbol` and `length`, or `symbol`, `start` and `end` (counted from 1,
        both in the gene); ``.gz`` may follow. Of several records of a gene the longest counts.

    Raises
    ------
    UsageError
        If there is no such file, or none of these.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UsageError(f"{self.path}: no such file")
        ending = text_ending(self.path)
        if ending not in _PARSERS:
            raise UsageError(
                f"{self.path}: expected a file ending in {', '.join(_PARSERS)}, perhaps with .gz"
            )
        self._parser = _PARSERS[ending]

    @cached_property
    def info(self) -> ModelIdentity:
        """Name and content of the file; reads it."""
        return ModelIdentity(
            id=f"gene-length:{self.path.name}",
            version=_VERSION,
            digest=self._table.digest,
            notes=[f"log of the length of {len(self._table.names):,} genes"],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give the natural logarithm of all lengths (bp), always as the same object.

        Raises
        ------
        CapabilityError
            If asked for anything but gene symbols.
        UsageError
            If the file cannot be read; the message names the line.
        """
        if kind != "symbol":
            raise CapabilityError(f"{self.info.id}: holds gene symbols, not '{kind}'")
        return self._table

    @cached_property
    def _table(self) -> GeneTable:
        longest: dict[str, int] = {}
        parse = self._parser()
        for number, line in _lines(self.path):
            try:
                record = parse(line)
            except ValueError as error:
                raise UsageError(f"{self.path}: line {number}: {error}") from error
            if record is not None:
                symbol, length = record
                longest[symbol] = max(length, longest.get(symbol, 0))
        if not longest:
            raise UsageError(f"{self.path}: there are no genes in it")
        digest = digest_of([_VERSION, digest_of_file(self.path)])
        vectors = np.log(np.array(list(longest.values()), dtype=np.float64))[:, None]
        return GeneTable(list(longest), vectors.astype(np.float32), digest)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, and their numbers."""
    with (
        reading(path, "text"),
        path.open("rb") as file,
        ReadingBar(path.name, path.stat().st_size) as bar,
    ):
        lines = cast(
            "IO[bytes]", gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        )
        for number, line in enumerate(lines, start=1):
            if number % _LINES_BETWEEN == 0:
                bar.at(file.tell())
            text = line.decode("utf-8-sig").rstrip("\r\n")
            if text.strip():
                yield number, text


#: Symbol and length (bp); None where a line is of something else. A ValueError says what is wrong.
Record = tuple[str, int] | None


def _gtf(line: str) -> Record:
    if "\tgene\t" not in line:
        return None
    cells = line.split("\t")
    if len(cells) < 9:
        raise ValueError(f"expected 9 cells with tabs between, found {len(cells)}")
    name = _GENE_NAME.search(cells[8])
    # Genes that nobody has named yet have only an id.
    if cells[2] != "gene" or name is None:
        return None
    return name[1], _length(cells[3], cells[4])


def _bed(line: str) -> Record:
    if line.startswith(("#", "track", "browser")):
        return None
    cells = line.split("\t")
    if len(cells) < 4 or not cells[3].strip():
        raise ValueError("expected a chromosome, start, end and symbol, with tabs between")
    # Counted from 0, the end not in it.
    return cells[3].strip(), _length(cells[1], cells[2], both_in=0)


class _Columns:
    """Parses a table whose first line names its columns."""

    def __init__(self) -> None:
        self._header: list[str] = []

    def __call__(self, line: str) -> Record:
        cells = [cell.strip() for cell in line.split("\t")]
        if not self._header:
            if not any(
                {"symbol", *needed} <= set(cells) for needed in ({"length"}, {"start", "end"})
            ):
                raise ValueError(
                    "expected columns symbol and length, or symbol, start and end, with tabs "
                    f"between, found {', '.join(cells)}"
                )
            self._header = cells
            return None
        row = dict(zip(self._header, cells, strict=False))
        if len(cells) != len(self._header) or not row["symbol"]:
            raise ValueError(f"expected a symbol, and {len(self._header)} cells in all")
        first, last = (row["start"], row["end"]) if "length" not in row else ("1", row["length"])
        return row["symbol"], _length(first, last)


def _length(first: str, last: str, both_in: int = 1) -> int:
    try:
        length = int(last) - int(first) + both_in
    except ValueError:
        length = 0
    if length < 1:
        raise ValueError(f"expected a length of 1 bp or more, found '{first}' to '{last}'")
    return length


_PARSERS: dict[str, Callable[[], Callable[[str], Record]]] = {
    ".gtf": lambda: _gtf,
    ".bed": lambda: _bed,
    ".tsv": _Columns,
    ".txt": _Columns,
}
