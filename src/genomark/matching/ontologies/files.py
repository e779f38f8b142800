"""Read files of names: which format one has is told by its content."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from genomark.errors import UsageError
from genomark.matching.ontologies.cellosaurus import read_cellosaurus
from genomark.matching.ontologies.concepts import concepts_of
from genomark.matching.ontologies.obo import read_obo
from genomark.matching.ontologies.reading import numbered_lines
from genomark.matching.ontologies.term import Term, prefix_of
from genomark.matching.ontologies.terms import KIND_OF_NAMESPACE, Terms
from genomark.matching.tables import Concept, Knowledge, shipped, with_concepts

logger = logging.getLogger("genomark.matching")

#: Terms of all files: several times what the largest release has that names samples.
MOST_TERMS = 500_000
#: Lines before the first term.
_HEAD = 20_000
#: What files begin with that are something else, and what they are.
_OTHERS = {
    "<?xml": "XML, perhaps OWL",
    "<rdf": "OWL",
    "Prefix(": "OWL",
    "@prefix": "Turtle",
    "{": "JSON",
    "<!doctype html": "a web page",
    "<html": "a web page",
}


def read_concepts(path: Path) -> list[Concept]:
    """Read an OBO file or the flat file of Cellosaurus, plain or packed with gzip.

    What it names, and the shipped tables name too, is called as it is there.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Concept
        In the order of the file; without terms that are obsolete, or that no sample, molecule or
        species is named by.

    Raises
    ------
    UsageError
        If the file is neither, is damaged, cut short or too large, or names nothing of use.
    """
    return _concepts([path])


def knowledge_of(paths: Sequence[Path]) -> Knowledge:
    """Put the shipped tables and files together; terms of one file may refer to another.

    Raises
    ------
    UsageError
        As `read_concepts`.
    """
    return with_concepts(_concepts(paths)) if paths else shipped()


def _concepts(paths: Sequence[Path]) -> list[Concept]:
    by_path: dict[Path, list[str]] = {}
    terms: list[Term] = []
    for path in paths:
        before = len(terms)
        terms += _capped(path, read_terms(path), MOST_TERMS - before)
        by_path[path] = [term.id for term in terms[before:]]
    together = Terms(terms)
    for path, ids in by_path.items():
        _check(path, ids, together)
    return concepts_of(together, shipped())


def read_terms(path: Path) -> Iterator[Term]:
    """Read the terms of a file.

    Raises
    ------
    UsageError
        As `read_concepts`.
    """
    lines = numbered_lines(path)
    head: list[tuple[int, str]] = []
    for number, line in lines:
        head.append((number, line))
        if line.startswith("[") or (not head[1:] and line.startswith("format-version:")):
            return read_obo(path, chain(head, lines))
        if line.startswith("ID   "):
            return read_cellosaurus(path, chain(head, lines))
        if number >= _HEAD:
            break
    begun = next((line.strip().lower() for _, line in head if line.strip()), "")
    what = next(
        (f" ({name})" for start, name in _OTHERS.items() if begun.startswith(start.lower())), ""
    )
    raise UsageError(
        f"{path}: neither OBO nor the flat file of Cellosaurus{what}; expected a line [Term], or "
        "one that begins with 'ID   '"
    )


def _capped(path: Path, terms: Iterable[Term], most: int) -> Iterator[Term]:
    for count, term in enumerate(terms):
        if count >= most:
            raise UsageError(
                f"{path}: over {MOST_TERMS:,} terms; cut out those that you have a use for"
            )
        yield term


def _check(path: Path, ids: Sequence[str], terms: Terms) -> None:
    """Refuse a file of which nothing is of use."""
    of_use = sum(1 for id in ids if terms.kinds[id] and (term := terms.get(id)) and term.name)
    if not of_use:
        prefixes = ", ".join(sorted({prefix_of(id) for id in ids})[:8])
        told = f"ids of {prefixes}" if prefixes else "no term"
        raise UsageError(
            f"{path}: {told}: nothing that samples, molecules or species are named by; expected "
            "ids such as CL:, UBERON: or CVCL_, terms that are kinds of such, or a namespace: "
            f"{', '.join(KIND_OF_NAMESPACE)}"
        )
    logger.info("%s: %s of %s terms are of use", path.name, f"{of_use:,}", f"{len(ids):,}")
