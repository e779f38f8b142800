"""Compile every kernel once, so that a first run does not wait.

Set-up calls it (``python -m genomark.scoring.warm``). Without it the kernels compile on first use,
a few seconds in all.
"""

from __future__ import annotations

import numpy as np

from genomark.scoring.across.warm import warm_board
from genomark.scoring.labels import Kind, LabelAnswers, score_labels
from genomark.scoring.metrics import METRICS
from genomark.scoring.ordinal import ordinal_replicates
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
    kinds: tuple[Kind, ...] = ("binary", "multi-class", "regression")
    for kind in kinds:
        columns = [1 - truth, truth] if kind == "multi-class" else [truth]
        labels = tuple(str(number) for number in range(len(columns)))
        matrix = np.column_stack(columns)
        answers = LabelAnswers(kind, labels, matrix - 0.5, matrix, 0 * clusters, clusters)
        score_labels(answers, seed=0, replicates=2)
    ordinal_replicates(prediction, truth, clusters, seed=0, replicates=2, gc=prediction)
    warm_board()


if __name__ == "__main__":
    warm()
