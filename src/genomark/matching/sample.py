"""What a description of a sample names: cell lines, kinds of cells, tissues, and other words."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Sample:
    """A description, and what it names.

    Attributes
    ----------
    description : Description
    units : tuple of Unit
        In the order of the text, without empty words.
    species : frozenset of str
        That it names.
    """

    description: Description
    units: tuple[Unit, ...]
    species: frozenset[str]

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
    description = describe(text)
    identity = description.identity
    units = _units(identity, knowledge)
    parts = _TURNED.split(identity)
    if len(parts) == 2:
        turned = _units(" ".join(reversed(parts)), knowledge)
        if len(turned) < len(units):
            units = turned
    return Sample(description, tuple(dict.fromkeys(units)), _species(text, knowledge.species))


def _units(identity: str, knowledge: Knowledge) -> list[Unit]:
    """Cut words into concepts, the longest first, lines before kinds, and what is left."""
    spelled: list[str] = []
    aside: list[bool] = []
    for piece in _ASIDE.split(identity):
        found = words(piece)
        spelled += found
        aside += [piece.startswith("(")] * len(found)
    loud = {each.casefold() for each in re.findall(r"\b[A-Z]{3,}\b", identity)}
    marked = bool(_LINE & {*spelled})
    concepts: list[tuple[int, int, Concept]] = []
    taken = [False] * len(spelled)
    for find in (_line_of, _kind_of):
        for size in range(min(len(spelled), LONGEST), 0, -1):
            for first in range(len(spelled) - size + 1):
                here = slice(first, first + size)
                if any(taken[here]):
                    continue
                whole = size == len(spelled)
                sure = whole or marked or bool(loud & {"".join(spelled[here])})
                concept = find(tuple(spelled[here]), knowledge, sure=sure)
                if concept is not None:
                    concepts.append((first, size, concept))
                    taken[here] = [True] * size
    units = [
        (first, Unit(" ".join(spelled[first : first + size]), concept, aside[first]))
        for first, size, concept in concepts
    ]
    units += [
        (place, Unit(word, None, aside[place]))
        for place, word in enumerate(spelled)
        if not taken[place] and word not in EMPTY | _LINE
    ]
    return [unit for _, unit in sorted(units, key=lambda each: each[0])]


def _line_of(spelled: tuple[str, ...], knowledge: Knowledge, *, sure: bool) -> Concept | None:
    """Find the cell line of a stretch of words."""
    joined = "".join(spelled)
    line = knowledge.lines.named(joined)
    if line is None or sure:
        # A word that is a kind of cell is that, and not the line of the same name.
        kind = knowledge.types.named(" ".join(spelled))
        return None if line is not None and kind is not None and joined.isalpha() else line
    if joined.isdigit() or len(joined) < _SHORT or (joined.isalpha() and len(joined) < _SHORT_WORD):
        return None
    if joined.isalpha() and knowledge.types.named(" ".join(spelled)) is not None:
        return None
    return line


def _kind_of(spelled: tuple[str, ...], knowledge: Knowledge, *, sure: bool) -> Concept | None:
    """Find the kind of cell, or tissue, of a stretch of words."""
    text = " ".join(spelled)
    forms = [text]
    if spelled[-1] == "cell" and len(spelled) > 1:
        forms.append(" ".join(spelled[:-1]))
    else:
        forms.append(f"{text} cell")
    return next(
        (found for form in forms if (found := knowledge.types.named(form)) is not None), None
    )


def _species(text: str, table: Table) -> frozenset[str]:
    spelled = words(text)
    found = set()
    for size in (3, 2, 1):
        for first in range(len(spelled) - size + 1):
            concept = table.named(" ".join(spelled[first : first + size]))
            if concept is not None and (size > 1 or len(spelled[first]) > 2):
                found.add(concept.name)
    return frozenset(found)
