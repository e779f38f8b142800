"""The Ladder: what a board tells of repeated submissions, so that its test set keeps its worth.

Blum and Hardt (2015), "The Ladder: a reliable leaderboard for machine learning competitions". A
board that answers each submission with its score can be climbed by keeping whatever scores better
by chance. The Ladder tells a new figure only where a submission beats the last released one by
more than a step, and rounds it to that step; else it repeats what it said. Here the submission must
also be better beyond the noise of the test set: the interval of the paired difference lies above 0.

Whoever climbs is a party: a key that the operator vouches for, under all its names; or all others
together. A rung for each name would be none: names cost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.scoring.intervals import percentiles


@dataclass(frozen=True)
class Rung:
    """Where a party stands.

    Attributes
    ----------
    released : float
        The figure that was told.
    drawn : ndarray of float64, shape (replicates,)
        Bootstrap replicates of the submission it is of; those of all submissions are paired.
    """

    released: float
    drawn: NDArray[np.float64]


def ground(replicates: int) -> Rung:
    """Where every party begins: at what a constant prediction is worth."""
    return Rung(0.0, np.zeros(replicates))


def climb(
    value: float | None, drawn: NDArray[np.float64], last: Rung, step: float, clusters: int
) -> Rung | None:
    """Decide whether a submission is released.

    Parameters
    ----------
    value : float or None
        Its score, higher is better; None where undefined.
    drawn : ndarray of float64, shape (replicates,)
        Its replicates, paired with those of `last`. NaN, where a replicate holds nothing but equal
        predictions, counts as 0.
    last : Rung
    step : float
        What figures are rounded to, and the least gain that is released.
    clusters : int
        How many were drawn from.

    Returns
    -------
    Rung or None
        Where the party stands from now on; None where it stays.
    """
    # All of it is computed before anything is decided: the time it takes tells nothing.
    drawn = np.nan_to_num(drawn, nan=0.0)
    interval = percentiles(drawn - last.drawn, clusters)
    better = value is not None and value > last.released + step
    beyond_noise = interval is not None and interval[0] > 0.0
    return Rung(rounded(value or 0.0, step), drawn) if better and beyond_noise else None


def rounded(value: float, step: float) -> float:
    """Give the nearest multiple of a step; of two as near, the even one."""
    return _cleaned(round(value / step) * step)


def default_step(clusters: int) -> float:
    """Give the step for so many clusters: 1, 2 or 5 times a power of ten.

    It is half of ``1 / sqrt(n)``, the standard error of a rank correlation of nothing with nothing,
    or the next that is larger.
    """
    least = 0.5 / math.sqrt(clusters)
    power: float = 10.0 ** math.floor(math.log10(least))
    return _cleaned(next(each * power for each in (1, 2, 5, 10) if each * power >= least))


def _cleaned(value: float) -> float:
    """Write 0.30000000000000004 as 0.3."""
    return round(value, 10) + 0.0
