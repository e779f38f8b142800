"""Which way each metric is better: declared by name, never guessed from it."""

from __future__ import annotations

from typing import Literal

from genomark.errors import UnknownNameError
from genomark.scoring.structure_scores import CROSSING_METRICS, STRUCTURE_METRICS

Better = Literal["higher", "lower"]

_HIGHER = (
    *("pearson", "spearman", "r2", "auroc", "average_precision", "accuracy"),
    *("balanced_accuracy", "f1", "f1_macro", "mcc", "top_length_precision"),
    *STRUCTURE_METRICS,
    *CROSSING_METRICS,
    *("solved", "solved_within_60s"),
    *("precision", "recall", "precision_at_coverage", "null_precision", "null_recall"),
    *("concordance", "stratified_pearson", "insulation_pearson", "top_1", "top_3"),
    *("spearman_x100", "spearman_x100_jittered", "spearman_of_ceiling", "gc_partial_spearman"),
)
_LOWER = (
    *("mse", "rmse", "mcrmse", "mae", "hamming_loss"),
    *("median_seconds", "ensemble_defect", "normalised_distance", "llm_calls_per_term"),
)
_DIRECTIONS: dict[str, Better] = {
    **dict.fromkeys(_HIGHER, "higher"),
    **dict.fromkeys(_LOWER, "lower"),
}


def better(name: str) -> Better:
    """Say whether more or less of a metric is better.

    Parameters
    ----------
    name : str
        As in a Result; ``mean_`` and ``weighted_`` before a name change nothing.

    Raises
    ------
    UnknownNameError
        If the metric is not declared.
    """
    plain = name.removeprefix("mean_").removeprefix("weighted_")
    if plain not in _DIRECTIONS:
        raise UnknownNameError("metric", name, _DIRECTIONS)
    return _DIRECTIONS[plain]
