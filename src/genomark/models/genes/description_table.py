"""Descriptions from a table: a column of names, a column of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import polars as pl

from genomark.digests import digest_of, digest_of_file
from genomark.errors import UsageError
from genomark.models.genes.descriptions import SYMBOL, Descriptions

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
ENDINGS = tuple(_SEPARATORS)

#: What tables write where they have nothing to say, in lower case.
_NOTHING = frozenset({"", "-", "na", "n/a", "nan", "none", "null"})


class DescriptionTable:
    """A table, UTF-8 with a header row; commas or, in ``.tsv``, tabs.

    It tells of symbols by the column `id`, else ``symbol``, else ``id``; of entities of another
    kind by the column that has the name of the kind (``diseaseId``).

    Parameters
    ----------
    path : Path
    id : str
        Column of the symbols; passed over where the table has none of that name.
    text : str
        Column of the texts; ``description`` where there is none of that name.

    Raises
    ------
    UsageError
        If it cannot be read, or has no column of texts.
    """

    def __init__(self, path: Path, id: str = "", text: str = "") -> None:
        self.path = path
        self.columns = self._read(rows=0).columns
        self._text = text if text in self.columns else "description"
        self._ids = [name for name in (id, SYMBOL, "id") if name in self.columns]
        self._known: dict[str, dict[str, str]] = {}
        if self._text not in self.columns:
            raise UsageError(
                f"{path}: no column '{self._text}'; found {', '.join(self.columns)}; "
                "name the column of the texts with text="
            )

    @cached_property
    def digest(self) -> str:
        """Of the file, and of which columns are read."""
        return digest_of(["table", self._text, self._ids[:1], digest_of_file(self.path)])

    @property
    def notes(self) -> list[str]:
        """Which column of which file."""
        return [f"text: column '{self._text}' of {self.path.name}"]

    def answers(self, kind: str) -> bool:
        """Whether there is a column of such names."""
        return self._column(kind) is not None

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Look names up as they are spelled; a text such as ``None`` or ``NA`` is none.

        Raises
        ------
        UsageError
            If a name has two different texts.
        """
        column = self._column(kind)
        assert column is not None, kind
        if column not in self._known:
            self._known[column] = self._texts(column)
        known = self._known[column]
        texts = {name: known[name] for name in names if known.get(name)}
        reasons = {
            name: f"{self.path.name} says nothing of it"
            if name in known
            else f"not in {self.path.name}"
            for name in names
            if name not in texts
        }
        return Descriptions(texts, reasons)

    def _column(self, kind: str) -> str | None:
        if kind == SYMBOL:
            return self._ids[0] if self._ids else None
        return kind if kind in self.columns else None

    def _texts(self, column: str) -> dict[str, str]:
        """Text of each name; empty where the table has none."""
        texts: dict[str, str] = {}
        table = self._read(rows=None).select(name=column, text=self._text)
        for row, (name, text) in enumerate(table.iter_rows(), start=2):
            said = text.strip()
            said = "" if said.lower() in _NOTHING else said
            if texts.setdefault(name, said) != said:
                raise UsageError(
                    f"{self.path}: column '{column}', row {row}: '{name}' has another description "
                    "further up; expected one for each name"
                )
        return texts

    def _read(self, rows: int | None) -> pl.DataFrame:
        with _as_usage(self.path):
            # No inference and no words for nothing: NA is the symbol of a gene.
            return pl.read_csv(
                self.path,
                separator=_SEPARATORS[self.path.suffix],
                infer_schema=False,
                n_rows=rows,
            ).fill_null("")


@contextmanager
def _as_usage(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{path}: cannot be read as a table in UTF-8 with a header row ({reason})"
        ) from error
