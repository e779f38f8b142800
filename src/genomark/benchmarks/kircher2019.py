"""Saturation mutagenesis of 21 human regulatory elements (Kircher et al. 2019).

Every single-base change of each element was put in front of a reporter gene. A model is asked for
the expression of the reference and of each variant; what is scored is the effect.
"""

from __future__ import annotations

from functools import cached_property

import polars as pl

from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import (
    Answer,
    PredictorBenchmark,
    answer_frame,
    effect_of,
    only_task,
    point_of,
)
from genomark.datasets import path
from genomark.protocol import PredictionTask, PredictRequest, PredictResponse
from genomark.scoring import ScoringRule

_MIN_BARCODES = 10
_REFERENCE = "reference"

#: Experiment: element (what is resampled) and cell type to ask for.
EXPERIMENTS = {
    "BCL11A": ("BCL11A", "HEL 92.1.7 (erythroleukemia)"),
    "F9": ("F9", "HepG2 (hepatocytes)"),
    "FOXE1": ("FOXE1", "HeLa (cervical carcinoma)"),
    "GP1BA": ("GP1BA", "HEL 92.1.7 (erythroleukemia)"),
    "HBB": ("HBB", "HEL 92.1.7 (erythroleukemia)"),
    "HBG1": ("HBG1", "HEL 92.1.7 (erythroleukemia)"),
    "HNF4A": ("HNF4A", "HEK293T (embryonic kidney)"),
    "IRF4": ("IRF4", "SK-MEL-28 (melanoma)"),
    "IRF6": ("IRF6", "HaCaT (keratinocytes)"),
    "LDLR": ("LDLR", "HepG2 (hepatocytes)"),
    "LDLR.2": ("LDLR", "HepG2 (hepatocytes)"),
    "MSMB": ("MSMB", "HEK293T (embryonic kidney)"),
    "MYCrs6983267": ("MYCrs6983267", "HEK293T (embryonic kidney), LiCl"),
    "MYCrs11986220": ("MYCrs11986220", "LNCaP (prostate carcinoma), DHT"),
    "PKLR-24h": ("PKLR", "K562 (erythroid precursors)"),
    "PKLR-48h": ("PKLR", "K562 (erythroid precursors)"),
    "RET": ("RET", "Neuro-2a (neuroblastoma)"),
    "SORT1": ("SORT1", "HepG2 (hepatocytes)"),
    "SORT1.2": ("SORT1", "HepG2 (hepatocytes)"),
    "SORT1-flip": ("SORT1", "HepG2 (hepatocytes)"),
    "TCF7L2": ("TCF7L2", "MIN6 (pancreatic beta cells)"),
    "TERT-HEK": ("TERT", "HEK293T (embryonic kidney)"),
    "TERT-GBM": ("TERT", "SF7996 (glioblastoma)"),
    "TERT-GAa": ("TERT", "SF7996 (glioblastoma), siRNA against GABPA"),
    "TERT-GSc": ("TERT", "SF7996 (glioblastoma), scrambled siRNA"),
    "UC88": ("UC88", "Neuro-2a (neuroblastoma)"),
    "ZFAND3": ("ZFAND3", "MIN6 (pancreatic beta cells)"),
    "ZRSh-13": ("ZRSh-13", "NIH/3T3 (fibroblasts) with HOXD13"),
    "ZRSh-13h2": ("ZRSh-13", "NIH/3T3 (fibroblasts) with HOXD13 + HAND2"),
}


