"""What a gene-property task is: entities, and what is to be told of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Kind = Literal["binary", "multi-class", "multi-label", "regression"]


@dataclass(frozen=True)
class GeneTask:
    """A question about genes, or about pairs of a gene and another entity.

    Attributes
    ----------
    name : str
        ``/`` between the parts of a nested name.
    kind : str
        ``binary``, ``multi-class``, ``multi-label`` or ``regression``.
    entities : polars.DataFrame, shape (n, 1 or 2)
        Names as strings, one column an entity; a column whose name begins with ``symb`` holds
        gene symbols, any other names its type (``diseaseId``).
    labels : tuple of str
        What the columns of `targets` are: the positive class of a binary task, the classes of a
        multi-class one, the labels of a multi-label one, the measured value of a regression.
    targets : ndarray of float64, shape (n, n_labels)
        0 or 1, one-hot, or values.
    negative : str or None
        For a binary task, the class that is not the positive one.
    groups : tuple of str or None
        For each row, what folds must not part, such as its gene family or chromosome.
    notes : tuple of str
        What was left out or repaired on the way here, each in one line for people.
    """

    name: str
    kind: Kind
    entities: pl.DataFrame
    labels: tuple[str, ...]
    targets: NDArray[np.float64]
    negative: str | None = None
    groups: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
