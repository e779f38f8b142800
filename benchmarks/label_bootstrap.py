"""Bootstrap of many labels crossed with genes against a plain loop over scikit-learn.

AUROC and average precision of every label, 1,000 replicates, five folds, one thread, CPU time. The
plain loop draws genes, weighs the rows by them (`sample_weight`) and calls scikit-learn for each
fold and label; it is timed on a few replicates of a few labels and scaled up. The largest
difference is taken over the same replicates, and must stay below 1e-12: otherwise the exit status
is 1.

usage: python benchmarks/label_bootstrap.py
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from genomark.scoring.label_replicates import Draws, ranked_replicates
from genomark.scoring.warm import warm

Floats = NDArray[np.float64]

REPLICATES = 1000
PLAIN_REPLICATES = 3
PLAIN_LABELS = 3
FOLDS = 5
RUNS = 5
TARGET = 50
TOLERANCE = 1e-12

#: Rows, labels, share of positives, genes of pairs (0: every row is a gene).
LOADS = {
    "30 labels": (15_000, 30, 0.20, 0),
    "447 labels": (9_567, 447, 0.08, 0),
    "gene pairs": (290_032, 1, 0.50, 12_472),
}


def made_up(n: int, n_labels: int, share: float, n_genes: int) -> tuple[Floats, ...]:
    random = np.random.default_rng(0)
    truth = (random.random((n, n_labels)) < share).astype(float)
    scores = truth + random.normal(size=(n, n_labels))
    genes = random.integers(0, n_genes, (n, 2)) if n_genes else np.arange(n)
    genes = np.unique(genes, return_inverse=True)[1].reshape(genes.shape)
    return scores, truth, random.integers(0, FOLDS, n), genes


def plain_loop(
    draws: Draws, scores: Floats, truth: Floats, folds: NDArray[np.int64]
) -> tuple[Floats, float]:
    """Both metrics of some labels and replicates, and CPU seconds."""
    labels = min(PLAIN_LABELS, scores.shape[1])
    found = np.empty((2, labels, PLAIN_REPLICATES))
    begun = time.process_time()
    for replicate in range(PLAIN_REPLICATES):
        weights = draws.counts(replicate + 1)[draws.members].prod(axis=1)
        for label in range(labels):
            found[:, label, replicate] = np.mean(
                [
                    [
                        metric(truth[rows, label], scores[rows, label], sample_weight=weights[rows])
                        for metric in (roc_auc_score, average_precision_score)
                    ]
                    for rows in (folds == fold for fold in range(FOLDS))
                ],
                axis=0,
            )
    return found, time.process_time() - begun


def compared(load: str) -> float:
    scores, truth, folds, genes = made_up(*LOADS[load])
    draws = Draws.of(genes, 0, REPLICATES)
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        by_label, _ = ranked_replicates(draws, scores, truth, folds, threads=1)
        times.append(time.process_time() - begun)
    ours = statistics.median(times)
    expected, plain = plain_loop(draws, scores, truth, folds)
    done = expected.shape[1] * PLAIN_REPLICATES
    plain *= scores.shape[1] * REPLICATES / done
    found = by_label[:2, : expected.shape[1], 1 : PLAIN_REPLICATES + 1]
    worst = float(np.abs(found - expected).max())
    met = "" if plain / ours >= TARGET else f"  (below {TARGET}x)"
    print(
        f"{load:<12}{len(scores):>9,} x {scores.shape[1]:<4}{ours:9.2f}{plain:12.0f}"
        f"{plain / ours:9.0f}x{worst:13.1e}{met}"
    )
    return worst


def main() -> int:
    warm()
    print(f"{REPLICATES:,} replicates, CPU seconds, one thread")
    print(f"{'':<28}{'ours':>9}{'plain loop':>12}{'ratio':>10}{'largest |d|':>13}")
    worst = max(compared(load) for load in LOADS)
    if not worst <= TOLERANCE:
        print(f"FAILED: a replicate differs by {worst:.1e}, more than {TOLERANCE:.0e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
