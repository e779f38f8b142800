"""A task on secondary structures as a benchmark: models fold, or learn to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.rna.structure_scores import StructureScores
from genomark.benchmarks.rna.structure_task import StructureTask, structure_of
from genomark.benchmarks.sequences.options import SequenceOptions
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.datasets.homology import homology_clusters
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import (
    FittedTask,
    Fold,
    Folder,
    ItemPredictor,
    Model,
    TaskTrainable,
    TrainingSplit,
)
from genomark.rna.decoding import nested_structure
from genomark.rna.structure import partners
from genomark.scoring import ModelIdentity
from genomark.sequences import LabelledSequences, TaskSplit

#: Sequences folded between two words on how far it has come.
_FOLDED = 100
_MISSING = "no structure in the file"
_OTHER_LETTERS = re.compile("[^ACGTU]")
_OPENING, _CLOSING = re.compile(r"[\[{<A-Z]"), re.compile(r"[\]}>a-z]")


@runtime_checkable
class ItemFolder(Protocol):
    """Tells structures by item, not by sequence: a file of structures, or the oracle."""

    #: True for a model that is handed the answers.
    reads_answers: bool

    def folds_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether it knows structures, and those of all items of a benchmark (`item_id`).

        Raises
        ------
        genomark.errors.PredictionFileError
            If it knows those of other items.
        """
        ...

    def fold_items(self, items: pl.DataFrame) -> pl.Series:
        """Give a structure an item, null where it has none.

        `items` has the column `item_id`, and `structure` where `reads_answers`.
        """
        ...


@runtime_checkable
class _FoldsItself(Protocol):
    """A fit that knows of pairs, not of symbols alone."""

    def fold(self, sequences: Sequence[str], progress: Callable[[int], None]) -> list[Fold]: ...


