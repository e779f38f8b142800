"""L-BFGS for many strictly convex problems at once, each with its own history and step.

Problems share every pass over the rows and nothing else. A step is judged by the slope at its end
alone, which suffices where functions are convex: no value of the loss is ever computed.
`docs/design/probes.md` explains; Nocedal (1980), Liu and Nocedal (1989).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.probes import kernels

Double = NDArray[np.float64]
Single = NDArray[np.float32]
Columns = NDArray[np.int64]

#: ``gradient(weights, columns)``, float64 in and out, whatever precision it works in.
Gradient = Callable[[Double, Columns], Double]
#: ``exact(weights)``: the gradient in float64, and that of the quadratic that touches there.
Exact = Callable[[Double], tuple[Double, Gradient]]
#: ``precondition(vectors, columns)``: an approximate inverse Hessian.
Precondition = Callable[[Single, Columns], Single]

_HISTORY = 10
#: A step beyond the minimum is shortened where the slope has turned by more than this share.
_OVERSHOOT = 0.9
_SHORTENINGS = 12
#: Passes without the decrement halving, after which float32 has given what it can.
_PATIENCE = 25
#: Newton steps in float64 at the end; one is enough but where float32 ended far off.
_NEWTON_STEPS = 4


@dataclass(frozen=True)
class Solution:
    """Where the columns ended.

    Attributes
    ----------
    weights : ndarray of float64, shape (k, width)
    decrement : ndarray of float64, shape (k,)
        ``g' P g`` with the gradient `g` in float64 and the approximate inverse Hessian `P`: twice
        the loss that is left, about.
    gradient : ndarray of float64, shape (k,)
        Largest component of the gradient.
    passes : int
        Passes over the rows.
    """

    weights: Double
    decrement: Double
    gradient: Double
    passes: int


class Descent:
    """Columns on their way down.

    Parameters
    ----------
    start : ndarray of float64, shape (k, width)
    precondition : callable
    """

    def __init__(self, start: Double, precondition: Precondition) -> None:
        k, width = start.shape
        self.weights = start.copy()
        self.passes = 0
        self._precondition = precondition
        self._steps = np.zeros((_HISTORY, k, width), np.float32)
        self._changes = np.zeros((_HISTORY, k, width), np.float32)
        self._rho = np.zeros((_HISTORY, k), np.float32)
        self._alpha = np.zeros((_HISTORY, k), np.float32)
        self._taken = np.zeros(k, np.int64)
        self._length = np.ones(k, np.float32)

    def run(self, gradient: Gradient, tolerance: Double, limit: int) -> None:
        """Descend until each column's decrement is below its tolerance, or stalls.

        Parameters
        ----------
        gradient : callable
        tolerance : ndarray of float64, shape (k,)
        limit : int
            Iterations at most.
        """
        columns = np.arange(self.weights.shape[0])
        best = np.full(columns.size, np.inf)
        since = np.zeros(columns.size, np.int64)
        here = self._pass(gradient, self.weights, columns)
        change = None
        for _ in range(limit):
            direction, slope = self.direction(here, columns, change)
            better = -slope < 0.5 * best[columns]
            best[columns] = np.where(better, -slope, best[columns])
            since[columns] = np.where(better, 0, since[columns] + 1)
            going = (-slope > tolerance[columns]) & (since[columns] < _PATIENCE)
            if not going.any():
                return
            columns, here = columns[going], here[going]
            there = self._step(gradient, columns, here, direction[going], slope[going])
            change, here = there - here, there

    def direction(
        self, gradient: Double, columns: Columns, change: Double | None = None
    ) -> tuple[Double, Double]:
        """Give the way down and its slope: ``-g' H g`` with the inverse Hessian as known so far.

        `change` is how the gradient changed in the last step, if there was one: what it says of
        the length of steps is worked out here, since the preconditioner is then read once.
        """
        q = gradient.astype(np.float32)
        history = (self._steps, self._changes, self._rho, self._alpha, columns, self._taken)
        kernels.newest_first(q, *history)
        if change is None:
            q = self._precondition(q, columns)
        else:
            both = np.vstack([q, change.astype(np.float32)])
            q, stretched = np.split(self._precondition(both, np.tile(columns, 2)), 2)
            self._measure(columns, change, stretched)
        q *= self._length[columns, None]
        kernels.oldest_first(q, *history)
        direction = -q.astype(np.float64)
        return direction, np.einsum("kd,kd->k", gradient, direction)

    def _measure(self, columns: Columns, change: Double, stretched: Single) -> None:
        """Set the length of steps from the last one: ``s'y / y'Py``."""
        newest = (self._taken[columns] - 1) % _HISTORY
        curvature = 1.0 / self._rho[newest, columns]
        squared = np.einsum("kd,kd->k", change, stretched)
        usable = (self._taken[columns] > 0) & (squared > 0)
        length = curvature[usable] / squared[usable]
        self._length[columns[usable]] = length

    def _pass(self, gradient: Gradient, weights: Double, columns: Columns) -> Double:
        self.passes += 1
        return gradient(weights, columns)

    def _step(
        self,
        gradient: Gradient,
        columns: Columns,
        here: Double,
        direction: Double,
        slope: Double,
    ) -> Double:
        """Go along `direction`, not far beyond the minimum; give the gradient there."""
        length = np.ones(columns.size)
        for _ in range(_SHORTENINGS):
            weights = self.weights[columns] + length[:, None] * direction
            there = self._pass(gradient, weights, columns)
            slope_there = np.einsum("kd,kd->k", there, direction)
            beyond = slope_there > -_OVERSHOOT * slope
            if not beyond.any():
                break
            # Where a line through both slopes crosses 0.
            secant = np.clip(slope / (slope - slope_there), 0.1, 0.8)
            length = np.where(beyond, length * secant, length)
        self._remember(columns, weights - self.weights[columns], there - here)
        self.weights[columns] = weights
        return there

    def _remember(self, columns: Columns, step: Double, change: Double) -> None:
        curvature = np.einsum("kd,kd->k", step, change)
        usable = curvature > 0
        chosen = columns[usable]
        place = self._taken[chosen] % _HISTORY
        self._steps[place, chosen] = step[usable]
        self._changes[place, chosen] = change[usable]
        self._rho[place, chosen] = 1.0 / curvature[usable]
        self._taken[chosen] += 1


def minimise(
    start: Double,
    gradient: Gradient,
    exact: Exact,
    precondition: Precondition,
    scale: Double,
    *,
    rough: float,
    tolerance: float,
    limit: int = 2000,
) -> Solution:
    """Find the minima: in float32 as far as it carries, then Newton steps in float64.

    A Newton step minimises the quadratic that touches the loss where float32 ended: its gradient
    there is summed in float64, and what is added on the way is small, so that float32 will do.

    Parameters
    ----------
    start : ndarray of float64, shape (k, width)
    gradient, exact, precondition : callable
    scale : ndarray of float64, shape (k,)
        What decrements are measured in, such as ``C * n``.
    rough, tolerance : float
        Where float32 and the Newton steps may stop.
    limit : int
        Iterations at most.
    """
    descent = Descent(start, precondition)
    descent.run(gradient, rough * scale, limit)
    every = np.arange(start.shape[0])
    for newton_step in range(_NEWTON_STEPS + 1):
        here, quadratic = exact(descent.weights)
        descent.passes += 1
        _, slope = descent.direction(here, every)
        if newton_step == _NEWTON_STEPS or (-slope <= tolerance * scale).all():
            break
        descent.run(quadratic, 0.5 * tolerance * scale, limit)
    return Solution(descent.weights, -slope, np.abs(here).max(axis=1), descent.passes)
