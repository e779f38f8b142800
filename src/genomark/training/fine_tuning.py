"""Fine-tuning of a checkpoint on a task: all of its weights, or a low-rank addition to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from genomark.digests import digest_of
from genomark.errors import CapabilityError, UsageError
from genomark.extras import import_extra
from genomark.models import Answers, FittedTask, Fitting
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.vocabulary import Tokens
from genomark.scoring import ModelIdentity
from genomark.sequences import Kind, TaskSplit
from genomark.training.fit_parts import FitParts, fill, network_parts, objective_of
from genomark.training.recipe import Recipe
from genomark.training.torch_extra import import_torch, reproducible

if TYPE_CHECKING:
    from torch import nn

    from genomark.training.fitted import FittedNetwork
    from genomark.training.losses import Objective
    from genomark.training.token_network import TokenEncoder

Method = Literal["lora", "full"]

#: Raise it when the same settings and seed give other answers.
_VERSION = "1"
#: Rates at which the two methods usually learn; a low-rank addition starts at nothing.
_RATES: dict[Method, float] = {"lora": 5e-4, "full": 5e-5}


@dataclass(frozen=True)
class LowRank:
    """A low-rank addition to every linear layer (Hu et al. 2021).

    Attributes
    ----------
    rank : int
        Of the added matrices.
    alpha : float
        What is added is multiplied by ``alpha / rank``.
    dropout : float
        Of what goes into the addition.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what makes no addition."""
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise UsageError(
                f"rank={self.rank}, alpha={self.alpha:g}, dropout={self.dropout:g}: expected a "
                "rank of 1 or more, an alpha above 0, and a dropout from 0 to below 1"
            )


class FineTunedCheckpoint:
    """A TaskTrainable: a checkpoint with a fresh head, trained on each task.

    Parameters
    ----------
    spec : str
        What makes it again.
    checkpoint : HubCheckpoint
    recipe : Recipe
    low_rank : LowRank or None
        None trains all weights.
    """

    varies_with_seed = True

    def __init__(
        self, spec: str, checkpoint: HubCheckpoint, recipe: Recipe, low_rank: LowRank | None
    ) -> None:
        self.checkpoint = checkpoint
        self._spec = spec
        self._recipe = recipe
        self._low_rank = low_rank

    @cached_property
    def info(self) -> ModelIdentity:
        """The checkpoint's, with how it is fine-tuned."""
        files = self.checkpoint.files
        how = "all weights" if self._low_rank is None else f"LoRA of rank {self._low_rank.rank}"
        notes = [f"fine-tuned on the task: {how}"]
        if files.revision is not None:
            notes.append(f"revision {files.revision}")
        if files.trust:
            notes.append("runs code that came with the checkpoint")
        return ModelIdentity(
            id=self._shown,
            version=_VERSION if files.revision is None else f"{_VERSION}@{files.revision}",
            digest=digest_of(
                [_VERSION, self.checkpoint.digest, self._recipe.settings, repr(self._low_rank)]
            ),
            notes=notes,
        )

    def check_task(self, kind: Kind) -> None:
        """Take every kind of task."""
        if kind not in get_args(Kind):
            raise CapabilityError(f"a fine-tuned checkpoint cannot answer '{kind}' tasks")

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedTask:
        """Train on a task.

        Raises
        ------
        UsageError
            If PyTorch or peft is not installed.
        ModelError
            If the checkpoint cannot be loaded, or its loss is no longer a number.
        """
        import_torch()
        from genomark.training.token_network import TokenEncoder
        from genomark.training.trainer import train

        encoder = TokenEncoder(self.checkpoint)
        fitted = train(
            self._network, encoder, split, self._recipe, fitting, identity=self.info.digest
        )
        return _Fitted(fitted, encoder, self.checkpoint.max_tokens)

    @property
    def _shown(self) -> str:
        """What tables call it: the checkpoint, and what was done with it, as for a probe."""
        rest = self._spec.partition(":")[2].replace(",method=full", "")
        return f"hf:{rest} ({'full' if self._low_rank is None else 'lora'})"

    @property
    def spec(self) -> str:
        """What makes the model again."""
        return self._spec

    @property
    def base(self) -> str:
        """Digest of the checkpoint, and of what is added to it."""
        return digest_of([_VERSION, self.checkpoint.digest, repr(self._low_rank)])

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take what was trained: all weights, or additions and head."""
        return network_parts(cast(_Fitted, fitted).network, split, fitted.report)

    def restored(self, parts: FitParts) -> FittedTask:
        """Load the checkpoint afresh, and put in what was trained.

        Raises
        ------
        UsageError
            If PyTorch or peft is not installed.
        ModelError
            If the checkpoint cannot be loaded, or the weights are those of another network.
        """
        import_torch()
        from genomark.training.fitted import FittedNetwork
        from genomark.training.token_network import TokenEncoder

        objective, encoder = objective_of(parts), TokenEncoder(self.checkpoint)
        with reproducible(seed=0):
            network = self._network(objective)
        fill(network, parts)
        cells = self._recipe.cells_at_once
        fitted = FittedNetwork(network, encoder, objective, cells, parts.report)
        return _Fitted(fitted, encoder, self.checkpoint.max_tokens)

    def _network(self, objective: Objective) -> nn.Module:
        from genomark.training.token_network import TokenNetwork

        trunk = self.checkpoint.module("trunk")
        if self._low_rank is not None:
            trunk = with_low_rank(trunk, self._low_rank)
        return TokenNetwork(self.checkpoint, trunk, objective)


class _Fitted:
    """A network that was fine-tuned, and what it could not see."""

    def __init__(
        self, fitted: FittedNetwork, encoder: TokenEncoder, max_tokens: int | None
    ) -> None:
        self._fitted = fitted
        self._encoder = encoder
        self._max_tokens = max_tokens

    @property
    def network(self) -> nn.Module:
        """The checkpoint's, with its head."""
        return self._fitted.network

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences."""
        return self._fitted.answers(sequences)

    @property
    def report(self) -> Mapping[str, Any]:
        """Of the training; and how many sequences were longer than the checkpoint can see."""
        report = dict(self._fitted.report)
        if self._encoder.cut:
            report["notes"] = [
                *report["notes"],
                f"{self._encoder.cut:,} sequences were cut to the {self._max_tokens:,} tokens that "
                "the checkpoint can see",
            ]
        return report


def with_low_rank(trunk: nn.Module, settings: LowRank) -> nn.Module:
    """Freeze a network and add to each of its linear layers.

    Raises
    ------
    UsageError
        If peft is not installed, or the network has no linear layer.
    """
    import_extra("LoRA", "peft", "hub")
    from peft import LoraConfig, inject_adapter_in_model

    named, transposed = _linear_layers(trunk)
    if not named:
        raise UsageError(
            "the network has no linear layer that a low-rank addition could be made to"
        )
    for parameter in trunk.parameters():
        parameter.requires_grad_(False)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]
        lora_dropout=settings.dropout,
        target_modules=named,
        fan_in_fan_out=transposed,
    )
    adapted: nn.Module = inject_adapter_in_model(config, trunk)
    return adapted


def _linear_layers(network: nn.Module) -> tuple[list[str], bool]:
    """Names of layers that multiply by a matrix, and whether their matrices lie on their side.

    Those of GPT-2 do, and are called convolutions; a network has one sort or the other.
    """
    from torch.nn import Linear

    named = dict(network.named_modules())
    sideways = [name for name, each in named.items() if type(each).__name__ == "Conv1D"]
    upright = [name for name, each in named.items() if isinstance(each, Linear)]
    return (sideways, True) if sideways else (upright, False)


def fine_tuned(
    name: str,
    method: Method = "lora",
    epochs: int = 10,
    patience: int = 3,
    batch_size: int = 32,
    learning_rate: float = 0.0,
    weight_decay: float = 0.01,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.05,
    class_weights: Literal["none", "balanced"] = "none",
    trust: Literal["yes", "no"] = "no",
    tokens: Tokens = "auto",
) -> FineTunedCheckpoint:
    """Make ``fine-tuned:ORG/NAME@REVISION,method=lora,key=value,...``.

    Parameters
    ----------
    name : str
        A local folder, or a name on the Hugging Face hub, perhaps with ``@revision``.
    method : {"lora", "full"}
        A low-rank addition to frozen weights, or all weights.
    epochs, patience, batch_size, weight_decay, class_weights
        As in a `Recipe`.
    learning_rate : float
        0 for what the method usually takes: 5e-4 (lora), 5e-5 (full).
    rank, alpha, dropout
        As in a `LowRank`; of no effect on ``full``.
    trust : {"no", "yes"}
        Whether code that comes with the checkpoint may run.
    tokens : str
        How a sequence becomes tokens.

    Raises
    ------
    UsageError
        If there is no such folder, a setting is out of range, or a library is lacking.
    """
    from genomark.models.genes.text_embedder import spec_of

    settings = {key: value for key, value in locals().items() if key not in ("name", "spec_of")}
    recipe = Recipe(
        epochs=epochs,
        patience=patience,
        batch_size=batch_size,
        learning_rate=learning_rate or _RATES[method],
        weight_decay=weight_decay,
        warm_up=0.1,
        decay="linear",
        class_weights=class_weights,
    )
    return FineTunedCheckpoint(
        spec_of("fine-tuned", [name], fine_tuned, settings),
        HubCheckpoint(name, trust=trust == "yes", tokens=tokens),
        recipe,
        LowRank(rank, alpha, dropout) if method == "lora" else None,
    )