class Kircher2019(PredictorBenchmark):
    """Effects of 41,724 variants of 21 regulatory elements in 29 experiments."""

    id = "kircher2019"
    version = "1"
    title = "effects of variants in human regulatory elements"
    asks = "variants"
    datasets = ("kircher2019",)
    citation = "Kircher et al. 2019, Nat Commun 10:3583"
    rule = ScoringRule(
        metrics=("pearson", "spearman"),
        cluster="elements",
        grouped=True,
        subcluster="positions",
    )

    @cached_property
    def items(self) -> pl.DataFrame:
        """Variants of release GRCh38 with a position and at least 10 barcodes."""
        rows = self._measured.filter(pl.col("Barcodes") >= _MIN_BARCODES)
        element = {name: element for name, (element, _) in EXPERIMENTS.items()}
        return rows.select(
            item_id=pl.format("{}:{}:{}:{}>{}", "Element", "Chrom", "Pos", "Ref", "Alt"),
            task="Element",
            cluster=pl.col("Element").replace_strict(element, return_dtype=pl.String),
            subcluster=pl.col("Pos").cast(pl.String),
            truth="Coefficient",
            position="Pos",
            alternate=pl.col("Alt").replace("-", ""),
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the reference of an experiment and for its variants, on a log scale."""
        experiment = items["task"][0]
        _, reference = self.references[experiment]
        sequences = {f"{experiment}:{_REFERENCE}": reference}
        sequences.update(zip(items["item_id"], self._alternates(items), strict=True))
        return PredictRequest(
            readout="point",
            prediction_tasks=[
                PredictionTask(
                    name=experiment,
                    type="expression",
                    cell_type=EXPERIMENTS[experiment][1],
                    species="homo_sapiens",
                    scale="log",
                )
            ],
            sequences=sequences,
        )

    def variants(self, items: pl.DataFrame) -> tuple[list[str], list[str]]:
        """Give the reference of the experiment, and the same with the change."""
        references = [self.references[experiment][1] for experiment in items["task"]]
        return references, self._alternates(items)

    def material(self, limit: int | None = None) -> Material:
        """Give the element that each variant is in, and where it lies in GRCh38."""
        items = self.selected(limit).select("item_id", "task")
        chromosomes = dict(self._measured.select("Element", "Chrom").iter_rows())
        elements = pl.DataFrame(
            [
                (name, sequence, f"chr{chromosomes[name]}", first - 1, first - 1 + len(sequence))
                for name, (first, sequence) in self.references.items()
            ],
            schema=["task", "sequence", "chrom", "start", "end"],
            orient="row",
        )
        return Material.of(items.join(elements, on="task", maintain_order="left"), "hg38")

    def _alternates(self, items: pl.DataFrame) -> list[str]:
        """Elements with one base changed, or left out."""
        found = []
        for experiment, position, alternate in items.select(
            "task", "position", "alternate"
        ).iter_rows():
            start, reference = self.references[experiment]
            at = position - start
            found.append(f"{reference[:at]}{alternate}{reference[at + 1 :]}")
        return found

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Give the effect of each variant."""
        task = only_task(response)
        reference = point_of(task, f"{items['task'][0]}:{_REFERENCE}")
        answers: list[Answer] = [
            effect_of(task, reference, point_of(task, name)) for name in items["item_id"]
        ]
        return answer_frame(answers)

    def sequence_ids(self, items: pl.DataFrame) -> pl.DataFrame:
        """Ids of variants and references."""
        references = items.select("task").unique(maintain_order=True)
        return pl.concat(
            [
                references.select(item_id=pl.format(f"{{}}:{_REFERENCE}", "task"), task="task"),
                items.select("item_id", "task"),
            ]
        )

    @cached_property
    def references(self) -> dict[str, tuple[int, str]]:
        """First position (1-based, GRCh38) and reference sequence of each experiment."""
        found = {}
        for (experiment,), rows in self._measured.group_by("Element", maintain_order=True):
            start = int(rows["Pos"].min())  # type: ignore[arg-type]
            bases = ["N"] * (int(rows["Pos"].max()) - start + 1)  # type: ignore[arg-type]
            for position, base in rows.select("Pos", "Ref").iter_rows():
                bases[position - start] = base
            found[str(experiment)] = (start, "".join(bases))
        return found

    @cached_property
    def _measured(self) -> pl.DataFrame:
        return pl.read_csv(
            path("kircher2019", "elements.tsv.gz"),
            separator="\t",
            null_values="NA",
            schema_overrides={"Chrom": pl.String},
        ).filter((pl.col("Release") == "GRCh38") & pl.col("Pos").is_not_null())

    def _wording(self) -> dict[str, object]:
        return {"experiments": EXPERIMENTS, "references": self.references}
