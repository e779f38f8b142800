"""A task of GUANinE as a benchmark: models learn from its train split, or predict as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.benchmark import Asking
from genomark.benchmarks.guanine.guanine_scores import GuanineScores
from genomark.benchmarks.guanine.guanine_task import GuanineTask
from genomark.benchmarks.guanine.options import SHARES
from genomark.benchmarks.guanine.split_rows import SplitRows
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
    TrainingSplit,
)
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import Comparison, ModelIdentity, compare_headlines
from genomark.scoring.ordinal import spearman_ceiling
from genomark.sequences import LabelledSequences
from genomark.training.protocols import as_trainable

Floats = NDArray[np.float64]

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
    """

    name: str
    fit: int


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
        splits = []
        if self.task.no_split is None:
            splits = [self.task.stage(name)[0].digest for name in self.task.stages]
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
        return [Stage(name, fit) for name in names for fit in fits]

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
        frame = self._frame(rows.labelled, number, self._told(answers, rows))
        return self._checked(frame)

    def _learned(
        self, model: Model, stage: Stage, rows: SplitRows, asking: Asking
    ) -> Floats | None:
        trainable = as_trainable(model)
        if stage.fit and not trainable.varies_with_seed:
            return None
        split = self._shortened(self.task.stage(stage.name)[0], len(rows.labelled))
        fitted: FittedTask = trainable.fit_task(
            split, Fitting(stage.fit, asking.threads, asking.workspace, asking.progress)
        )
        asking.progress("answering")
        answers = np.asarray(fitted.answers(rows.labelled.sequences), dtype=np.float64)
        asking.tell({self._called(stage): dict(fitted.report)})
        return answers

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

    def _told(self, answers: Any, rows: SplitRows) -> Any:
        """Put a number where an answer is missing that was not asked: of a mark without a row."""
        if answers is None:
            return None
        table = np.asarray(answers, dtype=np.float64).reshape(len(rows.labelled), -1)
        if table.shape != rows.asked.shape:
            return answers
        return np.where(rows.asked | np.isfinite(table), table, 0.0)

    def _checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Refuse predictions that are no numbers, unless they are to be imputed."""
        missing = frame.filter(pl.col("value").is_null())
        if missing.height and self.asking.impute == "none":
            raise ModelError(
                f"{missing.height:,} of {frame.height:,} predictions are missing or no finite "
                f"number (first: '{missing['item_id'][0]}'); --impute mean puts the mean "
                "prediction there, and counts them"
            )
        return frame

    def scored(self, predictions: Path, limit: int | None) -> Any:
        """Set answers beside the truth."""
        rows = self._rows(len(self._chosen(limit)))
        known = None
        if self.duplicates is not None:
            known = self.duplicates.near[self._chosen(limit)]
        stages = tuple(stage.name for stage in self._stages)
        return GuanineScores(predictions, rows, self.asking, stages, self.headlines, known)

    def compare(self, scored: Mapping[str, Any], asking: Asking) -> list[Comparison]:
        """Compare every pair of models on what both were asked, drawn in pairs."""
        if self.task.asked.hidden:
            return []
        found = []
        headlines = {name: each.headline(asking) for name, each in scored.items()}
        for a, b in combinations(scored, 2):
            n = len(scored[a].answered)
            found += compare_headlines(
                self.id, self.headlines[0], (a, b), (headlines[a], headlines[b]), n
            )
        return found

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
