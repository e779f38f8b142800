"""A training in a process of its own, to be killed: ``python training_process.py WORKSPACE OUT``.

It writes a line after each step, as far apart as a parent needs to tell them from each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import save_file
from training_tasks import planted_task

from genomark.models import Fitting
from genomark.training.encoding import OneHot
from genomark.training.models import Cnn
from genomark.training.recipe import Recipe
from genomark.training.trainer import train

RECIPE = Recipe(epochs=4, batch_size=16, learning_rate=5e-3, averaging=0.5)
MODEL = Cnn(channels=8, layers=2, width=7, places=4, hidden=8, dropout=0.2)


class Spoken(OneHot):
    """Says when a batch is made: in the middle of a step."""

    def batch(self, encoded):  # type: ignore[no-untyped-def]
        sys.stdout.write("batch\n")
        sys.stdout.flush()
        return super().batch(encoded)


def fit(workspace: Path | None, encoder: OneHot, **fitting):  # type: ignore[no-untyped-def]
    return train(
        MODEL._network,
        encoder,
        planted_task(128),
        RECIPE,
        Fitting(seed=5, workspace=workspace, **fitting),
        identity="killed",
        seconds_between_checkpoints=0.0,
    )


if __name__ == "__main__":
    fitted = fit(Path(sys.argv[1]), Spoken(shift=2))
    save_file(fitted.network.state_dict(), sys.argv[2])
