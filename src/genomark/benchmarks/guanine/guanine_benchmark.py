"""A task of GUANinE as a benchmark: models learn from its train split, or predict as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.guanine.guanine_scores import GuanineScores
from genomark.benchmarks.guanine.guanine_task import GuanineTask
from genomark.benchmarks.guanine.options import SHARES
from genomark.benchmarks.guanine.split_rows import SplitRows
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import point_of
from genomark.benchmarks.sequences.options import SequenceOptions
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.datasets.similarity import Similarity
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError
from genomark.models import (
    FittedTask,
    Fitting,
    ItemPredictor,
    Model,
    Predictor,
    TaskTrainable,
    TrainingSplit,
)
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ModelIdentity
from genomark.scoring.ordinal import spearman_ceiling
from genomark.sequences import LabelledSequences
from genomark.spans import span
from genomark.training.protocols import as_trainable

if TYPE_CHECKING:
    from genomark.training.variant_pairs import VariantTrainable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Bases of test and train together up to which near copies are looked for.
_SCREENED = 100_000_000
#: Sequences of one request to a Predictor.
_ASKED_AT_ONCE = 4096
#: What Predictors are asked for, by label; cell types are none, since labels are of all.
_READOUTS = {
    "dnase": "accessibility",
    "ctcf": "binding_CTCF",
    "H3K27ac": "binding_H3K27ac",
    "H3K4me3": "binding_H3K4me3",
}
_OF_ALL_CELLS = "all"


@dataclass(frozen=True)
class Stage:
    """One fit of many.

    Attributes
    ----------
    name : str
        What it is fitted on, one of `SHARES`.
    fit : int
        Its seed.
    drawn : bool
        Whether that seed also chooses what it is fitted on.
    """

    name: str
    fit: int
    drawn: bool

    @property
    def part(self) -> tuple[str, int]:
        """What it is fitted on, as `GuanineTask.stage` takes it."""
        return self.name, self.fit if self.drawn else 0


class GuanineBenchmark(SequenceBenchmark):
    """What a model tells of regions or promoters, in ordered classes.

    What can be fitted is fitted to the train split, or to parts of it; a Predictor that cannot is
    asked as it is, and its values are ranked.

    Parameters
    ----------
    task : GuanineTask
    """

    capability = "TaskTrainable, Embedder or Predictor"
    task: GuanineTask

    def __init__(self, task: GuanineTask) -> None:
        super().__init__(task, SequenceOptions(fits=task.options.fits))
        self.asking = task.options
        question = task.options.question
        self.id = f"{task.id}:{question}" if question else task.id

    @property
    def headlines(self) -> tuple[str, ...]:
        """The metric that ranks, and what the most of it could be."""
        (score, *_) = self.task.declared.metrics
        if self.task.declared.kind == "binary":
            return (score, "auroc")
        return (score, score.replace("spearman_x100", "spearman_of_ceiling"))

    @cached_property
    def digest(self) -> str:
        """Digest of what is asked, what is fitted on, and how it is scored."""
        splits: list[Any] = []
        if self.task.no_split is None:
            for part in dict.fromkeys(stage.part for stage in self._stages):
                split, train, valid = self.task.stage(*part)
                splits.append([split.digest, train.references, valid.references])
        asked = self.task.asked
        return digest_of(
            [
                *(self.id, self.version, asked.labelled.digest, asked.references, splits),
                *(self.asking.jitter, self.asking.impute),
            ]
        )

    @property
    def ceiling(self) -> Mapping[str, float]:
        """What predictions without ties can reach at most."""
        if self.task.asked.hidden:
            return {}
        truth = np.asarray(self.task.asked.labelled.targets)
        ceilings = [spearman_ceiling(each[~np.isnan(each)]) for each in truth.T]
        return {self.headlines[0]: 100.0 * float(np.mean(ceilings))}

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Give all that is asked, once for each fit to each part of the train split."""
        test = self._test(limit)
        for number in range(len(self._stages)):
            yield pl.DataFrame({"item_id": test.ids}).with_columns(fit=pl.lit(number, pl.Int8))

    @cached_property
    def _stages(self) -> list[Stage]:
        fits = range(self.asking.fits)
        names = self.task.stages if self.task.no_split is None else ("train",)
        drawn = {name: self.task.is_drawn(name) for name in names}
        return [Stage(name, fit, drawn[name]) for name in names for fit in fits]

    def _rows(self, asked: int) -> SplitRows:
        rows = self.task.asked
        whole = len(rows.labelled)
        return rows if asked == whole else rows.take(self._chosen(asked))

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take what can be fitted, what predicts as it is, files and controls."""
        if isinstance(model, ItemPredictor) and getattr(model, "reads_answers", False):
            self._refuse_hidden(model)
        if isinstance(model, ItemPredictor) or not self._predicts_as_it_is(model):
            return super().identify(model)
        return model.info, None

    def _items(self) -> pl.DataFrame:
        """Name all that a file of answers must have: of several marks, those with a row."""
        items = super()._items()
        return items.filter(pl.Series(self.task.asked.asked.ravel()))

    def _refuse_hidden(self, model: Model) -> None:
        if self.task.asked.hidden:
            raise CapabilityError(f"'{model.info.id}' needs the labels, which are hidden")

    def _predicts_as_it_is(self, model: Model) -> bool:
        try:
            as_trainable(model)
        except CapabilityError:
            return isinstance(model, Predictor)
        return False

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Fit to the part of the train split that this is about, and answer."""
        number = int(part["fit"][0]) if part.height else 0
        stage, rows = self._stages[number], self._rows(part.height)
        answers: Any
        if isinstance(model, ItemPredictor):
            answers = None if number else self._looked_up(model, rows.labelled, asking)
        elif self._predicts_as_it_is(model):
            assert isinstance(model, Predictor)
            answers = None if number else self._points(model, rows.labelled, asking.progress)
        else:
            answers = self._learned(model, stage, rows, asking)
        if answers is None:
            empty = self._frame(rows.labelled, number, None)
            return empty.with_columns(missing=pl.lit(None, pl.Int32))
        table, missing = self._completed(answers, rows)
        frame = self._frame(rows.labelled, number, table)
        return frame.with_columns(missing=pl.Series(missing.sum(axis=1), dtype=pl.Int32))

    def _learned(
        self, model: Model, stage: Stage, rows: SplitRows, asking: Asking
    ) -> Floats | None:
        trainable = as_trainable(model)
        if not self._needed(stage, trainable):
            return None
        split = self._shortened(self.task.stage(*stage.part)[0], len(rows.labelled))
        with span("fit"):
            fitted: FittedTask = trainable.fit_task(
                split, Fitting(stage.fit, asking.threads, asking.workspace, asking.progress)
            )
        asking.progress("answering")
        answers = np.asarray(fitted.answers(rows.labelled.sequences), dtype=np.float64)
        asking.tell({self._called(stage): dict(fitted.report)})
        return answers

    def _needed(self, stage: Stage, trainable: TaskTrainable | VariantTrainable) -> bool:
        """Whether another seed makes another fit: of the model, or of what it is fitted on."""
        return stage.fit == 0 or trainable.varies_with_seed or stage.part[1] != 0

    def _called(self, stage: Stage) -> str:
        return f"{100 * SHARES[stage.name]:g} % of train, seed {stage.fit}"

    def _points(
        self, model: Predictor, asked: LabelledSequences, progress: Callable[[str], None]
    ) -> Floats:
        """Ask a Predictor for one value a sequence and label."""
        columns = [
            point_values(model, _readout(self.task, label), asked.sequences, progress)
            for label in asked.labels
        ]
        return np.column_stack(columns)

    def _completed(self, answers: Any, rows: SplitRows) -> tuple[Floats, Flags]:
        """Refuse predictions that are no numbers, or impute them; say which there were.

        What was not asked, a mark without a row, is 0 where a model says nothing of it.
        """
        table = np.asarray(answers, dtype=np.float64)
        if table.size != rows.asked.size:
            raise ModelError(f"{table.size:,} numbers for {rows.asked.size:,} that were asked")
        table = table.reshape(rows.asked.shape)
        missing = rows.asked & ~np.isfinite(table)
        if missing.any() and self.asking.impute == "none":
            first = rows.labelled.ids[int(missing.any(axis=1).argmax())]
            raise ModelError(
                f"{int(missing.sum()):,} of {int(rows.asked.sum()):,} predictions are missing or "
                f"no finite number (first: '{first}'); --impute mean puts the mean prediction "
                "there, and counts them"
            )
        known = rows.asked & ~missing
        for column, (values, here) in enumerate(zip(table.T, known.T, strict=True)):
            mean = values[here].mean() if here.any() else 0.0
            table[:, column] = np.where(here, values, np.where(rows.asked[:, column], mean, 0.0))
        return table, missing

    def scored(self, predictions: Path, limit: int | None) -> Any:
        """Set answers beside the truth."""
        rows = self._rows(len(self._chosen(limit)))
        known = None
        if self.duplicates is not None:
            known = self.duplicates.near[self._chosen(limit)]
        stages = tuple(stage.name for stage in self._stages)
        return GuanineScores(predictions, rows, self.asking, stages, self.headlines, known)

    def material(self, limit: int | None = None) -> Material:
        """Give the sequences, of variants those without; and the regions where files tell them."""
        rows = self._rows(len(self._chosen(limit)))
        told: dict[str, Any] = {
            "item_id": rows.labelled.ids,
            "sequence": rows.references or rows.labelled.sequences,
        }
        if rows.chromosomes is None or rows.places is None:
            return Material.of(pl.DataFrame(told))
        told["chrom"] = rows.chromosomes
        told["start"], told["end"] = zip(*rows.places, strict=True)
        return Material.of(pl.DataFrame(told), self.task.declared.genome or None)

    @cached_property
    def duplicates(self) -> Similarity | None:
        """What of the asked split the train split knows already; None where both are too large."""
        split = self.task.split()
        if split is None:
            return None
        parts = (split.train, split.valid, self.task.test())
        if sum(len(each) for part in parts for each in part.sequences) > _SCREENED:
            return None
        return super().duplicates

    def settings(self) -> Mapping[str, Any]:
        """As of any task on sequences; the splits, contexts, and what was hidden or imputed."""
        told = dict(super().settings())
        asked = self.task.asked
        told |= {
            "split": self.asking.split,
            "trained_on": self.asking.train if self.task.no_split is None else None,
            "labels_hidden": asked.hidden,
            "jitter_runs": self.asking.jitter,
            "impute": self.asking.impute,
            "ceiling_reason": "without ties, for classes of these shares",
        }
        if asked.padded:
            notes = f"{asked.padded:,} windows reach beyond their chromosome, filled up with N"
            told["notes"] = [*told["notes"], notes]
        if self.task.no_split is not None:
            told["notes"] = [*told["notes"], f"nothing is fitted: {self.task.no_split}"]
        left = [each for each in self.asking.stages if each not in self.task.stages]
        if self.task.no_split is None and left:
            small = ", ".join(f"{100 * SHARES[each]:g} %" for each in left)
            told["notes"] = [*told["notes"], f"too few rows to fit on: {small} of the train split"]
        if self.task.no_split is None and self.duplicates is None:
            told["notes"] = [*told["notes"], "too large for a screen for copies in train"]
        return told


def _readout(task: GuanineTask, label: str) -> PredictionTask:
    yeast = task.id.partition("/")[2].startswith("gpra")
    kind = _READOUTS.get(label, "expression" if yeast else "accessibility")
    species = "saccharomyces_cerevisiae" if yeast else "homo_sapiens"
    return PredictionTask(label, kind, _OF_ALL_CELLS, species)


def point_values(
    model: Predictor,
    task: PredictionTask,
    sequences: Sequence[str],
    progress: Callable[[str], None],
) -> Floats:
    """Ask a Predictor for one value a sequence, float64[n]; NaN where there is none."""
    values = np.full(len(sequences), np.nan)
    for first in range(0, len(sequences), _ASKED_AT_ONCE):
        batch = sequences[first : first + _ASKED_AT_ONCE]
        named = {str(first + place): each for place, each in enumerate(batch)}
        (answered,) = model.predict(PredictRequest("point", [task], named)).prediction_tasks
        for place, name in enumerate(named):
            value, _ = point_of(answered, name)
            values[first + place] = np.nan if value is None else value
        progress(f"{first + len(batch):,} of {len(sequences):,} sequences")
    return values
