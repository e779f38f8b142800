"""What a description of a sample names: cell lines, kinds of cells, tissues, and other words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from genomark.matching.description import Description, describe
from genomark.matching.folding import words
from genomark.matching.tables import LONGEST, Concept, Knowledge, Table

#: Words that tell no sample from another.
_EMPTY = (
    "a an and as at by cell for from in into line of on or other sample the to type with derived "
    "positive negative old year aged one two three four five six seven eight nine ten normal "
    "sorted enriched purified fresh frozen"
)
EMPTY = frozenset(_EMPTY.split())
#: What says that a cell line is meant.
_LINE = frozenset({"line", "strain", "clone"})
#: Names of lines with fewer letters and digits, or fewer letters alone, may be anything else.
_SHORT, _SHORT_WORD = 3, 4
#: What stands in brackets explains what stands before them.
_ASIDE = re.compile(r"(\([^()]*\))")
#: "Fibroblast - Gingival" is a gingival fibroblast.
_TURNED = re.compile(r"\s+-\s+")
#: Words of the name of a species.
_LONGEST_SPECIES = 3
#: Letters of a word by which it is told that no name begins with it.
_LOOKED_AT = 6
#: Capitals, as abbreviations and names of lines are written.
_LOUD = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a description: a concept, or a word of which nothing is known.

    Attributes
    ----------
    text : str
        Its words, folded.
    concept : Concept or None
    aside : bool
        Whether it stands in brackets.
    """

    text: str
    concept: Concept | None = None
    aside: bool = False

    @property
    def is_line(self) -> bool:
        """Whether it is a cell line."""
        return self.concept is not None and self.concept.kind == "line"


@dataclass(frozen=True, slots=True)
class Sample:
    """A description, and what it names.

    Attributes
    ----------
    description : Description
    units : tuple of Unit
        In the order of the text, without empty words.
    species : frozenset of str
        That it names.
    folded : str
        All words of the text.
    """

    description: Description
    units: tuple[Unit, ...]
    species: frozenset[str]
    folded: str

    @property
    def lines(self) -> tuple[Unit, ...]:
        """The cell lines."""
        return tuple(unit for unit in self.units if unit.is_line)

    @property
    def kinds(self) -> tuple[Unit, ...]:
        """Kinds of cells and tissues."""
        return tuple(unit for unit in self.units if unit.concept is not None and not unit.is_line)

    @property
    def words(self) -> tuple[Unit, ...]:
        """Words of which nothing is known."""
        return tuple(unit for unit in self.units if unit.concept is None)


def read_sample(text: str, knowledge: Knowledge) -> Sample:
    """Read what a description names."""
    return read_samples([text], knowledge)[0]


def read_samples(texts: Iterable[str], knowledge: Knowledge) -> list[Sample]:
    """Read many descriptions; those of one identity share their units, which are read once."""
    known: dict[str, tuple[Unit, ...]] = {}
    samples = []
    for text in texts:
        description = describe(text)
        units = known.get(description.identity)
        if units is None:
            units = known[description.identity] = _units_of(description.identity, knowledge)
        spelled = words(text)
        species = _species(spelled, knowledge.species)
        samples.append(Sample(description, units, species, " ".join(spelled)))
    return samples


def _units_of(identity: str, knowledge: Knowledge) -> tuple[Unit, ...]:
    units = _units(identity, knowledge)
    parts = _TURNED.split(identity)
    if len(parts) == 2:
        turned = _units(" ".join(reversed(parts)), knowledge)
        if len(turned) < len(units):
            units = turned
    return tuple(dict.fromkeys(units))


