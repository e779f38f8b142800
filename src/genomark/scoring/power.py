"""How small a difference between two models a benchmark can show."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from genomark.errors import UsageError


class Power(NamedTuple):
    """The smallest difference that a benchmark would show, most of the time.

    Attributes
    ----------
    smallest_difference : float
        In the unit of the metric, the median over pairs of models; NaN without any pair.
    pairs : int
        Over how many.
    alpha, power : float
        Of a two-sided test of one pair, and how often it would find a difference of that size.
    """

    smallest_difference: float
    pairs: int
    alpha: float
    power: float


def smallest_differences(
    standard_errors: ArrayLike,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    clusters: float = math.inf,
) -> NDArray[np.float64]:
    """Give the difference that two-sided tests of pairs would find with a given probability.

    ``(z(1 - alpha / 2) + z(power)) * standard error`` (Miller 2024, arXiv 2411.00640):
    2.80 standard errors at the usual 0.05 and 0.8. With few clusters the first is
    ``t sqrt(m / (m - 1))`` instead, as in `genomark.scoring.intervals.percentile_levels`.

    Parameters
    ----------
    standard_errors : array_like of float64
        Of paired differences, as `PairMatrix.standard_error`; NaN where there is none.
    alpha, power : float
        Between 0 and 1; `power` is above `alpha`.
    clusters : float
        More than 1.

    Raises
    ------
    UsageError
        If they are not.
    """
    if not 0 < alpha < power < 1:
        raise UsageError(
            f"alpha {alpha} and power {power}: expected 0 < alpha < power < 1, such as 0.05 and 0.8"
        )
    if not clusters > 1:
        raise UsageError(f"{clusters} clusters: expected more than one, as one has no spread")
    errors = np.asarray(standard_errors, dtype=np.float64)
    reach = scipy.special.ndtri(1 - alpha / 2)
    if math.isfinite(clusters):
        reach = scipy.special.stdtrit(clusters - 1, 1 - alpha / 2) * math.sqrt(
            clusters / (clusters - 1)
        )
    found: NDArray[np.float64] = (reach + scipy.special.ndtri(power)) * errors
    return found


def power_of(
    standard_error: ArrayLike,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    clusters: float = math.inf,
) -> Power:
    """Tell the median of the smallest differences of all pairs of models on a benchmark.

    Parameters
    ----------
    standard_error : array_like of float64, shape (m, m)
        Symmetric, as `PairMatrix.standard_error`.
    alpha, power, clusters : float
        As in `smallest_differences`, which says what is raised.
    """
    matrix = np.asarray(standard_error, dtype=np.float64)
    errors = matrix[np.triu_indices(len(matrix), 1)]
    found = smallest_differences(errors, alpha=alpha, power=power, clusters=clusters)
    known = found[np.isfinite(found)]
    median = float(np.median(known)) if known.size else float("nan")
    return Power(median, int(known.size), alpha, power)
