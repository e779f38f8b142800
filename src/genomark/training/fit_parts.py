"""What a fit is taken apart into, and made of again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError
from genomark.models import FittedTask, TaskTrainable
from genomark.sequences import Kind, TaskSplit
from genomark.training.torch_extra import import_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from genomark.training.losses import Objective

#: Names a message gives before it says that there are more.
_NAMED = 3


@dataclass(frozen=True)
class FitParts:
    """What, with the settings of its model, makes a fit again.

    Attributes
    ----------
    kind : str
    labels : tuple of str
    arrays : mapping of str to ndarray
        All that was fitted, by name.
    facts : mapping of str to object
        Whatever else answers depend on, of the types JSON knows.
    report : mapping of str to object
        Of the fit.
    """

    kind: Kind
    labels: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]
    report: Mapping[str, Any]


@runtime_checkable
class Savable(TaskTrainable, Protocol):
    """A TaskTrainable whose fits can be taken apart and made again."""

    @property
    def spec(self) -> str:
        """What `genomark.models.load_model` makes the model of, or the embedder that is probed."""
        ...

    @property
    def base(self) -> str:
        """Digest of what answers of a fit depend on beside its parts: a checkpoint, a network."""
        ...

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take a fit of this model apart; `split` is what it was fitted on."""
        ...

    def restored(self, parts: FitParts) -> FittedTask:
        """Make a fit of its parts: it answers as the one they were taken of.

        Raises
        ------
        genomark.errors.ModelError
            If they are not those of a fit of this model.
        """
        ...


def network_parts(network: nn.Module, split: TaskSplit, report: Mapping[str, Any]) -> FitParts:
    """Take what training changed of a network: weights that have gradients, and buffers."""
    from genomark.training.losses import Objective

    objective = Objective.of(split.train)
    arrays = {name: each.detach().cpu().numpy() for name, each in _changing(network).items()}
    facts = {"mean": objective.mean, "scale": objective.scale}
    return FitParts(split.kind, split.labels, arrays, facts, report)


def objective_of(parts: FitParts) -> Objective:
    """Make the objective of a fit, as far as answers depend on it."""
    from genomark.training.losses import Objective

    mean, scale = (tuple(map(float, parts.facts[name])) for name in ("mean", "scale"))
    return Objective(parts.kind, len(parts.labels), mean, scale)


def fill(network: nn.Module, parts: FitParts) -> None:
    """Put saved weights into a network, and the network where there is most to compute with.

    Raises
    ------
    ModelError
        If they are of another network.
    """
    torch = import_torch()
    wanted = {name: tuple(each.shape) for name, each in _changing(network).items()}
    given = {name: np.shape(each) for name, each in parts.arrays.items()}
    if wanted != given:
        other = sorted(
            name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name)
        )
        more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
        raise ModelError(
            f"the saved weights are not those of this network: {', '.join(other[:_NAMED])}{more}"
        )
    weights = {name: torch.tensor(each) for name, each in parts.arrays.items()}
    network.load_state_dict(weights, strict=False)
    network.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _changing(network: nn.Module) -> dict[str, Tensor]:
    kept = network.state_dict()
    weights = {name: each for name, each in network.named_parameters() if each.requires_grad}
    return weights | {name: each for name, each in network.named_buffers() if name in kept}
