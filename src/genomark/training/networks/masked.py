"""Layers to which padding is nothing: an answer does not depend on what a sequence is padded to.

Everywhere `mask` is bool[n, length], true where a sequence is, or None where all are as long as
they are wide; features are float32[n, channels, length] and 0 where the mask is false.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genomark.training.encoding import Inputs

Mask = Tensor | None

#: Codes 0 to 3 have a channel each; 4 stands for what is not told, and has none.
_CHANNELS = 4


def one_hot(inputs: Inputs) -> tuple[Tensor, Mask]:
    """Spread codes over channels.

    Parameters
    ----------
    inputs : dict
        As `OneHot.batch` gives them.

    Returns
    -------
    features : Tensor of float32, shape (n, 4, length)
    mask : Tensor of bool or None
    """
    codes, mask = inputs["codes"], inputs["mask"]
    channels = torch.eye(_CHANNELS + 1, _CHANNELS, device=codes.device)
    return channels[codes].transpose(1, 2), None if bool(mask.all()) else mask


def masked(features: Tensor, mask: Mask) -> Tensor:
    """Set padding to 0."""
    return features if mask is None else features * mask[:, None].to(features.dtype)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation (Ioffe and Szegedy 2015) over the positions that are there."""

    def forward(self, features: Tensor, mask: Mask = None) -> Tensor:
        """Normalise; padding stays 0."""
        if not self.training:
            return masked(super().forward(features), mask)
        # Of one position alone there is no spread: it is normalised as after the training.
        if (features[:, 0].numel() if mask is None else int(mask.sum())) == 1:
            normalised = functional.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
            return masked(normalised, mask)
        if mask is None:
            return super().forward(features)
        there = super().forward(features.transpose(1, 2)[mask])
        spread = features.new_zeros(features.shape[0], features.shape[2], features.shape[1])
        spread[mask] = there.to(spread.dtype)
        return spread.transpose(1, 2)


def max_pooled(features: Tensor, mask: Mask, width: int) -> tuple[Tensor, Mask]:
    """Take the largest of each `width` positions; what is left at the end is a window, too."""
    if mask is None:
        return functional.max_pool1d(features, width, ceil_mode=True), None
    lowest = features.masked_fill(~mask[:, None], -torch.inf)
    shorter = functional.max_pool1d(mask[:, None].float(), width, ceil_mode=True)[:, 0] > 0
    pooled = functional.max_pool1d(lowest, width, ceil_mode=True)
    return pooled.masked_fill(~shorter[:, None], 0.0), shorter


def largest(features: Tensor, mask: Mask) -> Tensor:
    """Take the largest of each channel, float32[n, channels]."""
    if mask is not None:
        features = features.masked_fill(~mask[:, None], -torch.inf)
    return features.amax(dim=2)
