"""Metrics fold by fold, as scikit-learn's scorers and so gene-benchmark's reports give them.

They are told without intervals, beside `score_labels`, so that reports can be laid side by side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genomark.scoring.label_replicates import Draws, ranked_replicates
from genomark.scoring.labels import LabelAnswers

Floats = NDArray[np.float64]

#: What `fold_values` gives, by kind of answers, in gene-benchmark's order.
FOLD_METRICS = {
    "binary": ("roc_auc", "accuracy", "precision", "recall", "f1"),
    "multi-class": (
        "roc_auc_ovr_weighted",
        "accuracy",
        "precision_weighted",
        "recall_weighted",
        "f1_weighted",
    ),
    "multi-label": (
        "roc_auc_macro",
        "balanced_accuracy_weighted",
        "hamming_loss",
        "accuracy",
        "precision_weighted",
        "recall_weighted",
        "f1_weighted",
    ),
    "regression": ("r2", "rmse", "mae"),
}


def fold_values(answers: LabelAnswers) -> dict[str, Floats]:
    """Compute each metric of each test fold.

    Names and definitions are scikit-learn's; a ratio with nothing below the line is 0, its
    default. Two differ in name: ``roc_auc_macro`` of a multi-label task is the mean AUROC over
    labels, from decision values, and ``balanced_accuracy_weighted`` is what gene-benchmark calls
    ``roc_auc_weighted``, the AUROC of hard labels, which is the balanced accuracy, weighted by
    positives. Labels of which a fold holds one class are left out of both; scikit-learn has no
    value there.

    Parameters
    ----------
    answers : LabelAnswers

    Returns
    -------
    dict of str to ndarray of float64, shape (n_folds,)
        `FOLD_METRICS` in order; NaN where a fold has no rows or leaves a metric undefined.
    """
    n_folds = int(answers.folds.max()) + 1 if answers.folds.size else 0
    names = FOLD_METRICS[answers.kind]
    values = np.full((len(names), n_folds), np.nan)
    for fold in range(n_folds):
        rows = answers.folds == fold
        if rows.any():
            values[:, fold] = _one_fold(answers, answers.scores[rows], answers.truth[rows])
    return dict(zip(names, values, strict=True))


def _one_fold(answers: LabelAnswers, scores: Floats, truth: Floats) -> list[float]:
    if answers.kind == "regression":
        return _of_values(scores[:, 0].astype(np.float64), truth[:, 0])
    true = truth > 0.5
    one_gene, one_fold = np.zeros((2, len(truth)), dtype=np.int64)
    by_label, weighted = ranked_replicates(
        Draws.of(one_gene, seed=0, replicates=0), scores, truth, one_fold, threads=1
    )
    auroc = by_label[0, :, 0]
    if answers.kind == "binary":
        said = scores > 0
        return [auroc[0], (said == true).mean(), *_of_hard_labels(true, said)]
    if answers.kind == "multi-class":
        said = np.arange(len(answers.labels)) == scores.argmax(axis=1)[:, np.newaxis]
        right = (said & true).any(axis=1).mean()
        return [weighted[0, 0], right, *_of_hard_labels(true, said)]
    said = scores > 0
    defined = auroc[~np.isnan(auroc)]
    return [
        defined.mean() if defined.size else np.nan,
        weighted[1, 0],
        (said != true).mean(),
        (said == true).all(axis=1).mean(),
        *_of_hard_labels(true, said),
    ]


def _of_hard_labels(true: NDArray[np.bool_], said: NDArray[np.bool_]) -> list[float]:
    """Precision, recall and F1: means over labels, weighted by positives."""
    right, are_so, are_said = (each.sum(axis=0) for each in (true & said, true, said))
    ratios = ((right, are_said), (right, are_so), (2 * right, are_so + are_said))
    weights = are_so / max(are_so.sum(), 1)
    return [float((weights * (above / np.maximum(below, 1))).sum()) for above, below in ratios]


def _of_values(prediction: Floats, truth: Floats) -> list[float]:
    """Coefficient of determination, root mean squared error, mean absolute error."""
    error, spread = ((truth - prediction) ** 2).sum(), ((truth - truth.mean()) ** 2).sum()
    if truth.size < 2:
        r2 = np.nan
    elif spread == 0:
        # As scikit-learn has it: perfect, or as good as the mean.
        r2 = float(error == 0)
    else:
        r2 = 1 - error / spread
    return [r2, (error / truth.size) ** 0.5, np.abs(truth - prediction).mean()]
