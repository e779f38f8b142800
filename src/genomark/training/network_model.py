"""What models that train a network from scratch have in common: identity, settings, weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.models import FittedTask
from genomark.models.training_data import NoTraining, TrainingData
from genomark.scoring import ModelIdentity
from genomark.sequences import TaskSplit
from genomark.training.fit_parts import FitParts, network_parts
from genomark.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


class _OfNetwork(FittedTask, Protocol):
    network: nn.Module


@dataclass(frozen=True)
class NetworkModel:
    """A model whose settings are its fields, those of a `Recipe` by the same names among them."""

    name: ClassVar[str]
    #: Raise it when the same settings and seed give other answers.
    version: ClassVar[str] = "1"
    varies_with_seed: ClassVar[bool] = True
    training_data: ClassVar[TrainingData] = NoTraining()
    #: As in a `Recipe`.
    cells_at_once: ClassVar[int] = Recipe.cells_at_once

    @property
    def info(self) -> ModelIdentity:
        """Identity of the recipe; the id names the settings that are not as usual."""
        changed = ",".join(
            f"{each.name}={getattr(self, each.name)}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        )
        return ModelIdentity(
            id=f"{self.name}:{changed}" if changed else self.name,
            version=self.version,
            digest=digest_of([self.name, self.version, asdict(self)]),
            notes=["trained from scratch on the task"],
        )

    @property
    def spec(self) -> str:
        """What makes the model again."""
        return self.info.id

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take weights and buffers."""
        return network_parts(cast(_OfNetwork, fitted).network, split, fitted.report)

    def _recipe(self) -> Recipe:
        shared = {each.name for each in fields(Recipe)} & {each.name for each in fields(self)}
        settings = {key: getattr(self, key) for key in shared}
        return Recipe(**settings, cells_at_once=self.cells_at_once)

    def _check_sizes(self, *keys: str) -> None:
        for key in keys:
            if getattr(self, key) < 1:
                raise UsageError(f"{self.name}: {key} must be 1 or more, not {getattr(self, key)}")

    def _check_shares(self, *keys: str) -> None:
        for key in keys:
            value = getattr(self, key)
            if not 0 <= value < 1:
                raise UsageError(f"{self.name}: {key} must be from 0 to below 1, not {value}")
