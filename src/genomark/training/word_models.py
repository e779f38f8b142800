"""What models of the words of a sequence share: features, identity, choices, linear fits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import FittedTask, Fitting
from genomark.models.training_data import NoTraining, TrainingData
from genomark.scoring import METRICS, ModelIdentity
from genomark.sequences import Kind, TaskSplit
from genomark.training.fit_parts import FitParts
from genomark.training.gapped_words import Features, Floats, GappedWords, Integers

Strands = Literal["merged", "single"]
#: A setting that was tried, and Spearman correlation or AUROC on the validation part.
Tried = list[tuple[float, float | None]]

_LONGEST = 7
#: Sequences whose words are counted at a time.
_AT_ONCE = 4096


class WordModel(ABC):
    """A TaskTrainable on how often each word is in a sequence.

    Parameters
    ----------
    id : str
        Spec string.
    words : GappedWords
    """

    varies_with_seed = False
    training_data: ClassVar[TrainingData] = NoTraining()
    #: Raise it when the same settings give other answers.
    version: ClassVar[str] = "1"
    name: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]

    def __init__(self, id: str, words: GappedWords) -> None:
        self.id = id
        self.words = words

    @property
    def info(self) -> ModelIdentity:
        """Identity of the recipe."""
        return ModelIdentity(
            id=self.id, version=self.version, digest=digest_of([self.id, self.version])
        )

    @property
    def spec(self) -> str:
        """What makes the model again."""
        return self.id

    @property
    def base(self) -> str:
        """Digest of what the features depend on."""
        return self.info.digest

    def check_task(self, kind: Kind) -> None:
        """Refuse kinds of tasks that are not of whole sequences, or have no such answers."""
        if kind not in self.kinds:
            raise CapabilityError(f"{self.name} cannot answer {kind} tasks")

    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Share of each word, float32[n, n_words]; `longest` changes nothing."""
        return self.words.shares(sequences)

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedTask:
        """Choose by the validation part, and fit on both parts.

        Raises
        ------
        CapabilityError
            If the task is of another kind.
        UsageError
            If nothing is told of a label in the training part.
        """
        self.check_task(split.kind)
        return self.fit_rows(ToldRows.of(split), fitting)

    @abstractmethod
    def fit_rows(self, rows: ToldRows, fitting: Fitting) -> FittedTask:
        """Do so with sequences of which each label is told somewhere."""

    @abstractmethod
    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take a fit apart."""

    @abstractmethod
    def restored(self, parts: FitParts) -> FittedTask:
        """Put a fit together.

        Raises
        ------
        ModelError
            If the parts are not those of such a fit.
        """


class LinearWordModel(WordModel):
    """A WordModel whose answers are sums of weights of words."""

    kinds = ("binary", "multi-label", "regression")

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take the weights."""
        fit = cast(FittedWords, fitted)
        arrays = {"weights": fit.weights, "intercepts": fit.intercepts}
        return FitParts(split.kind, split.labels, arrays, {}, fit.report)

    def restored(self, parts: FitParts) -> FittedWords:
        """Put the weights on the words."""
        try:
            weights, intercepts = parts.arrays["weights"], parts.arrays["intercepts"]
        except KeyError as error:
            raise ModelError(
                f"saved weights of words have {error.args[0]}; here is none"
            ) from error
        return FittedWords(self.words, weights, intercepts, parts.report)

    def _report(
        self, rows: ToldRows, strengths: list[float], tried: Mapping[str, Tried]
    ) -> dict[str, Any]:
        """Tell what was fitted on, and the strength chosen for each label."""
        return {
            "rows": len(rows.sequences),
            "features": self.words.width,
            "strength": strengths,
            "tried": {label: as_lists(each) for label, each in tried.items()},
        }


@dataclass(frozen=True)
class FittedWords:
    """Weights of words.

    Attributes
    ----------
    words : GappedWords
    weights : ndarray of float64, shape (n_labels, n_words)
        Of shares.
    intercepts : ndarray of float64, shape (n_labels,)
    report : mapping
    """

    words: GappedWords
    weights: Floats
    intercepts: Floats
    report: Mapping[str, Any]

    def answers(self, sequences: Sequence[str]) -> Floats:
        """Decision values (above 0 says yes), or values, float64[n, n_labels]."""
        return self.words.sums(sequences, self.weights) + self.intercepts