class StructureBenchmark(SequenceBenchmark):
    """How well structures of RNA are told.

    A `Folder` folds; only a `TaskTrainable` that folds too is fitted where there is a training
    part. A fit tells structures by its own `fold` if it has one, else the best structure of the
    symbols it tells is taken (`genomark.rna.decoding.nested_structure`).

    Parameters
    ----------
    task : StructureTask
    options : SequenceOptions
    """

    capability = "Folder or TaskTrainable"
    task: StructureTask

    def __init__(self, task: StructureTask, options: SequenceOptions) -> None:
        super().__init__(task, options)

    @cached_property
    def digest(self) -> str:
        """Digest of all that of a task on sequences, and of the structures."""
        return digest_of([super().digest, self.task.structures])

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Give all test sequences once for each fit, or once where nothing is fitted."""
        for number, part in enumerate(super().parts(limit)):
            if number == 0 or self._learns:
                yield part

    @property
    def _learns(self) -> bool:
        return self.task.no_split is None

    def _folds(self, model: Model) -> bool:
        return isinstance(model, Folder) and not (self._learns and isinstance(model, TaskTrainable))

    def learned(self, model: Model, limit: int | None = None) -> TaskSplit | None:
        """As of any task on sequences; what folds by itself learns nothing."""
        return None if self._folds(model) else super().learned(model, limit)

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take what folds, can be fitted, or has been asked before."""
        if self._folds(model) or self._recorded(model):
            return model.info, None
        if not self._learns and not isinstance(model, ItemPredictor):
            raise CapabilityError(
                f"'{model.info.id}' folds no RNA, and '{self.id}' has nothing to fit it on "
                f"({self.task.no_split}); one that folds: vienna"
            )
        try:
            return super().identify(model)
        except CapabilityError as error:
            raise CapabilityError(f"'{model.info.id}' folds no RNA, and: {error}") from error

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Fold, or fit with the seed of this part and answer."""
        fit = int(part["fit"][0]) if part.height else 0
        rows = self._chosen(None if part.height == len(self.task.test()) else part.height)
        test = self.task.test().take(rows)
        if self._recorded(model):
            said = None if fit else self._looked_up_structures(model, test, rows)
        elif isinstance(model, Folder) and self._folds(model):
            said = None if fit else self._folded(model, test, asking)
        else:
            return super().answer(model, part, asking)
        return self._frame(test, fit, None) if said is None else self._structured(test, said)

    def _recorded(self, model: Model) -> bool:
        items = pl.DataFrame({"item_id": self.task.test().ids})
        return isinstance(model, ItemFolder) and model.folds_items(self.id, items)

    def _looked_up_structures(
        self, model: Any, test: LabelledSequences, rows: NDArray[np.int64]
    ) -> list[str | None]:
        items = pl.DataFrame({"item_id": test.ids})
        if model.reads_answers:
            known = [self.task.structures[row] for row in rows]
            items = items.with_columns(structure=pl.Series(known, dtype=pl.String))
        found: pl.Series = model.fold_items(items)
        return found.to_list()

    def _folded(self, model: Folder, test: LabelledSequences, asking: Asking) -> list[str | None]:
        folds = model.fold(_known_letters(test.sequences), _told(asking.progress, len(test)))
        return [each.structure for each in folds]

    def _asked(self, fitted: FittedTask, test: LabelledSequences, fit: int) -> pl.DataFrame:
        frame = super()._asked(fitted, test, fit)
        if isinstance(fitted, _FoldsItself):
            folds = fitted.fold(_known_letters(test.sequences), lambda done: None)
            return _with_structures(frame, test, [each.structure for each in folds])
        width = len(test.labels)
        said = [
            None
            if value is None
            else nested_structure(np.asarray(value).reshape(-1, width), sequence, test.labels)
            for sequence, value in zip(test.sequences, frame["value"].to_list(), strict=True)
        ]
        return _with_structures(frame, test, said)

    def _frame(self, test: LabelledSequences, fit: int, answers: Any) -> pl.DataFrame:
        """Write answers; the structure is what their most probable symbols pair."""
        frame = super()._frame(test, fit, answers)
        width = len(test.labels)
        said = [
            None
            if value is None
            else structure_of(np.reshape(value, (-1, width)).argmax(axis=1), test.labels)
            for value in frame["value"].to_list()
        ]
        return frame.with_columns(structure=pl.Series(said, dtype=pl.String))

    def _structured(self, test: LabelledSequences, said: Sequence[str | None]) -> pl.DataFrame:
        """Write structures; symbols follow from them, of crossing pairs too."""
        _check(test, said)
        width = len(test.labels)
        column = {label: number for number, label in enumerate(test.labels)}
        symbols = [
            np.full((len(sequence), width), np.nan)
            if structure is None
            else np.eye(width)[[column[symbol] for symbol in _plain(structure)]]
            for sequence, structure in zip(test.sequences, said, strict=True)
        ]
        missing = pl.when(pl.col("reason").is_not_null()).then(pl.lit(_MISSING))
        return (
            super()
            ._frame(test, 0, symbols)
            .with_columns(missing.alias("reason"), structure=pl.Series(said, dtype=pl.String))
        )

    def scored(self, predictions: Path, limit: int | None) -> StructureScores:
        """Set answers beside the known structures."""
        rows = self._chosen(limit)
        known = None if self.duplicates is None else self.duplicates.near[rows]
        test = replace(self.task.test(), groups=self._clusters).take(rows)
        structures = tuple(self.task.structures[row] for row in rows)
        own = self.task.test().groups is not None
        return StructureScores(
            predictions,
            test,
            self.task.declared.metrics,
            known,
            structures,
            cluster="groups of sequences" if own else "homology clusters",
        )

    @cached_property
    def _clusters(self) -> tuple[str, ...]:
        test = self.task.test()
        if test.groups is not None:
            return test.groups
        return tuple(f"cluster {number}" for number in homology_clusters(test.sequences))

    def settings(self) -> Mapping[str, Any]:
        """As of any task on sequences; clusters, and what of the file is not asked."""
        told = {**super().settings(), "clusters": len(set(self._clusters))}
        if not self._learns:
            told["fits"] = 1
        excluded = self.task.excluded_counts()
        if excluded:
            total = sum(excluded.values())
            told["excluded"] = excluded
            told["notes"] = [
                *told["notes"],
                f"{total:,} of {total + len(self.task.test()):,} records are not asked: "
                f"`genomark list benchmarks {self.id}` counts why",
            ]
        return told


def _known_letters(sequences: Sequence[str]) -> list[str]:
    """Write N for what is neither of the four bases: Folders know no other letters."""
    return [_OTHER_LETTERS.sub("N", each) for each in sequences]


def _told(progress: Callable[[str], None], n: int) -> Callable[[int], None]:
    """Say now and then how many are folded."""
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        before, done = done, done + more
        if done // _FOLDED > before // _FOLDED or done == n:
            progress(f"folded {done:,} of {n:,}")

    return tell


def _plain(structure: str) -> str:
    """Write all pairs as ``(`` and ``)``."""
    return _CLOSING.sub(")", _OPENING.sub("(", structure))


def _with_structures(
    frame: pl.DataFrame, test: LabelledSequences, said: Sequence[str | None]
) -> pl.DataFrame:
    _check(test, said)
    return frame.with_columns(structure=pl.Series(said, dtype=pl.String))


def _check(test: LabelledSequences, said: Sequence[str | None]) -> None:
    """Refuse structures that are not those of the sequences."""
    if len(said) != len(test):
        raise ModelError(f"{len(said):,} structures for {len(test):,} sequences")
    for name, sequence, structure in zip(test.ids, test.sequences, said, strict=True):
        if structure is None:
            continue
        if len(structure) != len(sequence):
            raise ModelError(
                f"'{name}': a structure of {len(structure):,} symbols for {len(sequence):,} bases"
            )
        try:
            partners(structure)
        except UsageError as error:
            raise ModelError(f"'{name}': {error}") from error
