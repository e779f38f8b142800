"""The search for a sequence that folds into a target: fold, learn rivals, repair, fold again.

`docs/design/rna-design.md` tells why it works. A search is a function of its target, judge, seed
and effort: time and the number of processes change nothing but how soon it is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import numpy as np

from genomark.rna.design.energies import Table, structure_energy
from genomark.rna.design.judge import Judge
from genomark.rna.design.parts import Part, parts_of
from genomark.rna.design.repair import repaired
from genomark.rna.design.rivals import Rivals
from genomark.rna.design.start import Propose, first_guess
from genomark.rna.design.target import PAIRS, Codes, Target, text_of
from genomark.rna.structure import nested_partners
from genomark.rna.vienna import fold_seconds

#: Costs, kcal/mol, that are accepted by chance.
_WARMTH = 0.3
#: What a wrong symbol costs beside the energy, kcal/mol; and where no energies are known.
_PER_SYMBOL, _PER_SYMBOL_ALONE = 0.05, 0.5
#: Least cost of a wrong fold, kcal/mol: one of the same energy is wrong all the same.
_LEAST = 0.005
#: Guesses without progress after which a part is left to what is around it, and the whole given up.
_PATIENCE, _PATIENCE_OF_WHOLE = 60, 300
_PROGRESS = 0.01
#: Guesses without progress after which single rivals are repaired, not all, and back again: all at
#: once leads far on at first, and too far away once most is right.
_TURN = 25
#: Seconds that a step of repair takes, as they are counted.
_STEP_SECONDS = 1e-5
_FEWEST_STEPS, _MOST_STEPS, _STEPS_PER_SQUARE = 300, 4000, 1 / 20


@dataclass(frozen=True)
class Candidate:
    """A sequence that was folded as a whole.

    Attributes
    ----------
    sequence, structure : str
        Structure as the judge says.
    distance : int
        Symbols in which it differs from the target.
    cost : float
        What the search makes small: energy of the target above that structure's, kcal/mol, and
        something for each wrong symbol.
    """

    sequence: str
    structure: str
    distance: int
    cost: float

    @property
    def rank(self) -> tuple[int, float, str]:
        """Smaller is better."""
        return (self.distance, self.cost, self.sequence)


@dataclass(frozen=True)
class _Guess:
    """A sequence, what it costs, and what each of its parts does."""

    bases: Codes
    cost: float
    parts: Mapping[int, float]


class Search:
    """Looks for sequences that fold into a target.

    Parameters
    ----------
    target : Target
    judge : Judge
    table : ndarray of int32
        Energies, as the judge's where it judges by energy.
    seed : int or str
    propose : callable or None
        A language model's expectations, for first guesses.
    """

    def __init__(
        self,
        target: Target,
        judge: Judge,
        table: Table,
        seed: int | str,
        propose: Propose | None = None,
    ) -> None:
        self.target = target
        #: Of all sequences that were folded as a whole.
        self.best: Candidate | None = None
        #: Whole targets folded so far, and seconds of all work, counted and not measured.
        self.folds = 0
        self.effort = 0.0
        self._judge = judge
        self._table = table
        self._rng = Random(seed)
        self._propose = propose
        self._rivals = Rivals(target.partner, table)
        whole = Part(-1, len(target), (), ())
        self._parts = parts_of(target.partner) if judge.fold_closed else [whole]

    def run(self, stop: Callable[[], bool] = lambda: False) -> Candidate | None:
        """Search until a sequence folds into the target, and give it; None where patience ends.

        `stop` tells whether to leave at once.
        """
        guess = _Guess(first_guess(self.target, self._rng, self._propose), math.inf, {})
        for number in range(len(self._parts)):
            guess = self._solve(number, guess, stop)
        return self.best if self.best is not None and self.best.distance == 0 else None

    def _solve(self, number: int, start: _Guess, stop: Callable[[], bool]) -> _Guess:
        """Change a part, and what is inside it, until it folds as it should."""
        part = self._parts[number]
        whole = part.first < 0
        patience = _PATIENCE_OF_WHOLE if whole else _PATIENCE
        current = best = self._judged(number, start.bases, start.parts, None, math.inf) or start
        waited = 0
        while current.cost > 0 and waited < patience and not stop():
            most = current.cost - _WARMTH * math.log(1.0 - self._rng.random())
            single = waited // _TURN % 2 == 1
            bases = self._repaired(part, current.bases, single)
            judged = self._judged(number, bases, current.parts, current.bases, most)
            waited += 1
            if judged is not None and judged.cost <= most:
                current = judged
                if judged.cost < best.cost - _PROGRESS:
                    best, waited = judged, 0
        return current if current.cost <= 0 else best

    def _repaired(self, part: Part, bases: Codes, single: bool) -> Codes:
        """Change what lets rivals, or a single one, win; where none does, change something."""
        size = part.last - part.first + 1
        steps = int(min(_MOST_STEPS, max(_FEWEST_STEPS, size * size * _STEPS_PER_SQUARE)))
        self._rivals.forget(bases)
        if len(self._rivals):
            changed, _, taken = repaired(
                bases,
                self.target.partner,
                self.target.allowed,
                self._rivals.index,
                self._table,
                part.first,
                part.last,
                steps,
                self._rng.randrange(1 << 31),
                single,
            )
            self.effort += taken * _STEP_SECONDS
            if (changed != bases).any():
                return changed
        return self._mutated(part, bases)

    def _mutated(self, part: Part, bases: Codes) -> Codes:
        changed = bases.copy()
        first, last = max(part.first, 0), min(part.last, len(bases) - 1)
        position = self._rng.randint(first, last)
        mate = int(self.target.partner[position])
        allowed = self.target.allowed
        if mate >= 0:
            one, other = PAIRS[self._rng.randrange(len(PAIRS))].tolist()
            if allowed[position] >> one & 1 and allowed[mate] >> other & 1:
                changed[position], changed[mate] = one, other
        else:
            one = self._rng.randint(1, 4)
            if allowed[position] >> one & 1:
                changed[position] = one
        return changed

    def _judged(
        self,
        number: int,
        bases: Codes,
        known: Mapping[int, float],
        before: Codes | None,
        most: float,
    ) -> _Guess | None:
        """Fold a part, after what has changed inside it; None once it must cost more than `most`.

        Parameters
        ----------
        number : int
        bases : ndarray of int8
        known : mapping of int to float
            What parts cost before.
        before : ndarray of int8 or None
            The sequence of which `known` tells; None where it tells of this one.
        most : float
        """
        part = self._parts[number]
        changed = [] if before is None else np.flatnonzero(bases != before).tolist()
        parts = {each: cost for each, cost in known.items() if not self._parts[each].holds(changed)}
        sequence = text_of(bases)
        for each in part.inside:
            if each in parts:
                continue
            parts[each] = self._closed_cost(self._parts[each], sequence, bases)
            if sum(self._bound(child, parts) for child in part.children) > most:
                return None
        if part.first < 0:
            return _Guess(bases, self._whole_cost(sequence, bases), parts)
        cost = self._closed_cost(part, sequence, bases)
        return _Guess(bases, cost, {**parts, number: cost})

    def _bound(self, number: int, parts: Mapping[int, float]) -> float:
        """Give the least that a part costs, by what is known of it and inside it."""
        inside = sum(self._bound(child, parts) for child in self._parts[number].children)
        return max(parts.get(number, 0.0), inside)

    def _closed_cost(self, part: Part, sequence: str, bases: Codes) -> float:
        """Fold a part with its outer pair kept; give the target's energy above what it folds to."""
        inner = slice(part.first, part.last + 1)
        # A judge that has none is asked of the whole alone.
        assert self._judge.fold_closed is not None
        structure = self._judge.fold_closed(sequence[inner])
        self.effort += fold_seconds(part.last - part.first + 1)
        if structure == self.target.structure[inner]:
            return 0.0
        folding = self.target.partner.copy()
        found = nested_partners(structure)
        folding[inner] = np.where(found >= 0, found + part.first, -1)
        self._rivals.learn(folding)
        return self._above(folding, bases)

    def _whole_cost(self, sequence: str, bases: Codes) -> float:
        structure = self._judge.fold(sequence)
        self.effort += fold_seconds(len(sequence))
        self.folds += 1
        distance = sum(map(str.__ne__, structure, self.target.structure))
        cost = 0.0
        if distance:
            folding = nested_partners(structure)
            self._rivals.learn(folding)
            each = _PER_SYMBOL if self._judge.fold_closed else _PER_SYMBOL_ALONE
            cost = self._above(folding, bases) + each * distance
        candidate = Candidate(sequence, structure, distance, cost)
        if self.best is None or candidate.rank < self.best.rank:
            self.best = candidate
        return cost

    def _above(self, folding: np.ndarray, bases: Codes) -> float:
        """Energy of the target above that of another structure, kcal/mol, at least a little."""
        target = structure_energy(self.target.partner, bases, self._table)
        return max((target - structure_energy(folding, bases, self._table)) / 100, _LEAST)
