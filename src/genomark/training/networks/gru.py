"""A recurrent network that reads motifs from both ends."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.networks.heads import head
from genomark.training.networks.masked import (
    Mask,
    MaskedBatchNorm,
    masked,
    max_pooled,
    one_hot,
)
from genomark.training.networks.shape import Shape

#: Bases that a step of the recurrence takes, in tasks on whole sequences.
_BASES_A_STEP = 4


class GruNetwork(nn.Module):
    """A convolution for motifs and a bidirectional GRU (Cho et al. 2014) over them.

    Parameters
    ----------
    objective : Objective
    shape : Shape
        Its layers are those of the GRU, which has half of the channels in either direction; they
        are even in number.
    """

    def __init__(self, objective: Objective, shape: Shape) -> None:
        super().__init__()
        channels = shape.channels
        self.pools = not objective.of_positions
        self.convolution = nn.Conv1d(4, channels, shape.width, padding="same", bias=False)
        self.norm = MaskedBatchNorm(channels)
        self.gru = nn.GRU(
            channels,
            channels // 2,
            num_layers=shape.layers,
            batch_first=True,
            bidirectional=True,
            dropout=shape.dropout if shape.layers > 1 else 0.0,
        )
        self.head = head(objective, shape, levels=1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Give the outputs of a batch."""
        features, mask = one_hot(inputs)
        features = masked(functional.relu(self.norm(self.convolution(features), mask)), mask)
        if self.pools:
            features, mask = max_pooled(features, mask, _BASES_A_STEP)
        outputs: Tensor = self.head([(features + self._read(features, mask), mask)])
        return outputs

    def _read(self, features: Tensor, mask: Mask) -> Tensor:
        """Read from both ends; padding is not read."""
        steps = features.transpose(1, 2)
        if mask is None:
            return self.gru(steps)[0].transpose(1, 2)  # type: ignore[no-any-return]
        lengths = mask.sum(dim=1).cpu()
        packed = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=steps.shape[1]
        )
        return read.transpose(1, 2)
