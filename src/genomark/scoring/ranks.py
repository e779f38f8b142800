"""Which models are really apart: paired differences, tie sets and the ranks they give.

Two models are tied unless the interval of their paired difference leaves 0 out. Tied is not
transitive: A may tie with B and B with C while A and C are apart. So a rank is not one number: the
tie sets (largest groups in which all are tied with all) are numbered in order of their best
member, and a model has the ranks of the sets it is in. Two models share a rank if they are tied.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl

from genomark.scoring.directions import better
from genomark.scoring.score import (
    REPLICATES,
    Headline,
    ScoringRule,
    headline_replicates,
    percentile_interval,
)

#: Relative; two predictions that are linear in each other correlate alike but for rounding.
_ROUNDING = 1e-12


class Comparison(msgspec.Struct, frozen=True):
    """Paired difference of two models on the items both answered, ``model_a - model_b``."""

    benchmark: str
    metric: str
    model_a: str
    model_b: str
    difference: float
    interval: tuple[float, float] | None
    n: int
    tied: bool


class Rank(msgspec.Struct, frozen=True):
    """The ranks of one model: 1 is best; `first` and `last` differ where tie sets overlap."""

    model: str
    first: int
    last: int

    def __str__(self) -> str:
        """Write as a table does: "2", or "2-4"."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def compare(
    benchmark: str,
    items: Mapping[str, pl.DataFrame],
    rule: ScoringRule,
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> list[Comparison]:
    """Compare every pair of models by paired cluster bootstrap.

    Parameters
    ----------
    benchmark : str
        Name that the comparisons carry.
    items : mapping of str to polars.DataFrame
        For each model, scored items as `score` takes them, all in the same order.
    rule : ScoringRule
    seed, replicates : int
        Of the bootstrap; the same for all, which is what pairs the replicates.

    Returns
    -------
    list of Comparison
        Pairs in which either metric is undefined are left out.
    """
    alone = {
        model: headline_replicates(frame, rule, seed=seed, replicates=replicates)
        for model, frame in items.items()
    }
    comparisons = []
    for a, b in itertools.combinations(items, 2):
        shared = items[a]["value"].is_not_null() & items[b]["value"].is_not_null()
        if shared.all():
            first, second = alone[a], alone[b]
        else:
            first, second = (
                headline_replicates(items[m].filter(shared), rule, seed=seed, replicates=replicates)
                for m in (a, b)
            )
        comparisons += compare_headlines(
            benchmark, rule.headline, (a, b), (first, second), int(shared.sum())
        )
    return comparisons


def compare_headlines(
    benchmark: str,
    metric_name: str,
    models: tuple[str, str],
    headlines: tuple[Headline, Headline],
    n: int,
) -> list[Comparison]:
    """Compare two models by their headline metric and its paired replicates.

    Parameters
    ----------
    benchmark, metric_name : str
        Names that the comparison carries.
    models : tuple of str
    headlines : tuple of (value, replicates)
        On the same `n` items; ``None`` where a metric is undefined.
    n : int

    Returns
    -------
    list of Comparison
        One, or none where either metric is undefined.
    """
    (first, first_drawn), (second, second_drawn) = headlines
    if first is None or second is None:
        return []
    interval = percentile_interval(first_drawn - second_drawn)
    rounding = _ROUNDING * max(abs(first), abs(second))
    tied = interval is None or (interval[0] <= rounding and interval[1] >= -rounding)
    return [
        Comparison(
            benchmark=benchmark,
            metric=metric_name,
            model_a=models[0],
            model_b=models[1],
            difference=first - second,
            interval=interval,
            n=n,
            tied=tied,
        )
    ]


def rank(
    values: Mapping[str, float], comparisons: list[Comparison], metric_name: str
) -> list[Rank]:
    """Rank models by tie sets.

    Parameters
    ----------
    values : mapping of str to float
        The headline metric of each model that has one.
    comparisons : list of Comparison
        Pairs that are not among them are tied: nothing shows that they are apart.
    metric_name : str
        Name of the headline row; says whether higher is better.

    Returns
    -------
    list of Rank
        Best first.
    """
    higher = better(metric_name) == "higher"
    order = sorted(values, key=lambda model: (-values[model] if higher else values[model], model))
    position = {model: index for index, model in enumerate(order)}
    tied = np.ones((len(order), len(order)), dtype=bool)
    for pair in comparisons:
        if not pair.tied and pair.model_a in position and pair.model_b in position:
            a, b = position[pair.model_a], position[pair.model_b]
            tied[a, b] = tied[b, a] = False
    sets = _maximal_tie_sets(tied)
    ranks = []
    for index, model in enumerate(order):
        best = [min(members) + 1 for members in sets if index in members]
        ranks.append(Rank(model=model, first=min(best), last=max(best)))
    return ranks


def _maximal_tie_sets(tied: np.ndarray) -> list[frozenset[int]]:
    """Find the largest sets in which all are tied with all (insert and absorb, Piepho 2004)."""
    n = tied.shape[0]
    sets = [frozenset(range(n))]
    for a, b in itertools.combinations(range(n), 2):
        if tied[a, b]:
            continue
        split = [part for each in sets for part in _without_pair(each, a, b)]
        sets = [each for each in set(split) if not any(each < other for other in split)]
    return sorted(sets, key=sorted)


def _without_pair(members: frozenset[int], a: int, b: int) -> list[frozenset[int]]:
    return [members - {a}, members - {b}] if a in members and b in members else [members]
