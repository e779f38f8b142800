"""Perturbed regulatory elements around 30 genes of K562 (Fulco et al. 2019, CRISPRi-FlowFISH).

A model sees a gene in its window of 4 Mb, and the same with the letters of one element shuffled.
What is scored is the change of the gene's expression. All windows of a gene are edits of one
reference, so nothing is sent or held 285 times.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.published import (
    published_mean,
    published_pearson,
    published_row,
)
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import (
    Answer,
    PredictorBenchmark,
    answer_frame,
    only_task,
    point_of,
)
from genomark.benchmarks.predictor_scores import PredictorScores
from genomark.datasets import path
from genomark.datasets.assemblies import open_assembly
from genomark.datasets.genome import Genome, reverse_complement
from genomark.errors import DatasetError
from genomark.models import Model
from genomark.protocol import (
    Edit,
    EditedSequences,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
)
from genomark.scoring import MetricRow, ScoringRule

ASSEMBLY = "hg19"
_FILE = "fulco_evaluator_coordinates.parquet"
_CHANGE = "Fraction change in gene expr"
_TEXTS = {"chr", "Element name", "Gene", "gene_chr", "strand", _CHANGE}
_POSITIONS = {"start", "end", "gene_start", "gene_end"}

#: Bases on each side of the lower end of a gene, as published.
_HALF_WINDOW = 2_000_000
#: Bases on each side of a transcription start site.
_HALF_PROMOTER = 1_000
_SHUFFLE_SEED = 42
_LOG = "answered on a log scale, of which the published evaluator makes no number"
_MEAN = "Average Pearson Correlation across all genes for CRISPRi"


class Fulco2019(PredictorBenchmark):
    """Change of the expression of a gene with each of 4,882 elements perturbed."""

    id = "fulco2019"
    version = "1"
    title = "effects of perturbed elements on 30 genes, over the gene body"
    asks = "element-gene pairs"
    datasets = ("fulco2019", ASSEMBLY)
    citation = "Fulco et al. 2019, Nat Genet 51:1664"
    rule = ScoringRule(
        metrics=("pearson", "spearman"), cluster="loci", grouped=True, subcluster="elements"
    )

    @cached_property
    def items(self) -> pl.DataFrame:
        """Pairs of an element and a gene; genes whose windows overlap are one locus.

        Genes of one locus are measured with the same elements.
        """
        _ = self._genome
        rows = _read().with_columns(window=pl.col("gene_start") - _HALF_WINDOW)
        return rows.join(_loci(rows), on="Gene", maintain_order="left").select(
            item_id=pl.format("{}_{}", "Gene", "Element name"),
            task="Gene",
            cluster="locus",
            subcluster="Element name",
            truth="change",
            chrom="chr",
            start="start",
            end="end",
            strand="strand",
            window="window",
            gene_start="gene_start",
            gene_end="gene_end",
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the expression of a gene, as it is and with each element shuffled.

        The window is turned where the gene is on the minus strand, and the range with it.
        """
        gene = items.row(0, named=True)
        name, chrom, strand, origin = (gene[key] for key in ("task", "chrom", "strand", "window"))
        genome = self._genome
        first, last = origin, origin + 2 * _HALF_WINDOW
        edits = {reference_id(name): Edit(name)}
        for item, start, end in items.select("item_id", "start", "end").iter_rows():
            letters = shuffled(genome.window(chrom, start, end), f"{chrom}:{start}-{end}")
            placed = within(first, last, start, end, strand)
            turned = reverse_complement(letters) if strand == "-" else letters
            edits[item] = Edit(name, ((*placed, turned),))
        low, high = within(
            first, last, *self.span(gene["gene_start"], gene["gene_end"], strand), strand
        )
        return PredictRequest(
            readout="point",
            prediction_tasks=[_task(name)],
            sequences=EditedSequences({name: genome.window(chrom, first, last, strand)}, edits),
            # The last base is in a range (GAME 1.0, section 2.3).
            prediction_ranges={each: [low, high - 1] for each in edits},
        )

    def span(self, gene_start: int, gene_end: int, strand: str) -> tuple[int, int]:
        """Bases that are asked about: 0-based, half-open, on the plus strand; the whole gene."""
        return gene_start, gene_end

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Give the fraction by which the expression of the gene changes."""
        task = only_task(response)
        reference = point_of(task, reference_id(items["task"][0]))
        return answer_frame(
            [fraction_of(task, reference, point_of(task, name)) for name in items["item_id"]]
        )

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Ask, and keep in `published` the fractions that the published evaluator would take.

        They are no other than ours for a model that gives fractions and was not asked for points.
        """
        came: list[PredictResponse] = []

        def keep(response: PredictResponse) -> None:
            came.append(response)
            if asking.keep is not None:
                asking.keep(response)

        answers = super().answer(model, part, replace(asking, keep=keep))
        if not came:
            return answers.with_columns(published="value")
        task = only_task(came[-1])
        reference = point_of(task, reference_id(part["task"][0]))[0]
        fractions = [
            published_fraction(task, reference, point_of(task, name)[0]) for name in part["item_id"]
        ]
        return answers.with_columns(published=pl.Series(fractions, dtype=pl.Float64))

    def scored(self, predictions: Path, limit: int | None) -> PredictorScores:
        """Set predictions beside the truth, and what the published evaluator makes of them."""
        scores = super().scored(predictions, limit)
        kept = pl.read_parquet(predictions)
        if "published" not in kept.columns:
            # Predictions that were handed in are fractions; nobody was asked for points.
            kept = kept.with_columns(published="value")
        frame = self.selected(limit).join(
            kept.select("item_id", "task", "value", "published"),
            on=["item_id", "task"],
            how="left",
            maintain_order="left",
        )
        return PredictorScores(scores.frame, self.rule, lambda: self.published(frame))

    def sequence_ids(self, items: pl.DataFrame) -> pl.DataFrame:
        """Ids of the pairs and of the genes as they are."""
        genes = items.select("task").unique(maintain_order=True)
        names = [reference_id(gene) for gene in genes["task"]]
        references = genes.select(pl.Series("item_id", names, pl.String), "task")
        return pl.concat([references, items.select("item_id", "task")])

    def published(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Compute what the published evaluator prints: each gene, and their mean."""
        genes = frame.group_by("task", maintain_order=True)
        rows = [_published_row(str(gene), part) for (gene,), part in genes]
        return [published_mean(rows, _MEAN, n_clusters=frame["cluster"].n_unique()), *rows]

    def material(self, limit: int | None = None) -> Material:
        """Give each element and where it lies."""
        items = self.selected(limit)
        places = items.select("chrom", "start", "end").iter_rows()
        letters = [self._genome.window(*place) for place in places]
        return Material.of(
            items.with_columns(sequence=pl.Series(letters, dtype=pl.String)), ASSEMBLY
        )

    @cached_property
    def _genome(self) -> Genome:
        return open_assembly(ASSEMBLY)

    def _wording(self) -> dict[str, object]:
        window = {"assembly": ASSEMBLY, "half": _HALF_WINDOW, "shuffle_seed": _SHUFFLE_SEED}
        return {"task": _task("gene"), "window": window, "span": self.span(10_000, 20_000, "-")}


class Fulco2019Tss(Fulco2019):
    """The same, asked about the 2 kb around the transcription start site."""

    id = "fulco2019-tss"
    title = "effects of perturbed elements on 30 genes, at the transcription start site"

    def span(self, gene_start: int, gene_end: int, strand: str) -> tuple[int, int]:
        """Bases that are asked about: 0-based, half-open; 1 kb on each side of the first base."""
        first = gene_start if strand == "+" else gene_end - 1
        return first - _HALF_PROMOTER, first + _HALF_PROMOTER


def reference_id(gene: str) -> str:
    """Id of the window of a gene as it is, as published."""
    return f"{gene}_reference_seq"


def shuffled(letters: str, place: str) -> str:
    """Shuffle the letters of an element; what comes out depends on the element alone."""
    mixed = list(letters)
    random.Random(f"{_SHUFFLE_SEED} {place}").shuffle(mixed)
    return "".join(mixed)


def within(first: int, last: int, start: int, end: int, strand: str) -> tuple[int, int]:
    """Place a stretch of the plus strand in the window ``[first, last)`` as read on a strand.

    Returns
    -------
    start, end : int
        0-based, half-open, counted from the first base of the window as it is read.
    """
    return (last - end, last - start) if strand == "-" else (start - first, end - first)


def fraction_of(task: TaskPrediction, reference: Answer, perturbed: Answer) -> Answer:
    """Fraction by which expression changes: (p - p_ref) / p_ref, of log2 values 2**(p - p_ref) - 1.

    Returns
    -------
    value : float or None
    reason : str or None
        Why there is none; a fraction of nothing is never 0.
    """
    if reference[0] is None:
        return None, f"reference: {reference[1]}"
    if perturbed[0] is None:
        return perturbed
    if task.scale_prediction_actual == "log":
        with np.errstate(over="ignore"):
            change = float(np.exp2(perturbed[0] - reference[0])) - 1
    elif task.scale_prediction_actual != "linear":
        return None, f"unknown scale '{task.scale_prediction_actual}'"
    elif reference[0] <= 0:
        return None, "the reference prediction is not above 0, so a fraction of it is undefined"
    else:
        change = (perturbed[0] - reference[0]) / reference[0]
    return (change, None) if math.isfinite(change) else (None, f"the change is {change}")


def published_fraction(
    task: TaskPrediction, reference: float | None, perturbed: float | None
) -> float | None:
    """Fraction as published: (p - p_ref) / p_ref of linear answers alone, of any sign.

    GAME 1.0, section 7.3. None where the published evaluator has no number: for other scales, for
    what was not answered, and of a reference of exactly 0.
    """
    if task.scale_prediction_actual != "linear" or reference is None or perturbed is None:
        return None
    if reference == 0:
        return None
    fraction = (perturbed - reference) / reference
    return fraction if math.isfinite(fraction) else None


def _published_row(gene: str, part: pl.DataFrame) -> MetricRow:
    """Make the row of a gene of `value`, `published`, `truth` and `subcluster`."""
    group, clusters = f"Fulco CRISPRi ({gene})", part["subcluster"].n_unique()
    # We have a fraction, and the published evaluator has none.
    if part.filter(pl.col("value").is_not_null() & pl.col("published").is_null()).height:
        return published_row("game_pearson_r", group, None, _LOG, part.height, clusters)
    return published_pearson(
        part["published"].cast(pl.Float64).fill_null(math.nan).to_numpy(),
        part["truth"].to_numpy(),
        group,
        n_clusters=clusters,
    )


def _task(name: str) -> PredictionTask:
    return PredictionTask(
        name=name, type="expression", cell_type="K562", species="homo_sapiens", scale="linear"
    )


def _read() -> pl.DataFrame:
    """Read the pairs, with `change` as a number; what the file holds is checked.

    Raises
    ------
    DatasetError
    """
    file = path("fulco2019", _FILE)
    try:
        rows = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DatasetError(f"{file}: cannot be read as parquet ({error})") from error
    if missing := sorted((_TEXTS | _POSITIONS) - set(rows.columns)):
        raise DatasetError(f"{file}: no column '{missing[0]}'; it has {', '.join(rows.columns)}")
    rows = rows.with_columns(
        # Numbers are written with a decimal comma.
        pl.col(_CHANGE)
        .cast(pl.String)
        .str.replace(",", ".", literal=True)
        .cast(pl.Float64, strict=False)
        .alias("change")
    )
    if fault := next(_faults(rows), None):
        raise DatasetError(f"{file}: {fault}")
    return rows


def _faults(rows: pl.DataFrame) -> Iterator[str]:
    whole = [name for name in sorted(_POSITIONS) if not rows.schema[name].is_integer()]
    if whole:
        yield f"column '{whole[0]}' holds no whole numbers but {rows.schema[whole[0]]}"
        return
    end = pl.col("gene_start") + _HALF_WINDOW
    near = (pl.col("start") >= pl.col("gene_start") - _HALF_WINDOW) & (pl.col("end") <= end)
    rules = {
        f"'{_CHANGE}' is no number": pl.col("change").is_finite(),
        "strand is neither + nor -": pl.col("strand").is_in(["+", "-"]),
        "an element ends where it starts, or before": pl.col("start") < pl.col("end"),
        "a gene ends where it starts, or before": pl.col("gene_start") < pl.col("gene_end"),
        "a gene reaches beyond its window": pl.col("gene_end") <= end,
        "element and gene lie on two chromosomes": pl.col("chr") == pl.col("gene_chr"),
        "an element lies beyond the window of its gene": near,
        "a pair is there twice": pl.struct("Gene", "Element name").is_first_distinct(),
    }
    for what, holds in rules.items():
        wrong = rows.select(~holds.fill_null(value=False)).to_series().arg_true()
        if len(wrong):
            row = rows.row(int(wrong[0]), named=True)
            told = f"{row['Gene']}, {row['Element name']}, {row[_CHANGE]}"
            yield f"row {wrong[0] + 1} ({told}): {what}"
    genes = rows.select("Gene", "gene_chr", "gene_start", "gene_end", "strand").unique()
    if twice := genes.filter(pl.col("Gene").is_duplicated())["Gene"].sort().to_list():
        yield f"gene {twice[0]} lies at more than one place"


def _loci(rows: pl.DataFrame) -> pl.DataFrame:
    """Join genes whose windows overlap: `Gene` and `locus`, which is named by its first base."""
    genes = rows.select("Gene", "gene_chr", "window").unique().sort("gene_chr", "window")
    apart = (pl.col("window") - pl.col("window").shift(1) >= 2 * _HALF_WINDOW).fill_null(value=True)
    return genes.with_columns(
        locus=pl.when(apart.over("gene_chr"))
        .then(pl.format("{}:{}", "gene_chr", "window"))
        .forward_fill()
    ).select("Gene", "locus")
