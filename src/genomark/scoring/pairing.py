"""Scores of what pairs with what: base pairs of RNA structures, contacts of positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Positions nearer than this in the sequence touch anyway; contacts between them say nothing.
_NEAREST = 6


def base_pairs(structure: str) -> set[tuple[int, int]]:
    """Read the pairs of a dot-bracket string; a bracket without a partner makes none.

    Parameters
    ----------
    structure : str
        Of ``(``, ``)`` and anything else, which is unpaired.

    Returns
    -------
    set of (int, int)
        Positions from 0, the opening one first.
    """
    open_at: list[int] = []
    pairs = set()
    for position, symbol in enumerate(structure):
        if symbol == "(":
            open_at.append(position)
        elif symbol == ")" and open_at:
            pairs.add((open_at.pop(), position))
    return pairs


def base_pair_f1(
    labels: tuple[str, ...], scores: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]]
) -> Floats:
    """F1 of the base pairs of each sequence, float64[n], as its most probable symbols pair.

    What a fit may stop by: cheaper than the best structure of the same symbols, by which
    `genomark.scoring.structure_scores` judges. A bracket without a partner makes no pair, and a
    sequence that has no pair and is given none scores 1.

    Parameters
    ----------
    labels : tuple of str
        The symbols that the classes stand for: ``(``, ``)`` and ``.`` in any order.
    scores : sequence of ndarray, shape (length, 3)
        The symbol with the highest score is what is said.
    truth : sequence of ndarray of int, shape (length,)
    """
    values = np.empty(len(truth))
    for number, (given, real) in enumerate(zip(scores, truth, strict=True)):
        said = base_pairs("".join(labels[symbol] for symbol in given.argmax(axis=1)))
        known = base_pairs("".join(labels[symbol] if symbol >= 0 else "." for symbol in real))
        total = len(said) + len(known)
        values[number] = 2 * len(said & known) / total if total else 1.0
    return values


def top_length_precision(scores: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]]) -> Floats:
    """Share of real contacts among the best `length` pairs of each sequence, float64[n].

    What is usual for contact maps ("P@L"); of pairs at least 6 positions apart. NaN where fewer
    pairs are told of than that, or none of them is a contact.

    Parameters
    ----------
    scores : sequence of ndarray, shape (length, length, 2)
        Probability of no contact and of a contact.
    truth : sequence of ndarray of int, shape (length, length)
        1 for a contact; negative where nothing is told.
    """
    values = np.full(len(truth), np.nan)
    for number, (given, real) in enumerate(zip(scores, truth, strict=True)):
        length = real.shape[0]
        rows, columns = np.triu_indices(length, _NEAREST)
        told = real[rows, columns] >= 0
        contact = real[rows, columns][told] == 1
        if contact.any() and told.sum() >= length:
            best = np.argsort(-given[rows, columns, 1][told], kind="stable")[:length]
            values[number] = contact[best].mean()
    return values
