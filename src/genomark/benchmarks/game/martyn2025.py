"""Edits of the promoter and an enhancer of PPIF and of the promoter of IL2RA (Martyn et al. 2025).

Prime editing wrote short sequences into the genome of THP-1 and Jurkat cells, and what became of
the gene's expression was measured (Variant-EFFECTS). A model sees the letters around an edit before
and after it, both as the gene is read, and what is scored is the difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from genomark.benchmarks.game.joint_scores import Drawing, JointScores, with_answers
from genomark.benchmarks.game.martyn_edits import (
    CELL_TYPES,
    FLANK,
    NAME,
    PROMOTERS,
    Promoter,
    read_edits,
    stretches,
)
from genomark.benchmarks.game.opaque_ids import opaque_id
from genomark.benchmarks.game.published import published_pearson
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import (
    PredictorBenchmark,
    answer_frame,
    effect_of,
    only_task,
    point_of,
)
from genomark.datasets.assemblies import open_assembly
from genomark.datasets.genome import Genome
from genomark.datasets.variants import Variant, parse_variant_id
from genomark.digests import digest_of
from genomark.errors import DatasetError, UsageError
from genomark.protocol import Edit, EditedSequences, PredictionTask, PredictRequest, PredictResponse
from genomark.scoring import REPLICATES, MetricRow, ScoringRule
from genomark.scoring.intervals import interval, method

_FDR = 0.05


class Martyn2025(PredictorBenchmark):
    """Effects of edits on expression, from 1 kb on each side of the edit.

    The published evaluator asks about 2 Mb alone, so that it has no row here.
    """

    id = "martyn2025"
    version = "1"
    title = "effects of edits in promoters and an enhancer on expression"
    asks = "variants"
    datasets: tuple[str, ...] = (NAME,)
    citation = "Martyn et al. 2025, Cell (Variant-EFFECTS)"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="stretches", grouped=True)

    @cached_property
    def items(self) -> pl.DataFrame:
        """Variants of each experiment; those measured more than once are averaged."""
        table = pl.concat([read_edits(name) for name in CELL_TYPES])
        merged = table.group_by("task", "variant", maintain_order=True).agg(
            pl.col("gene", "chrom", "start", "end", "hg19", "reference", "alternate").first(),
            truth=pl.col("measured").mean(),
            measured=pl.col("measured"),
            significant=(pl.col("fdr") < _FDR).all(),
        )
        return merged.select(
            item_id=pl.format("{}:{}", "task", "variant"),
            task="task",
            group=pl.format("{} {}", "task", "gene"),
            cluster=pl.Series(stretches(merged)),
            truth="truth",
            directed=pl.col("significant")
            & ((pl.col("measured").list.min() > 0) | (pl.col("measured").list.max() < 0)),
            gene="gene",
            chrom="chrom",
            start="start",
            end="end",
            variant="variant",
            hg19="hg19",
            # Several numbers in one text, as a column of the digest is text or numbers.
            repeats=pl.col("measured").cast(pl.List(pl.String)).list.join(" "),
            reference="reference",
            alternate="alternate",
            reference_id=_opaque(pl.col("reference")),
            sequence_id=_opaque(pl.col("alternate")),
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the expression of each edited sequence and of the same without the edit."""
        sequences = dict(items.select("reference_id", "reference").iter_rows())
        sequences.update(items.select("sequence_id", "alternate").iter_rows())
        return PredictRequest(
            readout="point", prediction_tasks=[_task(items["task"][0])], sequences=sequences
        )

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Give the log2 fold change of each variant."""
        task = only_task(response)
        pairs = items.select("reference_id", "sequence_id").iter_rows()
        return answer_frame(
            [effect_of(task, point_of(task, old), point_of(task, new)) for old, new in pairs]
        )

    def sequence_ids(self, items: pl.DataFrame) -> pl.DataFrame:
        """Ids of the edited sequences and of those without the edit."""
        names = [items.select("task", item_id=name) for name in ("reference_id", "sequence_id")]
        return pl.concat(names).unique(maintain_order=True)

    def variants(self, items: pl.DataFrame) -> tuple[list[str], list[str]] | None:
        """Give the sequences without and with the edit."""
        return items["reference"].to_list(), items["alternate"].to_list()

    def scored(self, predictions: Path, limit: int | None) -> JointScores:
        """Set predictions beside the truth; each gene in each cell type is a group."""
        answered = with_answers(self.selected(limit), predictions)
        return JointScores(
            answered,
            self.rule,
            lambda: self.published(answered),
            self._directions,
        )

    def material(self, limit: int | None = None) -> Material:
        """Give the sequence without the edit, and where it lies."""
        items = self.selected(limit)
        return Material.of(
            items.select(
                "item_id",
                "chrom",
                sequence="reference",
                start=pl.col("start") - FLANK,
                end=pl.col("end") + FLANK,
            ),
            "hg38",
        )

    def _directions(self, answered: pl.DataFrame, drawing: Drawing) -> Iterable[MetricRow]:
        """Share of the significant effects whose direction is told right, in each group."""
        for (group,), part in answered.group_by("group", maintain_order=True):
            items = part.filter("directed")
            hits = np.sign(items["value"].to_numpy()) == np.sign(items["truth"].to_numpy())
            clusters = items["cluster"].n_unique()
            value = float(hits.mean()) if hits.size else None
            found = None
            if value is not None:
                drawn = drawing.mean(hits.astype(np.float64), items)
                found = interval("accuracy", value, drawn, clusters, items=hits.size)
            yield MetricRow(
                name="direction_accuracy",
                group=str(group),
                value=value,
                reason_if_null=None if hits.size else f"no effect with an FDR below {_FDR}",
                interval=found,
                method=method("accuracy", REPLICATES, self.rule.cluster),
                n=hits.size,
                n_clusters=clusters,
            )

    def _wording(self) -> object:
        return [_task(name) for name in CELL_TYPES]


class Martyn2025Long(Martyn2025):
    """The same edits in windows of 2 Mb around the promoter, which is what is asked about."""

    id = "martyn2025-2mb"
    title = "effects of edits on expression, in windows of 2 Mb"
    datasets = (NAME, "hg19")

    _half = 1_000_000

    @cached_property
    def items(self) -> pl.DataFrame:
        """The items of the short form, each found in the genome of hg19."""
        items = super().items.drop("reference", "alternate")
        edits = []
        for gene, name in items.select("gene", "hg19").iter_rows():
            promoter = PROMOTERS[gene]
            variant = parse_variant_id(name, "hg19")
            try:
                variant.check(self._genome)
                start, end = self._window(promoter)
                edits.append(variant.edit(start, end, promoter.strand))
            except UsageError as error:
                raise DatasetError(f"{NAME}: {error}") from error
        return items.with_columns(
            edit_start=pl.Series([edit[0] for edit in edits], dtype=pl.Int64),
            edit_end=pl.Series([edit[1] for edit in edits], dtype=pl.Int64),
            letters=pl.Series([edit[2] for edit in edits], dtype=pl.String),
        ).with_columns(
            reference_id=_opaque(pl.col("gene")),
            sequence_id=_opaque(
                pl.format("{} {} {} {}", "gene", "edit_start", "edit_end", "letters")
            ),
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the expression of each gene as it is, and with each of its edits.

        A range is that of the promoter on the strand of the gene; letters that an edit puts into
        it or before it move its ends.
        """
        genes = dict(items.select("gene", "reference_id").iter_rows())
        spans = {gene: self._span(gene) for gene in genes}
        edits = {name: Edit(gene) for gene, name in genes.items()}
        ranges = {name: inclusive(*spans[gene]) for gene, name in genes.items()}
        columns = ("sequence_id", "gene", "edit_start", "edit_end", "letters")
        for name, gene, start, end, letters in items.select(columns).iter_rows():
            edits[name] = Edit(gene, ((start, end, letters),))
            ranges[name] = inclusive(*moved(spans[gene], start, end, letters))
        return PredictRequest(
            readout="point",
            prediction_tasks=[_task(items["task"][0])],
            sequences=EditedSequences({gene: self._windows[gene] for gene in genes}, edits),
            prediction_ranges=ranges,
        )

    def published(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Compute r over all measurements, as published: those of one variant count each."""
        rows = []
        for (task,), part in frame.group_by("task", maintain_order=True):
            each = part.select(
                pl.col("value").cast(pl.Float64).fill_null(math.nan),
                truth=pl.col("repeats").str.split(" ").cast(pl.List(pl.Float64)),
            ).explode("truth")
            rows.append(
                published_pearson(
                    each["value"].to_numpy(),
                    each["truth"].to_numpy(),
                    f"Martyn Variant Effects ({task})",
                    n_clusters=part["cluster"].n_unique(),
                )
            )
        return rows

    def variants(self, items: pl.DataFrame) -> None:
        """Nothing: windows of 2 Mb are for models that predict."""

    def material(self, limit: int | None = None) -> Material:
        """Give where the window of each item lies; two megabases are no sequence to compare."""
        items = self.selected(limit)
        windows = {gene: self._window(promoter) for gene, promoter in PROMOTERS.items()}
        gene = pl.col("gene")
        return Material.of(
            items.select(
                "item_id",
                "chrom",
                start=gene.replace_strict({name: at for name, (at, _) in windows.items()}),
                end=gene.replace_strict({name: at for name, (_, at) in windows.items()}),
            ),
            "hg19",
        )

    def _window(self, promoter: Promoter) -> tuple[int, int]:
        return promoter.start - self._half, promoter.start + self._half

    def _span(self, gene: str) -> tuple[int, int]:
        """Where the promoter is in its window as it is read; half-open."""
        promoter = PROMOTERS[gene]
        whole = Variant(promoter.chrom, promoter.start, "N" * (promoter.end - promoter.start), "")
        start, end, _ = whole.edit(*self._window(promoter), promoter.strand)
        return start, end

    @cached_property
    def _genome(self) -> Genome:
        return open_assembly("hg19")

    @cached_property
    def _windows(self) -> dict[str, str]:
        return {
            gene: self._genome.window(promoter.chrom, *self._window(promoter), promoter.strand)
            for gene, promoter in PROMOTERS.items()
        }

    def _wording(self) -> object:
        return [super()._wording(), PROMOTERS, digest_of(self._windows)]


def inclusive(start: int, end: int) -> list[int]:
    """Write a half-open stretch as a range of GAME, whose ends both belong to it."""
    return [start, end - 1]


def moved(span: tuple[int, int], start: int, end: int, letters: str) -> tuple[int, int]:
    """Say where a stretch of a window is once ``[start, end)`` was replaced by `letters`.

    An edit that ends where the stretch begins lies before it; one that begins where the stretch
    ends lies behind it.
    """
    gained = len(letters) - (end - start)
    first, last = span
    return first + gained * (end <= first), last + gained * (start < last)


def _opaque(what: pl.Expr) -> pl.Expr:
    return what.map_elements(opaque_id, return_dtype=pl.String)


def _task(experiment: str) -> PredictionTask:
    return PredictionTask(
        name=experiment,
        type="expression",
        cell_type=CELL_TYPES[experiment],
        species="homo_sapiens",
        scale="log",
    )
