"""Which choice is the species that was asked for."""

from __future__ import annotations

from genomark.matching.folding import folded, words
from genomark.matching.match import Candidate
from genomark.matching.name_index import Named, NameIndex
from genomark.matching.tables import Knowledge

_KNOWN = 0.98
#: Words of a name.
_LONGEST = 4


class SpeciesIndex(NameIndex):
    """Choices by the species they are."""

    @staticmethod
    def read(text: str, knowledge: Knowledge) -> Named:
        """Tell which species a text names, by the longest of its names."""
        spelled = words(text)
        for size in range(min(_LONGEST, len(spelled)), 0, -1):
            for first in range(len(spelled) - size + 1):
                concept = knowledge.species.named(" ".join(spelled[first : first + size]))
                if concept is not None:
                    return concept.name, _KNOWN
        return None

    def fit(self, term: str, asked: Named, choice: str, offered: Named) -> Candidate:
        """Score a choice: a species is itself, or another one."""
        if folded(choice) == folded(term):
            return Candidate(choice, 1.0, "exact", "the same words")
        if asked is None or asked != offered:
            return Candidate(choice, 0.0, "knowledge", "")
        return Candidate(choice, _KNOWN, "knowledge", f"{folded(term)} is {asked[0]}")
