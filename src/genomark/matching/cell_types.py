"""How well a choice fits a cell type that was asked for.

The score of a choice is how much of what was asked it is, less for what it is besides, less for
what was done with it. `docs/design/matching.md` explains the numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from genomark.matching.folding import folded, key, words
from genomark.matching.match import Candidate
from genomark.matching.sample import EMPTY, Sample, Unit, read_sample
from genomark.matching.tables import Concept, Knowledge

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
#: Words this near are taken for one, spelled wrongly.
_SPELLED_WRONGLY = 0.84
_LIGHT, _HEAVY = 0.35, 1.0
_HUMAN, _MOUSE = "homo_sapiens", "mus_musculus"
#: What every treatment has in it.
_TREATING = "treated treatment stimulated fraction phase hour day minute with for um nm ng ml"
_OF_TREATMENTS = frozenset(_TREATING.split())
#: A unit in brackets counts for so much; a name that the choice has letter by letter, so much more.
_ASIDE, _LETTERS = 0.3, 0.02


@dataclass(frozen=True)
class CellTypeIndex:
    """Choices, read once.

    Parameters
    ----------
    knowledge : Knowledge
    choices : tuple of str
        Each once, sorted.
    samples : tuple of Sample
    rarity : dict of str to float
        Of each word: 0 for one that all choices have, 1 for one that few have.
    species : frozenset of str
        Of the samples, as far as the choices tell; both that vocabularies are of where they do not.
    """

    knowledge: Knowledge
    choices: tuple[str, ...]
    samples: tuple[Sample, ...]
    rarity: dict[str, float]
    species: frozenset[str]

    @classmethod
    def of(cls, choices: Sequence[str], knowledge: Knowledge) -> CellTypeIndex:
        """Read choices, whose order and repetition do not matter."""
        distinct = tuple(sorted(set(choices)))
        samples = tuple(read_sample(each, knowledge) for each in distinct)
        counts = Counter(
            word
            for sample in samples
            for word in {part for unit in sample.units for part in unit.text.split()}
        )
        most = math.log(len(samples) + 1)
        rarity = {
            word: math.log((len(samples) + 1) / count) / most for word, count in counts.items()
        }
        return cls(knowledge, distinct, samples, rarity, _species_of(samples))

    def candidates(self, term: str) -> list[Candidate]:
        """Score every choice, the best first; ties in the order of their spelling."""
        asked = read_sample(term, self.knowledge)
        same = folded(term)
        found = [
            self._candidate(asked, same, choice, sample)
            for choice, sample in zip(self.choices, self.samples, strict=True)
        ]
        kept = [each for each in found if each.score > 0]
        return sorted(kept, key=lambda each: (-each.score, len(each.choice), each.choice))

    def _candidate(self, asked: Sample, same: str, choice: str, sample: Sample) -> Candidate:
        if folded(choice) == same:
            return Candidate(choice, 1.0, "exact", "the same words")
        fit, evidence = self._fit(asked, sample)
        if fit <= 0:
            return Candidate(choice, 0.0, "lexical", evidence)
        score = fit * self._circumstances(asked, sample)
        known = any(unit.concept is not None for unit in asked.units)
        return Candidate(choice, round(score, 6), "knowledge" if known else "lexical", evidence)

    def _fit(self, asked: Sample, sample: Sample) -> tuple[float, str]:
        """How much of what was asked the choice is, less for what it is besides."""
        if self._of_other_species(asked):
            return 0.0, "another species"
        if not asked.units or not sample.units:
            return 0.0, "nothing to compare"
        if asked.lines:
            return self._fit_of_lines(asked, sample)
        weights = [
            self._weight(unit) * (_ASIDE if self._is_implied(unit, asked) else 1.0)
            for unit in asked.units
        ]
        best = [self._nearest(unit, sample) for unit in asked.units]
        covered = sum(w * how for w, (how, _) in zip(weights, best, strict=True)) / sum(weights)
        told = "; ".join(
            f"{unit.text} is {what}"
            for unit, (how, what) in zip(asked.units, best, strict=True)
            if how > 0
        )
        return covered * (1.0 - self._extra(asked, sample)), told

    def _fit_of_lines(self, asked: Sample, sample: Sample) -> tuple[float, str]:
        """A line is itself, or one that derives from it, and nothing else."""
        best, told = 0.0, "another cell line"
        for unit in asked.lines:
            for other in sample.lines:
                assert unit.concept is not None
                assert other.concept is not None
                how = self._of_lines(unit.concept, other.concept)
                if 0 < how < _SAME and key(unit.text) in key(sample.description.identity):
                    how += _LETTERS
                if how > best:
                    best, told = how, f"{unit.text} is {other.concept.name}"
        others = len(sample.lines) - 1
        return best * (1.0 - min(_MOST_EXTRA, _EXTRA * max(0, others))), told

    def _of_lines(self, asked: Concept, other: Concept) -> float:
        table = self.knowledge.lines
        if asked.name == other.name:
            return _SAME
        if asked.name in table.above(other.name):
            return _DERIVED
        return _PARENT if other.name in table.above(asked.name) else 0.0

    def _nearest(self, unit: Unit, sample: Sample) -> tuple[float, str]:
        """How much of a unit some unit of the choice is, and which."""
        best = (0.0, "")
        for other in sample.units:
            how = self._relation(unit, other)
            if how > best[0]:
                best = how, other.concept.name if other.concept is not None else other.text
        return best

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
                if near >= _SPELLED_WRONGLY and min(map(len, (unit.text, other.text))) > 4
                else 0.0
            )
        # A word that a name of a concept has in it.
        word, concept = (unit, b) if a is None else (other, a)
        assert concept is not None
        if concept.kind == "line":
            return 0.0
        return 0.6 if word.text in folded(concept.name).split() else 0.0

    def _of_kinds(self, a: Concept, b: Concept) -> float:
        table = self.knowledge.types
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

    def _extra(self, asked: Sample, sample: Sample) -> float:
        """What the choice is besides."""
        total = 0.0
        for unit in sample.units:
            how = max((self._relation(each, unit) for each in asked.units), default=0.0)
            if how > 0 or self._is_implied(unit, asked):
                continue
            total += _EXTRA_LINE if unit.is_line else _EXTRA * (0.5 + self._weight(unit))
        return min(_MOST_EXTRA, total)

    def _is_implied(self, unit: Unit, asked: Sample) -> bool:
        """Whether it is a tissue that what was asked is a part of anyway."""
        if unit.concept is None or unit.is_line:
            return False
        table = self.knowledge.types
        return any(
            each.concept is not None
            and each is not unit
            and unit.concept.name
            in (table.around(each.concept.name) | table.above(each.concept.name))
            for each in asked.kinds
        )

    def _weight(self, unit: Unit) -> float:
        parts = unit.text.split()
        rarest = max((self.rarity.get(part, 1.0) for part in parts), default=1.0)
        weight = _LIGHT + (_HEAVY - _LIGHT) * rarest
        weight *= _ASIDE if unit.aside else 1.0
        return weight if unit.concept is not None else 0.8 * weight

    def _circumstances(self, asked: Sample, sample: Sample) -> float:
        """What was done with the choice, its stage and sex: 1 where it is as was asked."""
        a, b = asked.description, sample.description
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

    def _of_other_species(self, asked: Sample) -> bool:
        """Whether a species is named that the samples are not of."""
        return bool(asked.species) and not asked.species & self.species


def _species_of(samples: Sequence[Sample]) -> frozenset[str]:
    """What most samples are of that tell it, by a name, a strain or a cell line."""
    told: Counter[str] = Counter()
    for sample in samples:
        own = set(sample.species)
        own |= {_MOUSE} if sample.description.strain else set()
        own |= {unit.concept.facts.get("species", "") for unit in sample.lines if unit.concept}
        told.update(own & {_HUMAN, _MOUSE})
    if not told:
        return frozenset({_HUMAN, _MOUSE})
    return frozenset({_MOUSE if told[_MOUSE] > told[_HUMAN] else _HUMAN})


def _overlap(asked: str, done: str) -> float:
    """Share of the words of a treatment that another one has."""
    a, b = ({*words(each)} - EMPTY - _OF_TREATMENTS for each in (asked, done))
    return len(a & b) / max(1, len(a))