@dataclass(frozen=True)
class ToldRows:
    """Sequences of both parts, and the rows of which a label is told.

    Attributes
    ----------
    task : str
    kind : str
    labels : tuple of str
    sequences : list of str
        Those of the training part first.
    targets : ndarray of float64, shape (n, n_labels)
    n_train : int
    """

    task: str
    kind: Kind
    labels: tuple[str, ...]
    sequences: list[str]
    targets: Floats
    n_train: int

    @classmethod
    def of(cls, split: TaskSplit) -> ToldRows:
        """Take both parts of a split.

        Raises
        ------
        UsageError
            If nothing is told of a label in the training part.
        """
        targets = [np.asarray(part.targets, np.float64) for part in (split.train, split.valid)]
        for label, told in zip(split.labels, ~np.isnan(targets[0]).T, strict=True):
            if not told.any():
                raise UsageError(
                    f"Task '{split.task}': nothing is told of '{label}' in the training part, so "
                    "there is nothing to fit on"
                )
        sequences = [*split.train.sequences, *split.valid.sequences]
        return cls(
            *(split.task, split.kind, split.labels, sequences),
            np.concatenate(targets),
            len(split.train),
        )

    def spaced(self, most: int) -> ToldRows:
        """Keep so many rows at most, evenly spaced over all."""
        n = len(self.sequences)
        if n <= most:
            return self
        kept = np.arange(most) * n // most
        return ToldRows(
            *(self.task, self.kind, self.labels),
            [self.sequences[row] for row in kept],
            self.targets[kept],
            int((kept < self.n_train).sum()),
        )

    def parted(self, rows: Integers) -> tuple[Integers, Integers]:
        """Rows of the training part, and of the validation part."""
        return rows[rows < self.n_train], rows[rows >= self.n_train]


def kmers(name: str, k: int, strands: Strands) -> GappedWords:
    """Make the words of `k` bases, 1 to 7, of a model of that name.

    Raises
    ------
    UsageError
        If `k` is out of range.
    """
    if not 1 <= k <= _LONGEST:
        raise UsageError(f"{name}: k must be from 1 to {_LONGEST}, not {k}")
    return GappedWords(k, k, merged=strands == "merged")


def fill_table(
    table: NDArray[Any],
    read: Callable[[Sequence[str]], Features],
    sequences: Sequence[str],
    tell: Callable[[str], None],
) -> None:
    """Write what is read of each sequence into its row, some at a time.

    Parameters
    ----------
    table : ndarray, shape (n, n_words)
    read : callable
        Takes sequences, gives a row for each.
    sequences : sequence of str
    tell : callable
        Takes a line on how far it has come.
    """
    for start in range(0, len(sequences), _AT_ONCE):
        table[start : start + _AT_ONCE] = read(sequences[start : start + _AT_ONCE])
        tell(f"words of {start:,} of {len(sequences):,} sequences")


def told_groups(targets: Floats) -> list[tuple[list[int], Integers]]:
    """Give labels that are told of the same rows, and these rows.

    Parameters
    ----------
    targets : ndarray of float64, shape (n, n_labels)
        NaN where a label is not told.
    """
    found: dict[bytes, tuple[list[int], Integers]] = {}
    for label, told in enumerate(~np.isnan(targets).T):
        labels, _ = found.setdefault(told.tobytes(), ([], np.flatnonzero(told)))
        labels.append(label)
    return list(found.values())


def agreement(kind: Kind, answers: Floats, truth: Floats) -> float | None:
    """Spearman correlation with values, AUROC of yes and no; None where it is undefined.

    Parameters
    ----------
    kind : str
    answers, truth : ndarray of float64, shape (n,)
    """
    return METRICS["spearman" if kind == "regression" else "auroc"].value(answers, truth)[0]


def as_lists(tried: Tried) -> list[list[float | None]]:
    """Write what was tried as a report has it, which JSON gives back the same."""
    return [list(pair) for pair in tried]


def best_of(tried: Tried) -> float:
    """Give the setting that did best, the first of equals; undefined is worse than anything."""
    return max(tried, key=lambda pair: -np.inf if pair[1] is None else pair[1])[0]
