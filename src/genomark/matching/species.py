"""Which choice is the species that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genomark.matching.folding import folded, words
from genomark.matching.match import Candidate
from genomark.matching.tables import Knowledge

_KNOWN = 0.98


@dataclass(frozen=True)
class SpeciesIndex:
    """Choices by the species they are.

    Parameters
    ----------
    knowledge : Knowledge
    choices : tuple of str
        Each once, sorted.
    """

    knowledge: Knowledge
    choices: tuple[str, ...]

    @classmethod
    def of(cls, choices: Sequence[str], knowledge: Knowledge) -> SpeciesIndex:
        """Read choices, whose order and repetition do not matter."""
        return cls(knowledge, tuple(sorted(set(choices))))

    def candidates(self, term: str) -> list[Candidate]:
        """Score every choice, the best first; ties in the order of their spelling."""
        asked = self._named(term)
        found = []
        for choice in self.choices:
            if folded(choice) == folded(term):
                found.append(Candidate(choice, 1.0, "exact", "the same words"))
            elif asked and asked == self._named(choice):
                found.append(Candidate(choice, _KNOWN, "knowledge", f"{folded(term)} is {asked}"))
        return sorted(found, key=lambda each: (-each.score, len(each.choice), each.choice))

    def _named(self, text: str) -> str:
        """Name the species of a text; empty if it names none."""
        spelled = words(text)
        for size in range(min(4, len(spelled)), 0, -1):
            for first in range(len(spelled) - size + 1):
                concept = self.knowledge.species.named(" ".join(spelled[first : first + size]))
                if concept is not None:
                    return concept.name
        return ""
