"""Terms of OBO files, format 1.0 to 1.4, as releases have them.

Grammar: https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html. Read are the clauses that
matching has a use for; what releases get wrong elsewhere (dates, lists of references) is no reason
to refuse them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from genomark.errors import one_line
from genomark.matching.ontologies.reading import at
from genomark.matching.ontologies.term import Term, plain_id, prefix_of

_STANZA = re.compile(r"\[(\w+)\]")
_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\w+)?\s*([\w:./#-]+)?')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": " ", "t": " ", "W": " "}
#: What may follow a value: ``{source="..."}`` and ``! a comment``.
_MODIFIERS = re.compile(r'\s*(?<!\\)\{\s*[\w:.-]+="(?:[^"\\]|\\.)*"[^{}]*\}\s*$')
_COMMENT = re.compile(r"\s(?<!\\)!(?:\s.*)?$")
_PART_OF = frozenset({"part_of", "BFO:0000050"})
_DERIVED = frozenset({"derived_from", "derives_from", "RO:0001000"})
_IN_TAXON = frozenset({"in_taxon", "only_in_taxon", "RO:0002162", "RO:0002160"})
#: Types of synonyms that ontologies give to names one should not go by.
_DOUBTFUL = frozenset({"DEPRECATED", "DUBIOUS", "INCONSISTENT"})
#: Subsets of terms that only hold an ontology together.
_UPPER = frozenset({"upper_level", "non_informative"})


def read_obo(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Term]:
    """Read the terms of an OBO file, without those that are obsolete.

    Parameters
    ----------
    path : Path
        For messages.
    lines : iterator of (int, str)
        All lines, by number.

    Raises
    ------
    UsageError
        If a term has no id, or a clause that is read is not well formed; names the line.
    """
    namespace = ""
    clauses: list[tuple[int, str, str]] = []
    stanza, began = "", 0
    for number, line in lines:
        if not line or line.startswith("!"):
            continue
        if line.startswith("["):
            yield from _term(path, began, clauses, namespace) if stanza == "Term" else ()
            stanza, began, clauses = _stanza(path, number, line), number, []
            continue
        if stanza not in ("", "Term"):
            continue
        tag, _, value = line.partition(":")
        if tag in _READ:
            clauses.append((number, tag, value.strip()))
        elif not stanza and tag == "default-namespace":
            namespace = _bare(value.strip())
    yield from _term(path, began, clauses, namespace) if stanza == "Term" else ()


def _stanza(path: Path, number: int, line: str) -> str:
    found = _STANZA.match(line)
    if found is None:
        raise at(path, number, f"'{one_line(line)[:60]}'; expected a stanza such as [Term]")
    return found[1]


def _term(
    path: Path, began: int, clauses: list[tuple[int, str, str]], namespace: str
) -> Iterator[Term]:
    id = next((plain_id(_first(value)) for _, tag, value in clauses if tag == "id"), "")
    if not id:
        raise at(path, began, "a [Term] without an id; expected 'id: CL:0000034' or the like")
    if any(_is_left_out(tag, value) for _, tag, value in clauses):
        return
    term = Term(id, namespace=namespace)
    for number, tag, value in clauses:
        if not _READ[tag](term, value):
            raise at(path, number, f"'{one_line(f'{tag}: {value}')[:80]}'; {_EXPECTED[tag]}")
    yield term


def _is_left_out(tag: str, value: str) -> bool:
    if tag == "is_obsolete":
        return _bare(value) == "true"
    return tag == "subset" and _first(value).rpartition(":")[2] in _UPPER


def _first(value: str) -> str:
    """Give the first word, which is what a reference is by."""
    return value.partition(" ")[0]


def _bare(value: str) -> str:
    """Give a value without what may follow it, and without escapes."""
    value = _MODIFIERS.sub("", _COMMENT.sub("", value))
    return _unescaped(value)


def _unescaped(text: str) -> str:
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
    return " ".join(text.split())


# Each takes a clause into the term, and says whether it was well formed.


def _nothing(term: Term, value: str) -> bool:
    return True


def _name(term: Term, value: str) -> bool:
    term.name = term.name or _bare(value)
    return True


def _namespace(term: Term, value: str) -> bool:
    term.namespace = _bare(value)
    return True


def _other_id(term: Term, value: str) -> bool:
    term.other_ids.append(plain_id(_first(value)))
    return True


def _synonym(term: Term, value: str) -> bool:
    found = _SYNONYM.match(value)
    if found is None:
        return False
    # All of Cellosaurus are RELATED, and are names of the same line.
    exact = found[2] == "EXACT" or prefix_of(term.id) == "CVCL"
    if exact and found[3] not in _DOUBTFUL:
        term.synonyms.append(_unescaped(found[1]))
    return True


def _exact_synonym(term: Term, value: str) -> bool:
    found = _SYNONYM.match(value)
    term.synonyms += [_unescaped(found[1])] if found else []
    return found is not None


def _is_a(term: Term, value: str) -> bool:
    term.broader.append(plain_id(_first(value)))
    return bool(value)


def _relationship(term: Term, value: str) -> bool:
    relation, _, rest = value.partition(" ")
    target = _first(rest.strip())
    if not target:
        return False
    if relation in _PART_OF:
        term.part_of.append(plain_id(target))
    elif relation in _DERIVED:
        term.derived_from.append(plain_id(target))
    elif relation in _IN_TAXON:
        term.taxa.setdefault(plain_id(target), "")
    return True


def _xref(term: Term, value: str) -> bool:
    # Cellosaurus tells the species so.
    if value.startswith("NCBI_TaxID:") and prefix_of(term.id) == "CVCL":
        id, _, name = value.partition("!")
        term.taxa.setdefault(plain_id(id.strip()), name.strip())
    return True


_READ: dict[str, Callable[[Term, str], bool]] = {
    "id": _nothing,
    "is_obsolete": _nothing,
    "subset": _nothing,
    "name": _name,
    "namespace": _namespace,
    "alt_id": _other_id,
    "synonym": _synonym,
    "exact_synonym": _exact_synonym,
    "is_a": _is_a,
    "relationship": _relationship,
    "xref": _xref,
}
_QUOTED = 'expected a name in quotes: synonym: "HSC" EXACT []'
_EXPECTED = {
    "synonym": _QUOTED,
    "exact_synonym": _QUOTED,
    "is_a": "expected an id",
    "relationship": "expected a relation and an id: relationship: part_of UBERON:0000955",
}
