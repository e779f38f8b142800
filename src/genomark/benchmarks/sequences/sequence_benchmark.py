"""A task on labelled sequences as a benchmark: models learn from its training part, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.material import Material
from genomark.benchmarks.sequences.options import SequenceOptions
from genomark.benchmarks.sequences.published import published_scores
from genomark.benchmarks.sequences.sequence_scores import SequenceScores
from genomark.benchmarks.sequences.sequence_task import SEQUENCES, SequenceTask
from genomark.benchmarks.sequences.suites import sequence_suite
from genomark.datasets.similarity import Similarity, screen
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError
from genomark.models import FittedTask, Fitting, ItemPredictor, Model, TrainingSplit
from genomark.scoring import (
    ModelIdentity,
)
from genomark.sequences import (
    KINDS_OF_PAIRS,
    KINDS_OF_SEQUENCES,
    LabelledSequences,
    TaskSplit,
)
from genomark.spans import span
from genomark.training.protocols import as_trainable

_NO_NUMBER = "the model gave no finite number"


class SequenceBenchmark(Benchmark):
    """What a model knows, or can learn, of one task on labelled sequences.

    Parameters
    ----------
    task : SequenceTask
    options : SequenceOptions
    """

    capability = "TaskTrainable"
    asks = "sequences"

    def __init__(self, task: SequenceTask, options: SequenceOptions) -> None:
        self.task = task
        self.options = options
        declared = task.declared
        # A user's own task is the same question in whatever folder it lies.
        folder, _, name = task.id.partition("#")
        self.id = f"{SEQUENCES}{name}" if folder.startswith(SEQUENCES) else task.id
        self.title = declared.title
        self.version = declared.version
        self.citation = declared.citation or "of the user's own"
        self.datasets = (declared.dataset,) if declared.dataset else ()

    @property
    def headlines(self) -> tuple[str, ...]:
        """The metric that ranks, and the next one: where there is such, one that was published."""
        first, *others = self.task.declared.metrics
        published = {score["metric"] for score in self.published}
        told = [name for name in others if name in published]
        return (first, *(told or others)[:1])

    @cached_property
    def published(self) -> list[dict[str, Any]]:
        """What others published of the task, and of the group of tasks it is in."""
        scores = published_scores(self.task.declared.published)
        if self.task.group:
            suite = sequence_suite(self.task.suite)
            scores += [each for each in suite.published if each.group == self.task.group]
        return [msgspec.to_builtins(score) for score in scores]

    @cached_property
    def digest(self) -> str:
        """Digest of test, training and validation sequences, of metrics and fits."""
        split = self.task.split()
        return digest_of(
            [
                *(self.id, self.version, self.task.declared.metrics, self.task.test().digest),
                None if split is None else split.digest,
            ]
        )

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Give all test sequences once for each fit."""
        test = self._test(limit)
        for fit in range(self.options.fits):
            yield pl.DataFrame({"item_id": test.ids}).with_columns(fit=pl.lit(fit, pl.Int8))

    def learned(self, model: Model, limit: int | None = None) -> TaskSplit | None:
        """Give the training and validation part, or as much of them as is learned from."""
        split = self.task.split()
        if split is None or isinstance(model, ItemPredictor) or not _learns(model):
            return None
        return self._shortened(split, len(self._chosen(limit)))

    def _chosen(self, limit: int | None) -> NDArray[np.int64]:
        n = len(self.task.test())
        return _spaced(n if limit is None else limit, n)

    def _test(self, limit: int | None) -> LabelledSequences:
        test = self.task.test()
        return test if limit is None else test.take(self._chosen(limit))

    def _shortened(self, split: TaskSplit, asked: int) -> TaskSplit:
        """Take as large a share of what is learned from as is asked of the test sequences."""
        share = asked / max(1, len(self.task.test()))
        if share >= 1:
            return split
        train, valid = (
            part.take(_spaced(max(2, round(share * len(part))), len(part)))
            for part in (split.train, split.valid)
        )
        return TaskSplit(split.task, train, valid, split.select_by, split.notes)

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take what can be fitted to the task, embedders by a probe, and files and controls."""
        if isinstance(model, ItemPredictor):
            check = getattr(model, "check", None)
            if check is not None:
                check(self.id, self._items())
            return model.info, None
        trainable = as_trainable(model)
        trainable.check_task(self.task.declared.kind)
        if self.task.split() is None:
            raise CapabilityError(
                f"no training data: {self.task.no_split}; '{trainable.info.id}' is fitted to each "
                "task"
            )
        return trainable.info, None

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Fit with the seed of this part, and answer."""
        fit = int(part["fit"][0]) if part.height else 0
        test = self._test(None if part.height == len(self.task.test()) else part.height)
        if isinstance(model, ItemPredictor):
            found = None if fit else self._looked_up(model, test, asking)
            return self._frame(test, fit, found)
        trainable = as_trainable(model)
        split = self.task.split()
        if split is None:
            raise CapabilityError(f"'{model.info.id}' cannot be fitted to '{self.id}'")
        if fit and not trainable.varies_with_seed:
            return self._frame(test, fit, None)
        with span("fit"):
            fitted = trainable.fit_task(
                self._shortened(split, part.height),
                Fitting(fit, asking.threads, asking.workspace, asking.progress),
            )
        asking.progress("answering")
        frame = self._asked(fitted, test, fit)
        asking.tell({f"seed {fit}": dict(fitted.report)})
        return frame

    def _asked(self, fitted: FittedTask, test: LabelledSequences, fit: int) -> pl.DataFrame:
        answers = fitted.answers(test.sequences)
        if len(answers) != len(test):
            raise ModelError(f"{len(answers)} answers for {len(test)} sequences")
        return self._frame(test, fit, answers)

    def _frame(self, test: LabelledSequences, fit: int, answers: Any) -> pl.DataFrame:
        """Write answers as Predictions, one row a sequence; none of a fit that is not needed."""
        rows: list[list[float] | None] = []
        for number in range(len(test) if answers is not None else 0):
            values = np.asarray(answers[number], dtype=np.float32).ravel()
            expected = self._numbers_of(test, number)
            if values.size != expected:
                raise ModelError(
                    f"'{test.ids[number]}': expected {expected:,} numbers, got {values.size:,}"
                )
            rows.append(values.tolist() if np.isfinite(values).all() else None)
        n = len(rows)
        value = pl.Series("value", rows, dtype=pl.List(pl.Float32))
        reason = pl.when(pl.col("value").is_null()).then(pl.lit(_NO_NUMBER))
        return pl.DataFrame(
            {
                "item_id": pl.Series(test.ids[:n], dtype=pl.String),
                "task": pl.Series([self.id] * n, dtype=pl.String),
                "fit": pl.Series([fit] * n, dtype=pl.Int8),
                "value": value,
            }
        ).with_columns(reason=reason.otherwise(pl.lit(None, pl.String)))

    def _numbers_of(self, test: LabelledSequences, row: int) -> int:
        width = len(test.labels)
        if test.kind in KINDS_OF_SEQUENCES:
            return width
        sides = 2 if test.kind in KINDS_OF_PAIRS else 1
        return int(len(test.sequences[row]) ** sides) * width

    def _items(self) -> pl.DataFrame:
        """Name all that a file of answers must have: columns `item_id`, `task`."""
        return self._asked_items(self.task.test()).select("item_id", "task")

    def _asked_items(self, test: LabelledSequences) -> pl.DataFrame:
        """Write what is asked as items: a sequence, or one of its positions, and a label."""
        names = _item_names(test)
        labels = list(test.labels)
        return pl.DataFrame(
            {
                "item_id": [name for name in names for _ in labels],
                "task": labels * len(names),
                "truth": _truth(test).ravel(),
            }
        )

    def _looked_up(
        self, model: ItemPredictor, test: LabelledSequences, asking: Asking
    ) -> list[NDArray[np.float64]]:
        items = self._asked_items(test)
        columns = ["item_id", "task", *(["truth"] if model.reads_answers else [])]
        found = model.predict_items(self.id, items.select(columns), asking.seed)
        values = found["value"].fill_null(np.nan).to_numpy()
        ends = np.cumsum([self._numbers_of(test, row) for row in range(len(test))])
        return np.split(values, ends[:-1])

    def scored(self, predictions: Path, limit: int | None) -> SequenceScores:
        """Set answers beside the truth."""
        known = None if self.duplicates is None else self.duplicates.near[self._chosen(limit)]
        return SequenceScores(predictions, self._test(limit), self.task.declared.metrics, known)

    def material(self, limit: int | None = None) -> Material:
        """Give the test sequences."""
        test = self._test(limit)
        return Material.of(pl.DataFrame({"item_id": test.ids, "sequence": test.sequences}))

    @cached_property
    def duplicates(self) -> Similarity | None:
        """What of the test part the training part knows already."""
        split = self.task.split()
        if split is None:
            return None
        train = [*split.train.sequences, *split.valid.sequences]
        test = self.task.test().sequences
        # The other strand of an RNA is another RNA.
        return screen(test, train, both_strands=not any("U" in each for each in test))

    def settings(self) -> Mapping[str, Any]:
        """Kind, sizes, how the validation part was come by, duplicates and caveats."""
        split = self.task.split()
        told: dict[str, Any] = {
            "task_kind": self.task.declared.kind,
            "fits": self.options.fits,
            "notes": [] if split is None else list(split.notes),
            "caveats": list(self.task.declared.caveats),
            "published": self.published,
        }
        if split is not None and self.duplicates is not None:
            told["sizes"] = {
                "train": len(split.train),
                "valid": len(split.valid),
                "test": len(self.task.test()),
            }
            told["duplicates"] = {
                "exact": int(self.duplicates.exact.sum()),
                "near": int(self.duplicates.near.sum()),
            }
        return told


