"""Convolutions and pooling in turns: the network of DeepSTARR in its outline.

After de Almeida et al. 2022 (Nature Genetics 54, 613): a wide first layer finds motifs, narrower
ones how they stand to each other, at half the resolution each. The head looks at all of them.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.networks.heads import Level, head
from genomark.training.networks.masked import (
    MaskedBatchNorm,
    masked,
    max_pooled,
    one_hot,
)
from genomark.training.networks.shape import Shape


class CnnNetwork(nn.Module):
    """Convolutions, each with batch normalisation; pooled for tasks on whole sequences.

    For positions there is no pooling: from layer to layer a convolution is spread twice as wide
    instead, and so sees as much.

    Parameters
    ----------
    objective : Objective
    shape : Shape
        Its layers are convolutions, the first of `shape.width`.
    """

    def __init__(self, objective: Objective, shape: Shape) -> None:
        super().__init__()
        channels = shape.channels
        self.pools = not objective.of_positions
        sizes = [(4, shape.width, 1)]
        sizes += [(channels, 5, 1 if self.pools else 2**layer) for layer in range(1, shape.layers)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, channels, size, padding="same", dilation=spread, bias=False)
            for before, size, spread in sizes
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(channels) for _ in sizes)
        self.head = head(objective, shape, levels=shape.layers)

    def forward(self, inputs: Inputs) -> Tensor:
        """Give the outputs of a batch."""
        features, mask = one_hot(inputs)
        levels: list[Level] = []
        for number, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            changed = functional.relu(masked(norm(convolution(features), mask), mask))
            features = changed if number == 0 or self.pools else features + changed
            levels.append((features, mask))
            if self.pools:
                features, mask = max_pooled(features, mask, 2)
        outputs: Tensor = self.head(levels)
        return outputs
