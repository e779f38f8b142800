"""What a structure asks of scores of pairs: the likelihood of all structures that do not cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genomark.models import Answers
from genomark.rna.decoding import SYMBOLS, mea_of_pairs, unpaired_probabilities
from genomark.rna.nested import Floats, Positions, nested_marginals
from genomark.rna.structure import Partners, partners
from genomark.sequences import UNTOLD
from genomark.training.losses import Objective

#: Natural logarithm of odds below which a pair is left out: of probabilities below 1 in 3,000.
_FLOOR = -8.0
#: Stands for a position that is padding, where -1 is one without a partner.
_PADDING = -2


@dataclass(frozen=True)
class StructureObjective(Objective):
    """The loss of structures, and how symbols come from scores of pairs.

    A structure is as probable as its pairs' scores say in sum, among all that do not cross.

    Attributes
    ----------
    labels : tuple of str
        The symbols that the classes stand for.
    """

    labels: tuple[str, ...] = SYMBOLS

    @property
    def of_pairs(self) -> bool:
        """True: outputs are those of pairs, though targets are those of positions."""
        return True

    def target(self, told: Sequence[NDArray[Any]]) -> Tensor:
        """Stack partners, int64[n, longest]: -1 for none, and -2 behind the end of a sequence."""
        longest = max(each.size for each in told)
        stacked = np.full((len(told), longest), _PADDING, np.int64)
        for row, each in enumerate(told):
            stacked[row, : each.size] = read_partners(each, self.labels)
        return torch.from_numpy(stacked)

    def loss(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Add up the negative logarithms of the structures' probabilities, in nats.

        Parameters
        ----------
        outputs : Tensor of float32, shape (n, longest, longest)
            Scores; a pair of the structure that could not be is as if it were not there.
        target : Tensor of int64, shape (n, longest)

        Returns
        -------
        total, weight : Tensor
            The sum, and the number of positions.
        """
        total: Tensor = _NegativeLogLikelihood.apply(outputs, target)  # type: ignore[no-untyped-call]
        return total, (target != _PADDING).sum()

    def answers(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Give the probability of each symbol at each position, float32[length, 3] each."""
        return [self.symbols(each.shape[0], *_of_matrix(each)) for each in outputs]

    def judged(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Give the symbols of the structures that are decoded, as probabilities 0 and 1."""
        return [
            one_hot_structure(mea_of_pairs(each.shape[0], *_of_matrix(each)), self.labels)
            for each in outputs
        ]

    def symbols(
        self, length: int, opening: Positions, closing: Positions, probabilities: Floats
    ) -> NDArray[np.float32]:
        """Tell the probability of each symbol at each position, float32[length, 3]."""
        by_symbol = {
            "(": np.bincount(opening, probabilities, length),
            ")": np.bincount(closing, probabilities, length),
            ".": unpaired_probabilities(length, opening, closing, probabilities),
        }
        columns = [by_symbol[label] for label in self.labels]
        return np.clip(np.stack(columns, axis=1), 0, 1).astype(np.float32)


def read_partners(classes: NDArray[Any], labels: Sequence[str]) -> Partners:
    """Read a structure out of classes of positions; what is not told is unpaired.

    Raises
    ------
    UsageError
        If a bracket has no partner.
    """
    return partners("".join("." if each == UNTOLD else labels[each] for each in classes))


def one_hot_structure(structure: str, labels: Sequence[str]) -> NDArray[np.float32]:
    """Write a structure as probabilities of symbols, float32[length, 3]."""
    classes = [list(labels).index(symbol) for symbol in structure]
    return np.eye(len(labels), dtype=np.float32)[classes]


def probabilities_of(
    length: int, opening: Positions, closing: Positions, scores: NDArray[np.float32]
) -> tuple[Positions, Positions, Floats]:
    """Give those pairs that are not too improbable, and their probabilities.

    Parameters
    ----------
    length : int
        Of the sequence.
    opening, closing : ndarray of int32, shape (n_pairs,)
    scores : ndarray of float32, shape (n_pairs,)
    """
    kept = scores > _FLOOR
    opening, closing = opening[kept], closing[kept]
    exact = scores[kept].astype(np.float64)
    return opening, closing, nested_marginals(length, opening, closing, exact)[1]


def _of_matrix(scores: NDArray[np.float32]) -> tuple[Positions, Positions, Floats]:
    opening, closing = (each.astype(np.int32) for each in np.nonzero(scores > _FLOOR))
    return probabilities_of(scores.shape[0], opening, closing, scores[opening, closing])


class _NegativeLogLikelihood(torch.autograd.Function):
    """Its gradient is how much more probable a pair is than it was told to be."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, target: Tensor) -> Tensor:
        scores = outputs.detach().cpu().numpy()
        gradient = np.zeros_like(scores)
        total = 0.0
        for row, partner in enumerate(target.cpu().numpy()):
            length = int((partner != _PADDING).sum())
            total += _one(scores[row, :length, :length], partner[:length], gradient[row])
        ctx.save_for_backward(torch.from_numpy(gradient).to(outputs.device))
        return outputs.new_tensor(total)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grads[0], None


def _one(
    scores: NDArray[np.float32], partner: NDArray[np.int64], gradient: NDArray[np.float32]
) -> float:
    """Give the loss of a structure, and write its gradient by scores."""
    first = np.flatnonzero(partner > np.arange(partner.size))
    first = first[np.isfinite(scores[first, partner[first]])]
    second = partner[first]
    kept = scores > _FLOOR
    # A pair of the structure stays in, however low its score: it has to rise.
    kept[first, second] = True
    opening, closing = (each.astype(np.int32) for each in np.nonzero(kept))
    there = scores[opening, closing].astype(np.float64)
    log_sum, probabilities = nested_marginals(partner.size, opening, closing, there)
    gradient[opening, closing] = probabilities
    gradient[first, second] -= 1
    return log_sum - float(scores[first, second].sum(dtype=np.float64))
