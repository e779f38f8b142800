"""Sets of pairs that do not cross: the best of them, and what they say together.

Both take pairs one by one, not as a matrix: of the pairs a sequence could have few are worth
anything, and what is computed grows with their number times the length of the longest of them.
Pairs come as positions from 0, those of `opening` before those of `closing`, sorted by opening and
then by closing position, each once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.rna.structure import Partners

Floats = NDArray[np.float64]
Positions = NDArray[np.int32]

#: What weighs less than this in the sum over all structures is not followed any further.
_NEGLIGIBLE = 1e-10


def best_nested(
    length: int, opening: Positions, closing: Positions, gains: Floats
) -> tuple[Partners, float]:
    """Choose pairs that do not cross, such that their gains add up to most.

    The recursion of Nussinov et al. 1978 (SIAM J. Appl. Math. 35, 68) over positive gains. Between
    equals a position stays unpaired, or else takes the nearest partner.

    Parameters
    ----------
    length : int
        Of the sequence.
    opening, closing : ndarray of int32, shape (n_pairs,)
    gains : ndarray of float64, shape (n_pairs,)
        Pairs that gain nothing are not chosen.

    Returns
    -------
    partners : ndarray of int32, shape (length,)
        The partner of each position, or -1.
    gain : float
        The sum of all gains.
    """
    worth = gains > 0
    opening, closing, gains = opening[worth], closing[worth], gains[worth]
    longest = int((closing - opening).max(initial=0))
    return _best(_starts(length, opening), closing, gains, longest)


def nested_marginals(
    length: int, opening: Positions, closing: Positions, scores: Floats
) -> tuple[float, Floats]:
    """Sum over all sets of pairs that do not cross, each weighing ``exp(sum of its scores)``.

    Inside and outside sums of the model in which pairs score one by one (McCaskill 1990,
    Biopolymers 29, 1105, without loops). A pair is never more probable than
    ``exp(score) / (1 + exp(score))``, so that pairs of a very low score may be left out beforehand.

    Parameters
    ----------
    length : int
        Of the sequence.
    opening, closing : ndarray of int32, shape (n_pairs,)
    scores : ndarray of float64, shape (n_pairs,)
        Natural logarithms of the odds of each pair, were there no other. Below 700.

    Returns
    -------
    log_sum : float
        Natural logarithm of the sum over all sets, that of no pair among them.
    probabilities : ndarray of float64, shape (n_pairs,)
        Of each pair: share of the sum that falls to the sets with it.
    """
    longest = int((closing - opening).max(initial=0))
    starts = _starts(length, opening)
    inside, rest = _inside(starts, closing, scores, longest)
    return float(rest[0]), _outside(starts, closing, scores, inside, rest)


def _starts(length: int, opening: Positions) -> NDArray[np.int64]:
    """Where the pairs of each opening position begin, and where the last ones end."""
    return np.searchsorted(opening, np.arange(length + 1)).astype(np.int64)


# In all of the kernels: row i, column l of a table is of the l positions from i on. Columns go up
# to what lies within the longest pair; `rest` is of all positions from i to the end.


@kernel
def _best(
    starts: np.ndarray, closing: np.ndarray, gains: np.ndarray, longest: int
) -> tuple[np.ndarray, float]:
    length = starts.size - 1
    table = np.zeros((length + 2, max(longest, 1)))
    rest = np.zeros(length + 2)
    for i in range(length - 1, -1, -1):
        row = table[i]
        row[1:] = table[i + 1, : row.size - 1]
        rest[i] = rest[i + 1]
        for pair in range(starts[i], starts[i + 1]):
            k = closing[pair]
            within = gains[pair] + table[i + 1, k - i - 1]
            after = table[k + 1]
            for width in range(k - i + 1, row.size):
                row[width] = max(row[width], within + after[width - (k - i + 1)])
            rest[i] = max(rest[i], within + rest[k + 1])
    return _traced(starts, closing, gains, table, rest), rest[0]


@kernel
def _traced(
    starts: np.ndarray,
    closing: np.ndarray,
    gains: np.ndarray,
    table: np.ndarray,
    rest: np.ndarray,
) -> np.ndarray:
    """Read the pairs back from the tables: the same sums again find where they came from."""
    length = starts.size - 1
    partner = np.full(length, -1, np.int32)
    segments = np.empty((length + 1, 2), np.int64)
    segments[0] = 0, length
    waiting = 1
    while waiting:
        waiting -= 1
        i, width = segments[waiting]
        outermost = i + width == length and waiting == 0
        while width > 0:
            here = rest[i] if outermost else table[i, width]
            without = rest[i + 1] if outermost else table[i + 1, width - 1]
            taken = 1
            if here != without:
                for pair in range(starts[i], starts[i + 1]):
                    k = closing[pair]
                    left = width - (k - i + 1)
                    if left < 0:
                        break
                    after = rest[k + 1] if outermost else table[k + 1, left]
                    if gains[pair] + table[i + 1, k - i - 1] + after == here:
                        partner[i], partner[k] = k, i
                        segments[waiting] = i + 1, k - i - 1
                        waiting += 1
                        taken = k - i + 1
                        break
            i += taken
            width -= taken
    return partner


@kernel
def _inside(
    starts: np.ndarray, closing: np.ndarray, scores: np.ndarray, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    length = starts.size - 1
    table = np.zeros((length + 2, max(longest, 1)))
    rest = np.zeros(length + 2)
    sums = np.empty(table.shape[1])
    for i in range(length - 1, -1, -1):
        # Relative to the sets in which i is unpaired: no exponent is above that of a score.
        sums[:] = 1.0
        last = 1.0
        for pair in range(starts[i], starts[i + 1]):
            k = closing[pair]
            within = scores[pair] + table[i + 1, k - i - 1]
            for width in range(k - i + 1, sums.size):
                with_pair = within + table[k + 1, width - (k - i + 1)]
                sums[width] += math.exp(with_pair - table[i + 1, width - 1])
            last += math.exp(within + rest[k + 1] - rest[i + 1])
        for width in range(1, sums.size):
            table[i, width] = table[i + 1, width - 1] + math.log(sums[width])
        rest[i] = rest[i + 1] + math.log(last)
    return table, rest


@kernel
def _outside(
    starts: np.ndarray,
    closing: np.ndarray,
    scores: np.ndarray,
    table: np.ndarray,
    rest: np.ndarray,
) -> np.ndarray:
    """Pass on the share of each part of a sum to what it was made of, from all of it on."""
    length = starts.size - 1
    probabilities = np.zeros(closing.size)
    share = np.zeros(table.shape)
    rest_share = np.zeros(length + 2)
    rest_share[0] = 1.0
    for i in range(length):
        whole = rest_share[i]
        rest_share[i + 1] += whole * math.exp(rest[i + 1] - rest[i])
        for pair in range(starts[i], starts[i + 1]):
            k = closing[pair]
            within = scores[pair] + table[i + 1, k - i - 1]
            total = whole * math.exp(within + rest[k + 1] - rest[i])
            rest_share[k + 1] += total
            for width in range(k - i + 1, table.shape[1]):
                if share[i, width] > _NEGLIGIBLE:
                    left = width - (k - i + 1)
                    part = share[i, width] * math.exp(within + table[k + 1, left] - table[i, width])
                    share[k + 1, left] += part
                    total += part
            share[i + 1, k - i - 1] += total
            probabilities[pair] = total
        for width in range(1, table.shape[1]):
            if share[i, width] > _NEGLIGIBLE:
                share[i + 1, width - 1] += share[i, width] * math.exp(
                    table[i + 1, width - 1] - table[i, width]
                )
    return probabilities
