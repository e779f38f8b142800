"""Choices that are names of one thing each, read once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from genomark.matching.match import Candidate
from genomark.matching.tables import Knowledge

Own = TypeVar("Own", bound="NameIndex")
#: Name of a concept and how surely it is meant; None where a text names none.
Named = tuple[str, float] | None


@dataclass(frozen=True)
class NameIndex(ABC):
    """Choices by what they name.

    Parameters
    ----------
    knowledge : Knowledge
    choices : tuple of str
        Each once, sorted.
    named : tuple
        What each names.
    """

    knowledge: Knowledge
    choices: tuple[str, ...]
    named: tuple[Named, ...]

    @classmethod
    def of(cls: type[Own], choices: Sequence[str], knowledge: Knowledge) -> Own:
        """Read choices, whose order and repetition do not matter."""
        distinct = tuple(sorted(set(choices)))
        return cls(knowledge, distinct, tuple(cls.read(each, knowledge) for each in distinct))

    @staticmethod
    @abstractmethod
    def read(text: str, knowledge: Knowledge) -> Named:
        """Tell what a text names."""

    @abstractmethod
    def fit(self, term: str, asked: Named, choice: str, offered: Named) -> Candidate:
        """Score a choice; 0 where it means something else."""

    def candidates(self, term: str) -> list[Candidate]:
        """Score every choice, the best first; ties in the order of their spelling."""
        asked = self.read(term, self.knowledge)
        found = [
            self.fit(term, asked, choice, offered)
            for choice, offered in zip(self.choices, self.named, strict=True)
        ]
        kept = [each for each in found if each.score > 0]
        return sorted(kept, key=lambda each: (-each.score, len(each.choice), each.choice))
