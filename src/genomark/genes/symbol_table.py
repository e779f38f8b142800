"""Which gene a symbol names: the complete set of the HGNC."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.text_table import read_text_table

#: The columns that are kept where the file has them.
_COLUMNS = (
    *("symbol", "status", "alias_symbol", "prev_symbol", "ensembl_gene_id"),
    *("location", "gene_group", "locus_type"),
)
_WITHDRAWN = "~withdrawn"
_CHROMOSOME = re.compile(r"(1\d|2[0-2]|[1-9]|X|Y)(?!\d)")
_ENSEMBL = re.compile(r"(ENSG\d+)(?:\.\d+)?")


class SymbolTable:
    """Approved symbols, and the other names of the same genes.

    Parameters
    ----------
    frame : polars.DataFrame
        One row a gene: column `symbol`, and where they are known `alias_symbol`, `prev_symbol` and
        `gene_group` (several with ``|`` between), `status` (``Approved``, or else the symbol is
        withdrawn), `ensembl_gene_id`, `location` (a cytogenetic band) and `locus_type`.

    Attributes
    ----------
    frame : polars.DataFrame
        Those of these columns that there are, as text.

    Raises
    ------
    UsageError
        If there is no column `symbol`, or it is empty.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        if "symbol" not in frame.columns:
            raise UsageError(
                f"Table of symbols: no column 'symbol'; expected the HGNC complete set, "
                f"found {', '.join(frame.columns[:8])}"
            )
        known = [name for name in _COLUMNS if name in frame.columns]
        self.frame = frame.select(pl.col(known).cast(pl.String).fill_null(""))
        if self.frame.is_empty():
            raise UsageError("Table of symbols: no row")

    @classmethod
    def read(cls, path: str | Path) -> SymbolTable:
        """Read the tab-separated complete set, as the HGNC hands it out.

        Raises
        ------
        UsageError
            As `read_text_table`, and if there is no column `symbol`.
        """
        return cls(read_text_table(Path(path), "\t"))

    @cached_property
    def approved(self) -> frozenset[str]:
        """The symbols of today."""
        return frozenset(self._approved["symbol"])

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """Symbols that name no gene any more."""
        if "status" not in self.frame.columns:
            return frozenset()
        gone = self.frame.filter(pl.col("status") != "Approved")["symbol"]
        return frozenset(gone.str.strip_suffix(_WITHDRAWN)) - self.approved

    def spelled(self, name: str) -> str | None:
        """Give the approved symbol that is `name` but for small and capital letters."""
        if name in self.approved:
            return name
        found = self._any_case.get(name.casefold(), ())
        return found[0] if len(found) == 1 else None

    def other_names(self, name: str) -> dict[str, str]:
        """Say for which genes `name` is another name.

        Parameters
        ----------
        name : str
            A previous or alias symbol, or an Ensembl gene id with or without version. Small and
            capital letters matter only where the name is known as it stands.

        Returns
        -------
        dict of str to str
            Approved symbol to what `name` is of it, such as ``previous symbol``.
        """
        if found := _ENSEMBL.fullmatch(name):
            name = found[1]
        return self._others.get(name) or self._others_any_case.get(name.casefold()) or {}

    def chromosome_of(self) -> dict[str, str]:
        """Map symbols to chromosomes: ``1`` to ``22``, ``X``, ``Y``, ``MT``.

        Genes of the pseudoautosomal regions, which lie on both, are given to X. Genes without a
        known place are left out.
        """
        self._need("location")
        found = {}
        for symbol, location in self._approved.select("symbol", "location").iter_rows():
            if location.startswith("mitochondria"):
                found[symbol] = "MT"
            elif match := _CHROMOSOME.match(location):
                found[symbol] = match[1]
        return found

    def family_of(self) -> dict[str, str]:
        """Map symbols to gene groups.

        A gene of several groups is given to the smallest, which tells most of its descent (the
        first by name where they are of one size). Genes without a group are left out.
        """
        self._need("gene_group")
        groups = dict(self._listed("gene_group"))
        sizes = Counter(group for names in groups.values() for group in names)
        return {
            symbol: min(names, key=lambda group: (sizes[group], group))
            for symbol, names in groups.items()
        }

    @cached_property
    def _approved(self) -> pl.DataFrame:
        if "status" not in self.frame.columns:
            return self.frame
        return self.frame.filter(pl.col("status") == "Approved")

    @cached_property
    def _any_case(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for symbol in sorted(self.approved):
            found[symbol.casefold()].append(symbol)
        return found

    @cached_property
    def _others(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for column, what in (
            ("alias_symbol", "alias"),
            ("prev_symbol", "previous symbol"),
            ("ensembl_gene_id", "Ensembl id"),
        ):
            if column in self.frame.columns:
                for symbol, names in self._listed(column):
                    for name in names:
                        found[name][symbol] = what
        return dict(found)

    @cached_property
    def _others_any_case(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for name, genes in self._others.items():
            found[name.casefold()] |= genes
        return dict(found)

    def _listed(self, column: str) -> Iterator[tuple[str, list[str]]]:
        rows: Iterable[tuple[str, str]] = self._approved.select("symbol", column).iter_rows()
        for symbol, cell in rows:
            if names := [name for part in cell.split("|") if (name := part.strip())]:
                yield symbol, names

    def _need(self, column: str) -> None:
        if column not in self.frame.columns:
            raise UsageError(
                f"Table of symbols: no column '{column}'; expected the HGNC complete set, "
                f"found {', '.join(self.frame.columns)}"
            )
