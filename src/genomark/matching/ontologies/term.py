"""What a file tells of one thing that has a name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: "http://purl.obolibrary.org/obo/CL_0000034"
_IRI = re.compile(r"https?://\S*[/#]([A-Za-z]+)_(\w+)")
_PREFIX = re.compile(r"[A-Za-z]+")


@dataclass(slots=True)
class Term:
    """A term of an ontology, or an entry of Cellosaurus, as far as matching has a use for it.

    Attributes
    ----------
    id : str
        As `plain_id` writes it; so are all that others are told by.
    name : str
        Empty where the file gives none.
    synonyms : list of str
        That mean exactly the same.
    other_ids : list of str
        That it is known by, too.
    broader, part_of, derived_from : list of str
        Ids of what it is a kind of, a part of, and made from.
    taxa : dict of str to str
        Species it is of: names, which may be empty, by the id of NCBI.
    namespace : str
    facts : dict of str to str
        Tissue, disease and kind of cell of a line, in words.
    """

    id: str
    name: str = ""
    synonyms: list[str] = field(default_factory=list)
    other_ids: list[str] = field(default_factory=list)
    broader: list[str] = field(default_factory=list)
    part_of: list[str] = field(default_factory=list)
    derived_from: list[str] = field(default_factory=list)
    taxa: dict[str, str] = field(default_factory=dict)
    namespace: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def plain_id(text: str) -> str:
    """Write an id in one way: ``CL:0000034``, ``CVCL_0004``, and ``9606`` for a taxon of NCBI."""
    iri = _IRI.fullmatch(text)
    if iri:
        text = f"{iri[1]}:{iri[2]}"
    prefix, _, local = text.partition(":")
    if prefix in ("NCBITaxon", "NCBI_TaxID"):
        return local
    return text.replace("CVCL:", "CVCL_", 1)


def prefix_of(id: str) -> str:
    """Give the ontology of an id: ``CL``, ``CVCL``, and ``NCBITaxon`` for a bare number."""
    if id.isdecimal():
        return "NCBITaxon"
    found = _PREFIX.match(id)
    return found[0] if found else ""
