"""Which choice is the cell type that was asked for.

The score of a choice is how much of what was asked it is, less for what it is besides, less for
what was done with it. `docs/design/matching.md` explains the numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from genomark.matching.fit import Question
from genomark.matching.match import Candidate
from genomark.matching.sample import Sample, read_sample, read_samples
from genomark.matching.tables import Knowledge
from genomark.matching.units import UnitIndex

_HUMAN, _MOUSE = "homo_sapiens", "mus_musculus"


@dataclass(frozen=True)
class CellTypeIndex:
    """Choices, read once.

    Parameters
    ----------
    knowledge : Knowledge
    choices : tuple of str
        Each once, sorted.
    samples : tuple of Sample
    identities : tuple of tuple of int
        Places of the choices of each identity.
    units : UnitIndex
        Of the identities.
    rarity : dict of str to float
        Of each word: 0 for one that all choices have, 1 for one that few have.
    species : frozenset of str
        Of the samples, as far as the choices tell; both that vocabularies are of where they do not.
    """

    knowledge: Knowledge
    choices: tuple[str, ...]
    samples: tuple[Sample, ...]
    identities: tuple[tuple[int, ...], ...]
    units: UnitIndex
    rarity: Mapping[str, float]
    species: frozenset[str]

    @classmethod
    def of(cls, choices: Sequence[str], knowledge: Knowledge) -> CellTypeIndex:
        """Read choices, whose order and repetition do not matter."""
        distinct = tuple(sorted(set(choices)))
        samples = tuple(read_samples(distinct, knowledge))
        places: dict[str, list[int]] = {}
        for place, sample in enumerate(samples):
            places.setdefault(sample.description.identity, []).append(place)
        identities = tuple(map(tuple, places.values()))
        return cls(
            knowledge,
            distinct,
            samples,
            identities,
            UnitIndex(knowledge, (samples[first].units for first, *_ in identities)),
            _rarity(samples, identities),
            _species_of(samples),
        )

    def candidates(self, term: str) -> list[Candidate]:
        """Score the choices, the best first; ties in the order of their spelling.

        Those that have nothing of what was asked are left out.
        """
        asked = read_sample(term, self.knowledge)
        kept = [*self._same(asked), *self._fitting(asked)]
        return sorted(kept, key=lambda each: (-each.score, len(each.choice), each.choice))

    def _same(self, asked: Sample) -> Iterator[Candidate]:
        for choice, sample in zip(self.choices, self.samples, strict=True):
            if sample.folded == asked.folded:
                yield Candidate(choice, 1.0, "exact", "the same words")

    def _fitting(self, asked: Sample) -> Iterator[Candidate]:
        """Score the choices that are not spelled as the term is."""
        if self._of_other_species(asked) or not asked.units:
            return
        question = Question(asked, self.knowledge, self.rarity)
        known = any(unit.concept is not None for unit in asked.units)
        stage = "knowledge" if known else "lexical"
        for number in self.units.related(asked.lines or asked.units):
            first, *_ = places = self.identities[number]
            fit, evidence = question.fit(
                self.samples[first].description.identity, self.samples[first].units
            )
            if fit <= 0:
                continue
            for place in places:
                sample = self.samples[place]
                score = round(fit * question.circumstances(sample.description), 6)
                if score > 0 and sample.folded != asked.folded:
                    yield Candidate(self.choices[place], score, stage, evidence)

    def _of_other_species(self, asked: Sample) -> bool:
        """Whether a species is named that the samples are not of."""
        return bool(asked.species) and not asked.species & self.species


def _rarity(samples: Sequence[Sample], identities: Sequence[Sequence[int]]) -> dict[str, float]:
    """Of each word: 0 for one that all samples have, 1 for one that few have."""
    counts: Counter[str] = Counter()
    for places in identities:
        for word in {part for unit in samples[places[0]].units for part in unit.text.split()}:
            counts[word] += len(places)
    most = math.log(len(samples) + 1)
    by_count = {
        count: math.log((len(samples) + 1) / count) / most for count in set(counts.values())
    }
    return {word: by_count[count] for word, count in counts.items()}


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
