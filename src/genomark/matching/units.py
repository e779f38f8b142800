"""Which of many descriptions may have something to do with what is asked.

Most choices of a list share nothing with a term. What each names is put down once, under all that
it answers to, so that a question only looks at those that share something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from genomark.matching.folding import folded
from genomark.matching.sample import Unit
from genomark.matching.tables import Concept, Knowledge

#: Words this near are taken for one, spelled wrongly, if they are longer than these letters.
SPELLED_WRONGLY, SHORT = 0.84, 4
#: What is looked at may be a little further: the nearness itself decides.
_NEARLY = SPELLED_WRONGLY - 0.01


class UnitIndex:
    """Units of many descriptions, by what they answer to.

    Parameters
    ----------
    knowledge : Knowledge
    described : iterable of sequence of Unit
        Of each description.
    """

    def __init__(self, knowledge: Knowledge, described: Iterable[Sequence[Unit]]) -> None:
        self._knowledge = knowledge
        self._words: dict[str, list[int]] = {}
        concepts: dict[tuple[str, Concept], list[int]] = {}
        for number, units in enumerate(described):
            for unit in units:
                if unit.concept is None:
                    self._words.setdefault(unit.text, []).append(number)
                else:
                    concepts.setdefault((unit.text, unit.concept), []).append(number)
        self._concepts = list(concepts.values())
        self._long = [word for word in self._words if len(word) > SHORT]
        self._answering: defaultdict[str, list[int]] = defaultdict(list)
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for place, (text, concept) in enumerate(concepts):
            self._named[concept.name].append(place)
            for name in {text, concept.name, *self._wider(concept), *_words_of(concept)}:
                self._answering[name].append(place)

    def related(self, units: Iterable[Unit]) -> list[int]:
        """Give the numbers of the descriptions that may name something of this, in their order."""
        found: set[int] = set()
        for unit in units:
            for numbers in self._related(unit):
                found.update(numbers)
        return sorted(found)

    def _related(self, unit: Unit) -> Iterator[list[int]]:
        concept = unit.concept
        alike = [unit.text]
        if concept is not None:
            alike += _words_of(concept)
        elif len(unit.text) > SHORT:
            near = process.extract(
                unit.text,
                self._long,
                scorer=Levenshtein.normalized_similarity,
                score_cutoff=_NEARLY,
                limit=None,
            )
            alike += [word for word, _, _ in near]
        for word in alike:
            yield self._words.get(word, [])
        places = set(self._answering.get(unit.text, ()))
        if concept is not None:
            places.update(self._answering.get(concept.name, ()))
            for name in self._wider(concept):
                places.update(self._named.get(name, ()))
        for place in places:
            yield self._concepts[place]

    def _wider(self, concept: Concept) -> Iterator[str]:
        """Names of what a concept derives from, is a kind of, or is a part of."""
        is_line = concept.kind == "line"
        table = self._knowledge.lines if is_line else self._knowledge.types
        yield from table.above(concept.name)
        if not is_line:
            yield from table.around(concept.name)


def _words_of(concept: Concept) -> list[str]:
    return [] if concept.kind == "line" else folded(concept.name).split()
