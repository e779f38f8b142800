"""What the heads of a transformer look at: attention between tokens, and between bases."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import CapabilityError, UsageError
from genomark.models.hub.loading import as_model_error
from genomark.models.hub.model import HubModel
from genomark.models.hub.tokens import TokenIds

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """Attention in one sequence.

    Attributes
    ----------
    sequence : str
    weights : ndarray of float32, shape (n_layers, n_heads, n_tokens, n_tokens)
        How much each token (third axis) looks at each other (last axis, which sums to 1). Special
        tokens are among them.
    spans : ndarray of int32, shape (n_tokens, 2)
        First base of each token, and the one after its last; -1 for special tokens.
    layers, heads : tuple of int
        Which they are, from 0.
    """

    sequence: str
    weights: Floats
    spans: NDArray[np.int32]
    layers: tuple[int, ...]
    heads: tuple[int, ...]

    def of_bases(self) -> Floats:
        """Average over layers and heads, and bring to bases.

        Returns
        -------
        ndarray of float32, shape (length, length)
            A base looks as the mean of the tokens that hold it; what a token is given is shared
            evenly among its bases. So a row sums to 1 less what special tokens are given.
        """
        own = self.spans[:, 0] >= 0
        between = self.weights.mean(axis=(0, 1), dtype=np.float64)[np.ix_(own, own)]
        bases = np.arange(len(self.sequence))
        spans = self.spans[own]
        holds = (spans[:, :1] <= bases) & (bases < spans[:, 1:])
        given = holds / holds.sum(axis=1, keepdims=True)
        looking = holds / np.maximum(holds.sum(axis=0), 1)
        found: Floats = (looking.T @ between @ given).astype(np.float32)
        return found

    def summary(self) -> HeadSummary:
        """Tell in three numbers what each head does."""
        own = self.spans[:, 0] >= 0
        weights = self.weights[:, :, own].astype(np.float64)
        logarithms = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
        inside = weights[..., own]
        middles = self.spans[own].mean(axis=1)
        distances = np.abs(middles[:, None] - middles)
        total = inside.sum(axis=(2, 3))
        far = (inside * distances).sum(axis=(2, 3))
        return HeadSummary(
            entropy=-(weights * logarithms).sum(axis=3).mean(axis=2),
            distance=np.divide(far, total, out=np.full_like(far, np.nan), where=total > 0),
            special=1.0 - total / inside.shape[2],
        )


@dataclass(frozen=True, eq=False)
class HeadSummary:
    """What each head does in one sequence, after Vig and Belinkov 2019 (BlackboxNLP).

    Attributes
    ----------
    entropy : ndarray of float64, shape (n_layers, n_heads)
        Of what a token looks at, nats, mean over the tokens of the sequence: 0 for a single token,
        the logarithm of the number of tokens where it looks at all alike.
    distance : ndarray of float64, shape (n_layers, n_heads)
        Bases from the middle of a token to that of one it looks at, mean weighted by attention;
        special tokens, which stand nowhere, aside. NaN where all attention is on those.
    special : ndarray of float64, shape (n_layers, n_heads)
        Share of attention on special tokens.
    """

    entropy: NDArray[np.float64]
    distance: NDArray[np.float64]
    special: NDArray[np.float64]


def attention(
    model: HubModel,
    sequences: Sequence[str],
    *,
    layer: int | None = None,
    head: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[AttentionMap]:
    """Read the attention of a checkpoint's network, one sequence at a time.

    Parameters
    ----------
    model : HubModel
        Of its settings `device`, `precision`, `tokens` and `trust` count.
    sequences : sequence of str
    layer, head : int, optional
        Only one, from 0, or negative from the end; all if left out.
    progress : callable
        Takes how many more sequences are done.

    Yields
    ------
    AttentionMap
        One a sequence, in order: all maps of all layers of many would not fit in memory.

    Raises
    ------
    CapabilityError
        If the network has no attention, or does not tell it.
    UsageError
        If there is no such layer or head, or a sequence is longer than the checkpoint sees at
        once.
    ModelError
        If a sequence cannot be cut into tokens, or the network fails.
    """
    network: torch.nn.Module | None = None
    for row, sequence in enumerate(sequences, start=1):
        (tokens,) = model.checkpoint.tokens([sequence])
        _check_length(model, tokens, row)
        network = network if network is not None else _network(model)
        weights = _weights(model, network, tokens)
        spec, (n_layers, n_heads) = model.info.id, weights.shape[:2]
        layers = _chosen(spec, "layer", layer, n_layers)
        heads = _chosen(spec, "head", head, n_heads)
        yield AttentionMap(
            sequence=sequence,
            weights=weights[layers.start : layers.stop, heads.start : heads.stop],
            spans=tokens.spans,
            layers=tuple(layers),
            heads=tuple(heads),
        )
        progress(1)


def _check_length(model: HubModel, tokens: TokenIds, row: int) -> None:
    checkpoint = model.checkpoint
    most = checkpoint.max_tokens
    if most is not None and checkpoint.positions_are_bounded and tokens.ids.size > most:
        raise UsageError(
            f"{checkpoint.spec}: sequence {row} is of {tokens.ids.size:,} tokens, special ones "
            f"among them, and the checkpoint sees {most:,} at once; give a part of it"
        )


def _network(model: HubModel) -> torch.nn.Module:
    """Load the network so that it tells its attention: faster ways of computing it do not."""
    import torch

    checkpoint = model.checkpoint
    network: Any = checkpoint.module("trunk")
    parameters = inspect.signature(network.forward).parameters
    anything = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if "output_attentions" not in parameters and not anything:
        raise _without(model)
    device, precision = model.network.device, model.network.precision
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    with as_model_error(checkpoint.spec):
        network.set_attn_implementation("eager")
        placed: torch.nn.Module = network.to(device, kinds[precision])
        return placed


def _weights(model: HubModel, network: torch.nn.Module, tokens: TokenIds) -> Floats:
    """Attention of one row of tokens, float32[n_layers, n_heads, n_tokens, n_tokens]."""
    import torch

    ids = torch.from_numpy(tokens.ids)[None].to(model.network.device)
    inputs = {"input_ids": ids}
    if model.checkpoint.takes_mask(network):
        inputs["attention_mask"] = torch.ones_like(ids)
    with as_model_error(model.checkpoint.spec), torch.inference_mode():
        out = network(**inputs, output_attentions=True)
        told = getattr(out, "attentions", None) or ()
        n = tokens.ids.size
        if not told or any(each is None or each.shape[-2:] != (n, n) for each in told):
            raise _without(model)
        return np.stack([each[0].float().cpu().numpy() for each in told])


def _without(model: HubModel) -> CapabilityError:
    kind = model.checkpoint.files.config.get("model_type", "its code")
    return CapabilityError(
        f"{model.checkpoint.spec}: the network ({kind}) has no attention between tokens, or does "
        "not tell it; --method mutagenesis explains any model"
    )


def _chosen(spec: str, what: str, number: int | None, count: int) -> range:
    if number is None:
        return range(count)
    if not -count <= number < count:
        raise UsageError(
            f"{spec}: {what} {number}: expected 0 to {count - 1}, or -{count} to -1 from the end"
        )
    return range(number % count, number % count + 1)
