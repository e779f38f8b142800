"""Rows of a file, by column, whatever the file is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genomark.errors import UsageError, one_line

#: Columns a message names before it says that there are more.
_NAMED = 20


@dataclass(frozen=True)
class Records:
    """Rows of a file, by column.

    Attributes
    ----------
    where : str
        What messages call the file.
    n : int
        Rows.
    columns : mapping of str to iterable
        `n` cells each: text, numbers, truth values, lists or None, as the file has them.
    """

    where: str
    n: int
    columns: Mapping[str, Iterable[Any]]

    def column(self, name: str) -> list[Any]:
        """Give a column.

        Raises
        ------
        UsageError
            If there is none of that name; says which there are.
        """
        return list(self.cells(name))

    def cells(self, name: str) -> Iterable[Any]:
        """Give a column to go through once, without a list of it.

        Raises
        ------
        UsageError
            As `column`.
        """
        if name not in self.columns:
            raise UsageError(f"{self.where}: no column '{name}'; {self.there_are}")
        return self.columns[name]

    def first(self, names: Sequence[str]) -> str | None:
        """Find the first of some names that a column has, small or large letters alike."""
        folded = {name.casefold(): name for name in reversed(list(self.columns))}
        return next((folded[name] for name in names if name in folded), None)

    @property
    def there_are(self) -> str:
        """Say which columns there are."""
        names = [f"'{name}'" for name in self.columns]
        more = ", ..." if len(names) > _NAMED else ""
        return one_line(f"there are {', '.join(names[:_NAMED]) or 'none'}{more}")

    def fault(self, row: int, what: str) -> UsageError:
        """Make the error for a row, given from 0 and told from 1."""
        return UsageError(f"{self.where}, row {row + 1}: {one_line(what)}")


def by_column(rows: Sequence[Mapping[str, Any]], where: str) -> Records:
    """Turn rows into columns; a row without a column has None there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return Records(where, len(rows), {name: [row.get(name) for row in rows] for name in names})
