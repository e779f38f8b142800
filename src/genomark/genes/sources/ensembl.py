"""From Ensembl gene ids to symbols, by the HGNC complete set."""

from __future__ import annotations

from genomark.errors import UsageError
from genomark.genes.sources.source import HGNC, Settings
from genomark.genes.symbol_table import SymbolTable


def read_symbols(settings: Settings) -> dict[str, str]:
    """Read which symbol HGNC gives an Ensembl gene id.

    Parameters
    ----------
    settings : Settings
        Its `hgnc` is the complete set as TSV, with columns ``symbol`` and ``ensembl_gene_id``.

    Returns
    -------
    dict of str to str
        Approved symbol by id (``ENSG`` and eleven digits). Where two genes share an id, the first
        counts.

    Raises
    ------
    UsageError
        When there is no such file, or it is another one.
    """
    path = settings.hgnc
    if path is None:
        raise UsageError(
            "These genes are known by their Ensembl ids: give the HGNC complete set, from "
            f"{HGNC.url}, with --hgnc FILE"
        )
    table = SymbolTable.read(path)
    symbols: dict[str, str] = {}
    if "ensembl_gene_id" in table.frame.columns:
        for symbol, gene in table.frame.select("symbol", "ensembl_gene_id").iter_rows():
            if gene.startswith("ENSG") and symbol in table.approved:
                symbols.setdefault(gene, symbol)
    if not symbols:
        raise UsageError(f"{path}: no Ensembl id (ENSG…) in a column 'ensembl_gene_id'")
    return symbols


def bare(gene: str) -> str:
    """An Ensembl id without its version: ``ENSG00000012048.23`` is ``ENSG00000012048``."""
    return gene.strip().partition(".")[0]
