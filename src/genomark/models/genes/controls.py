"""Controls of gene tasks: vectors that know nothing of the genes.

What a probe makes of them is what the labels and the folds give away by themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

_VERSION = "1"
#: Numbers drawn together: bounds what is held besides the vectors.
_AT_ONCE = 1 << 20


class RandomGenes:
    """Standard normal vectors, fixed by the seed and the name; a GeneEmbedder that knows all names.

    Parameters
    ----------
    dimensions : int
    seed : int
    """

    def __init__(self, dimensions: int = 64, seed: int = 0) -> None:
        if dimensions < 1:
            raise UsageError(f"control:random: dimensions must be at least 1, not {dimensions}")
        self.dimensions = dimensions
        self.seed = seed
        settings = [("dimensions", dimensions, 64), ("seed", seed, 0)]
        self.info = ModelIdentity(
            id="control:random"
            + "".join(f",{key}={value}" for key, value, usual in settings if value != usual),
            version=_VERSION,
            digest=digest_of(["control:random", "genes", _VERSION, dimensions, seed]),
            notes=[f"random vectors of {dimensions:,} dimensions"],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Draw the vectors of `names`: the same for a name in whatever company it comes.

        Returns
        -------
        GeneTable
            float32[n_names, dimensions], each name once, in the order asked.
        """
        unique = list(dict.fromkeys(names))
        vectors = np.empty((len(unique), self.dimensions), dtype=np.float32)
        step = max(1, _AT_ONCE // self.dimensions)
        for first in range(0, len(unique), step):
            keys = _keys(self.seed, kind, unique[first : first + step])
            vectors[first : first + step] = _normal(keys, self.dimensions)
        return GeneTable(unique, vectors, digest_of([self.info.digest, kind, unique]))


class OneHotGenes:
    """A dimension for each name; a GeneEmbedder that knows all names.

    In a task on pairs it tells which entities are seldom or often positive, and no more. Where an
    entity is in one row only, it tells nothing.
    """

    #: Genes of a training part tell nothing of others, unless they are met again in other pairs.
    pairs_only = True
    info = ModelIdentity(
        id="control:onehot",
        version=_VERSION,
        digest=digest_of(["control:onehot", _VERSION]),
        notes=["one dimension a gene"],
    )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give the identity matrix.

        Returns
        -------
        GeneTable
            csr_array of float32, n x n for n names, each once, in the order asked.
        """
        unique = list(dict.fromkeys(names))
        n = len(unique)
        identity = scipy.sparse.csr_array(
            (np.ones(n, dtype=np.float32), np.arange(n), np.arange(n + 1)), shape=(n, n)
        )
        return GeneTable(unique, identity, digest_of([self.info.digest, kind, unique]))


def _keys(seed: int, kind: str, names: Sequence[str]) -> NDArray[np.uint64]:
    digests = [
        hashlib.blake2b(f"{seed}\n{kind}\n{name}".encode(), digest_size=8).digest()
        for name in names
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _normal(keys: NDArray[np.uint64], dimensions: int) -> NDArray[np.float64]:
    """Normal numbers, float64[n_keys, dimensions], from splitmix64 (Steele, Lea and Flood 2014)."""
    step = np.uint64(0x9E3779B97F4A7C15)
    words = keys[:, None] + np.arange(1, dimensions + 1, dtype=np.uint64) * step
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    # In the middle of 2**52 equal steps: neither 0 nor 1, whose normal quantiles are infinite.
    uniform = (words >> np.uint64(12)) * 2.0**-52 + 2.0**-53
    quantiles: NDArray[np.float64] = scipy.special.ndtri(uniform)
    return quantiles
