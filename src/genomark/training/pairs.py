"""`pairs`: a small network that scores base pairs, trained from scratch on known structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from genomark.digests import digest_of
from genomark.errors import CapabilityError, GenomarkError, UsageError
from genomark.models import Answers, Fitting, Fold
from genomark.models.folding import fold_each
from genomark.rna.decoding import SYMBOLS, mea_of_pairs
from genomark.rna.nested import Floats, Positions
from genomark.sequences import Kind, LabelledSequences, TaskSplit
from genomark.training.encoding import OneHot
from genomark.training.fit_parts import FitParts, fill
from genomark.training.network_model import NetworkModel
from genomark.training.torch_extra import import_torch, reproducible

if TYPE_CHECKING:
    from genomark.training.networks.pairs import PairNetwork, PairShape
    from genomark.training.pairing import StructureObjective


@dataclass(frozen=True)
class Pairs(NetworkModel):
    """A TaskTrainable: scores of pairs by a network, structures by all that do not cross.

    Attributes
    ----------
    channels, layers, pair_channels, pair_layers, dropout
        Of the network (`genomark.training.networks.pairs.PairShape`).
    longest : int
        Sequences of more bases are left out of training and validation; any length is answered.
    gamma : float
        Weight of pairs in the structure that is answered (`genomark.rna.decoding.mea_structure`).
    epochs, patience, batch_size, learning_rate, weight_decay, averaging
        As in a `Recipe`.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    channels: int = 64
    layers: int = 7
    pair_channels: int = 32
    pair_layers: int = 2
    dropout: float = 0.3
    longest: int = 512
    gamma: float = 1.0
    epochs: int = 14
    patience: int = 6
    batch_size: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    averaging: float = 1.0

    name: ClassVar[str] = "pairs"
    #: Padded pairs: a few hundred MB.
    cells_at_once: ClassVar[int] = 1 << 17

    def __post_init__(self) -> None:
        """Refuse what no network can be made of."""
        self._check_sizes("channels", "layers", "pair_channels", "pair_layers", "longest")
        self._check_shares("dropout")
        if not 0 < self.gamma < np.inf:
            raise UsageError(f"{self.name}: gamma must be above 0, not {self.gamma}")
        self._recipe()

    def check_task(self, kind: Kind) -> None:
        """Refuse what tells no symbols of positions."""
        if kind != "token-classes":
            raise CapabilityError(
                f"{self.name} learns structures of RNA (token-classes of '(', ')' and '.'), and "
                f"cannot answer '{kind}' tasks"
            )

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedPairs:
        """Train on known structures; those decoded of the validation part say when to stop.

        Raises
        ------
        CapabilityError
            If the labels are not the symbols of structures.
        UsageError
            If PyTorch is not installed, a structure is none, or all sequences are too long.
        """
        self.check_task(split.kind)
        if sorted(split.labels) != sorted(SYMBOLS):
            raise CapabilityError(
                f"{self.name} learns structures of RNA, with the labels '(', ')' and '.'; "
                f"'{split.task}' has {', '.join(map(repr, split.labels[:5]))}"
            )
        import_torch()
        from genomark.training.trainer import train

        kept = self._kept(split)
        fitted = train(
            lambda objective: self._network(),
            OneHot(),
            kept,
            self._recipe(),
            fitting,
            identity=self.info.digest,
            objective=_objective(split.labels),
        )
        network = cast("PairNetwork", fitted.network)
        return FittedPairs(network, split.labels, self.gamma, fitted.report)

    @property
    def base(self) -> str:
        """Digest of the network that weights are for."""
        return digest_of([self.name, self.version, repr(self._shape), self.gamma])

    def restored(self, parts: FitParts) -> FittedPairs:
        """Make the network, and fill it.

        Raises
        ------
        UsageError
            If PyTorch is not installed.
        ModelError
            If the weights are those of another network.
        """
        import_torch()
        with reproducible(seed=0):
            network = self._network()
        fill(network, parts)
        return FittedPairs(network, parts.labels, self.gamma, parts.report)

    def _kept(self, split: TaskSplit) -> TaskSplit:
        """Leave out what is too long, and check the structures of the rest."""
        parts = {}
        notes = list(split.notes)
        for name, part in (("training", split.train), ("validation", split.valid)):
            rows = [row for row, each in enumerate(part.sequences) if len(each) <= self.longest]
            if part.sequences and not rows:
                raise UsageError(
                    f"Task '{split.task}': all sequences of its {name} part have more than "
                    f"{self.longest:,} bases; raise longest= ({self.name}:longest=N)"
                )
            if left_out := len(part) - len(rows):
                notes.append(
                    f"{left_out:,} sequences of more than {self.longest:,} bases were left out of "
                    f"the {name} part"
                )
            parts[name] = part.take(rows)
            _check_structures(split.task, parts[name])
        return replace(
            split, train=parts["training"], valid=parts["validation"], notes=tuple(notes)
        )

    @property
    def _shape(self) -> PairShape:
        from genomark.training.networks.pairs import PairShape

        return PairShape(
            self.channels, self.layers, self.pair_channels, self.pair_layers, self.dropout
        )

    def _network(self) -> PairNetwork:
        from genomark.training.networks.pairs import PairNetwork

        return PairNetwork(self._shape)


