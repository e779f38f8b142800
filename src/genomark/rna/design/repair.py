"""Repair of a sequence: the fewest bases to change so that the target beats all known rivals.

A walk over single bases and pairs, each step judged by the leads over rivals alone, which takes
microseconds where a fold takes milliseconds. Once every lead is large enough, changes that turn
out not to be needed are taken back: a sequence far from the one that was folded would meet new
rivals all over.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.rna.design.energies import IMPOSSIBLE, Table, term_energy, term_positions
from genomark.rna.design.rivals import Integers, RivalIndex
from genomark.rna.design.target import PAIRS, Codes
from genomark.rna.structure import Partners

#: Lead that is enough, and how softly a smaller one counts: 0.01 kcal/mol.
_ENOUGH, _SOFTNESS = 10, 60.0
#: What a changed base costs, where a lead of 0 costs about 0.8.
_PER_CHANGE = 0.2
#: Costs that are accepted by chance, at the first step and at the last.
_WARM, _COLD = 0.3, 0.1
#: Share of steps at a term of a rival, and rivals of which that nearest to winning is taken.
_AIMED, _DRAWN = 0.9, 4
#: More than the terms that a rival may have impossible.
_OF_NO_INTEREST = 1_000_000


class _State(NamedTuple):
    """A sequence, what follows from it, and what the last step changed."""

    bases: Codes
    energy: NDArray[np.int64]  # of each term
    lead: NDArray[np.int64]  # over each rival, of its possible terms
    barred: Integers  # impossible terms of each rival; more for rivals of no interest here
    #: Undo: terms and rivals that changed, what they were, how many they are.
    changed_term: Integers
    old_energy: NDArray[np.int64]
    changed_rival: Integers
    old_lead: NDArray[np.int64]
    old_barred: Integers
    counts: NDArray[np.int64]  # changed terms, changed rivals, the step's number
    term_seen: NDArray[np.int64]
    rival_seen: NDArray[np.int64]


@kernel
def repaired(
    bases: Codes,
    partner: Partners,
    allowed: NDArray[np.int64],
    index: RivalIndex,
    table: Table,
    first: int,
    last: int,
    steps: int,
    seed: int,
    single: bool,
) -> tuple[Codes, bool, int]:
    """Change bases until the target leads all rivals within a part, or `steps` are taken.

    Parameters
    ----------
    bases : ndarray of int8, shape (length,)
        Codes; left as they are.
    partner, allowed
        Of the target.
    index : RivalIndex
    table : ndarray of int32
    first, last : int
        The part that may change: a pair of the target, or -1 and the length. Rivals that differ
        from the target outside of it are not looked at.
    steps : int
    seed : int
    single : bool
        Whether to look at one of the rivals that win, drawn by chance, and let the others win.

    Returns
    -------
    bases : ndarray of int8
        A sequence that leads, with few changes; or else the best one that was met.
    leads : bool
    taken : int
        Steps.
    """
    np.random.seed(seed)  # noqa: NPY002 (the generator of compiled code)
    state, losing, cost = _start(bases, index, table, first, last, single)
    best = state.bases.copy()
    best_cost = cost
    taken = 0
    while losing > 0 and taken < steps:
        warmth = _WARM * (_COLD / _WARM) ** (taken / steps)
        taken += 1
        position = _aim(partner, index, state, first, last)
        one, other = _draw(position, partner, allowed, state.bases)
        if one == 0:
            continue
        mate = partner[position]
        before = (state.bases[position], state.bases[mate] if mate >= 0 else np.int8(0))
        gained, won = _step(position, one, other, bases, partner, index, table, state)
        if gained <= 0 or np.random.random() < math.exp(-gained / warmth):  # noqa: NPY002
            cost += gained
            losing -= won
            if cost < best_cost - 1e-9:
                best_cost = cost
                best[:] = state.bases
        else:
            _undo(position, partner, before, state)
    if losing > 0:
        return best, False, taken
    _take_back(bases, partner, index, table, state)
    return state.bases, True, taken


@kernel
def _start(
    bases: Codes, index: RivalIndex, table: Table, first: int, last: int, single: bool
) -> tuple[_State, int, float]:
    """Compute all terms and leads; also give the number of rivals that win, and the cost."""
    terms = index.terms.size
    rivals = index.constants.size
    state = _State(
        bases.copy(),
        np.empty(terms, np.int64),
        index.constants.copy(),
        np.zeros(rivals, np.int32),
        np.empty(terms, np.int32),
        np.empty(terms, np.int64),
        np.empty(rivals, np.int32),
        np.empty(rivals, np.int64),
        np.empty(rivals, np.int32),
        np.zeros(3, np.int64),
        np.zeros(terms, np.int64),
        np.zeros(rivals, np.int64),
    )
    for number in range(terms):
        energy = term_energy(index.terms[number], bases, table)
        state.energy[number] = energy
        place = index.first_rival[number]
        while place >= 0:
            rival = index.rival_at[place]
            if energy >= IMPOSSIBLE:
                state.barred[rival] += 1
            else:
                state.lead[rival] += index.sign_at[place] * energy
            place = index.next_rival[place]
    losing = 0
    cost = 0.0
    for rival in range(rivals):
        if index.opening[rival] < first or index.closing[rival] > last:
            state.barred[rival] += _OF_NO_INTEREST
        if state.barred[rival] == 0:
            cost += _cost(state.lead[rival])
            if state.lead[rival] < _ENOUGH:
                losing += 1
    if single and losing > 1:
        cost -= _leave_one(state, losing)
        losing = 1
    return state, losing, cost


@kernel
def _leave_one(state: _State, losing: int) -> float:
    """Bar all rivals that win but one; give what they cost."""
    kept = np.random.randint(losing)  # noqa: NPY002
    cost = 0.0
    met = 0
    for rival in range(state.lead.size):
        if state.barred[rival] == 0 and state.lead[rival] < _ENOUGH:
            if met != kept:
                state.barred[rival] += _OF_NO_INTEREST
                cost += _cost(state.lead[rival])
            met += 1
    return cost


@kernel
def _cost(lead: int) -> float:
    """Give the soft form of how much a lead is too small: that of a logistic regression."""
    short = (_ENOUGH - lead) / _SOFTNESS
    if short > 30.0:
        return short
    if short < -30.0:
        return 0.0
    return math.log1p(math.exp(short))


@kernel
def _aim(partner: Partners, index: RivalIndex, state: _State, first: int, last: int) -> int:
    """Choose a position: mostly one that a rival near to winning depends on."""
    low = max(first, 0)
    high = min(last, partner.size - 1)
    if np.random.random() < _AIMED:  # noqa: NPY002
        rival = -1
        for _ in range(_DRAWN):
            drawn = np.random.randint(state.lead.size)  # noqa: NPY002
            if state.barred[drawn] == 0 and (rival < 0 or state.lead[drawn] < state.lead[rival]):
                rival = drawn
        if rival >= 0 and index.start_of[rival + 1] > index.start_of[rival]:
            place = np.random.randint(index.start_of[rival], index.start_of[rival + 1])  # noqa: NPY002
            positions = np.empty(8, np.int32)
            count = term_positions(index.terms[index.term_of[place]], partner.size, positions)
            position = positions[np.random.randint(count)]  # noqa: NPY002
            if low <= position <= high:
                return int(position)
    return int(low + np.random.randint(high - low + 1))  # noqa: NPY002


@kernel
def _draw(
    position: int, partner: Partners, allowed: NDArray[np.int64], bases: Codes
) -> tuple[int, int]:
    """Draw another base, or another pair; zeros where it is the same or not allowed."""
    mate = partner[position]
    if mate < 0:
        one = np.random.randint(1, 5)  # noqa: NPY002
        if one == bases[position] or not (allowed[position] >> one) & 1:
            return 0, 0
        return one, 0
    drawn = np.random.randint(6)  # noqa: NPY002
    one = PAIRS[drawn, 0]
    other = PAIRS[drawn, 1]
    same = one == bases[position] and other == bases[mate]
    if same or not (allowed[position] >> one) & 1 or not (allowed[mate] >> other) & 1:
        return 0, 0
    return one, other


@kernel
def _step(
    position: Any,
    one: Any,
    other: Any,
    start: Codes,
    partner: Partners,
    index: RivalIndex,
    table: Table,
    state: _State,
) -> tuple[float, int]:
    """Set a base, and its mate's; give the change of the cost, and how many rivals less win."""
    mate = partner[position]
    gained = _PER_CHANGE * ((one != start[position]) - (state.bases[position] != start[position]))
    state.bases[position] = one
    if mate >= 0:
        gained += _PER_CHANGE * ((other != start[mate]) - (state.bases[mate] != start[mate]))
        state.bases[mate] = other
    state.counts[0] = 0
    state.counts[1] = 0
    state.counts[2] += 1
    _update(position, index, table, state)
    if mate >= 0:
        _update(mate, index, table, state)
    won = 0
    for place in range(state.counts[1]):
        rival = state.changed_rival[place]
        if state.old_barred[place] == 0:
            gained -= _cost(state.old_lead[place])
            won += state.old_lead[place] < _ENOUGH
        if state.barred[rival] == 0:
            gained += _cost(state.lead[rival])
            won -= state.lead[rival] < _ENOUGH
    return gained, won


