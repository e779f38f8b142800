"""How well a description fits what was asked, whatever it is a choice of.

`docs/design/matching.md` explains the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein

from genomark.matching.description import Description
from genomark.matching.folding import folded, key, words
from genomark.matching.sample import EMPTY, Sample, Unit
from genomark.matching.tables import Concept, Knowledge
from genomark.matching.units import SHORT, SPELLED_WRONGLY

#: How much of a concept another one is: itself, a kind of it, a broader one, a part, a whole.
_SAME, _NARROWER, _BROADER, _FAR_BROADER, _PART, _WHOLE = 1.0, 0.9, 0.7, 0.5, 0.5, 0.35
#: Of a line: one that derives from it, and the one it derives from.
_DERIVED, _PARENT = 0.92, 0.85
#: What each word or concept costs that a choice has and the term has not.
_EXTRA, _EXTRA_LINE = 0.05, 0.3
_MOST_EXTRA = 0.45
#: What each thing costs that was done with a choice, and was not asked for.
_DONE = {
    "treated": 0.12,
    "vehicle": 0.05,
    "modified": 0.15,
    "fraction": 0.1,
    "phase": 0.08,
    "origin": 0.08,
    "disease": 0.1,
}
#: What it costs that what was asked for was not done.
_NOT_DONE = 0.2
#: Stages, and what one costs in place of another; none asked means an adult.
_STAGES = {"": 0, "adult": 1, "child": 2, "newborn": 3, "fetal": 4}
_OTHER_STAGE, _NOT_ADULT, _SEX, _TOLD = 0.25, 0.05, 0.04, 0.004
_LIGHT, _HEAVY = 0.35, 1.0
#: What every treatment has in it.
_TREATING = "treated treatment stimulated fraction phase hour day minute with for um nm ng ml"
_OF_TREATMENTS = frozenset(_TREATING.split())
#: A unit in brackets counts for so much; a name that the choice has letter by letter, so much more.
_ASIDE, _LETTERS = 0.3, 0.02


class Question:
    """What is asked, read once and held against many descriptions.

    Parameters
    ----------
    asked : Sample
    knowledge : Knowledge
    rarity : mapping of str to float
        Of the words of a list: 0 for one that all choices have, 1 for one that few have.
    """

    def __init__(self, asked: Sample, knowledge: Knowledge, rarity: Mapping[str, float]) -> None:
        self._asked = asked
        self._knowledge = knowledge
        self._rarity = rarity
        self._implied = _implied(asked, knowledge)
        self._weights = [
            self._weight(unit) * (_ASIDE if self._is_implied(unit) else 1.0) for unit in asked.units
        ]
        self._relations: dict[tuple[str, Concept | None], list[float]] = {}

    def fit(self, identity: str, units: Sequence[Unit]) -> tuple[float, str]:
        """Tell how much of what was asked a description is, less for what it is besides.

        Parameters
        ----------
        identity : str
        units : sequence of Unit
            Of that identity, at least one.

        Returns
        -------
        fit : float
            0 to 1.
        evidence : str
        """
        if self._asked.lines:
            return self._fit_of_lines(identity, units)
        relations = [self._relations_to(unit) for unit in units]
        best = [_nearest(place, relations, units) for place in range(len(self._weights))]
        covered = sum(w * how for w, (how, _) in zip(self._weights, best, strict=True))
        told = "; ".join(
            f"{unit.text} is {what}"
            for unit, (how, what) in zip(self._asked.units, best, strict=True)
            if how > 0
        )
        return covered / sum(self._weights) * (1.0 - self._extra(units, relations)), told

    def circumstances(self, description: Description) -> float:
        """What was done with the choice, its stage and sex: 1 where it is as was asked."""
        a, b = self._asked.description, description
        cost = sum(_DONE.get(mark, 0.0) for mark in b.marks - a.marks)
        cost += sum(_NOT_DONE for mark in a.marks - b.marks if mark in _DONE)
        for mark in a.details.keys() & b.details.keys():
            cost += _NOT_DONE * (1.0 - _overlap(a.details[mark], b.details[mark]))
        if a.stage and b.stage and a.stage != b.stage:
            cost += _OTHER_STAGE
        elif a.stage and not b.stage:
            cost += 0.0 if a.stage == "adult" else 2 * _OTHER_STAGE
        elif b.stage and not a.stage:
            cost += _NOT_ADULT * (_STAGES[b.stage] - 1) + _TOLD
        if a.sex and b.sex and a.sex not in b.sex:
            cost += _SEX
        elif b.sex and not a.sex:
            cost += _TOLD
        if b.ages and not a.ages & b.ages:
            cost += _SEX if a.ages else _TOLD
        if "untreated" in b.marks and "treated" not in a.marks:
            cost -= _TOLD
        return max(0.0, 1.0 - cost)

    def _fit_of_lines(self, identity: str, units: Sequence[Unit]) -> tuple[float, str]:
        """A line is itself, or one that derives from it, and nothing else."""
        best, told = 0.0, "another cell line"
        lines = [unit for unit in units if unit.is_line]
        for unit in self._asked.lines:
            for other in lines:
                assert unit.concept is not None
                assert other.concept is not None
                how = self._of_lines(unit.concept, other.concept)
                if 0 < how < _SAME and key(unit.text) in key(identity):
                    how += _LETTERS
                if how > best:
                    best, told = how, f"{unit.text} is {other.concept.name}"
        others = len(lines) - 1
        return best * (1.0 - min(_MOST_EXTRA, _EXTRA * max(0, others))), told

    def _of_lines(self, asked: Concept, other: Concept) -> float:
        table = self._knowledge.lines
        if asked.name == other.name:
            return _SAME
        if asked.name in table.above(other.name):
            return _DERIVED
        return _PARENT if other.name in table.above(asked.name) else 0.0

    def _relations_to(self, other: Unit) -> list[float]:
        """How much of each unit asked another one is."""
        known = self._relations.get((other.text, other.concept))
        if known is None:
            known = [self._relation(unit, other) for unit in self._asked.units]
            self._relations[other.text, other.concept] = known
        return known

    def _relation(self, unit: Unit, other: Unit) -> float:
        if unit.text == other.text:
            return _SAME
        a, b = unit.concept, other.concept
        if a is not None and b is not None:
            if "line" in (a.kind, b.kind):
                return 0.0
            return self._of_kinds(a, b)
        if a is None and b is None:
            near = Levenshtein.normalized_similarity(unit.text, other.text)
            return (
                near
                if near >= SPELLED_WRONGLY and min(map(len, (unit.text, other.text))) > SHORT
                else 0.0
            )
        # A word that a name of a concept has in it.
        word, concept = (unit, b) if a is None else (other, a)
        assert concept is not None
        if concept.kind == "line":
            return 0.0
        return 0.6 if word.text in folded(concept.name).split() else 0.0

    def _of_kinds(self, a: Concept, b: Concept) -> float:
        table = self._knowledge.types
        if a.name == b.name:
            return _SAME
        if a.name in table.above(b.name):
            return _NARROWER
        if b.name in a.broader:
            return _BROADER
        if b.name in table.above(a.name):
            return _FAR_BROADER
        if a.name in table.around(b.name):
            return _PART
        return _WHOLE if b.name in table.around(a.name) else 0.0

    def _extra(self, units: Sequence[Unit], relations: Sequence[Sequence[float]]) -> float:
        """What a description is besides."""
        total = 0.0
        for unit, hows in zip(units, relations, strict=True):
            if max(hows) > 0 or self._is_implied(unit):
                continue
            total += _EXTRA_LINE if unit.is_line else _EXTRA * (0.5 + self._weight(unit))
        return min(_MOST_EXTRA, total)

    def _is_implied(self, unit: Unit) -> bool:
        """Whether it is a tissue that what was asked is a part of anyway."""
        concept = unit.concept
        return concept is not None and concept.kind != "line" and concept.name in self._implied

    def _weight(self, unit: Unit) -> float:
        parts = unit.text.split()
        rarest = max((self._rarity.get(part, 1.0) for part in parts), default=1.0)
        weight = _LIGHT + (_HEAVY - _LIGHT) * rarest
        weight *= _ASIDE if unit.aside else 1.0
        return weight if unit.concept is not None else 0.8 * weight


def _implied(asked: Sample, knowledge: Knowledge) -> frozenset[str]:
    """Names of what the kinds of cells that are asked are parts, or kinds, of."""
    names = [unit.concept.name for unit in asked.kinds if unit.concept is not None]
    around, above = knowledge.types.around, knowledge.types.above
    return frozenset().union(*(around(name) | above(name) for name in names))


def _nearest(
    place: int, relations: Sequence[Sequence[float]], units: Sequence[Unit]
) -> tuple[float, str]:
    """How much of a unit some unit of a description is, and which."""
    best = (0.0, "")
    for hows, other in zip(relations, units, strict=True):
        if hows[place] > best[0]:
            best = hows[place], other.concept.name if other.concept is not None else other.text
    return best


def _overlap(asked: str, done: str) -> float:
    """Share of the words of a treatment that another one has."""
    a, b = ({*words(each)} - EMPTY - _OF_TREATMENTS for each in (asked, done))
    return len(a & b) / max(1, len(a))
