"""Concepts of terms: which of them the shipped tables have, what they are called, what is above."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from genomark.matching.folding import key, words
from genomark.matching.ontologies.term import Term, prefix_of
from genomark.matching.ontologies.terms import Terms
from genomark.matching.sample import EMPTY
from genomark.matching.tables import Concept, Knowledge, Shelf, shelf_of
from genomark.models.genes.waiting import Waiting

#: Shortest word that may be a further name of a kind or a species; names of species have two words.
_SHORT, _SHORT_SPECIES = 3, 4


def concepts_of(terms: Terms, known: Knowledge) -> list[Concept]:
    """Make concepts of terms.

    A term that a table has already, by its accession or by its name, is called as it is there, so
    that what is told of it here and there comes together. A further name that several have names
    none of them.

    Parameters
    ----------
    terms : Terms
        Those without a name, or of no kind, are left out.
    known : Knowledge
        The shipped tables.
    """
    return _Naming(terms, known).concepts()


class _Naming:
    def __init__(self, terms: Terms, known: Knowledge) -> None:
        self._terms = terms
        self._known = known
        kinds = [name for each in known.types.concepts.values() for name in each.names]
        self._words = frozenset(word for name in kinds for word in words(name))
        self._kinds = self._words | {key(name) for name in kinds}
        self._accessions = {
            (shelf, concept.accession): concept.name
            for shelf, table in known.tables.items()
            for concept in table.concepts.values()
            if concept.accession
        }
        self._shelves: dict[str, Shelf] = {}
        for term in terms:
            kind = terms.kinds[term.id]
            if kind and term.name and not self._tells_nothing(term.name, shelf_of(kind)):
                self._shelves[term.id] = shelf_of(kind)
        self._named = [term for term in terms if term.id in self._shelves]
        self._names: dict[str, str] = {}
        self._owners: dict[tuple[Shelf, str], list[str]] = defaultdict(list)

    def concepts(self) -> list[Concept]:
        for term, name in self._in_tables():
            self._call(term, name)
        for term in self._named:
            if term.id not in self._names:
                self._call(term, self._own_name(term))
        shared = self._shared()
        made = []
        with Waiting(len(self._named), "names put in order") as waiting:
            for term in self._named:
                made.append(self._concept(term, shared))
                waiting.advance(1)
        return made

    def _call(self, term: Term, name: str) -> None:
        self._names[term.id] = name
        self._owners[self._shelves[term.id], name].append(term.id)

    def _in_tables(self) -> Iterator[tuple[Term, str]]:
        """Terms that the tables have, the surest first: by accession, by name, by other names."""
        for term in self._named:
            name = self._accessions.get((self._shelves[term.id], term.id))
            if name is not None:
                yield term, name
        for others in (False, True):
            for term in self._named:
                if term.id not in self._names and (found := self._by_name(term, others)):
                    yield term, found

    def _by_name(self, term: Term, others: bool) -> str:
        shelf = self._shelves[term.id]
        table = self._known.tables[shelf]
        # Of lines, further names are used for all too many.
        for name in (term.synonyms if shelf != "line" else ()) if others else (term.name,):
            found = table.find(name)
            if found is None or self._is_another(term, shelf, found):
                continue
            if not others or table.fold(found.name) == table.fold(name):
                return found.name
        return ""

    def _is_another(self, term: Term, shelf: Shelf, concept: Concept) -> bool:
        """Whether an ontology has a concept under another id than the term."""
        ids = [concept.accession, *self._owners.get((shelf, concept.name), ())]
        ontology = prefix_of(term.id)
        return any(id and id != term.id and prefix_of(id) == ontology for id in ids)

    def _own_name(self, term: Term) -> str:
        """Name a term that the tables have not; by its id, too, where its name is another's."""
        shelf, ontology = self._shelves[term.id], prefix_of(term.id)
        owners = self._owners.get((shelf, term.name), ())
        spelled = self._known.tables[shelf].fold(term.name)
        taken = any(prefix_of(id) == ontology for id in owners) or self._is_known(spelled, shelf)
        return f"{term.name} ({term.id})" if taken else term.name

    def _is_known(self, spelled: str, shelf: Shelf) -> bool:
        """Whether the tables know a folded name, or a line is called as kinds of cells are."""
        if self._known.tables[shelf].named(spelled) is not None:
            return True
        # "TH-1" is a line, "Th1" a cell, and "Heart" no line to anybody.
        return shelf == "line" and (spelled in self._kinds or f"{spelled}cell" in self._kinds)

    def _tells_nothing(self, name: str, shelf: Shelf) -> bool:
        if shelf == "species":
            return len(words(name)) < 2
        return shelf == "type" and EMPTY.issuperset(words(name))

    def _is_usable(self, spelled: str, shelf: Shelf) -> bool:
        """Whether a further name, folded, is one that nothing else could be meant by."""
        if shelf in ("line", "molecule"):
            return not self._is_known(spelled, shelf)
        if " " in spelled:
            return not EMPTY.issuperset(spelled.split())
        if shelf == "type":
            return len(spelled) >= _SHORT and spelled not in EMPTY
        return len(spelled) >= _SHORT_SPECIES and spelled not in self._words

    def _shared(self) -> frozenset[tuple[Shelf, str]]:
        """Further names, folded, that things of several names have."""
        first: dict[tuple[Shelf, str], str] = {}
        shared = set()
        for term in self._named:
            shelf, name = self._shelves[term.id], self._names[term.id]
            fold = self._known.tables[shelf].fold
            for each in term.synonyms:
                place = shelf, fold(each)
                if first.setdefault(place, name) != name:
                    shared.add(place)
        return frozenset(shared)

    def _concept(self, term: Term, shared: frozenset[tuple[Shelf, str]]) -> Concept:
        shelf, name = self._shelves[term.id], self._names[term.id]
        above = term.derived_from + term.broader if shelf == "line" else term.broader
        return Concept(
            name,
            self._terms.kinds[term.id],
            self._further(term, shared),
            self._called(above, shelf, name),
            self._called(term.part_of, shelf, name) if shelf == "type" else (),
            self._facts(term) if shelf == "line" else {},
            term.id,
        )

    def _further(self, term: Term, shared: frozenset[tuple[Shelf, str]]) -> tuple[str, ...]:
        """Names besides that of the concept: each spelling once, and none that is another's."""
        shelf = self._shelves[term.id]
        fold = self._known.tables[shelf].fold
        found: dict[str, str] = {}
        for each in (term.name, *term.synonyms):
            spelled = fold(each)
            if (shelf, spelled) not in shared and self._is_usable(spelled, shelf):
                found.setdefault(spelled, each)
        found.pop(fold(self._names[term.id]), None)
        return tuple(found.values())

    def _called(self, ids: Iterable[str], shelf: Shelf, own: str) -> tuple[str, ...]:
        """Names of what ids stand for, here or in the tables, of one shelf."""
        found = dict.fromkeys(self._name_of(id, shelf) for id in ids)
        return tuple(name for name in found if name and name != own)

    def _name_of(self, id: str, shelf: Shelf) -> str:
        term = self._terms.get(id)
        if term is not None and self._shelves.get(term.id) == shelf:
            return self._names[term.id]
        return self._accessions.get((shelf, id), "")

    def _facts(self, term: Term) -> dict[str, str]:
        return term.facts | ({"species": species} if (species := self._species(term)) else {})

    def _species(self, term: Term) -> str:
        """Give the species as the tables write it; a line of two is of none."""
        if len(term.taxa) != 1:
            return ""
        ((id, told),) = term.taxa.items()
        known = self._accessions.get(("species", id), "")
        found = self._terms.get(id)
        name = told.partition(" (")[0] or (found.name if found is not None else "")
        return known or "_".join(name.lower().split())
