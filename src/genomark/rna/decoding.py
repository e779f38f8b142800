"""From probabilities to a structure: the one that is best by a sum over its positions or pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.rna.nested import Positions, best_nested
from genomark.rna.structure import SHORTEST_HAIRPIN, dot_bracket

Floats = NDArray[np.float64]

#: Symbols of structures whose pairs do not cross, in the order of `nested_structure`.
SYMBOLS = ("(", ")", ".")
#: A base of a structure says no more than this: a probability of 0 has no logarithm.
_LEAST = 1e-12
#: Pairs less probable than this are in no structure of `mea_structure`.
_LEAST_PAIR = 1e-4
_PAIRING = ("AU", "UA", "GC", "CG", "GU", "UG")
#: How far from 1 sums of probabilities may be.
_ROUNDING = 1e-3


def canonical_pairs(sequence: str) -> tuple[Positions, Positions]:
    """List all pairs of a sequence that a nested structure may have.

    A with U, G with C, G with U; T is read as U, and N and other letters pair with nothing: a base
    that is not told is not told to pair. At least three positions lie between the two of a pair.

    Parameters
    ----------
    sequence : str
        Upper case.

    Returns
    -------
    opening, closing : ndarray of int32, shape (n_pairs,)
        Positions from 0, sorted by the first, then by the second.
    """
    letters = np.frombuffer(sequence.replace("T", "U").encode("ascii", "replace"), np.uint8)
    partners = {first: letters == ord(first) for first in "ACGU"}
    able = {
        first: np.logical_or.reduce([partners[pair[1]] for pair in _PAIRING if pair[0] == first])
        for first in "ACGU"
    }
    found = []
    for opening, letter in enumerate(sequence.replace("T", "U")):
        if letter in able:
            first = opening + SHORTEST_HAIRPIN + 1
            found.append(np.flatnonzero(able[letter][first:]) + first)
        else:
            found.append(np.empty(0, np.int64))
    counts = [each.size for each in found]
    opening_of = np.repeat(np.arange(len(found), dtype=np.int32), counts)
    closing = np.concatenate(found) if found else np.empty(0)
    return opening_of, closing.astype(np.int32)


def nested_structure(
    probabilities: NDArray[np.floating], sequence: str, symbols: Sequence[str] = SYMBOLS
) -> str:
    """Find the most probable structure where each position tells of its own symbol.

    Symbols of positions are taken for independent: the structure maximises
    ``sum(log(probabilities[i, symbol of i]))`` over all structures whose pairs do not cross and
    are `canonical_pairs`. Probabilities below 1e-12 count as that. Between equals a position stays
    unpaired, or else takes the nearest partner.

    Parameters
    ----------
    probabilities : ndarray of float, shape (length, 3)
        Of each symbol; rows need not add up to 1.
    sequence : str
        Upper case, with T or U.
    symbols : sequence of str
        What the columns stand for: ``(``, ``)`` and ``.`` in any order.

    Returns
    -------
    str
        In dot-bracket notation.

    Raises
    ------
    UsageError
        If the probabilities are not those of such symbols of such a sequence.
    """
    if sorted(symbols) != sorted(SYMBOLS):
        raise UsageError(
            f"symbols of a structure: {', '.join(map(repr, symbols))}; expected '(', ')' and '.', "
            "each once"
        )
    given = np.asarray(probabilities, np.float64)
    if given.shape != (len(sequence), len(SYMBOLS)):
        raise UsageError(
            f"probabilities of shape {given.shape} for a sequence of {len(sequence):,} positions; "
            f"expected {(len(sequence), len(SYMBOLS))}"
        )
    _check_probabilities(given)
    logarithms = np.log(np.maximum(given, _LEAST))
    opens, closes, stays = (logarithms[:, list(symbols).index(each)] for each in SYMBOLS)
    opening, closing = canonical_pairs(sequence)
    gains = (opens - stays)[opening] + (closes - stays)[closing]
    return dot_bracket(best_nested(len(sequence), opening, closing, gains)[0])


def mea_structure(pair_probabilities: NDArray[np.floating], gamma: float = 1.0) -> str:
    """Find the structure of the maximum expected accuracy.

    It maximises ``sum(2 * gamma * p[i, j] for its pairs) + sum(q[i] for its unpaired positions)``,
    where ``q[i]`` is 1 less all probabilities of pairs of i: the expected number of positions told
    rightly, those of pairs weighed by `gamma` (Do et al. 2006, Bioinformatics 22, e90; the same as
    ViennaRNA's). Pairs of a probability below 1e-4, or with fewer than three positions between,
    are left out. Between equals a position stays unpaired, or else takes the nearest partner.

    Parameters
    ----------
    pair_probabilities : ndarray of float, shape (length, length)
        Of each pair, above the diagonal; what lies on and below it is not read.
    gamma : float
        Above 0; the larger, the more pairs.

    Returns
    -------
    str
        In dot-bracket notation.

    Raises
    ------
    UsageError
        If the matrix is not square or holds what is no probability, if a position pairs with a
        probability above 1, or if `gamma` is not above 0.
    """
    given = np.asarray(pair_probabilities)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise UsageError(f"pair probabilities of shape {given.shape}; expected a square matrix")
    upper = np.triu(given, 1)
    _check_probabilities(upper)
    opening, closing = np.nonzero(upper)
    return mea_of_pairs(
        given.shape[0],
        opening.astype(np.int32),
        closing.astype(np.int32),
        upper[opening, closing].astype(np.float64),
        gamma,
    )


def mea_of_pairs(
    length: int, opening: Positions, closing: Positions, probabilities: Floats, gamma: float = 1.0
) -> str:
    """Find the same as `mea_structure` from single pairs; of all others the probability is 0.

    Parameters
    ----------
    length : int
        Of the sequence.
    opening, closing : ndarray of int32, shape (n_pairs,)
        Positions from 0, sorted by the first, then by the second; each pair once.
    probabilities : ndarray of float64, shape (n_pairs,)
    gamma : float

    Raises
    ------
    UsageError
        As `mea_structure`.
    """
    if not 0 < gamma < np.inf:
        raise UsageError(f"gamma must be above 0, not {gamma}")
    unpaired = unpaired_probabilities(length, opening, closing, probabilities)
    if unpaired.min(initial=0.0) < -_ROUNDING:
        worst = int(unpaired.argmin())
        raise UsageError(
            f"pair probabilities: those of position {worst + 1} add up to "
            f"{1 - unpaired[worst]:.4g}; expected at most 1"
        )
    kept = (probabilities >= _LEAST_PAIR) & (closing - opening > SHORTEST_HAIRPIN)
    opening, closing, probabilities = opening[kept], closing[kept], probabilities[kept]
    gains = 2 * gamma * probabilities - unpaired[opening] - unpaired[closing]
    return dot_bracket(best_nested(length, opening, closing, gains)[0])


def unpaired_probabilities(
    length: int, opening: Positions, closing: Positions, probabilities: Floats
) -> Floats:
    """Give the probability that each position has no partner, float64[length]."""
    paired = np.bincount(opening, probabilities, length)
    return np.asarray(1.0 - paired - np.bincount(closing, probabilities, length))


def _check_probabilities(given: NDArray[np.floating]) -> None:
    sound = (given >= 0) & (given <= 1 + _ROUNDING)
    if not sound.all():
        place = np.argwhere(~sound)[0]
        raise UsageError(
            f"probabilities, row {place[0] + 1}, column {place[1] + 1}: {given[tuple(place)]}; "
            "expected a number from 0 to 1"
        )
