"""`cnn` on measured promoters: better than what it is compared with."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import spearmanr
from training_tasks import labelled

from genomark.models import Fitting
from genomark.sequences import LabelledSequences, TaskSplit
from genomark.training.models import Cnn

#: Of a ridge on counts of 5-mers, fitted on all 8,000 training sequences (scikit-learn).
RIDGE_ON_WORDS = 0.670


def promoters(path) -> LabelledSequences:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    values = np.array([[float(row["label"])] for row in rows])
    return labelled("regression", ("strength",), [row["sequence"] for row in rows], values)


@pytest.mark.slow
def test_promoters_are_told_better_than_by_counting_words(real_data):
    train = promoters(real_data("pgb", "promoter_strength/leaf/train.json"))
    rows = np.random.default_rng(0).permutation(len(train))
    split = TaskSplit("promoters", train.take(rows[800:]), train.take(rows[:800]), "spearman")
    fitted = Cnn(epochs=6).fit_task(split, Fitting())
    test = promoters(real_data("pgb", "promoter_strength/leaf/test.json"))
    answers = np.asarray(fitted.answers(test.sequences))[:, 0]
    assert spearmanr(test.targets[:, 0], answers)[0] > RIDGE_ON_WORDS + 0.02
