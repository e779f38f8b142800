"""What set-up compiles is what a board calls: nothing is compiled for other sizes of it."""

from __future__ import annotations

import numpy as np

from genomark.scoring import pair_kernels, rank_intervals, rank_ties
from genomark.scoring.across import ScoreTable, drawn_tasks, groups, mean_ranks, pairwise_ranks
from genomark.scoring.across.warm import warm_board
from genomark.scoring.pair_matrix import pair_matrix, tie_matrix

KERNELS = (
    pair_kernels.compare_pairs,
    pair_kernels.decide_ties,
    rank_ties._last_places,
    rank_intervals._count_ahead,
    drawn_tasks._draw_all,
    drawn_tasks._drawn_means,
)


def test_a_board_finds_its_kernels_compiled():
    warm_board()
    compiled = [len(kernel.signatures) for kernel in KERNELS]
    random = np.random.default_rng(0)
    drawn = random.normal(size=(70, 40))
    drawn[0, 3] = np.nan
    pair_matrix(drawn[:, 0].tolist(), drawn.T.copy().T, better="lower", clusters=3)
    tied = tie_matrix(drawn[:, 0], drawn[:, ::2], clusters=3, levels=(0.1, 0.9))
    rank_ties.tie_ranks(tied[::-1, ::-1])
    rank_intervals.rank_intervals(drawn, better="lower")
    table = ScoreTable(drawn[1:], ["lower"] * 40, [str(n // 3) for n in range(40)])
    groups(table)
    mean_ranks(table, seed=2**63, replicates=20)
    pairwise_ranks(table, seed=1, replicates=20)
    assert [len(kernel.signatures) for kernel in KERNELS] == compiled