@kernel
def _update(position: int, index: RivalIndex, table: Table, state: _State) -> None:
    """Compute what depends on a position anew, and note what it was."""
    tick = state.counts[2]
    node = index.first_term[position]
    while node >= 0:
        number = index.term_at[node]
        node = index.next_term[node]
        if state.term_seen[number] == tick:
            continue
        state.term_seen[number] = tick
        energy = term_energy(index.terms[number], state.bases, table)
        old = state.energy[number]
        if energy == old:
            continue
        state.changed_term[state.counts[0]] = number
        state.old_energy[state.counts[0]] = old
        state.counts[0] += 1
        state.energy[number] = energy
        place = index.first_rival[number]
        while place >= 0:
            rival = index.rival_at[place]
            if state.rival_seen[rival] != tick:
                state.rival_seen[rival] = tick
                state.changed_rival[state.counts[1]] = rival
                state.old_lead[state.counts[1]] = state.lead[rival]
                state.old_barred[state.counts[1]] = state.barred[rival]
                state.counts[1] += 1
            if old >= IMPOSSIBLE:
                state.barred[rival] -= 1
            else:
                state.lead[rival] -= index.sign_at[place] * old
            if energy >= IMPOSSIBLE:
                state.barred[rival] += 1
            else:
                state.lead[rival] += index.sign_at[place] * energy
            place = index.next_rival[place]


@kernel
def _undo(position: Any, partner: Partners, before: tuple[Any, Any], state: _State) -> None:
    """Take the last step back."""
    state.bases[position] = before[0]
    if partner[position] >= 0:
        state.bases[partner[position]] = before[1]
    for place in range(state.counts[0]):
        state.energy[state.changed_term[place]] = state.old_energy[place]
    for place in range(state.counts[1]):
        state.lead[state.changed_rival[place]] = state.old_lead[place]
        state.barred[state.changed_rival[place]] = state.old_barred[place]


@kernel
def _take_back(
    start: Codes, partner: Partners, index: RivalIndex, table: Table, state: _State
) -> None:
    """Set changed bases to what they were, in random order, where no rival wins by that."""
    changed = np.flatnonzero(state.bases != start)
    np.random.shuffle(changed)  # noqa: NPY002
    for position in changed:
        mate = partner[position]
        if state.bases[position] == start[position]:
            continue
        now = (state.bases[position], state.bases[mate] if mate >= 0 else np.int8(0))
        other = start[mate] if mate >= 0 else np.int8(0)
        _, won = _step(position, start[position], other, start, partner, index, table, state)
        if won < 0:
            _undo(position, partner, now, state)
