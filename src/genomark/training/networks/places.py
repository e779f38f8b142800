"""Where in a sequence a network looks: a few places, which it moves and narrows as it learns.

A dense layer on all positions has a weight for each channel at each position, and learns noise by
heart where what counts lies at one place (a splice site, the end of a transcript). A mean over all
positions knows no places. Here a place is a distribution over positions, shared by all channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genomark.training.networks.masked import Mask

#: Points along a sequence at which a place has a logit; in between, logits are interpolated.
_GRID = 200
#: Logits are this many times their parameters: at the learning rate of other weights, places would
#: hardly have narrowed by the end.
_GAIN = 10.0


class Places(nn.Module):
    """Averages of features around places.

    Places lie evenly at first, each a normal distribution that just touches its neighbours'. They
    are told relative to the length of a sequence, so that any length has them.

    Parameters
    ----------
    places : int
    """

    def __init__(self, places: int) -> None:
        super().__init__()
        points = (torch.arange(_GRID) + 0.5) / _GRID
        centres = (torch.arange(places) + 0.5) / places
        self.logits = nn.Parameter(-(((points[:, None] - centres) * places) ** 2) / _GAIN)

    def weights(self, width: int, mask: Mask) -> Tensor:
        """Give the share of each position in each place, float32[n or 1, width, places]."""
        device = self.logits.device
        lengths = torch.tensor([width], device=device) if mask is None else mask.sum(dim=1)
        middles = (torch.arange(width, device=device) + 0.5) / lengths[:, None]
        points = (middles * _GRID - 0.5).clamp(0, _GRID - 1)
        left = points.floor().long().clamp(max=_GRID - 2)
        beyond = (points - left)[:, :, None]
        logits = _GAIN * torch.lerp(self.logits[left], self.logits[left + 1], beyond)
        if mask is not None:
            logits = logits.masked_fill(~mask[:, :, None], -torch.inf)
        return logits.softmax(dim=1)

    def forward(self, features: Tensor, mask: Mask) -> Tensor:
        """Average, float32[n, channels, places]."""
        weights = self.weights(features.shape[2], mask).to(features.dtype)
        return torch.matmul(features, weights.expand(features.shape[0], -1, -1))
