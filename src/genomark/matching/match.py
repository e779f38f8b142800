"""What a matcher answers: a choice or none, how sure it is, and why."""

from __future__ import annotations

from typing import Literal

import msgspec

#: What a term names, as GAME has it.
Category = Literal["cell_type", "species", "binding_molecule"]
CATEGORIES: tuple[Category, ...] = ("cell_type", "binding_molecule", "species")


class Candidate(msgspec.Struct, frozen=True):
    """A choice and how well it fits.

    Attributes
    ----------
    choice : str
        As the list has it.
    score : float
        0 to 1.
    stage : str
        Which found it: ``exact``, ``knowledge``, ``lexical``, ``semantic`` or ``llm``.
    evidence : str
        For people: what of the term is what of the choice.
    """

    choice: str
    score: float
    stage: str
    evidence: str


class Match(msgspec.Struct, frozen=True):
    """The answer for one term.

    Attributes
    ----------
    term : str
        What was asked.
    category : str
    choice : str or None
        The choice that means the same; None where none does, or none surely enough.
    confidence : float
        0 to 1; of an answer of none how sure that is.
    stage, reason : str
        Which stage settled it, and by what evidence.
    candidates : tuple of Candidate
        The best few, the best first.
    calls : int
        Of a language model.
    notes : tuple of str
        What went wrong on the way, such as a language model that was out of reach.
    """

    term: str
    category: str
    choice: str | None
    confidence: float
    stage: str
    reason: str
    candidates: tuple[Candidate, ...] = ()
    calls: int = 0
    notes: tuple[str, ...] = ()
