"""The Human Protein Atlas: 61 columns of its table of genes, each a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.outcomes import Kind
from genomark.genes.sources.files import only, task_name
from genomark.genes.sources.membership import membership_task
from genomark.genes.sources.reading import read_columns
from genomark.genes.sources.source import Family, KnownTask, RemoteFile, Settings, Source
from genomark.genes.task import GeneTask, make_task

NAME = "hpa"
URL = "https://v23.proteinatlas.org/download/proteinatlas.tsv.zip"

_GENE = "Gene"
#: What stands where nothing is known.
_BLANK = ("", "NA")
#: The p-value behind the verdict of a prognostics column.
_P_VALUE = r"\s*\(\d+\.?\d*(?:e[+-]?\d+)?\)$"

_EXPRESSION = (
    "tissue",
    "single cell type",
    "cancer",
    "brain regional",
    "blood cell",
    "blood lineage",
    "cell line",
    "mouse brain regional",
    "pig brain regional",
)
_SCORED = ("tissue", "single cell type", "cancer", "brain regional", "blood cell", "blood lineage")
_CANCERS = (
    "Breast cancer",
    "Cervical cancer",
    "Colorectal cancer",
    "Endometrial cancer",
    "Glioma",
    "Head and neck cancer",
    "Liver cancer",
    "Lung cancer",
    "Melanoma",
    "Ovarian cancer",
    "Pancreatic cancer",
    "Prostate cancer",
    "Renal cancer",
    "Stomach cancer",
    "Testis cancer",
    "Thyroid cancer",
    "Urothelial cancer",
)
_CLUSTERED = ("Blood", "Tissue", "Brain", "Cell line", "Single cell")


@dataclass(frozen=True)
class _Column:
    """A column of the table, and the kind of task it is, which its values do not always tell."""

    name: str
    kind: Kind
    family: Family

    @property
    def task(self) -> str:
        return task_name(self.name)


def _expression(what: str, kind: Kind, samples: Sequence[str]) -> Iterator[_Column]:
    for sample in samples:
        family: Family = "biological processes" if sample == "cancer" else "localization"
        yield _Column(f"RNA {sample} {what}", kind, family)


COLUMNS = (
    _Column("CCD Protein", "binary", "biological processes"),
    _Column("CCD Transcript", "binary", "biological processes"),
    _Column("Chromosome", "multi-class", "genomic properties"),
    *_expression("specificity", "multi-class", _EXPRESSION),
    *_expression("distribution", "multi-class", _EXPRESSION),
    _Column("Secretome location", "multi-class", "biological processes"),
    _Column("Secretome function", "multi-class", "biological processes"),
    *(
        _Column(f"{sample} expression cluster", "multi-class", "localization")
        for sample in _CLUSTERED
    ),
    *(
        _Column(f"Pathology prognostics - {cancer}", "multi-class", "biological processes")
        for cancer in _CANCERS
    ),
    _Column("NeXtProt evidence", "multi-class", "localization"),
    _Column("Interactions", "regression", "regulatory functions"),
    _Column("Blood concentration - Conc. blood IM [pg/L]", "regression", "localization"),
    *_expression("specificity score", "regression", (*_SCORED, "cell line")),
    _Column("Protein class", "multi-label", "genomic properties"),
    _Column("RNA tissue cell type enrichment", "multi-label", "localization"),
    _Column("Subcellular location", "multi-label", "genomic properties"),
    _Column("Biological process", "multi-label", "biological processes"),
    _Column("Disease involvement", "multi-label", "biological processes"),
    _Column("Molecular function", "multi-label", "genomic properties"),
)
"""The columns the gene-benchmark lists, and one more of which it published scores."""


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read ``proteinatlas.tsv``, zipped or not.

    Genes without a symbol (an Ensembl id in its place) are left out, and blank cells of each
    column. A symbol that stands twice keeps its first value, or all of its labels.

    Parameters
    ----------
    files : sequence of Path
        The one table.
    settings : Settings
        None is heeded.

    Yields
    ------
    GeneTask
        One for each of `COLUMNS` that the table has and that says something: releases differ.

    Raises
    ------
    UsageError
        When the file is not that table, or a cell is not what its column holds.
    """
    path = only(files, "the table of all genes (proteinatlas.tsv.zip)")
    names = [column.name for column in COLUMNS]
    table = read_columns(path, [_GENE], separator="\t", optional=names)
    columns = [column for column in COLUMNS if column.name in table.columns]
    if not columns:
        raise UsageError(f"{path}: no column of the Human Protein Atlas, such as '{names[0]}'")
    table = table.filter(~pl.col(_GENE).str.contains("ENSG") & (pl.col(_GENE) != ""))
    for column in columns:
        said = table.select(pl.col(_GENE).alias("symbol"), _cleaned(column))
        said = said.filter(~pl.col(column.name).is_in(_BLANK))
        if said[column.name].n_unique() > 1:
            yield _task(path, column, said)


def _cleaned(column: _Column) -> pl.Expr:
    values = pl.col(column.name)
    if column.name.startswith("Pathology prognostics"):
        return values.str.replace(_P_VALUE, "")
    if column.name == "Cell line expression cluster":
        return values.str.replace_all(";", "", literal=True)
    return values


def _task(path: Path, column: _Column, said: pl.DataFrame) -> GeneTask:
    if column.kind == "multi-label":
        members: dict[str, set[str]] = {}
        for symbol, terms in said.iter_rows():
            split = {term.strip() for term in terms.split(",")} - {""}
            members.setdefault(symbol, set()).update(split)
        task = membership_task(column.task, members)
    else:
        first = said.unique("symbol", keep="first", maintain_order=True)
        task = make_task(
            column.task,
            first.select("symbol"),
            first.select(column.name),
            kind=column.kind,
            positive="Yes" if column.kind == "binary" else None,
            source=str(path),
        )
    if again := said.height - len(task):
        note = f"{again} rows of symbols that stood before were merged into the first"
        task = replace(task, notes=(*task.notes, note))
    return task


SOURCE = Source(
    name=NAME,
    title="Human Protein Atlas v23: expression, location, function and disease of genes",
    home="https://v23.proteinatlas.org/about/download",
    licence="CC BY-SA",
    citation="Uhlén et al. 2015, Science 347:1260419; proteinatlas.org",
    remotes=(RemoteFile("proteinatlas.tsv.zip", URL, 200_000_000),),
    tasks=tuple(KnownTask(column.task, column.family, NAME, column.kind) for column in COLUMNS),
    files="proteinatlas.tsv or proteinatlas.tsv.zip",
    parse=parse,
)
