"""Compile the kernels of a board once, so that the first one does not wait."""

from __future__ import annotations

import numpy as np

from genomark.scoring.across.groups import groups
from genomark.scoring.across.mean_ranks import mean_ranks, pairwise_ranks
from genomark.scoring.across.table import ScoreTable
from genomark.scoring.pair_matrix import pair_matrix
from genomark.scoring.rank_intervals import rank_intervals
from genomark.scoring.rank_ties import tie_ranks


def warm_board() -> None:
    """Run each statistic on two models and three tasks."""
    drawn = np.array([[0.1, 0.4, 0.4], [0.3, 0.2, 0.4]])
    found = pair_matrix(drawn[:, 0], drawn, better="higher", clusters=3)
    tie_ranks(found.tied)
    rank_intervals(drawn, better="higher")
    table = ScoreTable(drawn, ["higher"] * 3)
    groups(table)
    mean_ranks(table, seed=0, replicates=2)
    pairwise_ranks(table, seed=0, replicates=2)
