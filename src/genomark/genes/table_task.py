"""One table with genes and what is known of them, as a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genomark.errors import UnknownNameError, UsageError
from genomark.genes.task import GeneTask, Kind, make_task
from genomark.genes.text_table import read_text_table

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}


def read_table_task(
    path: str | Path,
    *,
    symbol: str | Sequence[str] = "symbol",
    outcomes: str | Sequence[str] | None = None,
    groups: str | None = None,
    name: str | None = None,
    kind: Kind | None = None,
    positive: str | None = None,
) -> GeneTask:
    """Read a task from a table.

    Parameters
    ----------
    path : str or Path
        ``.csv`` has commas; ``.tsv``, ``.tab`` and ``.txt`` have tabs. The first row is the header.
    symbol : str or sequence of two str
        The column of gene symbols, or the two columns of pairs of genes.
    outcomes : str or sequence of str, optional
        The columns of outcomes; all others when not given.
    groups : str, optional
        The column of groups.
    name : str, optional
        By default the name of the file without its ending.
    kind, positive : str, optional
        As `make_task` has them.

    Returns
    -------
    GeneTask
        Its entities are ``symbol``, and ``symbol.1`` in pairs, whatever the table calls them.

    Raises
    ------
    UnknownNameError
        If the table has no such column.
    UsageError
        If the file is of another kind, or as `make_task`.
    """
    path = Path(path)
    if path.suffix.lower() not in _SEPARATORS:
        raise UsageError(f"{path}: expected a file ending in {', '.join(_SEPARATORS)}")
    table = read_text_table(path, _SEPARATORS[path.suffix.lower()])
    symbols = [symbol] if isinstance(symbol, str) else list(symbol)
    apart = [*symbols, *([groups] if groups is not None else [])]
    if outcomes is None:
        answers = [column for column in table.columns if column not in apart]
    else:
        answers = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    for column in (*apart, *answers):
        if column not in table.columns:
            raise UnknownNameError(f"column in {path}", column, table.columns)
    if not answers:
        raise UsageError(f"{path}: no column of outcomes beside {', '.join(apart)}")
    entities = table.select(symbols)
    entities.columns = ["symbol", *(f"symbol.{place}" for place in range(1, len(symbols)))]
    return make_task(
        path.stem if name is None else name,
        entities,
        table.select(answers),
        kind=kind,
        positive=positive,
        groups=None if groups is None else table[groups].to_list(),
        source=str(path),
    )
