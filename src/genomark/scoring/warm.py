"""Compile every kernel once, so that a first run does not wait.

Set-up calls it (``python -m genomark.scoring.warm``). Without it the kernels compile on first use,
a second or two in all.
"""

from __future__ import annotations

import numpy as np

from genomark.scoring.metrics import METRICS
from genomark.scoring.score import _mean_replicates


def warm() -> None:
    """Run each statistic on a few items."""
    truth = np.array([0.0, 1.0, 0.0, 1.0])
    prediction = np.array([0.1, 0.4, 0.4, 0.9])
    clusters = np.arange(4)
    for each in METRICS.values():
        each.value(prediction, truth)
        each.replicates(prediction, truth, clusters, 2, 0)
    _mean_replicates(prediction, clusters, 2, 0)


if __name__ == "__main__":
    warm()
