"""What several benchmarks of a suite say together: mean ranks, wins, and who is apart from whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.benchmarks import SUITES
from genomark.errors import UnknownNameError
from genomark.results.collection import headlines
from genomark.results.critical_difference import critical_difference
from genomark.results.run_record import Question
from genomark.scoring import better
from genomark.scoring.across import (
    Groups,
    PairwiseRanks,
    ScoreTable,
    WinRates,
    groups,
    pairwise_ranks,
    win_rates,
)
from genomark.scoring.intervals import percentile_levels
from genomark.scoring.pair_matrix import LEVELS

#: Of telling apart any two models that are equal, over all pairs.
ALPHA = 0.05
#: Begins the ids of models that are there to compare with.
CONTROL = "control:"
#: Of the draws of families of tasks.
_SEED = 0


@dataclass(frozen=True)
class Across:
    """Models over the benchmarks of a suite.

    Attributes
    ----------
    suite : str
    models : list of str
        All that were put to one of the benchmarks here and are no controls, in the order of their
        mean ranks.
    ranks : PairwiseRanks
        Expected ranks from the benchmarks that pairs share.
    wins : WinRates
    groups : Groups
        Over the benchmarks that all models have a value on.
    tasks : ndarray of int64
        Benchmarks of each model. All arrays are in the order of `models`.
    benchmarks : int
    left_out : list of str
        Controls, and models whose scores were published.
    """

    suite: str
    models: list[str]
    ranks: PairwiseRanks
    wins: WinRates
    groups: Groups
    tasks: NDArray[np.int64]
    benchmarks: int
    left_out: list[str]

    def win_rate(self, model: int) -> float | None:
        """Share of pairs (another model, a benchmark of both) that it wins, equal ones half."""
        tasks = self.wins.tasks[model].sum()
        won, lost = self.wins.wins[model].sum(), self.wins.losses[model].sum()
        return float((won + (tasks - won - lost) / 2) / tasks) if tasks else None

    def drawn(self) -> str:
        """Draw the critical-difference diagram, an ``<svg>`` element."""
        return critical_difference(self.models, self.groups, alpha=ALPHA)


def score_table(questions: Sequence[Question], models: Sequence[str]) -> ScoreTable:
    """Lay out the first metric of each question; those of no known direction are left out.

    Parameters
    ----------
    questions : sequence of Question
    models : sequence of str
        Rows.
    """
    columns, directions, families = [], [], []
    for question in questions:
        metric = headlines(question.results[0])[0]
        try:
            directions.append(better(metric))
        except UnknownNameError:
            continue
        values = [
            question.kept[model].result.metric(metric).value if model in question.kept else None
            for model in models
        ]
        columns.append([np.nan if value is None else value for value in values])
        families.append(plain(question.asked.benchmark.id).partition(".")[0])
    return ScoreTable(np.array(columns).T.reshape(len(models), -1), directions, families)


def across_suites(questions: Sequence[Question]) -> list[Across]:
    """Look at each suite of which two or more benchmarks were put to two or more models.

    Benchmarks that were asked in several ways (versions, limits, seeds) are left out: their values
    are no independent witnesses. So are controls, which are no rivals and only add pairs to adjust
    for, and figures that others published, which nobody computed here.
    """
    ids = [question.asked.benchmark.id for question in questions]
    single = [each for each in questions if ids.count(each.asked.benchmark.id) == 1]
    found = []
    for suite, names in SUITES.items():
        members = [each for each in single if plain(each.asked.benchmark.id) in names]
        ranked = [each for each in map(_ranked, members) if each.kept]
        models = list(dict.fromkeys(model for each in ranked for model in each.kept))
        if len(ranked) > 1 and len(models) > 1:
            found.append(_across(suite, ranked, models, _left_out(members, ranked)))
    return found


def plain(benchmark: str) -> str:
    """Leave out what is set of a benchmark: ``gue/emp.h3:fits=3`` is ``gue/emp.h3``."""
    return benchmark.partition(":")[0]


def _ranked(question: Question) -> Question:
    kept = {
        model: each
        for model, each in question.kept.items()
        if not model.startswith(CONTROL) and "source" not in each.result.settings
    }
    return Question(question.asked, kept)


def _left_out(members: Sequence[Question], ranked: Sequence[Question]) -> list[str]:
    kept = {(each.asked, model) for each in ranked for model in each.kept}
    return list(
        dict.fromkeys(
            model for each in members for model in each.kept if (each.asked, model) not in kept
        )
    )


def _across(
    suite: str, questions: Sequence[Question], models: Sequence[str], left_out: list[str]
) -> Across:
    first = pairwise_ranks(score_table(questions, models), seed=_SEED)
    levels = percentile_levels(first.families) if first.families > 1 else LEVELS
    ordered = [models[row] for row in np.argsort(first.mean, kind="stable")]
    table = score_table(questions, ordered)
    return Across(
        suite=suite,
        models=ordered,
        ranks=pairwise_ranks(table, seed=_SEED, levels=levels),
        wins=win_rates(table),
        groups=groups(table, alpha=ALPHA),
        tasks=table.known.sum(axis=1),
        benchmarks=len(questions),
        left_out=left_out,
    )
