"""Genes as the gene sets they are in: `bag-of-c8` and `gene-sets:FILE.gmt`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from genomark.datasets import path as dataset_path
from genomark.digests import digest_of, digest_of_file
from genomark.errors import CapabilityError, UsageError
from genomark.genes.gene_sets import read_gmt
from genomark.models.genes.named_vectors import reading
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

_VERSION = "1"


def bag_of_c8() -> GeneSets:
    """Membership in the cell-type signatures of MSigDB (C8)."""
    return GeneSets("bag-of-c8", lambda: dataset_path("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt"))


def gene_sets(path: str, min_genes: int = 1) -> GeneSets:
    """Membership in the sets of a GMT file.

    Parameters
    ----------
    path : str
    min_genes : int
        Smaller sets are left out.

    Raises
    ------
    UsageError
        If there is no such file, or `min_genes` is below 1.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"{file}: no such file; expected gene sets in GMT format")
    if min_genes < 1:
        raise UsageError(f"gene-sets: min_genes must be at least 1, not {min_genes}")
    name = f"gene-sets:{file.name}" + (f",min_genes={min_genes}" if min_genes > 1 else "")
    return GeneSets(name, lambda: file, min_genes)


class GeneSets:
    """A GeneEmbedder: a vector has a 1 for each set that the gene is in, and 0 elsewhere.

    A gene that is in no set is not known.

    Parameters
    ----------
    name : str
        Id of the model.
    locate : callable
        Gives the GMT file; called when the model is first asked anything.
    min_genes : int
        Smaller sets are left out.
    """

    def __init__(self, name: str, locate: Callable[[], Path], min_genes: int = 1) -> None:
        self.name = name
        self.min_genes = min_genes
        self._locate = locate

    @cached_property
    def info(self) -> ModelIdentity:
        """Name and content of the file; reads it."""
        genes, sets = self._table.vectors.shape
        return ModelIdentity(
            id=self.name,
            version=_VERSION,
            digest=self._table.digest,
            notes=[f"{genes:,} genes x {sets:,} gene sets"],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give all genes that are in a set, sorted, always as the same object.

        Raises
        ------
        CapabilityError
            If asked for anything but gene symbols.
        """
        if kind != "symbol":
            raise CapabilityError(f"{self.name}: gene sets hold gene symbols, not '{kind}'")
        return self._table

    @cached_property
    def _table(self) -> GeneTable:
        path = self._locate()
        kept = [each for each in read_gmt(path) if len(each.genes) >= self.min_genes]
        if not kept:
            raise UsageError(f"{path}: no gene set has {self.min_genes:,} genes or more")
        names = sorted({gene for each in kept for gene in each.genes})
        row_of = {gene: row for row, gene in enumerate(names)}
        vectors = np.zeros((len(names), len(kept)), dtype=np.float32)
        for column, each in enumerate(kept):
            vectors[[row_of[gene] for gene in each.genes], column] = 1
        vectors.setflags(write=False)
        with reading(path, "a file"):
            digest = digest_of([_VERSION, digest_of_file(path), self.min_genes])
        return GeneTable(names, vectors, digest)
