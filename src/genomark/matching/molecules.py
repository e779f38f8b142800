"""Which choice is the molecule, or the histone mark, that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genomark.matching.folding import folded, key
from genomark.matching.match import Candidate
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


@dataclass(frozen=True)
class MoleculeIndex:
    """Choices by the molecules they are.

    Parameters
    ----------
    knowledge : Knowledge
    choices : tuple of str
        Each once, sorted.
    """

    knowledge: Knowledge
    choices: tuple[str, ...]

    @classmethod
    def of(cls, choices: Sequence[str], knowledge: Knowledge) -> MoleculeIndex:
        """Read choices, whose order and repetition do not matter."""
        return cls(knowledge, tuple(sorted(set(choices))))

    def candidates(self, term: str) -> list[Candidate]:
        """Score every choice, the best first; ties in the order of their spelling."""
        asked = self._molecules(term)
        found = [self._candidate(term, asked, choice) for choice in self.choices]
        kept = [each for each in found if each.score > 0]
        return sorted(kept, key=lambda each: (-each.score, len(each.choice), each.choice))

    def _molecules(self, text: str) -> dict[str, float]:
        """Names of the molecules that a text names, and how surely: the first form that has one."""
        for form, sure in _forms(text):
            concept = self.knowledge.molecules.find(form)
            if concept is not None:
                return {concept.name: sure}
        return {}

    def _candidate(self, term: str, asked: dict[str, float], choice: str) -> Candidate:
        tagged = bool(_TAG.match(choice)) and not _TAG.match(term)
        less = _TAGGED if tagged else 1.0
        if key(term) == key(choice):
            return Candidate(choice, 1.0, "exact", "the same letters")
        if key(term) == key(_TAG.sub("", choice)):
            return Candidate(choice, _SYMBOL * less, "exact", "the same letters, but for a tag")
        offered = self._molecules(choice)
        best, told = 0.0, ""
        for name in asked.keys() & offered.keys():
            # Of spellings of one name, the official one.
            score = asked[name] * offered[name] * (1.0 if choice == name else _OTHERWISE)
            if score > best:
                best, told = score, f"{folded(term)} is {_named(self.knowledge, name)}"
        return Candidate(choice, round(best * less * _SYMBOL, 6), "knowledge", told)


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
