"""Vectors of genes: what an embedder of genes answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class GeneTable:
    """Names and their vectors.

    Attributes
    ----------
    names : sequence of str
        Unique.
    vectors : ndarray of float32, shape (n_names, n_dimensions), or csr_array of the same
        Finite; may be memory-mapped, and is never written to.
    digest : str
        Of names and vectors, or of what they were made from.
    reasons : mapping of str to str
        Why a name that was asked for is not in the table, where there is more to say than that
        it is unknown.
    """

    names: Sequence[str]
    vectors: NDArray[np.float32] | scipy.sparse.csr_array
    digest: str
    reasons: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Row of each name, int64[len(names)]; -1 where the table has none."""
        place = self._place
        return np.fromiter((place.get(name, -1) for name in names), np.int64, len(names))
