"""What is known of names: which are the same thing, which is a kind or a part of which.

The tables shipped lie in ``knowledge/``; users may add ontologies (OBO) and Cellosaurus files.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from itertools import chain
from typing import Literal

from genomark.digests import digest_of
from genomark.matching.folding import folded, key

#: Which table a concept is in.
Shelf = Literal["line", "type", "molecule", "species"]
#: Longest name of a concept in words, and of a cell line in pieces.
LONGEST = 12


@dataclass(frozen=True, eq=False)
class Concept:
    """A cell line, a kind of cell, a tissue, a molecule or a species.

    Attributes
    ----------
    name : str
    kind : str
        ``line``, ``cell``, ``tissue``, ``organ``, ``in-vitro``, ``disease``, ``species``, or the
        class of a molecule.
    synonyms : tuple of str
    broader, part_of : tuple of str
        Names of concepts of which this is a kind, or a part.
    facts : mapping of str to str
        What else is told: of a line its tissue, disease and species.
    accession : str
    """

    name: str
    kind: str
    synonyms: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    accession: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the one it goes by first."""
        return (self.name, *self.synonyms)


class Table:
    """Concepts by the names they have.

    Parameters
    ----------
    concepts : iterable of Concept
        Those called the same are one: what is told of each is put together. Of others that share a
        name, the first has it.
    by_key : bool
        Whether names are known by letters and digits alone, as those of lines and genes are, or by
        words.
    """

    def __init__(self, concepts: Iterable[Concept], *, by_key: bool) -> None:
        self.concepts: dict[str, Concept] = {}
        self.fold: Callable[[str], str] = key if by_key else folded
        self._names: dict[str, str] = {}
        listed = list(concepts)
        for concept in listed:
            known = self.concepts.get(concept.name)
            self.concepts[concept.name] = concept if known is None else _joined(known, concept)
        for concept in listed:
            self._names.setdefault(self.fold(concept.name), concept.name)
        for concept in listed:
            for name in concept.synonyms:
                self._names.setdefault(self.fold(name), concept.name)
        self._names.pop("", None)
        self._above: dict[str, frozenset[str]] = {}
        self._around: dict[str, frozenset[str]] = {}

    def find(self, text: str) -> Concept | None:
        """Find the concept that a text names."""
        return self.named(self.fold(text))

    def named(self, spelled: str) -> Concept | None:
        """Find the concept of a name that is folded already."""
        name = self._names.get(spelled)
        return None if name is None else self.concepts[name]

    def above(self, name: str) -> frozenset[str]:
        """Names of all broader concepts, however far up; without itself."""
        if name not in self._above:
            self._above[name] = self._closure([name], "broader") - {name}
        return self._above[name]

    def around(self, name: str) -> frozenset[str]:
        """Names of what it, or a broader concept, is a part of, however far up."""
        if name not in self._around:
            wholes = self._closure([name], "part_of", "broader")
            self._around[name] = wholes - {name} - self.above(name)
        return self._around[name]

    def _closure(self, names: list[str], *relations: str) -> frozenset[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            concept = self.concepts.get(waiting.pop())
            for relation in relations if concept is not None else ():
                fresh = set(getattr(concept, relation)) - found
                found |= fresh
                waiting += sorted(fresh)
        return frozenset(found)


@dataclass(frozen=True)
class Knowledge:
    """All tables.

    Attributes
    ----------
    lines, types, molecules, species : Table
    digest : str
    """

    lines: Table
    types: Table
    molecules: Table
    species: Table
    digest: str

    @property
    def tables(self) -> dict[Shelf, Table]:
        """All tables by what is in them."""
        return {
            "line": self.lines,
            "type": self.types,
            "molecule": self.molecules,
            "species": self.species,
        }


@functools.cache
def shipped() -> Knowledge:
    """Read the tables that are shipped, once."""
    return with_concepts()


def with_concepts(more: Iterable[Concept] = ()) -> Knowledge:
    """Make knowledge of the tables shipped, and of further concepts.

    One that is called as one of the tables adds to it. What a table knows a name as, it stays,
    unless it is only a synonym there, and what a further concept is called.
    """
    by_kind: dict[Shelf, list[Concept]] = {"line": [], "type": [], "molecule": [], "species": []}
    of_tables = (read(row) for file, read in _READERS.items() for row in _rows(file))
    for concept in chain(of_tables, more):
        by_kind[shelf_of(concept.kind)].append(concept)
    return Knowledge(
        lines=Table(by_kind["line"], by_key=True),
        types=Table(by_kind["type"], by_key=False),
        molecules=Table(by_kind["molecule"], by_key=True),
        species=Table(by_kind["species"], by_key=False),
        digest=digest_of(
            [
                [each.name, each.kind, each.synonyms, each.broader, each.part_of, dict(each.facts)]
                for kind in by_kind.values()
                for each in kind
            ]
        ),
    )


def shelf_of(kind: str) -> Shelf:
    """Tell in which table concepts of a kind are."""
    if kind == "line":
        return "line"
    if kind == "species":
        return "species"
    kinds_of_types = ("cell", "tissue", "organ", "in-vitro", "disease")
    return "type" if kind in kinds_of_types else "molecule"


def _joined(one: Concept, other: Concept) -> Concept:
    return replace(
        one,
        synonyms=tuple(dict.fromkeys(one.synonyms + other.synonyms)),
        broader=tuple(dict.fromkeys(one.broader + other.broader)),
        part_of=tuple(dict.fromkeys(one.part_of + other.part_of)),
        facts={**other.facts, **one.facts},
        accession=one.accession or other.accession,
    )


def _rows(file: str) -> Iterator[dict[str, str]]:
    place = resources.files("genomark.matching.knowledge") / file
    lines = place.read_text("utf-8").splitlines()
    yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in (text or "").split("|") if each.strip())


def _line(row: Mapping[str, str]) -> Concept:
    facts = {name: row[name] for name in ("cell_type", "tissue", "disease", "species") if row[name]}
    return Concept(
        row["name"],
        "line",
        _listed(row["synonyms"]),
        _listed(row["parent"]),
        (),
        facts,
        row["accession"],
    )


def _type(row: Mapping[str, str]) -> Concept:
    return Concept(
        row["name"],
        row["kind"],
        _listed(row["synonyms"]),
        _listed(row["broader"]),
        _listed(row["part_of"]),
        {},
        row["accession"],
    )


def _molecule(row: Mapping[str, str]) -> Concept:
    return Concept(
        row["name"],
        row["class"],
        _listed(row["synonyms"]),
        (),
        (),
        {"family": row["family"]} if row["family"] else {},
        row["accession"],
    )


def _species(row: Mapping[str, str]) -> Concept:
    return Concept(row["name"], "species", _listed(row["synonyms"]), accession=row["accession"])


_READERS = {
    "cell_lines.tsv": _line,
    "cell_types.tsv": _type,
    "molecules.tsv": _molecule,
    "species.tsv": _species,
}
