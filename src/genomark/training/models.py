"""`cnn`, `bpnet-like`, `legnet-like`, `gru`: small networks, trained from scratch on a task.

What a pretrained model is worth shows beside them. Nothing here needs PyTorch before a fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from genomark.digests import digest_of
from genomark.errors import CapabilityError, UsageError
from genomark.models import FittedTask, Fitting
from genomark.sequences import Kind, TaskSplit
from genomark.training.encoding import OneHot
from genomark.training.fit_parts import FitParts, fill, objective_of
from genomark.training.network_model import NetworkModel
from genomark.training.networks.shape import Shape
from genomark.training.torch_extra import import_torch, reproducible

if TYPE_CHECKING:
    from torch import nn

    from genomark.training.losses import Objective


@dataclass(frozen=True)
class FromScratch(NetworkModel, ABC):
    """A TaskTrainable: a network on one-hot bases, whose settings are those of its spec.

    Attributes
    ----------
    channels, layers, width, places, hidden, dropout
        Of the network.
    shift : int
        Bases by which a training sequence may move.
    hiding : float
        Share of the bases of a training sequence that are hidden.
    strands : {"single", "both"}
        Whether half of the training sequences are read from the other strand.
    epochs, patience, batch_size, learning_rate, weight_decay, averaging, class_weights
        As in a `Recipe`.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    channels: int = 32
    layers: int = 4
    width: int = 15
    places: int = 8
    hidden: int = 64
    dropout: float = 0.5
    shift: int = 0
    hiding: float = 0.2
    strands: Literal["single", "both"] = "single"
    epochs: int = 14
    patience: int = 8
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    averaging: float = 0.3
    class_weights: Literal["none", "balanced"] = "none"

    def __post_init__(self) -> None:
        """Refuse what no network can be made of."""
        self._check_sizes("channels", "layers", "width", "places", "hidden")
        if self.width % 2 == 0:
            raise UsageError(f"{self.name}: width must be odd, not {self.width}")
        self._check_shares("dropout", "hiding")
        if self.shift < 0:
            raise UsageError(f"{self.name}: shift must be 0 or more, not {self.shift}")
        self._recipe()

    def check_task(self, kind: Kind) -> None:
        """Refuse what is no kind of task; there is a head for every kind."""
        if kind not in get_args(Kind):
            raise CapabilityError(f"{self.name} cannot answer '{kind}' tasks")

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedTask:
        """Train on a task.

        Raises
        ------
        UsageError
            If PyTorch is not installed, or the task cannot be trained on.
        """
        import_torch()
        from genomark.training.trainer import train

        return train(
            self._network,
            OneHot(self.shift, self.strands == "both", self.hiding),
            split,
            self._recipe(),
            fitting,
            identity=self.info.digest,
        )

    @property
    def base(self) -> str:
        """Digest of the network that weights are for."""
        return digest_of([self.name, self.version, self._shape])

    def restored(self, parts: FitParts) -> FittedTask:
        """Make the network, and fill it.

        Raises
        ------
        UsageError
            If PyTorch is not installed.
        ModelError
            If the weights are those of another network.
        """
        import_torch()
        from genomark.training.fitted import FittedNetwork

        objective = objective_of(parts)
        with reproducible(seed=0):
            network = self._network(objective)
        fill(network, parts)
        return FittedNetwork(network, OneHot(), objective, self.cells_at_once, parts.report)

    @property
    def _shape(self) -> Shape:
        return Shape(**{each.name: getattr(self, each.name) for each in fields(Shape)})

    @abstractmethod
    def _network(self, objective: Objective) -> nn.Module: ...


@dataclass(frozen=True)
class Cnn(FromScratch):
    """Convolutions and pooling in turns, as in DeepSTARR, with a head that knows where things lie.

    `layers` are convolutions, the first of `width` bases.
    """

    name: ClassVar[str] = "cnn"

    def _network(self, objective: Objective) -> nn.Module:
        from genomark.training.networks.cnn import CnnNetwork

        return CnnNetwork(objective, self._shape)


@dataclass(frozen=True)
class BpnetLike(FromScratch):
    """Dilated convolutions with residual connections, as in BPNet.

    `layers` are dilated convolutions, after a first one of `width` bases.
    """

    layers: int = 6
    width: int = 21

    name: ClassVar[str] = "bpnet-like"

    def _network(self, objective: Objective) -> nn.Module:
        from genomark.training.networks.bpnet_like import BpnetLikeNetwork

        return BpnetLikeNetwork(objective, self._shape)


@dataclass(frozen=True)
class LegnetLike(FromScratch):
    """Blocks that widen, look along each channel and gate it, as in LegNet.

    `layers` are a first convolution of `width` bases and the blocks after it.
    """

    width: int = 11

    name: ClassVar[str] = "legnet-like"

    def _network(self, objective: Objective) -> nn.Module:
        from genomark.training.networks.legnet_like import LegnetLikeNetwork

        return LegnetLikeNetwork(objective, self._shape)


@dataclass(frozen=True)
class Gru(FromScratch):
    """A convolution for motifs and a recurrent network that reads them from both ends.

    `layers` are those of the GRU, `channels` an even number.
    """

    layers: int = 1

    name: ClassVar[str] = "gru"

    def __post_init__(self) -> None:
        """Refuse what no network can be made of."""
        super().__post_init__()
        if self.channels % 2:
            raise UsageError(f"{self.name}: channels must be even, not {self.channels}")

    def _network(self, objective: Objective) -> nn.Module:
        from genomark.training.networks.gru import GruNetwork

        return GruNetwork(objective, self._shape)
