"""Scores of secondary structures of RNA, sequence by sequence.

A pair that is said is right if it is known: exactly, or with a slip of one base, in which case
pairs are matched one to one. `docs/design/structure-scoring.md` gives the forms and their sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Partners = NDArray[np.int32]
Flags = NDArray[np.bool_]

_OF_PAIRS = ("base_pair_f1", "base_pair_precision", "base_pair_recall", "base_pair_mcc")
#: What any structure is judged by, the usual headline first.
STRUCTURE_METRICS = (*_OF_PAIRS, *(f"{name}_slip" for name in _OF_PAIRS), "exact_match")
#: What is told beside it where known pairs cross.
CROSSING_METRICS = ("nested_pair_f1", "crossing_pair_recall")

#: Columns of the counts of a sequence.
_COUNTS = (
    *("length", "said", "known", "right", "slipped"),
    *("nested_said", "nested_known", "nested_right", "crossing_known", "crossing_right"),
)


@dataclass(frozen=True)
class Structures:
    """What pairs with what in many sequences, one after the other.

    Attributes
    ----------
    partners : ndarray of int32, shape (n_positions,)
        Position of the partner in the same sequence, from 0, or -1.
    crossing : ndarray of bool, shape (n_positions,)
        Whether the pair of a position is one of those that cross: not written ``()``.
    starts : ndarray of int64, shape (n + 1,)
        Where each sequence begins, and the last ends.
    """

    partners: Partners
    crossing: Flags
    starts: Integers

    @classmethod
    def of(cls, each: Iterable[tuple[Partners, Flags]]) -> Structures:
        """Lay the partners and crossing positions of sequences one after the other."""
        listed = list(each)
        starts = np.zeros(len(listed) + 1, dtype=np.int64)
        np.cumsum([partners.size for partners, _ in listed], out=starts[1:])
        return cls(
            np.concatenate([np.empty(0, np.int32), *(partners for partners, _ in listed)]),
            np.concatenate([np.empty(0, np.bool_), *(crossing for _, crossing in listed)]),
            starts,
        )

    def __len__(self) -> int:
        """Count the sequences."""
        return self.starts.size - 1


def structure_values(said: Structures, known: Structures) -> dict[str, Floats]:
    """Judge each structure by itself.

    With `TP` pairs that are right, `FP` said and not right, `FN` known and not found, and
    ``TN = n(n - 1)/2 - TP - FP - FN`` of the pairs of `n` positions: precision TP/(TP + FP), recall
    TP/(TP + FN), F1 their harmonic mean, and the correlation of Matthews (1975). Of all pairs,
    whatever their brackets. Where either structure has no pair, all four are 1 if neither has one,
    else 0.

    Parameters
    ----------
    said, known : Structures
        Of the same sequences.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `STRUCTURE_METRICS` and `CROSSING_METRICS`. ``_slip``: a pair (i, j) is right too if
        (i - 1, j), (i + 1, j), (i, j - 1) or (i, j + 1) is known, each known pair once.
        ``nested_pair_f1``: of known pairs written ``()``, and of those said so too or rightly; said
        pairs that are known to cross are left out. ``crossing_pair_recall``: of known pairs in
        other brackets; NaN without such.
    """
    counts = np.zeros((len(known), len(_COUNTS)), dtype=np.int64)
    _count(said.partners, said.crossing, known.partners, known.crossing, known.starts, counts)
    told = {name: counts[:, k].astype(np.float64) for k, name in enumerate(_COUNTS)}
    values: dict[str, Floats] = {}
    for ending, right in (("", told["right"]), ("_slip", told["slipped"])):
        found = _of_pairs(right, told["said"], told["known"], told["length"])
        values.update(zip((f"{name}{ending}" for name in _OF_PAIRS), found, strict=True))
    same = (told["right"] == told["said"]) & (told["right"] == told["known"])
    values["exact_match"] = same.astype(np.float64)
    nested = _of_pairs(
        told["nested_right"], told["nested_said"], told["nested_known"], told["length"]
    )
    values["nested_pair_f1"] = nested[0]
    with np.errstate(invalid="ignore"):
        values["crossing_pair_recall"] = told["crossing_right"] / told["crossing_known"]
    return values


def _of_pairs(
    right: Floats, said: Floats, known: Floats, length: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """F1, precision, recall and correlation of each sequence."""
    possible = length * (length - 1) / 2
    missed, wrong = known - right, said - right
    nothing = possible - right - missed - wrong
    with np.errstate(divide="ignore", invalid="ignore"):
        f1, precision, recall = 2 * right / (said + known), right / said, right / known
        # Two roots: of equal counts each is exact, and the product of all four would lose digits.
        below = np.sqrt(said * known) * np.sqrt((nothing + wrong) * (nothing + missed))
        mcc = (right * nothing - wrong * missed) / below
        # Every possible pair is said, or known: of so short a sequence F1 says the same.
        mcc = np.where(below > 0, mcc, f1)
    empty = (said == 0) | (known == 0)
    agreed = (said == known).astype(np.float64)
    return (
        np.where(empty, agreed, f1),
        np.where(empty, agreed, precision),
        np.where(empty, agreed, recall),
        np.where(empty, agreed, mcc),
    )


@kernel
def _count(
    said: np.ndarray,
    said_crosses: np.ndarray,
    known: np.ndarray,
    known_crosses: np.ndarray,
    starts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Count pairs, in the order of `_COUNTS`."""
    for row in range(starts.size - 1):
        first, last = starts[row], starts[row + 1]
        counts = out[row]
        counts[0] = last - first
        for place in range(first, last):
            own, other = said[place], known[place]
            opening = place - first
            known_here = other > opening
            if known_here:
                counts[2] += 1
                counts[8 if known_crosses[place] else 6] += 1
            if own > opening:
                right = own == other
                counts[1] += 1
                counts[3] += right
                if known_here and right and known_crosses[place]:
                    counts[9] += 1
                elif right or not said_crosses[place]:
                    counts[5] += 1
                    counts[7] += right
        counts[4] = _slipped(said[first:last], known[first:last])


@kernel
def _slipped(said: np.ndarray, known: np.ndarray) -> int:
    """Match as many pairs as can be, one to one, that are at most one base apart.

    A position is in one pair at most, so a pair has two neighbours at most among those of the other
    structure, one that shares each of its positions: what is connected is a path or a ring, and a
    path or ring of k pairs has a matching of k // 2.
    """
    n = said.size
    seen = np.zeros(2 * n, dtype=np.bool_)
    waiting = np.empty(2 * n, dtype=np.int64)
    matched = 0
    for start in range(n):
        if said[start] <= start or seen[start]:
            continue
        seen[start] = True
        waiting[0] = start
        n_waiting, together = 1, 0
        while n_waiting:
            n_waiting -= 1
            number = waiting[n_waiting]
            together += 1
            of_known = number >= n
            opening = number - n if of_known else number
            closing = known[opening] if of_known else said[opening]
            for end in range(2):
                shared, free = (opening, closing) if end == 0 else (closing, opening)
                met = said[shared] if of_known else known[shared]
                if met < 0 or abs(met - free) > 1:
                    continue
                neighbour = min(shared, met) + (0 if of_known else n)
                if not seen[neighbour]:
                    seen[neighbour] = True
                    waiting[n_waiting] = neighbour
                    n_waiting += 1
        matched += together // 2
    return matched
