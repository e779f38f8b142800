"""Cell lines of Cellosaurus, from its flat file ``cellosaurus.txt``.

An entry is lines of a code of two letters, three spaces and a value, and ends with ``//``. The head
of the file explains them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from genomark.errors import one_line
from genomark.matching.ontologies.reading import at
from genomark.matching.ontologies.term import Term, plain_id

_ACCESSION = re.compile(r"CVCL_\w+")
_TAXON = re.compile(r"NCBI_TaxID=(\d+);\s*(?:!\s*(.*))?")
#: "Derived from site: In situ; Uterus, cervix; UBERON=UBERON_0000002." and how older releases had
#: it: "Derived from metastatic site: Bone."
_SITE = re.compile(
    r"Derived from (?:(?:metastatic|sampling) )?site: (?:(?:In situ|Metastatic|Not specified); )?"
    r"(.*?)(?:; (?:UBERON=)?UBERON_\d+)?\.?$"
)
#: "Cell type: Fibroblast of skin; CL=CL_0002620."
_CELL_TYPE = re.compile(r"Cell type: (.*?)(?:; (?:CL=)?CL_\d+)?\.?$")
_CODES = frozenset({"SY", "OX", "DI", "HI", "CC"})


def read_cellosaurus(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Term]:
    """Read the entries of the flat file.

    Parameters
    ----------
    path : Path
        For messages.
    lines : iterator of (int, str)
        All lines, by number.

    Raises
    ------
    UsageError
        If an entry lacks name or accession, or does not end; names the line.
    """
    term: Term | None = None
    began = 0
    for number, line in lines:
        code, value = line[:2], line[5:]
        if code == "ID":
            if term is not None:
                raise at(path, number, f"an entry begins before that of line {began:,} has its //")
            if not value:
                raise at(path, number, "an entry without a name; expected 'ID   K-562'")
            term, began = Term("", value), number
        elif term is None:
            # What stands around the entries explains the file.
            continue
        elif code == "//":
            if not term.id:
                raise at(path, began, "an entry without accession; expected 'AC   CVCL_0004'")
            yield term
            term = None
        elif code == "AC":
            if not _ACCESSION.fullmatch(value):
                shown = one_line(value)[:60]
                raise at(path, number, f"accession '{shown}'; expected 'AC   CVCL_0004'")
            term.id = value
        elif code in _CODES:
            _take(term, code, value)
    if term is not None:
        raise at(path, began, "the entry has no // at its end: the file is cut short; get it again")


def _take(term: Term, code: str, value: str) -> None:
    if code == "SY":
        term.synonyms += [name for each in value.split(";") if (name := each.strip())]
    elif code == "OX":
        if found := _TAXON.match(value):
            term.taxa[found[1]] = found[2] or ""
    elif code == "DI":
        # "NCIt; C3728; Hepatoblastoma"; others say the same in other words.
        disease = value.split(";", 2)[-1].strip()
        term.facts.setdefault("disease", disease.lower())
    elif code == "HI":
        term.derived_from.append(plain_id(value.partition(" ")[0]))
    elif found := _SITE.match(value):
        term.facts.setdefault("tissue", found[1].lower())
    elif found := _CELL_TYPE.match(value):
        term.facts.setdefault("cell_type", found[1].lower())
