"""Rivals of a target: other foldings of some part of it, found where a sequence folded wrongly.

Where the structure that a sequence has differs from the target, the pairs both share part the
difference into independent regions, and each region makes one rival: the target, refolded in that
region alone. Its energy above the target's, the *lead* of the target, is a sum over the few terms
in which the two differ. A sequence that folds into the target has a positive lead over all rivals,
known and unknown; so every wrong fold makes the next guess better.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.rna.design.energies import (
    IMPOSSIBLE,
    MOST_POSITIONS,
    Table,
    structure_terms,
    term_energy,
    term_positions,
)
from genomark.rna.design.target import Codes
from genomark.rna.structure import Partners

Number = TypeVar("Number", bound=np.generic)
Integers = NDArray[np.int32]

#: Rivals kept: more make each step slower, and most of them never win again.
MOST_RIVALS = 600


class RivalIndex(NamedTuple):
    """What depends on what, as linked lists in arrays: a list ends with -1.

    Attributes
    ----------
    terms : int64[n_terms]
        All terms in which some rival differs from the target, and those of the target.
    of_target : int8[n_terms]
        1 for those of the target.
    first_term, next_term, term_at
        From a position to the terms that depend on it.
    first_rival, next_rival, rival_at, sign_at
        From a term to the rivals it is in: 1 for a term of the rival, -1 for one of the target.
    constants : int64[n_rivals]
        What the energy of the rival above the target's is, but for the terms.
    start_of, term_of, sign_of
        From a rival to its terms, at ``start_of[rival]`` up to ``start_of[rival + 1]``, and signs.
    opening, closing : int32[n_rivals]
        The shared pair around the region; -1 and the length of the target where there is none.
    """

    terms: NDArray[np.int64]
    of_target: NDArray[np.int8]
    first_term: Integers
    next_term: Integers
    term_at: Integers
    first_rival: Integers
    next_rival: Integers
    rival_at: Integers
    sign_at: NDArray[np.int8]
    constants: NDArray[np.int64]
    start_of: Integers
    term_of: Integers
    sign_of: NDArray[np.int8]
    opening: Integers
    closing: Integers


class _Growing(Generic[Number]):
    """An array that is appended to."""

    def __init__(self, dtype: type[Number], values: list[int] | None = None) -> None:
        self._room = np.zeros(64, dtype)
        self.size = 0
        for value in values or []:
            self.append(value)

    def append(self, value: int) -> int:
        """Add a value; give its place."""
        if self.size == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self.size] = value
        self.size += 1
        return self.size - 1

    @property
    def values(self) -> NDArray[Number]:
        return self._room[: self.size]


class Rivals:
    """Rivals of one target.

    Parameters
    ----------
    partner : ndarray of int32, shape (length,)
        The target.
    table : ndarray of int32
        Of `genomark.rna.design.energies.energy_table`.
    """

    def __init__(self, partner: Partners, table: Table) -> None:
        self._partner = partner
        self._table = table
        room = np.empty(3 * len(partner) + 4, np.int64)
        count, self._constant = structure_terms(partner, table, room)
        self._target_terms = np.sort(room[:count])
        self._room = room
        self._start()

    def _start(self) -> None:
        """Know the target alone."""
        n = len(self._partner)
        self._known: dict[bytes, int] = {}
        self._foldings: list[Partners] = []
        self._term_numbers: dict[int, int] = {}
        self._terms = _Growing(np.int64)
        self._of_target = _Growing(np.int8)
        self._first_term = np.full(n, -1, np.int32)
        self._next_term, self._term_at = _Growing(np.int32), _Growing(np.int32)
        self._first_rival = _Growing(np.int32)
        self._next_rival, self._rival_at = _Growing(np.int32), _Growing(np.int32)
        self._sign_at = _Growing(np.int8)
        self._constants = _Growing(np.int64)
        self._start_of = _Growing(np.int32, [0])
        self._term_of, self._sign_of = _Growing(np.int32), _Growing(np.int8)
        self._opening, self._closing = _Growing(np.int32), _Growing(np.int32)
        for packed in self._target_terms.tolist():
            self._number_of(packed, of_target=1)

    def __len__(self) -> int:
        return len(self._foldings)

    @property
    def index(self) -> RivalIndex:
        """What compiled code needs; valid until the next rival."""
        return RivalIndex(
            self._terms.values,
            self._of_target.values,
            self._first_term,
            self._next_term.values,
            self._term_at.values,
            self._first_rival.values,
            self._next_rival.values,
            self._rival_at.values,
            self._sign_at.values,
            self._constants.values,
            self._start_of.values,
            self._term_of.values,
            self._sign_of.values,
            self._opening.values,
            self._closing.values,
        )

    def learn(self, partner: Partners) -> int:
        """Take the rivals from a wrong structure; give how many were new."""
        region = _regions(self._partner, partner)
        different = partner != self._partner
        new = 0
        for opening in np.unique(region[different]).tolist():
            folding = np.where(region == opening, partner, self._partner).astype(np.int32)
            new += self._add(folding, opening)
        return new

    def _add(self, folding: Partners, opening: int) -> int:
        key = folding.tobytes()
        if key in self._known:
            return 0
        self._known[key] = opening
        self._foldings.append(folding)
        count, constant = structure_terms(folding, self._table, self._room)
        rival = self._constants.append(constant - self._constant)
        self._opening.append(opening)
        self._closing.append(int(self._partner[opening]) if opening >= 0 else len(folding))
        for packed, sign in _difference(np.sort(self._room[:count]), self._target_terms):
            number = self._number_of(packed)
            place = self._rival_at.append(rival)
            self._sign_at.append(sign)
            self._next_rival.append(int(self._first_rival.values[number]))
            self._first_rival.values[number] = place
            self._term_of.append(number)
            self._sign_of.append(sign)
        self._start_of.append(self._term_of.size)
        return 1

    def _number_of(self, packed: int, of_target: int = 0) -> int:
        if packed in self._term_numbers:
            return self._term_numbers[packed]
        number = self._terms.append(packed)
        self._term_numbers[packed] = number
        self._of_target.append(of_target)
        self._first_rival.append(-1)
        positions = np.empty(MOST_POSITIONS, np.int32)
        count = term_positions(packed, len(self._partner), positions)
        for position in sorted(set(positions[:count].tolist())):
            place = self._term_at.append(number)
            self._next_term.append(int(self._first_term[position]))
            self._first_term[position] = place
        return number

    def forget(self, bases: Codes) -> None:
        """Keep the rivals that are new and those that are near to winning, where there are many."""
        if len(self) <= MOST_RIVALS:
            return
        lead = leads(bases, self.index, self._table)
        lead[-MOST_RIVALS // 4 :] = -IMPOSSIBLE
        kept = np.sort(np.argsort(lead, kind="stable")[: MOST_RIVALS // 2])
        foldings = [self._foldings[rival] for rival in kept.tolist()]
        openings = [self._known[folding.tobytes()] for folding in foldings]
        self._start()
        for folding, opening in zip(foldings, openings, strict=True):
            self._add(folding, opening)


@kernel
def leads(bases: Codes, index: RivalIndex, table: Table) -> NDArray[np.int64]:
    """Energy of each rival above the target's, 0.01 kcal/mol; where it cannot be, `IMPOSSIBLE`."""
    lead = index.constants.copy()
    for rival in range(lead.size):
        for place in range(index.start_of[rival], index.start_of[rival + 1]):
            number = index.term_of[place]
            energy = term_energy(index.terms[number], bases, table)
            if energy >= IMPOSSIBLE:
                lead[rival] = IMPOSSIBLE
                break
            lead[rival] += index.sign_of[place] * energy
    return lead


@kernel
def _regions(target: Partners, partner: Partners) -> Integers:
    """Give for each position the innermost shared pair around it; -1 outside, -2 if in such."""
    region = np.empty(target.size, np.int32)
    around = np.full(target.size + 1, -1, np.int32)
    depth = 0
    for position in range(target.size):
        if target[position] >= 0 and target[position] == partner[position]:
            region[position] = -2
            if target[position] > position:
                depth += 1
                around[depth] = position
            else:
                depth -= 1
        else:
            region[position] = around[depth]
    return region


def _difference(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> list[tuple[int, int]]:
    """List the terms that one side alone has: with 1 if it is ours, with -1 if it is theirs."""
    sides = ((1, np.setdiff1d(ours, theirs)), (-1, np.setdiff1d(theirs, ours)))
    return [(packed, sign) for sign, terms in sides for packed in terms.tolist()]
