"""Which models are really apart: paired differences, tie sets and the ranks they give.

Two models are tied unless the interval of their paired difference leaves 0 out. Tied is not
transitive: A may tie with B and B with C while A and C are apart. So a rank is not one number: the
tie sets (largest groups in which all are tied with all) are numbered in order of their best
member, and a model has the ranks of the sets it is in. Two models share a rank if they are tied.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import msgspec
import numpy as np
import polars as pl

from genomark.scoring.directions import better
from genomark.scoring.intervals import percentiles
from genomark.scoring.rank_ties import tie_ranks
from genomark.scoring.score import Headline

#: Relative; two predictions that are linear in each other correlate alike but for rounding.
_ROUNDING = 1e-12


class Comparison(msgspec.Struct, frozen=True):
    """Paired difference of two models.

    Attributes
    ----------
    benchmark, metric : str
        What the models are compared on.
    model_a, model_b : str
        Their ids.
    difference : float
        Of the values on the items that both answered, ``model_a - model_b``.
    interval : tuple of float or None
        Of the difference, from the same draws of both; None where nothing can be drawn.
    n : int
        Items that both answered.
    tied : bool
        Whether the interval contains 0, or there is none.
    superiority : float or None
        Share of the draws in which `model_a` is the better one, equal ones counting half.
    """

    benchmark: str
    metric: str
    model_a: str
    model_b: str
    difference: float
    interval: tuple[float, float] | None
    n: int
    tied: bool
    superiority: float | None = None


class Rank(msgspec.Struct, frozen=True):
    """The ranks of one model.

    Attributes
    ----------
    model : str
        Its id.
    first, last : int
        1 is best. They differ where the model is in several sets of ties.
    """

    model: str
    first: int
    last: int

    def __str__(self) -> str:
        """Write as a table does: "2", or "2-4"."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def compare(
    benchmark: str,
    metric_name: str,
    compared: Mapping[str, pl.Series],
    headline: Callable[[str, pl.Series], Headline],
) -> list[Comparison]:
    """Compare every pair of models by paired cluster bootstrap, on the items both answered.

    Parameters
    ----------
    benchmark, metric_name : str
        Names that the comparisons carry.
    compared : mapping of str to polars.Series of Boolean
        For each model, which items it can be compared on.
    headline : callable
        Gives a model's headline metric on some of the items; that of two models on the same items
        has the same replicates.

    Returns
    -------
    list of Comparison
        Pairs without shared items, or in which either metric is undefined, are left out.
    """
    found = []
    for a, b in itertools.combinations(compared, 2):
        shared = compared[a] & compared[b]
        n = int(shared.sum())
        if n:
            pair = headline(a, shared), headline(b, shared)
            found += compare_headlines(benchmark, metric_name, (a, b), pair, n)
    return found


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
    headlines : tuple of Headline
        On the same `n` items.
    n : int

    Returns
    -------
    list of Comparison
        One, or none where either metric is undefined.
    """
    first, second = headlines
    if first.value is None or second.value is None:
        return []
    interval = percentiles(first.drawn - second.drawn, first.clusters)
    rounding = _ROUNDING * max(abs(first.value), abs(second.value))
    tied = interval is None or (interval[0] <= rounding and interval[1] >= -rounding)
    higher = better(metric_name) == "higher"
    return [
        Comparison(
            benchmark=benchmark,
            metric=metric_name,
            model_a=models[0],
            model_b=models[1],
            difference=first.value - second.value,
            interval=interval,
            n=n,
            tied=tied,
            superiority=None if interval is None else _superiority(first, second, higher=higher),
        )
    ]


def _superiority(first: Headline, second: Headline, *, higher: bool) -> float:
    """Share of replicates in which the first is better; equal ones count half."""
    differences = first.drawn - second.drawn
    defined = np.sign(differences[np.isfinite(differences)])
    return float((1 + (defined if higher else -defined)).mean() / 2)


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
    first, last = tie_ranks(tied)
    return [
        Rank(model=model, first=int(first[place]), last=int(last[place]))
        for place, model in enumerate(order)
    ]
