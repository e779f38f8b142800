"""What a task asks of the outputs of a network: losses on logits, and answers.

Networks give logits. Neither softmax nor sigmoid comes before a loss that applies it itself: with
two classes, cross-entropy of what is already a probability cannot fall below
``log(1 + exp(-1)) = 0.313``, however right the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genomark.errors import UsageError
from genomark.models import Answers
from genomark.sequences import (
    KINDS_OF_PAIRS,
    KINDS_OF_SEQUENCES,
    UNTOLD,
    Kind,
    LabelledSequences,
)

Floats = NDArray[np.float64]

_OF_CLASSES = ("multi-class", "token-classes", "pair-classes")
_OF_VALUES = ("regression", "token-regression", "pair-regression")


@dataclass(frozen=True)
class Objective:
    """The loss of a task, and how its answers come from outputs.

    Attributes
    ----------
    kind : str
    n_outputs : int
        Of the network: one a label.
    mean, scale : tuple of float
        Of the measured training values of each label; a network learns values less `mean` and
        over `scale`. 0 and 1 for anything that is not measured.
    weights : tuple of float or None
        Of each class (``binary``, ``multi-label``: of the positives of each label, where negatives
        weigh 1), or None for all alike.
    """

    kind: Kind
    n_outputs: int
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls, train: LabelledSequences, class_weights: Literal["none", "balanced"] = "none"
    ) -> Objective:
        """Make the objective of a task, from nothing but its training part.

        Raises
        ------
        UsageError
            If the training part tells nothing.
        """
        n = len(train.labels)
        mean, scale = np.zeros(n), np.ones(n)
        if train.kind in _OF_VALUES:
            mean, scale = _moments(_rows(train))
        weights = _balanced(train) if class_weights == "balanced" else None
        return cls(train.kind, n, tuple(mean.tolist()), tuple(scale.tolist()), weights)

    @property
    def of_positions(self) -> bool:
        """Whether something is told of positions, or of pairs of them."""
        return self.kind not in KINDS_OF_SEQUENCES

    @property
    def of_pairs(self) -> bool:
        """Whether something is told of pairs of positions."""
        return self.kind in KINDS_OF_PAIRS

    def target(self, told: Sequence[NDArray[Any]]) -> Tensor:
        """Stack what is told of some sequences, padded with what is not told.

        Returns
        -------
        Tensor
            int64, shape (n,) or padded (n, length) or (n, length, length), of classes; else
            float32 with a last axis of labels, NaN where nothing is told.
        """
        if self.kind == "multi-class":
            return torch.from_numpy(np.stack(told).argmax(axis=1))
        if self.kind in _OF_CLASSES:
            return torch.from_numpy(_padded(told, np.int64, UNTOLD))
        values = _padded(told, np.float32, np.nan) if self.of_positions else np.stack(told)
        standard = (values - np.array(self.mean)) / np.array(self.scale)
        return torch.from_numpy(standard.astype(np.float32))

    def loss(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Add up the loss of what is told.

        Parameters
        ----------
        outputs : Tensor of float32, shape (n, [length, [length,]] n_outputs)
            Logits, or standardised values.
        target : Tensor
            As `target` gives it.

        Returns
        -------
        total : Tensor
            Cross-entropy, binary cross-entropy or squared error (in nats, or squared standard
            deviations), summed.
        weight : Tensor
            How much was told, by class weight; the loss of a batch is `total` over `weight`.
        """
        if self.kind in _OF_CLASSES:
            weights = None if self.weights is None else outputs.new_tensor(self.weights)
            logits, classes = outputs.reshape(-1, self.n_outputs), target.reshape(-1)
            total = functional.cross_entropy(
                logits, classes, weight=weights, ignore_index=UNTOLD, reduction="sum"
            )
            told = classes[classes != UNTOLD]
            return total, (told.new_ones(told.shape) if weights is None else weights[told]).sum()
        told = ~torch.isnan(target)
        known = torch.where(told, target, 0.0)
        if self.kind in _OF_VALUES:
            return (((outputs - known) ** 2) * told).sum(), told.sum()
        each = functional.binary_cross_entropy_with_logits(outputs, known, reduction="none")
        weight = told.to(outputs.dtype)
        if self.weights is not None:
            weight = weight * (1 + known * (outputs.new_tensor(self.weights) - 1))
        return (each * weight).sum(), weight.sum()

    def mean_loss(
        self, outputs: Sequence[NDArray[np.float32]], told: Sequence[NDArray[Any]]
    ) -> float:
        """Compute the loss of outputs that are there, a sequence at a time; NaN if none is told."""
        total, weight = 0.0, 0.0
        for output, each in zip(outputs, told, strict=True):
            loss, counted = self.loss(torch.from_numpy(output[np.newaxis]), self.target([each]))
            total, weight = total + loss.item(), weight + counted.item()
        return total / weight if weight else float("nan")

    def answers(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Turn outputs into answers: decision values, probabilities of classes, or values.

        Parameters
        ----------
        outputs : sequence of ndarray of float32, shape ([length, [length,]] n_outputs)
            One a sequence.
        """
        if self.of_positions:
            return [self._answers(each) for each in outputs]
        return self._answers(np.array(outputs, np.float32).reshape(-1, self.n_outputs))

    def judged(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Turn outputs into what the validation part is judged by: answers, unless told else."""
        return self.answers(outputs)

    def _answers(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.kind in _OF_CLASSES:
            exact = outputs.astype(np.float64)
            exact = np.exp(exact - exact.max(axis=-1, keepdims=True))
            shares: Floats = exact / exact.sum(axis=-1, keepdims=True)
            return shares.astype(np.float32)
        if self.kind in _OF_VALUES:
            values: Floats = outputs * np.array(self.scale) + np.array(self.mean)
            return values.astype(np.float32)
        return outputs


def _padded(told: Sequence[NDArray[Any]], dtype: Any, fill: float) -> NDArray[Any]:
    """Stack arrays whose first axes are as long as their sequences."""
    first = told[0]
    longest = max(each.shape[0] for each in told)
    # Classes of positions have one axis and of pairs two; values have one more, of labels.
    sides = first.ndim - (dtype == np.float32)
    stacked = np.full((len(told), *(longest,) * sides, *first.shape[sides:]), fill, dtype=dtype)
    for row, each in enumerate(told):
        stacked[row][tuple(slice(side) for side in each.shape[:sides])] = each
    return stacked


def _rows(train: LabelledSequences) -> Floats:
    """Values of all sequences, positions or pairs; float64[n, n_labels]."""
    if isinstance(train.targets, np.ndarray):
        return train.targets
    n = len(train.labels)
    return np.concatenate([each.reshape(-1, n) for each in train.targets]).astype(np.float64)


def _moments(values: Floats) -> tuple[Floats, Floats]:
    told = ~np.isnan(values)
    if not told.any(axis=0).all():
        label = int(np.flatnonzero(~told.any(axis=0))[0])
        raise UsageError(f"Nothing is told of label {label + 1} in the training part")
    scale = np.nanstd(values, axis=0)
    return np.nanmean(values, axis=0), np.where(scale > 0, scale, 1.0)


def _balanced(train: LabelledSequences) -> tuple[float, ...] | None:
    """Weigh classes such that all weigh the same together; those that never come weigh nothing."""
    if train.kind in _OF_VALUES:
        return None
    if isinstance(train.targets, np.ndarray):
        counts = np.nansum(train.targets, axis=0)
        if train.kind != "multi-class":
            negatives = (train.targets == 0).sum(axis=0)
            return tuple((negatives / np.maximum(counts, 1)).tolist())
    else:
        told = np.concatenate([each.ravel() for each in train.targets])
        counts = np.bincount(told[told != UNTOLD], minlength=len(train.labels))
    total = counts.sum() / max(np.count_nonzero(counts), 1)
    return tuple(np.where(counts > 0, total / np.maximum(counts, 1), 0.0).tolist())
