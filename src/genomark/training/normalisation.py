"""Batch normalisation of the weights that are judged, not of those that were trained."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from genomark.training.encoding import Inputs
from genomark.training.fitted import compute

# torch.nn has no public name for what the three of them share.
_LAYERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def learned_normalisations(network: nn.Module) -> list[nn.Module]:
    """List the batch normalisations of a network that are trained."""
    return [
        layer
        for layer in network.modules()
        if isinstance(layer, _LAYERS)
        and layer.track_running_stats
        and layer.affine
        and layer.weight.requires_grad
    ]


def settle(network: nn.Module, batches: Iterable[Inputs], device: torch.device) -> None:
    """Take means and variances anew.

    While a network trains they follow the weights of the last steps; averaged weights have others
    (Izmailov et al. 2018). Without this the loss of an epoch may be six times that of the one
    before.

    Parameters
    ----------
    network : torch.nn.Module
        Left in the mode for answers.
    batches : iterable of inputs
        Training sequences, augmented as in training.
    device : torch.device
    """
    layers = learned_normalisations(network)
    momenta = [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()  # type: ignore[operator]
        layer.momentum = None  # type: ignore[assignment]
        layer.train()
    with torch.no_grad():
        for inputs in batches:
            compute(network, inputs, device)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
