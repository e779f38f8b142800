"""Many models on many tasks: mean ranks, wins, tests of pairs, scores between controls."""

from genomark.scoring.across.drawn_tasks import Means
from genomark.scoring.across.groups import Groups, groups, holm
from genomark.scoring.across.mean_ranks import PairwiseRanks, mean_ranks, pairwise_ranks
from genomark.scoring.across.scaled import ScaledScores, mean_scaled, scaled_scores
from genomark.scoring.across.signed_ranks import SignedRanks, signed_ranks
from genomark.scoring.across.table import ScoreTable
from genomark.scoring.across.wins import Borda, WinRates, borda, win_rates

__all__ = [
    "Borda",
    "Groups",
    "Means",
    "PairwiseRanks",
    "ScaledScores",
    "ScoreTable",
    "SignedRanks",
    "WinRates",
    "borda",
    "groups",
    "holm",
    "mean_ranks",
    "mean_scaled",
    "pairwise_ranks",
    "scaled_scores",
    "signed_ranks",
    "win_rates",
]
