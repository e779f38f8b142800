"""How a network is trained: everything the weights depend on beside data, network and seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from genomark.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Attributes
    ----------
    epochs : int
        At most; the schedule of the learning rate is laid out over them.
    patience : int
        Epochs without a better value on the validation part before it stops.
    batch_size : int
        Sequences a step.
    learning_rate : float
        At the end of the warm-up.
    weight_decay : float
        Of AdamW; biases and scales are spared.
    warm_up : float
        Share of all steps in which the learning rate rises.
    decay : {"cosine", "linear", "none"}
        How the learning rate falls afterwards.
    clip : float
        Norm to which gradients are cut.
    averaging : float
        Weights are judged and kept as a moving average over about this share of an epoch's steps
        (0: as they are).
    class_weights : {"none", "balanced"}
        Whether rare classes weigh more in the loss.
    cells_at_once : int
        Padded positions (of pairs: padded pairs) that go through the network at once; a batch of
        more is done in pieces whose gradients are added up.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    epochs: int = 40
    patience: int = 8
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    decay: Literal["cosine", "linear", "none"] = "cosine"
    clip: float = 1.0
    averaging: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    cells_at_once: int = 1 << 18

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        for name in ("epochs", "patience", "batch_size", "cells_at_once"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, not {getattr(self, name)}")
        if not self.weight_decay >= 0:
            raise UsageError(f"weight_decay must be 0 or more, not {self.weight_decay}")
        if not 0 <= self.warm_up < 1:
            raise UsageError(f"warm_up must be a share from 0 to below 1, not {self.warm_up}")
        if not 0 <= self.averaging <= 10:
            raise UsageError(f"averaging must be from 0 to 10 epochs, not {self.averaging}")

    @property
    def settings(self) -> dict[str, Any]:
        """All of it, for reports and digests."""
        return asdict(self)
