"""Gene sets as a question: which of these sets is a gene a member of?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from genomark.errors import UsageError
from genomark.genes.task import GeneTask
from genomark.genes.text_table import read_text


@dataclass(frozen=True)
class GeneSet:
    """Genes that have something in common.

    Attributes
    ----------
    name : str
    description : str
        Often a URL; may be empty.
    genes : tuple of str
        Each once, in the order of the file.
    """

    name: str
    description: str
    genes: tuple[str, ...]


def read_gmt(path: str | Path) -> list[GeneSet]:
    """Read a GMT file: on each line a name, a description and genes, with tabs between.

    Parameters
    ----------
    path : str or Path
        UTF-8; lines end in LF or CRLF.

    Returns
    -------
    list of GeneSet
        In the order of the file. A gene that a set names twice is in it once; empty cells and
        blank lines are passed over.

    Raises
    ------
    UsageError
        If there is no such file, it is not UTF-8, or a line is not a set: its number is named.
    """
    path = Path(path)
    text = read_text(path)
    sets: list[GeneSet] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        name, *rest = (cell.strip() for cell in line.split("\t"))
        genes = tuple(dict.fromkeys(gene for gene in rest[1:] if gene))
        if not name or not genes:
            raise UsageError(
                f"{path}, line {number}: expected the name of a set, a description and at least "
                f"one gene, with tabs between; found '{line.strip()[:60]}'"
            )
        if name in line_of:
            raise UsageError(
                f"{path}, line {number}: there is a set '{name}' on line {line_of[name]} already"
            )
        line_of[name] = number
        sets.append(GeneSet(name, rest[0], genes))
    if not sets:
        raise UsageError(f"{path}: empty; expected a gene set on each line")
    return sets


def gene_set_task(
    name: str,
    sets: Sequence[GeneSet],
    *,
    min_genes: int,
    max_genes: int,
    background: Iterable[str] | None = None,
) -> GeneTask:
    """Make the multi-label task of telling which sets a gene is a member of.

    Parameters
    ----------
    name : str
    sets : sequence of GeneSet
    min_genes, max_genes : int
        Only sets that have so many genes become labels; both bounds are included. With a
        background, those of its genes count.
    background : iterable of str, optional
        The genes to ask about, in this order. By default all genes of all sets, sorted, also those
        of sets that are no label.

    Returns
    -------
    GeneTask
        Labels in the order of `sets`. Notes say how many sets were left out, and how many genes
        of the sets are not in the background.

    Raises
    ------
    UsageError
        If two sets have one name, the background is empty, or no set is within the bounds.
    """
    counted = Counter(item.name for item in sets)
    if len(counted) < len(sets):
        raise UsageError(f"Task '{name}': two gene sets are named '{counted.most_common(1)[0][0]}'")
    members = dict.fromkeys(gene for item in sets for gene in item.genes)
    genes = sorted(members) if background is None else list(dict.fromkeys(background))
    row_of = {gene: row for row, gene in enumerate(genes)}
    if not genes:
        raise UsageError(f"Task '{name}': no genes to ask about")
    rows = [[row_of[gene] for gene in item.genes if gene in row_of] for item in sets]
    kept = [place for place, found in enumerate(rows) if min_genes <= len(found) <= max_genes]
    if not kept:
        raise UsageError(
            f"Task '{name}': none of {len(sets):,} gene sets has {min_genes:,} to {max_genes:,} "
            f"genes; the smallest has {min(map(len, rows), default=0):,}, the largest "
            f"{max(map(len, rows), default=0):,}"
        )
    targets = np.zeros((len(genes), len(kept)))
    for column, place in enumerate(kept):
        targets[rows[place], column] = 1.0
    notes = []
    if len(kept) < len(sets):
        notes.append(
            f"{len(sets) - len(kept):,} of {len(sets):,} gene sets left out: "
            f"not {min_genes:,} to {max_genes:,} genes"
        )
    if outside := sum(gene not in row_of for gene in members):
        notes.append(
            f"{outside:,} of {len(members):,} genes of the sets left out: not in the background"
        )
    return GeneTask(
        name=name,
        kind="multi-label",
        entities=pl.DataFrame({"symbol": genes}),
        labels=tuple(sets[place].name for place in kept),
        targets=targets,
        notes=tuple(notes),
    )
