"""The baselines on measured enhancers, in 18 classes as the large promoter suites have them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from training_tasks import labelled

from genomark.models import Fitting
from genomark.models.composition import gc_content
from genomark.sequences import TaskSplit
from genomark.training.gapped_kmers import Gkm
from genomark.training.neighbours import kmer5_knn
from genomark.training.support_vectors import kmer5_svr

_DATA = "lentimpra_k562_sample"


@pytest.mark.slow
def test_gapped_words_tell_more_than_5_mers_and_those_more_than_composition(real_data):
    tables = {
        part: pl.read_csv(real_data(_DATA, f"sample_{part}.txt"), separator="\t").with_columns(
            element=pl.col("seq_id").str.split("_").list.first()
        )
        for part in ("train", "valid", "test")
    }
    tested = tables["test"]["element"].unique().to_list()
    for part in ("train", "valid"):
        tables[part] = tables[part].filter(~pl.col("element").is_in(tested))
    edges = np.quantile(tables["train"]["mean_value"].to_numpy(), np.arange(1, 18) / 18)
    told = {
        part: labelled(
            "regression",
            ("y",),
            table["seq"].to_list(),
            np.searchsorted(edges, table["mean_value"].to_numpy(), side="right")[:, None] * 1.0,
        )
        for part, table in tables.items()
    }
    split = TaskSplit("enhancers", told["train"], told["valid"], "spearman")
    sequences, truth = told["test"].sequences, told["test"].targets[:, 0]

    def of(model):
        answers = model.fit_task(split, Fitting()).answers(sequences)
        return spearmanr(answers[:, 0], truth).statistic

    gapped, vectors, near = of(Gkm()), of(kmer5_svr()), of(kmer5_knn())
    composition = spearmanr(gc_content(list(sequences)), truth).statistic
    assert gapped > vectors + 0.03
    assert vectors > near + 0.03
    assert near > composition + 0.1
