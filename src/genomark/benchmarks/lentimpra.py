"""Activity of 1,000 human enhancers and promoters in K562 cells (Agarwal et al. 2025)."""

from __future__ import annotations

from functools import cached_property

import polars as pl

from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.datasets.lentimpra import NAME, read_sample
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ScoringRule

_TASK = PredictionTask(
    name="k562_expression",
    type="expression",
    cell_type="K562",
    species="homo_sapiens",
    scale="log",
)


class LentiMPRA(PredictorBenchmark):
    """Expression that 1,000 sequences of 230 nt drive in K562, against log2(RNA/DNA)."""

    id = "lentimpra-k562"
    version = "1"
    title = "activity of human enhancers and promoters in K562"
    datasets = (NAME,)
    citation = "Agarwal et al. 2025 (lentiMPRA, K562)"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="elements")

    @cached_property
    def items(self) -> pl.DataFrame:
        """The test sample; both orientations of an element are one cluster."""
        return read_sample("sample_test.txt").select(
            item_id="seq_id",
            task=pl.lit(_TASK.name),
            cluster="element",
            truth="mean_value",
            sequence="seq",
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the expression of each sequence, adapters included."""
        return PredictRequest(
            readout="point",
            prediction_tasks=[_TASK],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )

    def material(self, limit: int | None = None) -> Material:
        """Give the sequences."""
        return Material.of(self.selected(limit))

    def _wording(self) -> PredictionTask:
        return _TASK
