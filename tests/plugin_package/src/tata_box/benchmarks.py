"""What was measured of promoters, as benchmarks."""

from functools import cached_property
from pathlib import Path

import polars as pl

from genomark import (
    PointBenchmark,
    PredictionTask,
    PredictorBenchmark,
    PredictRequest,
    PredictResponse,
    ScoringRule,
    answer_frame,
    effect_of,
    only_task,
    point_of,
)

DATA = Path(__file__).parent / "data"
REFERENCE = "GCGCGCTATAAAGGCCTGGCACGC"

#: The suite: names as `-b` takes them, of files and folders of this package too.
TATA = ("tata-activity", "tata-effects", f"sequences:{DATA / 'tasks'}")


class TataActivity(PointBenchmark):
    """Activity of 24 promoters: all there is to say stands in a file."""

    def __init__(self) -> None:
        super().__init__(DATA / "activity.toml")
        self.id = "tata-activity"


class TataEffects(PredictorBenchmark):
    """Effects of changes to one promoter, as far as a model tells them from its sequence."""

    id = "tata-effects"
    version = "1"
    title = "effects of variants in a promoter"
    asks = "variants"
    citation = "Doe et al. 2026"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="positions")

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row a variant; those of one position are drawn together."""
        return pl.read_csv(DATA / "effects.csv").select(
            item_id=pl.format("{}{}", "position", "base"),
            task=pl.lit("effects"),
            cluster=pl.col("position").cast(pl.String),
            truth="effect",
            position="position",
            base="base",
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the promoter as it is, and with each change."""
        task = PredictionTask(
            name="effects",
            type="expression",
            cell_type="K562",
            species="homo_sapiens",
            scale="log",
        )
        _, changed = self.variants(items)
        sequences = dict(zip(items["item_id"], changed, strict=True))
        return PredictRequest(
            readout="point",
            prediction_tasks=[task],
            sequences={"reference": REFERENCE, **sequences},
        )

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Take the difference that each change makes."""
        task = only_task(response)
        reference = point_of(task, "reference")
        return answer_frame(
            [effect_of(task, reference, point_of(task, item)) for item in items["item_id"]]
        )

    def variants(self, items: pl.DataFrame) -> tuple[list[str], list[str]]:
        """Sequences without and with each change: what `hf:` models are asked."""
        changed = [
            REFERENCE[: position - 1] + base + REFERENCE[position:]
            for position, base in items.select("position", "base").iter_rows()
        ]
        return [REFERENCE] * len(changed), changed
