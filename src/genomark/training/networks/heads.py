"""Heads: from features of positions to the outputs of a task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from genomark.training.losses import Objective
from genomark.training.networks.masked import Mask, largest
from genomark.training.networks.places import Places
from genomark.training.networks.shape import Shape

#: Features of one layer of a network, and their mask.
Level = tuple[Tensor, Mask]

#: Channels of the map of pairs.
_PAIR_CHANNELS = 16


class SequenceHead(nn.Module):
    """One answer a sequence, from what there is at a few places of each level of a network.

    The largest of each channel, wherever it is, is told, too.

    Parameters
    ----------
    channels, n_outputs : int
    levels : int
        Layers of the network that are looked at.
    places : int
        Of each level.
    hidden : int
        Units between.
    dropout : float
    """

    def __init__(
        self,
        channels: int,
        n_outputs: int,
        *,
        levels: int,
        places: int,
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.places = nn.ModuleList(Places(places) for _ in range(levels))
        width = levels * channels * (places + 1)
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Dropout(dropout),
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """Give float32[n, n_outputs]."""
        found = [
            part
            for places, level in zip(self.places, levels, strict=True)
            for part in (places(*level).flatten(1), largest(*level))
        ]
        outputs: Tensor = self.layers(torch.cat(found, dim=1))
        return outputs


class PositionHead(nn.Module):
    """One answer a position."""

    def __init__(self, channels: int, n_outputs: int, *, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Conv1d(channels, n_outputs, 1))

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """Give float32[n, length, n_outputs]."""
        features, _ = levels[-1]
        outputs: Tensor = self.layers(features)
        return outputs.transpose(1, 2)


class PairHead(nn.Module):
    """One answer a pair of positions: what both bring, how far apart they are, what is around."""

    def __init__(self, channels: int, n_outputs: int, *, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, _PAIR_CHANNELS, 1)
        self.second = nn.Conv1d(channels, _PAIR_CHANNELS, 1)
        self.dropout = nn.Dropout(dropout)
        self.near = nn.Conv2d(2 * _PAIR_CHANNELS + 1, _PAIR_CHANNELS, 5, padding=2)
        self.wider = nn.Conv2d(_PAIR_CHANNELS, _PAIR_CHANNELS, 5, padding=4, dilation=2)
        self.last = nn.Conv2d(_PAIR_CHANNELS, n_outputs, 1)

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """Give float32[n, length, length, n_outputs]."""
        features, mask = levels[-1]
        features = self.dropout(features)
        n, _, width = features.shape
        side = (n, _PAIR_CHANNELS, width, width)
        rows = self.first(features)[:, :, :, None].expand(side)
        columns = self.second(features)[:, :, None, :].expand(side)
        places = torch.arange(width, device=features.device)
        apart = torch.log1p((places[:, None] - places).abs().to(features.dtype))
        there = _both(mask)
        pairs = torch.cat([rows, columns, apart.expand(n, 1, width, width)], dim=1)
        pairs = functional.relu(self.near(pairs if there is None else pairs * there))
        pairs = pairs + functional.relu(self.wider(pairs if there is None else pairs * there))
        outputs: Tensor = self.last(pairs)
        return outputs.permute(0, 2, 3, 1)


def _both(mask: Mask) -> Mask:
    """Say of each pair whether both of its positions are there."""
    return None if mask is None else (mask[:, None, :, None] & mask[:, None, None, :]).float()


def head(
    objective: Objective, shape: Shape, *, levels: int
) -> SequenceHead | PositionHead | PairHead:
    """Make the head that suits a kind of task; those of positions look at the last level."""
    channels, n_outputs = shape.channels, objective.n_outputs
    if objective.of_pairs:
        return PairHead(channels, n_outputs, dropout=shape.dropout)
    if objective.of_positions:
        return PositionHead(channels, n_outputs, dropout=shape.dropout)
    return SequenceHead(
        channels,
        n_outputs,
        levels=levels,
        places=shape.places,
        hidden=shape.hidden,
        dropout=shape.dropout,
    )