class FittedPairs:
    """A network that was trained on structures: symbols of positions, pairs, structures.

    Each sequence is answered by itself, so that no answer depends on those beside it.

    Parameters
    ----------
    network : PairNetwork
    labels : tuple of str
        The symbols, in the order of answers.
    gamma : float
        Of the structures.
    report : mapping
        Of the training.
    """

    def __init__(
        self,
        network: PairNetwork,
        labels: tuple[str, ...],
        gamma: float,
        report: Mapping[str, Any],
    ) -> None:
        self.network = network
        self._labels = labels
        self._gamma = gamma
        self._report = report

    @property
    def report(self) -> Mapping[str, Any]:
        """As of a `FittedNetwork`."""
        return self._report

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Give the probability of each symbol at each position, float32[length, 3] each."""
        objective = _objective(self._labels)
        return [objective.symbols(len(each), *self.pair_probabilities(each)) for each in sequences]

    def pair_probabilities(self, sequence: str) -> tuple[Positions, Positions, Floats]:
        """Give the probabilities of the pairs of a sequence.

        Those of more than 4,096 bases are looked at nearby alone, as
        `genomark.training.networks.pairs.longest_span` says.

        Returns
        -------
        opening, closing : ndarray of int32, shape (n_pairs,)
            Positions from 0.
        probabilities : ndarray of float64, shape (n_pairs,)
            Pairs of a score below -8, and so of a probability below 0.0004, are left out.
        """
        import torch

        from genomark.training.pairing import probabilities_of

        encoder = OneHot()
        device = next(self.network.parameters()).device
        with reproducible(seed=0), torch.inference_mode():
            batch = encoder.batch(encoder.encode([sequence]))
            places, scores = self.network.scores({k: v.to(device) for k, v in batch.items()})
            opening, closing = (each.cpu().numpy().astype(np.int32) for each in places[1:])
            return probabilities_of(len(sequence), opening, closing, scores.cpu().numpy())

    def fold(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[Fold]:
        """Decode the structure of maximum expected accuracy of each.

        Raises
        ------
        UsageError
            If a sequence is not of A, C, G, U, T and N.
        """

        def fold(read: str) -> str:
            return mea_of_pairs(len(read), *self.pair_probabilities(read), self._gamma)

        return fold_each(sequences, fold, progress)


def _objective(labels: tuple[str, ...]) -> StructureObjective:
    from genomark.training.pairing import StructureObjective

    return StructureObjective("token-classes", 1, (0.0,), (1.0,), labels=labels)


def _check_structures(task: str, part: LabelledSequences) -> None:
    """Refuse what is no structure before anything is trained."""
    from genomark.training.pairing import read_partners

    for name, classes in zip(part.ids, part.targets, strict=True):
        try:
            read_partners(classes, part.labels)
        except GenomarkError as error:
            raise UsageError(f"Task '{task}', '{name}': {error}") from error
