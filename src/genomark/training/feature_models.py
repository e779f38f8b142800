"""Trainables that are a linear head on features of the sequence: `kmer`, `onehot`, probes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.letters import one_hot
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError
from genomark.models import Embedder, FittedTask, Fitting
from genomark.models.hub.model import HubModel
from genomark.models.kmer import Kmer as KmerRidge
from genomark.models.training_data import NoTraining, TrainingData, declared_training
from genomark.probes.design import Scale, Scaling
from genomark.scoring import ModelIdentity
from genomark.sequences import (
    KINDS_OF_PAIRS,
    KINDS_OF_POSITIONS,
    Kind,
    LabelledSequences,
    TaskSplit,
)
from genomark.training.fit_parts import FitParts
from genomark.training.linear import Choice, LinearHead, fit_linear

Floats = NDArray[np.float64]
Features = NDArray[np.float32]

#: Positions that a head of positions is fitted on; more add nothing to a linear one.
_MOST_POSITIONS = 200_000
#: Bases on either side of a position that `onehot` sees of it.
_FLANK = 20
#: Bases from the start of a sequence that `onehot` sees.
_LONGEST = 1000


class FeatureTrainable:
    """A TaskTrainable: features of the sequence, and a linear head on them.

    Parameters
    ----------
    scale : str
        Of the features, as for `genomark.probes.Probe`.
    C, alpha : float or "valid"
        Inverse strength of L2 for classes, strength for values; by default chosen on the
        validation part.
    """

    varies_with_seed = False
    training_data: TrainingData = NoTraining()

    def __init__(self, scale: Scale, C: Choice = "valid", alpha: Choice = "valid") -> None:
        self.scale = scale
        self.C = C
        self.alpha = alpha

    @abstractmethod
    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Features of whole sequences, float32[n, n_features].

        `longest` is the length of the longest training sequence.
        """

    def position_features(self, sequences: Sequence[str]) -> list[Features]:
        """Features of every position, float32[length, n_features] a sequence.

        Raises
        ------
        CapabilityError
            If there are none; `check_task` says so beforehand.
        """
        raise CapabilityError(f"{type(self).__name__.lower()} tells no positions apart")

    @property
    def spec(self) -> str:
        """What makes the model again."""
        return self.info.id

    @property
    def base(self) -> str:
        """Digest of what the features depend on."""
        return self.info.digest

    @property
    @abstractmethod
    def info(self) -> ModelIdentity:
        """Identity of the recipe."""

    def check_task(self, kind: Kind) -> None:
        """Take tasks on sequences, and on positions where there are features of these."""
        positions = type(self).position_features is not FeatureTrainable.position_features
        if kind in KINDS_OF_PAIRS or (kind in KINDS_OF_POSITIONS and not positions):
            raise CapabilityError(f"{type(self).__name__.lower()} cannot answer {kind} tasks")

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedLinear:
        """Choose the strength of the penalty, and fit."""
        of_positions = split.kind in KINDS_OF_POSITIONS
        rows = _position_rows if of_positions else _sequence_rows
        fitting.tell("features")
        features, targets, n_train = rows(self, split)
        fitting.tell("linear head")
        values = split.kind in ("regression", "token-regression")
        head = fit_linear(
            split.kind,
            features,
            targets,
            n_train,
            scale=self.scale,
            strength=self.alpha if values else self.C,
            threads=fitting.threads,
        )
        return FittedLinear(self, head, len(features), _longest(split))

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take the head."""
        return cast(FittedLinear, fitted).parts(split.labels)

    def restored(self, parts: FitParts) -> FittedLinear:
        """Put a head on the features."""
        return FittedLinear.of_parts(self, parts)


class FittedLinear:
    """A head and the features it is on.

    Parameters
    ----------
    model : FeatureTrainable
    head : LinearHead
    rows : int
        That it was fitted on.
    longest : int
        Bases of the longest training sequence.
    """

    def __init__(self, model: FeatureTrainable, head: LinearHead, rows: int, longest: int) -> None:
        self._model = model
        # A product of matrices may round otherwise where one of them lies otherwise in memory.
        self._head = replace(head, weights=np.ascontiguousarray(head.weights))
        self._rows = rows
        self._longest = longest

    def answers(self, sequences: Sequence[str]) -> Floats | list[Floats]:
        """Answer sequences."""
        if self._head.kind in KINDS_OF_POSITIONS:
            features = self._model.position_features(sequences)
            return [self._head.answers(each) for each in features]
        return self._head.answers(self._model.task_features(sequences, self._longest))

    @property
    def report(self) -> Mapping[str, Any]:
        """The strength of the penalty, and how it was chosen."""
        head = self._head
        return {
            "rows": self._rows,
            "features": head.weights.shape[1] - 1,
            "strength": list(head.strength),
            "tried": [list(pair) for pair in head.tried],
        }

    def parts(self, labels: tuple[str, ...]) -> FitParts:
        """Take the head apart."""
        head = self._head
        arrays: dict[str, NDArray[Any]] = {
            "weights": head.weights,
            "mean": head.scaling.mean,
            "factor": head.scaling.factor,
        }
        return FitParts(head.kind, labels, arrays, {"longest": self._longest}, self.report)

    @classmethod
    def of_parts(cls, model: FeatureTrainable, parts: FitParts) -> FittedLinear:
        """Put a head together.

        Raises
        ------
        ModelError
            If the parts are not those of a head.
        """
        arrays, report = parts.arrays, parts.report
        try:
            head = LinearHead(
                parts.kind,
                arrays["weights"],
                Scaling(arrays["mean"], arrays["factor"]),
                tuple(report["strength"]),
                tuple((strength, loss) for strength, loss in report["tried"]),
            )
            return cls(model, head, report["rows"], parts.facts["longest"])
        except KeyError as error:
            raise ModelError(f"a saved linear head has {error.args[0]}; here is none") from error


def _sequence_rows(model: FeatureTrainable, split: TaskSplit) -> tuple[Features, Floats, int]:
    sequences = [*split.train.sequences, *split.valid.sequences]
    targets = np.concatenate([np.asarray(split.train.targets), np.asarray(split.valid.targets)])
    return model.task_features(sequences, _longest(split)), targets, len(split.train)


def _longest(split: TaskSplit) -> int:
    return max(map(len, split.train.sequences))


def _position_rows(model: FeatureTrainable, split: TaskSplit) -> tuple[Features, Floats, int]:
    """Take the positions of which something is told; evenly spaced ones where they are many."""
    train, valid = (_told_positions(part) for part in (split.train, split.valid))
    features, targets = [], []
    n_train = 0
    share = min(1.0, _MOST_POSITIONS / max(1, sum(map(len, [*train, *valid]))))
    for part, told in ((split.train, train), (split.valid, valid)):
        chosen = _spaced(told, share)
        for sequence, target, rows in zip(part.sequences, part.targets, chosen, strict=True):
            if rows.size:
                features.append(model.position_features([sequence])[0][rows])
                targets.append(_rows_of_target(target[rows], len(split.labels)))
        if part is split.train:
            n_train = sum(rows.size for rows in chosen)
    return np.concatenate(features), np.concatenate(targets), n_train


def _told_positions(part: LabelledSequences) -> list[NDArray[np.int64]]:
    if part.kind == "token-classes":
        return [np.flatnonzero(target >= 0) for target in part.targets]
    return [np.flatnonzero(~np.isnan(target).all(axis=1)) for target in part.targets]


def _spaced(told: list[NDArray[np.int64]], share: float) -> list[NDArray[np.int64]]:
    """Keep a share of all positions, evenly spaced over the sequences end to end."""
    offsets = np.concatenate([[0], np.cumsum([each.size for each in told])])
    kept = np.unique(np.floor(np.arange(0, offsets[-1] * share) / share).astype(np.int64))
    ends = np.searchsorted(kept, offsets)
    return [
        positions[kept[first:last] - offset]
        for positions, first, last, offset in zip(told, ends, ends[1:], offsets, strict=False)
    ]


def _rows_of_target(target: NDArray[Any], n_labels: int) -> Floats:
    if target.ndim == 1:
        return np.eye(n_labels)[target.astype(np.int64)]
    return target.astype(np.float64)


class Kmer(KmerRidge, FeatureTrainable):
    """Linear on k-mer counts: of activity by cross-validated ridge, of any task by a linear head.

    Parameters
    ----------
    k, strands : int, str
        As for `genomark.models.kmer.Kmer`.
    C, alpha : float or "valid"
        For tasks on labelled sequences; raw counts, as scikit-learn has them.
    """

    def __init__(
        self,
        k: int = 5,
        strands: Literal["merged", "single"] = "merged",
        C: Choice = "valid",
        alpha: Choice = "valid",
    ) -> None:
        KmerRidge.__init__(self, k, strands)
        FeatureTrainable.__init__(self, "none", C, alpha)

    @property
    def id(self) -> str:
        """Spec string; what is as usual is not told."""
        return super().id + _told_strengths(self, ",")

    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Counts of words."""
        return self.features(list(sequences)).astype(np.float32)


