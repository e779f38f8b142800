"""A task on genes as a benchmark: vectors in, a cross-validated probe, scores out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.genes.gene_scores import GeneScores
from genomark.benchmarks.genes.options import DEFAULT_OPTIONS, GeneOptions
from genomark.benchmarks.genes.question import Question, item_ids, kind_of, prepared
from genomark.benchmarks.genes.vectors import rows_of
from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError, UsageError
from genomark.genes import GeneTask
from genomark.models import GeneEmbedder, ItemPredictor, Model, TrainingSplit
from genomark.probes import Fit, cross_validate, one_thread, settings_of
from genomark.scoring import (
    LABEL_HEADLINES,
    ModelIdentity,
)

_NO_NUMBER = "the probe gave no finite number"


class GeneBenchmark(Benchmark):
    """What a representation of genes knows of one task.

    Parameters
    ----------
    id, title, citation : str
    load : callable
        Gives the task, or raises a `DatasetError` that says how to get it.
    family : str
        Which kind of knowledge it is about.
    options : GeneOptions
    datasets : tuple of str
    version : str
    """

    capability = "GeneEmbedder"
    asks = "genes"
    seeded = True
    in_process = True

    def __init__(
        self,
        id: str,
        title: str,
        load: Callable[[], GeneTask],
        *,
        family: str,
        citation: str,
        options: GeneOptions = DEFAULT_OPTIONS,
        datasets: tuple[str, ...] = (),
        version: str = "1",
    ) -> None:
        self.id = id
        self.title = title
        self.family = family
        self.citation = citation
        self.datasets = datasets
        self.version = version
        self.options = options
        self._load = load
        self._smaller: dict[int, GeneTask] = {}
        self._questions: dict[tuple[int, int], Question] = {}

    @cached_property
    def task(self) -> GeneTask:
        """The task, with the options applied."""
        return prepared(self._load(), self.options)

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row per row of the task: columns `item_id` and `row`."""
        return pl.DataFrame({"item_id": item_ids(self.task)}).with_row_index("row")

    @property
    def headlines(self) -> tuple[str, ...]:
        """Names of the rows a table shows."""
        return LABEL_HEADLINES[self.task.kind][:2]

    @cached_property
    def digest(self) -> str:
        """Digest of the genes, the truth, the probe and every other option."""
        task = self.task
        asked = [
            *(self.id, self.version, task.kind, task.entities.columns),
            *(task.labels, task.negative, task.groups),
        ]
        return digest_of_bytes(
            [
                digest_of([*asked, self.options]).encode(),
                "\n".join(self.items["item_id"]).encode(),
                np.ascontiguousarray(task.targets).tobytes(),
            ]
        )

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """All at once: a fold must see all the others."""
        items = self.items
        yield items if limit is None else items[_spaced(limit, items.height)]

    def covered_by(self, model: Model) -> NDArray[np.bool_]:
        """Rows of the task whose entities a model all has vectors for, bool[n].

        A model that cannot be asked covers all: it is left out, and has no say in what others are
        asked.
        """
        return self._covered_by(model, self.task)

    def _covered_by(self, model: Model, task: GeneTask) -> NDArray[np.bool_]:
        covered = np.ones(len(task), dtype=bool)
        if not isinstance(model, GeneEmbedder):
            return covered
        try:
            for column in task.entities.columns:
                names = task.entities[column].to_list()
                covered &= model.gene_table(names, kind_of(column)).rows(names) >= 0
        except CapabilityError:
            covered[:] = True
        return covered

    def restricted(self, models: Sequence[Model]) -> GeneBenchmark:
        """Make the same benchmark of the rows that all these models cover.

        Filters come after that, on what is left.
        """

        def load() -> GeneTask:
            task = self._load()
            covered = np.logical_and.reduce([self._covered_by(model, task) for model in models])
            note = f"{int(covered.sum()):,} of {covered.size:,} rows: those that all models cover"
            if not covered.any():
                raise UsageError(f"Task '{task.name}': no row is covered by all models")
            return task.keep_rows(covered, note)

        return GeneBenchmark(
            self.id,
            self.title,
            load,
            family=self.family,
            citation=self.citation,
            options=self.options,
            datasets=self.datasets,
            version=self.version,
        )

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take embedders of genes, and the control that reads the answers."""
        if isinstance(model, GeneEmbedder):
            if getattr(model, "pairs_only", False) and self.task.entities.width == 1:
                raise CapabilityError(
                    f"'{model.info.id}' tells genes apart and knows nothing else of them: it can "
                    "be asked about pairs only"
                )
            self._require_kinds(model)
            return model.info, None
        if isinstance(model, ItemPredictor) and model.reads_answers:
            return model.info, None
        raise CapabilityError(
            f"'{model.info.id}' gives no vectors for genes: '{self.id}' needs a {self.capability}"
        )

    def _require_kinds(self, model: GeneEmbedder) -> None:
        """Refuse a model that knows nothing of what an entity column names."""
        kinds = sorted({kind_of(column) for column in self.task.entities.columns})
        if len(kinds) > 1 and getattr(model, "pairs_only", False):
            raise CapabilityError(
                f"'{model.info.id}' can be asked about pairs of one kind only, not of "
                + " and ".join(kinds)
            )
        for kind in kinds:
            if kind != "symbol":
                model.gene_table([], kind)

    def settings(self) -> Mapping[str, Any]:
        """Family, kind and probe; what was left out."""
        return {
            "family": self.family,
            "task_kind": self.task.kind,
            "positive_class": self.task.labels[0] if self.task.kind == "binary" else None,
            "probe": settings_of(self.options.probe),
            "missing": self.options.missing,
            "pairs": self.options.pairs if self.task.entities.width > 1 else None,
            "notes": list(self.task.notes),
        }

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Fit the probe with each fold held out, and answer for the genes of that fold."""
        question = self._question(part.height, asking.seed)
        task = question.task
        if not isinstance(model, GeneEmbedder):
            # The control that reads the answers; above 0 says yes.
            truth = task.targets if task.kind == "regression" else 2.0 * task.targets - 1.0
            return self._frame(question, [truth] * len(question.folds), [None] * len(task))
        rows = rows_of(model, task, self.options)
        fits = []
        for fold in question.folds:
            if np.ptp(fold[rows.present]) == 0:
                raise UsageError(
                    f"the model has vectors for {int(rows.present.sum()):,} of {len(task):,} rows, "
                    "and all of them are in one fold: nothing is left to learn from"
                )
            # Several tasks may run side by side, and none may lift the limit of another.
            with one_thread():
                fit = cross_validate(
                    rows.design,
                    task.kind,
                    np.ascontiguousarray(task.targets[rows.present]),
                    fold[rows.present],
                    self.options.probe,
                    rows.curvature,
                    seed=asking.seed,
                    threads=asking.threads,
                )
            fits.append(fit)
        asking.tell(_report(fits, rows.filled, question.notes))
        answers = []
        for fit in fits:
            values = np.full(task.targets.shape, np.nan)
            values[rows.present] = fit.scores
            answers.append(values)
        return self._frame(question, answers, rows.reasons)

    def scored(self, predictions: Path, limit: int | None) -> GeneScores:
        """Set predictions beside the truth."""
        return GeneScores(predictions, self._limited(limit))

    def _question(self, size: int, seed: int) -> Question:
        key = (size, seed)
        if key not in self._questions:
            self._questions[key] = Question.of(self._limited(size), self.options, seed)
        return self._questions[key]

    def _limited(self, limit: int | None) -> GeneTask:
        """Give the task of so many rows, evenly spaced: those of `parts`."""
        task = self.task
        if limit is None or limit >= len(task):
            return task
        if limit not in self._smaller:
            keep = np.zeros(len(task), dtype=bool)
            keep[_spaced(limit, len(task))] = True
            self._smaller[limit] = task.keep_rows(keep)
        return self._smaller[limit]

    def _frame(
        self, question: Question, answers: list[Any], reasons: list[str | None]
    ) -> pl.DataFrame:
        """Write answers as Predictions: one row a gene and repeat, one value a label."""
        n = len(question.ids)
        given = [np.isfinite(values).all(axis=1) for values in answers]
        answered = pl.Series(np.logical_and.reduce(given))
        reason = pl.Series("reason", reasons, dtype=pl.String)
        reason = reason.zip_with(
            answered | reason.is_not_null(), pl.Series([_NO_NUMBER]).new_from_index(0, n)
        )
        frames = []
        for repeat, (fold, values) in enumerate(zip(question.folds, answers, strict=True)):
            value = pl.Series("value", values.astype(np.float32)).cast(pl.List(pl.Float32))
            frames.append(
                pl.DataFrame(
                    {
                        "item_id": question.ids,
                        "task": pl.Series([self.id]).new_from_index(0, n),
                        "repeat": np.full(n, repeat, np.int8),
                        "fold": fold,
                        "value": value,
                        "reason": reason,
                    }
                ).with_columns(value=pl.when(answered).then("value"))
            )
        return pl.concat(frames)


def _spaced(limit: int, n: int) -> NDArray[np.int64]:
    """Row numbers of so many of `n` rows, evenly spaced, or of all."""
    return np.linspace(0, n - 1, min(limit, n)).round().astype(np.int64)


def _report(fits: list[Fit], filled: int, notes: tuple[str, ...]) -> dict[str, Any]:
    """Say how the fits went, for the Result."""
    told = list(dict.fromkeys([*notes, *(note for fit in fits for note in fit.notes)]))
    if filled:
        told.append(f"{filled:,} vectors were made up, as asked for")
    return {
        "passes": max(fit.passes for fit in fits),
        "relative_decrement": max(fit.decrement for fit in fits),
        "notes": told,
    }