def _learns(model: Model) -> bool:
    """Whether a model is fitted to a task; one that was fitted beforehand is not."""
    try:
        return bool(getattr(as_trainable(model), "learns", True))
    except CapabilityError:
        return False


def _item_names(test: LabelledSequences) -> list[str]:
    if test.kind in KINDS_OF_SEQUENCES:
        return list(test.ids)
    names = []
    for name, sequence in zip(test.ids, test.sequences, strict=True):
        positions = range(1, len(sequence) + 1)
        if test.kind in KINDS_OF_PAIRS:
            names += [f"{name}:{a}-{b}" for a in positions for b in positions]
        else:
            names += [f"{name}:{a}" for a in positions]
    return names


def _truth(test: LabelledSequences) -> NDArray[np.float64]:
    """Write the truth as answers: what a model that knows it all would say; NaN is untold."""
    if test.kind in ("binary", "multi-label"):
        return 2.0 * np.asarray(test.targets) - 1.0
    if test.kind in KINDS_OF_SEQUENCES:
        return np.asarray(test.targets)
    width = len(test.labels)
    flat = np.concatenate([np.asarray(each, np.float64).ravel() for each in test.targets])
    if test.kind.endswith("regression"):
        return flat.reshape(-1, width)
    return np.eye(width)[np.maximum(flat.astype(np.int64), 0)]


def _spaced(limit: int, n: int) -> NDArray[np.int64]:
    """Row numbers of so many of `n`, evenly spaced, or of all."""
    return np.linspace(0, n - 1, min(limit, n)).round().astype(np.int64)
