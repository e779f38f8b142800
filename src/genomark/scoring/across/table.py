"""Scores of many models on many tasks, as everything across tasks takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.errors import UsageError
from genomark.scoring.directions import Better

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class ScoreTable:
    """One score a model and task, where it has one.

    Parameters
    ----------
    values : array_like of float64, shape (m, t)
        A row a model, a column a task; NaN where missing.
    better : sequence of "higher" or "lower"
        For each task, which way its metric is better.
    families : sequence of str, optional
        For each task, the family that it is drawn with: tasks made of the same data are not
        independent witnesses. Each is its own where none are given.

    Attributes
    ----------
    values : ndarray of float64, shape (m, t)
        As given; what is not finite is missing.
    oriented : ndarray of float64, shape (m, t)
        The same with the sign turned where lower is better: more is better throughout.
    signs : ndarray of float64, shape (t,)
        1 where higher is better, -1 where lower is.
    known : ndarray of bool, shape (m, t)
        Where there is a value.
    better : tuple of str
    families : tuple of str or None

    Raises
    ------
    UsageError
        If the shapes do not fit, or a direction is neither "higher" nor "lower".
    """

    def __init__(
        self,
        values: ArrayLike,
        better: Sequence[Better],
        families: Sequence[str] | None = None,
    ) -> None:
        given = np.array(values, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != len(better):
            raise UsageError(
                f"scores of shape {given.shape} with {len(better)} directions: expected "
                "(models, tasks) and a direction a task"
            )
        if families is not None and len(families) != len(better):
            raise UsageError(
                f"{len(families)} families for {len(better)} tasks: expected one a task"
            )
        unknown = next((each for each in better if each not in ("higher", "lower")), None)
        if unknown is not None:
            raise UsageError(f"direction '{unknown}' of a task: expected 'higher' or 'lower'")
        self.known: Flags = np.isfinite(given)
        self.values: Floats = np.where(self.known, given, np.nan)
        self.signs: Floats = np.array([1.0 if each == "higher" else -1.0 for each in better])
        self.oriented: Floats = self.values * self.signs
        self.better = tuple(better)
        self.families = None if families is None else tuple(families)

    @property
    def models(self) -> int:
        """How many models there are."""
        return len(self.values)

    @property
    def shared(self) -> Flags:
        """Tasks on which every model has a value, shape (t,)."""
        shared: Flags = np.all(self.known, axis=0) & bool(self.models)
        return shared

    def over(self, chosen: Flags) -> ScoreTable:
        """Keep some tasks, chosen by a flag each."""
        families = self.families
        return ScoreTable(
            self.values[:, chosen],
            [each for each, taken in zip(self.better, chosen, strict=True) if taken],
            families and [each for each, taken in zip(families, chosen, strict=True) if taken],
        )

    def family_numbers(self, chosen: Flags) -> Integers:
        """Number the families of some tasks from 0 in the order of their names.

        Parameters
        ----------
        chosen : ndarray of bool, shape (t,)

        Returns
        -------
        ndarray of int64, shape (number chosen,)
        """
        if self.families is None:
            return np.arange(int(chosen.sum()))
        names = [name for name, taken in zip(self.families, chosen, strict=True) if taken]
        places = {name: place for place, name in enumerate(sorted(set(names)))}
        return np.array([places[name] for name in names], dtype=np.int64)
