"""Variants by what they change: a logistic head on features of both sequences of a pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.errors import CapabilityError, UsageError
from genomark.models import Fitting, Model
from genomark.scoring import ModelIdentity
from genomark.sequences import LabelledSequences
from genomark.training.feature_models import FeatureTrainable
from genomark.training.gapped_words import Features, Floats
from genomark.training.linear import LinearHead, fit_linear
from genomark.training.neighbours import KmerKnn
from genomark.training.protocols import as_trainable

#: Numbers of the table that is fitted on: with what the solver makes of it, about 1.5 GB.
_MOST_CELLS = 1 << 27
#: Pairs whose features are worked out at a time.
_AT_ONCE = 1024


@runtime_checkable
class SequenceFeatures(Model, Protocol):
    """A model that has features of whole sequences."""

    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Features, float32[n, n_features]; `longest` is that of the longest training sequence."""
        ...


class VariantTrainable:
    """Learns which variants are of a class, of whatever has features of sequences.

    The features of a pair are how those of the alternate sequence differ from those of the
    reference, and those of the reference beside them. Each is brought to the same spread.

    Parameters
    ----------
    model : SequenceFeatures
    """

    varies_with_seed = False

    def __init__(self, model: SequenceFeatures) -> None:
        self._model = model

    @property
    def info(self) -> ModelIdentity:
        """The model's name where its own head is a linear one too; and a digest of its own."""
        own = self._model.info
        linear = isinstance(self._model, FeatureTrainable)
        return ModelIdentity(
            id=own.id if linear else f"{own.id} (logistic on both alleles)",
            version=own.version,
            digest=digest_of([own.digest, "pairs", "1"]),
            notes=[*own.notes, "a linear head on its features of both alleles"],
        )

    def fit_pairs(
        self,
        train_references: Sequence[str],
        train: LabelledSequences,
        valid_references: Sequence[str],
        valid: LabelledSequences,
        fitting: Fitting,
    ) -> FittedVariants:
        """Choose the penalty by the log loss on the validation part, and fit on both parts.

        Of more pairs than fit into a table of 134 million numbers, evenly spaced ones are taken,
        and the report says so.

        Parameters
        ----------
        train_references, valid_references : sequence of str
            The sequence without each variant.
        train, valid : LabelledSequences
            The sequences with it, and whether each is of the class.
        fitting : Fitting

        Raises
        ------
        CapabilityError
            If the task is not a binary one.
        UsageError
            If there are not as many references as sequences, or a label is not told.
        """
        references = [*train_references, *valid_references]
        alternates = [*train.sequences, *valid.sequences]
        _check_numbers(train_references, train.sequences)
        _check_numbers(valid_references, valid.sequences)
        _check_told(train)
        _check_told(valid)
        targets = np.concatenate([np.asarray(train.targets), np.asarray(valid.targets)])
        longest = max(map(len, alternates))
        features = PairFeatures(self._model, longest)
        width = features.of(references[:1], alternates[:1]).shape[1]
        kept = _spaced(len(alternates), max(2, _MOST_CELLS // width))
        table = np.empty((kept.size, width), np.float32)
        for start in range(0, kept.size, _AT_ONCE):
            piece = kept[start : start + _AT_ONCE]
            fitting.tell(f"features of {start:,} of {kept.size:,} pairs")
            table[start : start + piece.size] = features.of(
                [references[row] for row in piece], [alternates[row] for row in piece]
            )
        fitting.tell("linear head")
        n_train = int((kept < len(train)).sum())
        head = fit_linear("binary", table, targets[kept], n_train, threads=fitting.threads)
        report: dict[str, Any] = {
            "rows": kept.size,
            "features": width,
            "strength": list(head.strength),
            "tried": [list(pair) for pair in head.tried],
        }
        if kept.size < len(alternates):
            report["notes"] = [
                f"fitted on {kept.size:,} of {len(alternates):,} pairs, evenly spaced"
            ]
        return FittedVariants(features, head, report, fitting.tell)


class FittedVariants:
    """A head and the features of pairs it is on.

    Parameters
    ----------
    features : PairFeatures
    head : LinearHead
    report : mapping
    tell : callable
        Takes one line on how many pairs are answered, now and then.
    """

    def __init__(
        self,
        features: PairFeatures,
        head: LinearHead,
        report: Mapping[str, Any],
        tell: Callable[[str], None],
    ) -> None:
        self._features = features
        self._head = head
        self.report = report
        self._tell = tell

    def answers(self, references: Sequence[str], alternates: Sequence[str]) -> Floats:
        """Give decision values, float64[n, 1]; above 0 says yes.

        Raises
        ------
        UsageError
            If there are not as many references as alternates.
        """
        _check_numbers(references, alternates)
        head = self._head
        weights = head.weights[0, :-1] * head.scaling.factor
        answers = np.empty((len(alternates), 1))
        for start in range(0, len(alternates), _AT_ONCE):
            end = start + _AT_ONCE
            rows = self._features.of(references[start:end], alternates[start:end])
            # A sum over each row: a product of matrices may round otherwise in another batch.
            answers[start:end, 0] = ((rows - head.scaling.mean) * weights).sum(axis=1)
            self._tell(f"{min(end, len(answers)):,} of {len(answers):,} pairs answered")
        answers += head.weights[0, -1]
        return answers


@dataclass(frozen=True)
class PairFeatures:
    """Features of pairs of sequences.

    Attributes
    ----------
    model : SequenceFeatures
    longest : int
        Bases of the longest training sequence.
    """

    model: SequenceFeatures
    longest: int

    def of(self, references: Sequence[str], alternates: Sequence[str]) -> Features:
        """Differences, and the reference beside them, float32[n, 2 * n_features].

        Each distinct sequence is asked once.
        """
        place: dict[str, int] = {}
        for sequence in (*references, *alternates):
            place.setdefault(sequence, len(place))
        features = self.model.task_features(list(place), self.longest)
        before = features[[place[each] for each in references]]
        after = features[[place[each] for each in alternates]]
        return np.concatenate([after - before, before], axis=1)


def as_variant_trainable(model: Model) -> VariantTrainable:
    """Give a model as what can be fitted to variants.

    Parameters
    ----------
    model : Model
        With features of sequences of its own, or an embedder.

    Raises
    ------
    CapabilityError
        If it has neither features nor vectors.
    """
    trainable = as_trainable(model)
    if isinstance(trainable, KmerKnn):
        raise CapabilityError(
            f"'{model.info.id}' is its neighbours, and has no head to put on pairs"
        )
    if isinstance(trainable, SequenceFeatures):
        return VariantTrainable(trainable)
    raise CapabilityError(
        f"'{model.info.id}' has no features of sequences and cannot be fitted to pairs of them; "
        "some that can: kmer, onehot, gkm, hf:ORG/NAME"
    )


def _check_told(part: LabelledSequences) -> None:
    if part.kind != "binary" or len(part.labels) != 1:
        raise CapabilityError(
            "a head on pairs of sequences answers binary tasks of one label; this one is "
            f"{part.kind}, of {len(part.labels)}"
        )
    untold = np.flatnonzero(np.isnan(np.asarray(part.targets)[:, 0]))
    if untold.size:
        raise UsageError(
            f"'{part.ids[untold[0]]}': '{part.labels[0]}' is not told; expected 0 or 1 of every "
            "variant that is learned from"
        )


def _check_numbers(references: Sequence[str], alternates: Sequence[str]) -> None:
    if len(references) != len(alternates):
        raise UsageError(
            f"{len(references):,} reference sequences for {len(alternates):,} with a variant; "
            "expected as many"
        )


def _spaced(n: int, most: int) -> NDArray[np.int64]:
    """Row numbers, at most so many, evenly spaced."""
    return np.arange(n) if n <= most else np.arange(most) * n // most
