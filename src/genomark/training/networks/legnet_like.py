"""Inverted bottlenecks with a gate on every channel: the network of LegNet in its outline.

After Penzar et al. 2023 (Bioinformatics 39, btad457), which takes its blocks from EfficientNetV2: a
block widens the features, looks along each channel by itself, weighs channels by what the whole
sequence holds, and narrows them again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.networks.heads import Level, head
from genomark.training.networks.masked import Mask, MaskedBatchNorm, masked, max_pooled, one_hot
from genomark.training.networks.shape import Shape

#: How much wider the middle of a block is, and how long what it looks along.
_WIDER = 2
_ALONG = 7
#: Channels of a gate are so many times fewer than those it weighs.
_NARROWER = 4


class LegnetLikeNetwork(nn.Module):
    """A wide first convolution, then blocks; pooled between them for tasks on whole sequences.

    For positions there is no pooling: from block to block what is looked along is spread twice as
    wide instead.

    Parameters
    ----------
    objective : Objective
    shape : Shape
        Its layers are the first convolution and the blocks after it.
    """

    def __init__(self, objective: Objective, shape: Shape) -> None:
        super().__init__()
        channels = shape.channels
        self.pools = not objective.of_positions
        self.first = nn.Conv1d(4, channels, shape.width, padding="same", bias=False)
        self.norm = MaskedBatchNorm(channels)
        self.blocks = nn.ModuleList(
            _Block(channels, 1 if self.pools else 2**layer) for layer in range(1, shape.layers)
        )
        self.head = head(objective, shape, levels=shape.layers)

    def forward(self, inputs: Inputs) -> Tensor:
        """Give the outputs of a batch."""
        features, mask = one_hot(inputs)
        features = masked(functional.silu(self.norm(self.first(features), mask)), mask)
        levels: list[Level] = [(features, mask)]
        for block in self.blocks:
            if self.pools:
                features, mask = max_pooled(features, mask, 2)
            features = features + block(features, mask)
            levels.append((features, mask))
        outputs: Tensor = self.head(levels)
        return outputs


class _Block(nn.Module):
    """Widen, look along each channel, gate, narrow."""

    def __init__(self, channels: int, spread: int) -> None:
        super().__init__()
        wide = _WIDER * channels
        self.widen = nn.Conv1d(channels, wide, 1, bias=False)
        self.along = nn.Conv1d(
            wide, wide, _ALONG, padding="same", dilation=spread, groups=wide, bias=False
        )
        self.gate = _Gate(wide)
        self.narrow = nn.Conv1d(wide, channels, 1, bias=False)
        self.norms = nn.ModuleList(MaskedBatchNorm(size) for size in (wide, wide, channels))

    def forward(self, features: Tensor, mask: Mask) -> Tensor:
        """Give what a block adds to its features."""
        widened, along, narrowed = self.norms
        features = masked(functional.silu(widened(self.widen(features), mask)), mask)
        features = masked(functional.silu(along(self.along(features), mask)), mask)
        return masked(narrowed(self.narrow(self.gate(features, mask)), mask), mask)


class _Gate(nn.Module):
    """Weigh channels by their means over the sequence (squeeze and excitation, Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = max(channels // _NARROWER, 1)
        self.layers = nn.Sequential(
            nn.Linear(channels, few), nn.SiLU(), nn.Linear(few, channels), nn.Sigmoid()
        )

    def forward(self, features: Tensor, mask: Mask) -> Tensor:
        """Give weighed features; padding, which is 0, is no part of a mean."""
        total = features.sum(dim=2)
        count = features.shape[2] if mask is None else mask.sum(dim=1, keepdim=True)
        weights: Tensor = self.layers(total / torch.as_tensor(count))
        return features * weights[:, :, None]
