"""Intervals over genes, labels and pairs hold the truth about as often as they say.

Data are simulated, so the truth is known; genes have traits that show in all their labels and
pairs. Expected shares are those of 4,000 data sets of other seeds (docs/design/label-scoring.md);
of 400 the standard error is 0.011, and the tolerance three of these.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genomark.scoring.intervals import interval
from genomark.scoring.label_replicates import Draws, label_means, ranked_replicates

DATA_SETS = 400
REPLICATES = 400
SLACK = 0.033
#: Standard deviations of a score: of the gene's part and of the rest.
GENE, REST = 0.6, 0.8
#: Labels differ in how far apart positives and negatives are: mean and standard deviation.
EFFECT, SPREAD = 1.0, 0.5


def crossed(random, n_genes, n_labels):
    """Genes with many labels or few, whose scores are high or low in all labels."""
    many, high = random.normal(size=(2, n_genes, 1))
    truth = 0.7 * many + 0.7 * random.normal(size=(n_genes, n_labels)) > 0.5
    effects = random.normal(EFFECT, SPREAD, n_labels)
    noise = GENE * high + REST * random.normal(size=(n_genes, n_labels))
    return effects * truth + noise, truth.astype(float), effects


def paired(random, n_genes, n_pairs):
    """Pairs of genes of which some are in many true pairs, and some have high scores."""
    genes = random.permutation(np.concatenate([np.arange(n_genes)] * (2 * n_pairs // n_genes)))
    genes = genes.reshape(-1, 2)
    many, high = random.normal(size=(2, n_genes))
    truth = many[genes].sum(axis=1) + random.normal(size=len(genes)) > 0.5
    noise = GENE * high[genes].sum(axis=1) / np.sqrt(2) + REST * random.normal(size=len(genes))
    return (EFFECT * truth + noise)[:, np.newaxis], truth.astype(float)[:, np.newaxis], genes


def auroc_of(effect, spread=0.0):
    """Of two normals `effect` apart, averaged over a normal spread of effects."""
    return stats.norm.cdf(effect / np.sqrt(2 * (GENE**2 + REST**2) + spread**2))


def covers(columns, truth, clusters):
    """Whether the interval of a mean of AUROCs, a value and its replicates, holds the truth."""
    rests_on, items = clusters.max() + 1, len(clusters)
    low, high = interval("mean_auroc", columns[0], columns[1:], rests_on, items=items)
    return low <= truth <= high


def aurocs(scores, truth, genes, seed):
    folds = np.arange(len(scores)) % 3
    by_label, _ = ranked_replicates(
        Draws.of(genes, seed, REPLICATES), scores, truth, folds, threads=1
    )
    return by_label[0]


def shares_of_labels(n_genes, n_labels, seeds):
    """How often are covered: the first label by genes; all labels, by genes and labels, by genes
    alone; and the mean of just these labels, by genes and labels, by genes alone."""
    covered = []
    for seed in seeds:
        scores, truth, effects = crossed(np.random.default_rng(seed), n_genes, n_labels)
        drawn = np.arange(n_genes)
        found = aurocs(scores, truth, drawn, seed)
        both, genes = label_means(found, seed), found.mean(axis=0)
        all_labels, these = auroc_of(EFFECT, SPREAD), auroc_of(effects).mean()
        covered.append(
            [
                covers(found[0], auroc_of(effects[0]), drawn),
                *(
                    covers(columns, value, drawn)
                    for value in (all_labels, these)
                    for columns in (both, genes)
                ),
            ]
        )
    return np.mean(covered, axis=0)


def shares_of_pairs(n_genes, n_pairs, seeds):
    """How often the AUROC of pairs is covered: by genes, and by pairs as if independent."""
    covered = []
    for seed in seeds:
        scores, truth, genes = paired(np.random.default_rng(seed), n_genes, n_pairs)
        covered.append(
            [
                covers(aurocs(scores, truth, clusters, seed)[0], auroc_of(EFFECT), clusters)
                for clusters in (genes, np.arange(len(genes)))
            ]
        )
    return np.mean(covered, axis=0)


def test_genes_and_labels_are_both_drawn_because_both_could_have_been_others():
    single, both, genes_alone, too_wide, these = shares_of_labels(150, 10, range(DATA_SETS))
    assert single == pytest.approx(0.942, abs=SLACK)
    assert both == pytest.approx(0.936, abs=SLACK)
    # Genes alone answer for just these labels, and say too little of labels in general.
    assert these == pytest.approx(0.940, abs=SLACK)
    assert genes_alone == pytest.approx(0.631, abs=0.08)
    assert too_wide > 0.98


def test_pairs_are_not_independent_if_they_share_genes():
    by_genes, by_pairs = shares_of_pairs(60, 1800, range(DATA_SETS))
    assert by_genes == pytest.approx(0.963, abs=SLACK)
    assert by_pairs == pytest.approx(0.600, abs=0.08)
