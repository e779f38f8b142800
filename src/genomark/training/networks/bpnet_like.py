"""Dilated convolutions that add to what came before: the trunk of BPNet.

After Avsec et al. 2021 (Nature Genetics 53, 354): every position keeps its place, and from layer
to layer sees twice as far.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.networks.heads import head
from genomark.training.networks.masked import MaskedBatchNorm, masked, one_hot
from genomark.training.networks.shape import Shape


class BpnetLikeNetwork(nn.Module):
    """A wide convolution, then dilated ones with residual connections.

    Parameters
    ----------
    objective : Objective
    shape : Shape
        Its layers are dilated convolutions of width 3: the last reaches
        ``2**layers`` bases to either side.
    """

    def __init__(self, objective: Objective, shape: Shape) -> None:
        super().__init__()
        channels = shape.channels
        self.first = nn.Conv1d(4, channels, shape.width, padding="same", bias=False)
        self.norm = MaskedBatchNorm(channels)
        self.dilated = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding="same", dilation=2**layer)
            for layer in range(1, shape.layers + 1)
        )
        self.head = head(objective, shape, levels=1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Give the outputs of a batch."""
        features, mask = one_hot(inputs)
        features = masked(functional.relu(self.norm(self.first(features), mask)), mask)
        for convolution in self.dilated:
            features = features + masked(functional.relu(convolution(features)), mask)
        outputs: Tensor = self.head([(features, mask)])
        return outputs
