"""Which choice is the molecule, or the histone mark, that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from genomark.matching.folding import folded, key
from genomark.matching.match import Candidate
from genomark.matching.name_index import Named, NameIndex
from genomark.matching.tables import Concept, Knowledge

#: Tags that experiments put on molecules.
_TAG = re.compile(r"^(?:e?GFP|3x?FLAG|FLAG|HA|V5|MYC|TY1|AM|mCherry)-(?=\w)", re.I)
_PHOSPHO = re.compile(r"(?:phospho|p)([STY]\d+)$")
#: What may stand around the name of a molecule and tells nothing.
_AROUND = re.compile(
    r"\b(?:human|mouse|protein|gene|transcription factor|tf|histone|mark|modification|subunit|"
    r"binding|chip-?seq|antibody|anti|homolog|recombinant|endogenous|co-?activator|co-?repressor|"
    r"(?:acetyl|methyl)transferase|demethylase|kinase|cohesin|complex)\b",
    re.I,
)
_SYMBOLIC = re.compile(r"[A-Z][A-Za-z]*-?\d+[A-Za-z0-9]*|[A-Z]{3,}\d*")
_OTHERWISE = 0.999
_SAME, _TAGGED, _MODIFIED, _SYMBOL = 1.0, 0.95, 0.8, 0.97


class MoleculeIndex(NameIndex):
    """Choices by the molecules, or histone marks, they are."""

    @staticmethod
    def read(text: str, knowledge: Knowledge) -> Named:
        """Tell which molecule a text names: of the forms it has, the first that names one."""
        for form, sure in _forms(text):
            concept = knowledge.molecules.find(form)
            if concept is not None:
                return concept.name, sure
        return None

    def fit(self, term: str, asked: Named, choice: str, offered: Named) -> Candidate:
        """Score a choice; the plain molecule goes before one that carries a tag."""
        less = _TAGGED if _TAG.match(choice) and not _TAG.match(term) else 1.0
        if key(term) == key(choice):
            return Candidate(choice, 1.0, "exact", "the same letters")
        if key(term) == key(_TAG.sub("", choice)):
            return Candidate(choice, _SYMBOL * less, "exact", "the same letters, but for a tag")
        if asked is None or offered is None or asked[0] != offered[0]:
            return Candidate(choice, 0.0, "knowledge", "")
        # Of spellings of one name, the official one.
        less *= asked[1] * offered[1] * (1.0 if choice == offered[0] else _OTHERWISE)
        told = f"{folded(term)} is {_named(self.knowledge, offered[0])}"
        return Candidate(choice, round(less * _SYMBOL, 6), "knowledge", told)


def _named(knowledge: Knowledge, name: str) -> str:
    concept: Concept = knowledge.molecules.concepts[name]
    return f"{concept.name} ({concept.kind})"


def _forms(text: str) -> Iterator[tuple[str, float]]:
    """Ways to read a name, the most literal first, and how sure each is."""
    yield text, _SAME
    plain = _TAG.sub("", text.strip())
    yield plain, _SAME
    outside = re.sub(r"\([^)]*\)", " ", plain).strip()
    yield outside, _SAME
    # "DEC1/SHARP2" gives two names of one molecule.
    for part in re.split(r"\s*/\s*", outside):
        yield part, _SAME
    for inside in re.findall(r"\(([^)]+)\)", plain):
        yield inside, _SAME
    bare = _PHOSPHO.sub("", plain)
    if bare != plain:
        yield bare, _MODIFIED
    trimmed = " ".join(_AROUND.sub(" ", outside.replace("_", " ")).split())
    yield trimmed, _SAME
    # "cohesin subunit SCC1": what looks like a symbol may be one.
    for word in filter(_SYMBOLIC.fullmatch, trimmed.split()):
        yield word, _MODIFIED
