"""The Ladder: what a board tells of repeated submissions, so that its test set keeps its worth.

Blum and Hardt (2015), "The Ladder: a reliable leaderboard for machine learning competitions". A
board that answers each submission with its score can be climbed by keeping whatever scores better
by chance. The Ladder tells a new figure only where a submission beats the last released one by
more than a step, and rounds it to that step; else it repeats what it said. Here the submission must
also be better beyond the noise of the test set: the interval of the paired difference lies above 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.scoring.score import percentile_interval


@dataclass(frozen=True)
class Rung:
    """Where a model stands.

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
    """Where every model begins: at what a constant prediction is worth."""
    return Rung(0.0, np.zeros(replicates))


def climb(value: float | None, drawn: NDArray[np.float64], last: Rung, step: float) -> Rung | None:
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

    Returns
    -------
    Rung or None
        Where the model stands from now on; None where it stays.
    """
    if value is None or not value > last.released + step:
        return None
    drawn = np.nan_to_num(drawn, nan=0.0)
    interval = percentile_interval(drawn - last.drawn)
    if interval is None or interval[0] <= 0.0:
        return None
    return Rung(rounded(value, step), drawn)


def rounded(value: float, step: float) -> float:
    """Give the nearest multiple of a step; of two as near, the even one."""
    return _cleaned(round(value / step) * step)


def rounded_outwards(interval: tuple[float, float], step: float) -> tuple[float, float]:
    """Widen an interval to multiples of a step."""
    # A bound that lies on a step but for rounding stays there.
    low, high = interval[0] / step, interval[1] / step
    return _cleaned(math.floor(low + 1e-9) * step), _cleaned(math.ceil(high - 1e-9) * step)


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
