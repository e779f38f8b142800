"""Whether two submissions are nearly the same, from a sketch of each.

A sketch holds the ranks of the predictions at places that are drawn from the board's key, so that
nobody can tell which predictions to change. It costs the same for a thousand items and a million.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

#: Places; the standard error of a correlation of 0.995 from so many is 0.0002.
SKETCH_SIZE = 2048
#: Correlation from which two submissions are flagged; below 0 too, as of a copy with another sign.
NEAR_IDENTICAL = 0.995


@dataclass(frozen=True)
class Sketch:
    """What is kept of a submission to compare it with others.

    Attributes
    ----------
    digest : str
        SHA-256 of the predictions, in the order of the items.
    ranks : ndarray of float32, shape (SKETCH_SIZE or fewer,)
        Mid-ranks at the places, centred and of length 1: their product is Spearman's correlation.
    """

    digest: str
    ranks: NDArray[np.float32]


def sketch(prediction: NDArray[np.float64], seed: int) -> Sketch:
    """Draw a sketch of predictions.

    Parameters
    ----------
    prediction : ndarray of float64, shape (n, n_labels)
    seed : int
        Of the places; the same for all that are compared.
    """
    flat = prediction.ravel()
    chosen = np.random.default_rng(seed).permutation(flat.size)[:SKETCH_SIZE]
    width = prediction.shape[1]
    ranks = np.empty(chosen.size)
    for label in range(width):
        # Labels have scales of their own: only within one do predictions follow each other.
        here = chosen % width == label
        if here.any():
            found = scipy.stats.rankdata(flat[chosen[here]])
            ranks[here] = found - found.mean()
    length = float(np.sqrt(ranks @ ranks))
    content = np.ascontiguousarray(prediction + 0.0).tobytes()
    digest = hashlib.sha256(content).hexdigest()
    return Sketch(digest, (ranks / length if length else ranks).astype(np.float32))


def correlations(ranks: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the rank correlation of one sketch with others, shape (k, places)."""
    return others @ ranks


def is_near(correlation: float) -> bool:
    """Whether two submissions are nearly the same, but for scale and sign."""
    return abs(correlation) >= NEAR_IDENTICAL
