"""Terms of all files together, and of what kind each is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genomark.matching.ontologies.term import Term, prefix_of

#: What ids with a prefix name.
_KIND_OF_PREFIX = {
    **dict.fromkeys(("CL", "PCL"), "cell"),
    **dict.fromkeys(("UBERON", "FMA", "EMAPA", "MA"), "tissue"),
    **dict.fromkeys(("CLO", "CVCL"), "line"),
    **dict.fromkeys(("MONDO", "DOID", "Orphanet"), "disease"),
    **dict.fromkeys(("PR", "HGNC"), "protein"),
    "NCBITaxon": "species",
    "BTO": "tissue",
}
#: The ontology that has cell lines among tissues.
_MIXED = "BTO"
#: What is below terms of ontologies that name things of many kinds.
_KIND_OF_ROOT = {
    "EFO:0000322": "line",
    "EFO:0000324": "cell",
    "EFO:0000635": "tissue",
    "EFO:0000408": "disease",
}
#: How a file of one's own may tell the kind of its terms.
KIND_OF_NAMESPACE = {
    **dict.fromkeys(("line", "cell_line"), "line"),
    **dict.fromkeys(("cell", "cell_type"), "cell"),
    **dict.fromkeys(("molecule", "protein", "gene"), "protein"),
    **{kind: kind for kind in ("tissue", "organ", "disease", "species")},
}
#: What classes of cell lines are called, which are no lines.
_CLASSES = ("cell line", "cell lines", "cell line cell")
#: What ontologies append to the name of a line: "HeLa cell".
_AFTER_LINE = (" cell line cell", " cell line", " cells", " cell")


class Terms:
    """Terms by their ids; of one id, what all files tell of it.

    Parameters
    ----------
    terms : iterable of Term
        Changed: names of cell lines lose what ontologies append to them.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self._by_id: dict[str, Term] = {}
        self._main_ids: dict[str, str] = {}
        for term in terms:
            self._add(term)
        self.kinds = {term.id: self._kind(term) for term in self._by_id.values()}
        for id, kind in self.kinds.items():
            if kind == "line":
                _shorten(self._by_id[id])

    def __iter__(self) -> Iterator[Term]:
        return iter(self._by_id.values())

    def get(self, id: str) -> Term | None:
        """Find the term of an id, or of one that it had before."""
        return self._by_id.get(id) or self._by_id.get(self._main_ids.get(id, ""))

    def _add(self, term: Term) -> None:
        known = self._by_id.setdefault(term.id, term)
        for other in term.other_ids:
            self._main_ids.setdefault(other, term.id)
        if known is term:
            return
        if known.name and term.name:
            known.synonyms.append(term.name)
        known.name = known.name or term.name
        known.namespace = known.namespace or term.namespace
        for own, more in (
            (known.synonyms, term.synonyms),
            (known.broader, term.broader),
            (known.part_of, term.part_of),
            (known.derived_from, term.derived_from),
        ):
            own += more
        known.taxa |= term.taxa
        known.facts = {**term.facts, **known.facts}

    def _kind(self, term: Term) -> str:
        """Tell what a term names: empty for what samples are not told by, such as processes."""
        own = KIND_OF_NAMESPACE.get(term.namespace.lower(), "") or _kind_of_id(term.id)
        if own not in ("", "line") and prefix_of(term.id) != _MIXED:
            return own
        above = list(self._above(term))
        if any(_is_class(name) for _, name in above):
            own = "line"
        own = own or next((kind for id, _ in above if (kind := _kind_of_id(id))), "")
        return "in-vitro" if own and _is_class(term.name) else own

    def _above(self, term: Term) -> Iterator[tuple[str, str]]:
        """Ids and names of what a term is a kind of, or made from, the nearest first."""
        seen = {term.id}
        waiting = [*term.broader, *term.derived_from]
        for id in waiting:
            if id in seen:
                continue
            seen.add(id)
            found = self.get(id)
            waiting += found.broader if found is not None else []
            yield id, found.name if found is not None else ""


def _kind_of_id(id: str) -> str:
    return _KIND_OF_ROOT.get(id) or _KIND_OF_PREFIX.get(prefix_of(id), "")


def _is_class(name: str) -> bool:
    return name.lower().endswith(_CLASSES)


def _shorten(term: Term) -> None:
    if prefix_of(term.id) == "CVCL":
        return
    ending = next((each for each in _AFTER_LINE if term.name.endswith(each)), "")
    if ending:
        term.synonyms.append(term.name)
        term.name = term.name.removesuffix(ending)