def _units(identity: str, knowledge: Knowledge) -> list[Unit]:
    """Cut words into concepts, the longest first, lines before kinds, and what is left."""
    spelled: list[str] = []
    aside: list[bool] = []
    for piece in _ASIDE.split(identity):
        found = words(piece)
        spelled += found
        aside += [piece.startswith("(")] * len(found)
    taken = [False] * len(spelled)
    concepts: list[tuple[int, int, Concept]] = []
    for find in (_lines, _kinds):
        for first, size, concept in find(spelled, identity, knowledge):
            here = slice(first, first + size)
            if not any(taken[here]):
                concepts.append((first, size, concept))
                taken[here] = [True] * size
    units = [
        (first, Unit(" ".join(spelled[first : first + size]), concept, aside[first]))
        for first, size, concept in concepts
    ]
    units += [
        (place, Unit(word, None, aside[place]))
        for place, word in enumerate(spelled)
        if not taken[place] and word not in EMPTY and word not in _LINE
    ]
    return [unit for _, unit in sorted(units, key=lambda each: each[0])]


@lru_cache(maxsize=16)
def _beginnings(table: Table, ending: str) -> frozenset[str]:
    """First letters of the names of a table, as many as are looked at, and fewer."""
    names = {table.fold(name) for each in table.concepts.values() for name in each.names}
    return frozenset(
        f"{name}{ending}"[:size] for name in names for size in range(1, _LOOKED_AT + 1)
    )


def _stretches(
    spelled: Sequence[str],
    between: str,
    beginnings: frozenset[str],
    named: Callable[[str], Concept | None],
) -> list[tuple[int, int, Concept]]:
    """Find all stretches of words that are a name: first word, how many, and what it names.

    The longest are first, and of one length those that begin first. `between` stands between the
    words of a name. A stretch that no name begins like is not made longer.
    """
    found = []
    for first, word in enumerate(spelled):
        text = word
        for size in range(1, min(LONGEST, len(spelled) - first) + 1):
            if size > 1:
                text += between + spelled[first + size - 1]
            if text[:_LOOKED_AT] not in beginnings:
                break
            concept = named(text)
            if concept is not None:
                found.append((first, size, concept))
    return sorted(found, key=lambda each: (-each[1], each[0])) if len(found) > 1 else found


def _lines(
    spelled: Sequence[str], identity: str, knowledge: Knowledge
) -> Iterator[tuple[int, int, Concept]]:
    table = knowledge.lines
    found = _stretches(spelled, "", _beginnings(table, ""), table.named)
    if not found:
        return
    loud = {each.casefold() for each in _LOUD.findall(identity)}
    marked = not _LINE.isdisjoint(spelled)
    for first, size, concept in found:
        here = spelled[first : first + size]
        sure = size == len(spelled) or marked or "".join(here) in loud
        if _is_line(here, knowledge, sure=sure):
            yield first, size, concept


def _is_line(spelled: Sequence[str], knowledge: Knowledge, *, sure: bool) -> bool:
    """Tell whether words that are the name of a line mean it."""
    joined = "".join(spelled)
    if not sure:
        if joined.isdigit() or len(joined) < _SHORT:
            return False
        if joined.isalpha() and len(joined) < _SHORT_WORD:
            return False
    # A word that is a kind of cell is that, and not the line of the same name.
    return not joined.isalpha() or knowledge.types.named(" ".join(spelled)) is None


def _kinds(
    spelled: Sequence[str], identity: str, knowledge: Knowledge
) -> list[tuple[int, int, Concept]]:
    """Find kinds of cells, and tissues; "cell" may be there or not."""
    types = knowledge.types.named

    def named(text: str) -> Concept | None:
        found = types(text)
        if found is not None:
            return found
        return types(text[: -len(" cell")] if text.endswith(" cell") else f"{text} cell")

    return _stretches(spelled, " ", _beginnings(knowledge.types, " cell"), named)


def _species(spelled: Sequence[str], table: Table) -> frozenset[str]:
    found = _stretches(spelled, " ", _beginnings(table, ""), table.named)
    return frozenset(
        concept.name
        for first, size, concept in found
        if 1 < size <= _LONGEST_SPECIES or (size == 1 and len(spelled[first]) > 2)
    )
