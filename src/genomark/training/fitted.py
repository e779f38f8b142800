"""A network that was trained for a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from genomark.models import Answers
from genomark.training.batches import by_length, pieces
from genomark.training.encoding import Encoder, Inputs
from genomark.training.losses import Objective
from genomark.training.torch_extra import reproducible

#: Sequences that go through a network together, where no more cells come of it than are allowed.
_TOGETHER = 256


class FittedNetwork:
    """Answers a task with a network; a FittedTask.

    Parameters
    ----------
    network : torch.nn.Module
        Called with what `encoder` gives for a batch.
    encoder : Encoder
    objective : Objective
    cells_at_once : int
        As in a Recipe.
    report : dict
        Of the training.
    """

    def __init__(
        self,
        network: nn.Module,
        encoder: Encoder,
        objective: Objective,
        cells_at_once: int,
        report: Mapping[str, Any],
    ) -> None:
        self.network = network
        self._encoder = encoder
        self._objective = objective
        self._cells_at_once = cells_at_once
        self._report = report

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences, padded beside those of a similar length."""
        with reproducible(seed=0):
            encoded = self._encoder.encode(sequences)
            bases = [len(each) for each in sequences]
            outputs = network_outputs(
                self.network, self._encoder, self._objective, encoded, bases, self._cells_at_once
            )
        return self._objective.answers(outputs)

    @property
    def report(self) -> Mapping[str, Any]:
        """Epochs, the best of them, the value it had on the validation part, seconds, settings."""
        return self._report


def network_outputs(
    network: nn.Module,
    encoder: Encoder,
    objective: Objective,
    encoded: Sequence[Any],
    bases: Sequence[int],
    cells_at_once: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[NDArray[np.float32]]:
    """Send encoded sequences through a network, without gradients.

    Parameters
    ----------
    network, encoder, objective, cells_at_once
        As in `FittedNetwork`.
    encoded : sequence
        As `encoder` gives them.
    bases : sequence of int
        Length of each sequence: outputs of positions are cut to it.
    progress : callable
        Takes how many sequences are done.

    Returns
    -------
    list of ndarray of float32
        Of each sequence, shape ([length, [length,]] n_outputs).
    """
    lengths = [encoder.length(each) for each in encoded]
    device = next(network.parameters()).device
    order = by_length(lengths)
    found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(encoded)
    was_training = network.training
    network.eval()
    done = 0
    with torch.inference_mode():
        for start in range(0, len(order), _TOGETHER):
            near = order[start : start + _TOGETHER]
            for rows in pieces(near, lengths, cells_at_once, squared=objective.of_pairs):
                inputs = encoder.batch([encoded[row] for row in rows])
                outputs = compute(network, inputs, device).cpu().numpy()
                for row, output in zip(rows, outputs, strict=True):
                    sides = 2 if objective.of_pairs else int(objective.of_positions)
                    found[row] = output[(slice(bases[row]),) * sides]
                done += len(rows)
                progress(done)
    network.train(was_training)
    return found


def compute(network: nn.Module, inputs: Inputs, device: torch.device) -> torch.Tensor:
    """Call a network, in bfloat16 where that is quicker and stable: on CUDA."""
    there = {name: tensor.to(device) for name, tensor in inputs.items()}
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        outputs: torch.Tensor = network(there)
    return outputs.float()