def _told_strengths(model: FeatureTrainable, separator: str) -> str:
    told = [
        f"{name}={value:g}"
        for name, value in (("C", model.C), ("alpha", model.alpha))
        if value != "valid"
    ]
    return separator + ",".join(told) if told else ""


class Onehot(FeatureTrainable):
    """Linear on which base stands where.

    Sequences are laid side by side from their first base; of positions the bases around are seen.

    Parameters
    ----------
    C, alpha : float or "valid"
    """

    def __init__(self, C: Choice = "valid", alpha: Choice = "valid") -> None:
        super().__init__("none", C, alpha)

    @property
    def info(self) -> ModelIdentity:
        """Identity of the recipe."""
        name = "onehot" + _told_strengths(self, ":")
        return ModelIdentity(id=name, version="2", digest=digest_of([name, "2"]))

    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Write four bits a base of as many positions as the longest training sequence has."""
        bits: Features = one_hot(sequences, min(_LONGEST, longest))
        return bits.reshape(len(sequences), -1)

    def position_features(self, sequences: Sequence[str]) -> list[Features]:
        """Write four bits a base of the bases around each position."""
        found = []
        for sequence in sequences:
            padded = np.zeros((len(sequence) + 2 * _FLANK, 4), np.float32)
            padded[_FLANK : _FLANK + len(sequence)] = one_hot([sequence])[0]
            windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _FLANK + 1, axis=0)
            found.append(windows.reshape(len(sequence), -1))
        return found


class ProbedEmbedder(FeatureTrainable):
    """The probe protocol: a linear head on the frozen vectors of an embedder.

    Parameters
    ----------
    model : Embedder
    C, alpha : float or "valid"
    """

    def __init__(self, model: Embedder, C: Choice = "valid", alpha: Choice = "valid") -> None:
        super().__init__("standard", C, alpha)
        self.model = model
        self.training_data = declared_training(model)
        self._progress: Callable[[int], None] = lambda done: None

    @property
    def info(self) -> ModelIdentity:
        """The embedder's, with what was done with it."""
        own = self.model.info
        told = _told_strengths(self, ", ")
        return ModelIdentity(
            id=f"{own.id} (probe{told})",
            version=own.version,
            digest=digest_of([own.digest, "probe", "1", self.C, self.alpha]),
            notes=own.notes,
        )

    @property
    def spec(self) -> str:
        """What makes the embedder again."""
        return self.model.info.id

    @property
    def base(self) -> str:
        """Digest of the checkpoint, wherever it is computed; of other embedders, of all of it."""
        if isinstance(self.model, HubModel):
            return self.model.checkpoint.digest
        return self.model.info.digest

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedLinear:
        """Embed, which may take long, and fit the head."""
        self._progress = _told_share(fitting.tell, len(split.train) + len(split.valid))
        return super().fit_task(split, fitting)

    def task_features(self, sequences: Sequence[str], longest: int) -> Features:
        """Vectors of sequences."""
        return self.model.embed(sequences, self._progress)

    def position_features(self, sequences: Sequence[str]) -> list[Features]:
        """Vectors of positions."""
        return self.model.embed_positions(sequences, self._progress)


def _told_share(tell: Callable[[str], None], total: int) -> Callable[[int], None]:
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        tell(f"{done:,} of {total:,} sequences embedded")

    return progress
