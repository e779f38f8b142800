"""The matcher: from a term and a list of choices to the one that means the same, or none."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from genomark.digests import digest_of
from genomark.errors import UnknownNameError, UsageError
from genomark.matching.cell_types import CellTypeIndex
from genomark.matching.description import describe
from genomark.matching.llm import LlmChooser
from genomark.matching.llm_errors import LlmError
from genomark.matching.match import CATEGORIES, Candidate, Category, Match
from genomark.matching.molecules import MoleculeIndex
from genomark.matching.sample import read_sample
from genomark.matching.semantic import SemanticStage
from genomark.matching.species import SpeciesIndex
from genomark.matching.tables import Knowledge, shipped

#: Raise it when answers change.
VERSION = "1"
#: Below this a choice is no answer; above the second nothing further is asked.
THRESHOLDS: dict[Category, float] = {"cell_type": 0.6, "binding_molecule": 0.75, "species": 0.9}
_SURE = 0.9
#: Confidence in what a language model says: with the other stages, and against them.
_OF_LLM, _AGAINST = 0.85, 0.7
#: Candidates that are told, and that a language model is shown.
_TOLD, _SHOWN = 5, 12
#: Answers and indexes kept.
_ANSWERS, _INDEXES = 100_000, 32
#: Letters of a term, choices of a list, and letters of all of them.
LONGEST_TERM, MOST_CHOICES, MOST_LETTERS = 2_000, 200_000, 50_000_000

_INDEX: dict[Category, Any] = {
    "cell_type": CellTypeIndex,
    "binding_molecule": MoleculeIndex,
    "species": SpeciesIndex,
}


class Index(Protocol):
    """Choices, read once."""

    choices: tuple[str, ...]

    def candidates(self, term: str) -> list[Candidate]:
        """Score the choices, the best first."""
        ...


class Matcher:
    """Finds the choice that means what was asked, in stages, and says how sure it is.

    The same question has the same answer in every process and for every order of the choices.
    Threads may share one.

    Parameters
    ----------
    knowledge : Knowledge, optional
        Names and how they belong together; those shipped if left out.
    llm : LlmChooser, optional
        Is asked once where the other stages are not sure, over the best few candidates.
    semantic : bool
        Whether nearness of meaning counts, where the package of its weights is installed.
    """

    def __init__(
        self,
        knowledge: Knowledge | None = None,
        *,
        llm: LlmChooser | None = None,
        semantic: bool = True,
    ) -> None:
        self._knowledge = knowledge or shipped()
        self._llm = llm
        self._semantic = SemanticStage() if semantic and SemanticStage.is_available() else None
        self._indexes: OrderedDict[str, Index] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], Match] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}

    @property
    def version(self) -> str:
        """Of the method and of what is known: the same version gives the same answers."""
        parts = [f"genomark-matcher-{VERSION}", self._knowledge.digest[:8]]
        parts += ["semantic"] if self._semantic else []
        parts += [self._llm.version] if self._llm else []
        return "-".join(parts)

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        """Give the one of `choices` that means `term`; None if none does."""
        return self.explain(category, term, choices).choice

    def explain(self, category: str, term: str, choices: Sequence[str]) -> Match:
        """Match, and say how sure the answer is and why.

        Raises
        ------
        UsageError
            If the category is not known, there are no choices, or term or list are too long.
        """
        checked = _checked(category, term, choices)
        digest = digest_of([checked, sorted(set(choices))])
        asked = digest, term
        with self._lock:
            known = self._answers.get(asked)
            if known is not None:
                self._answers.move_to_end(asked)
                return known
        found = self._settle(checked, term, self._index(digest, checked, choices))
        if found.notes:  # Something was out of reach: the next time it may not be.
            return found
        with self._lock:
            self._answers[asked] = found
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return found

    def nearest(
        self, category: str, term: str, choices: Sequence[str], count: int
    ) -> list[Candidate]:
        """Give the `count` choices nearest by name, the best first, whether or not they match.

        Neither nearness of meaning nor a language model counts.

        Raises
        ------
        UsageError
            As for `explain`.
        """
        checked = _checked(category, term, choices)
        digest = digest_of([checked, sorted(set(choices))])
        return _by_name(term, self._index(digest, checked, choices))[:count]

    def _index(self, digest: str, category: Category, choices: Sequence[str]) -> Index:
        with self._lock:
            reading = self._reading.setdefault(digest, threading.Lock())
        with reading:  # A long list is read once, and holds up nobody who asks another.
            return self._read(digest, category, choices)

    def _read(self, digest: str, category: Category, choices: Sequence[str]) -> Index:
        with self._lock:
            known = self._indexes.get(digest)
            if known is not None:
                self._indexes.move_to_end(digest)
                return known
        made: Index = _INDEX[category].of(choices, self._knowledge)
        if self._semantic is not None and category == "cell_type":
            self._semantic.prepare()
        with self._lock:
            self._indexes[digest] = made
            while len(self._indexes) > _INDEXES:
                gone, _ = self._indexes.popitem(last=False)
                self._reading.pop(gone, None)
        return made

    def _settle(self, category: Category, term: str, index: Index) -> Match:
        candidates = _by_name(term, index)
        least = THRESHOLDS[category]
        best = candidates[0].score if candidates else 0.0
        if self._semantic is not None and isinstance(index, CellTypeIndex) and best < least:
            candidates = self._by_meaning(term, candidates)
        found = _answer(category, term, candidates, least)
        if self._llm is None or not candidates or candidates[0].score >= _SURE:
            return found
        return self._with_llm(self._llm, found, candidates[:_SHOWN])

    def _by_meaning(self, term: str, candidates: list[Candidate]) -> list[Candidate]:
        assert self._semantic is not None
        asked = read_sample(term, self._knowledge)
        known = [unit for unit in asked.units if unit.concept is not None]
        # Names of cell lines mean nothing but themselves; and what is known whole, and is not
        # there, is not to be had by something like it.
        if asked.lines or (known and len(asked.units) == 1):
            return candidates
        identities = [describe(each.choice).identity for each in candidates[:_SHOWN]]
        few = candidates[:_SHOWN]
        found = self._semantic.rescored(asked.description.identity, few, identities)
        return found + candidates[_SHOWN:]

    def _with_llm(self, llm: LlmChooser, found: Match, candidates: list[Candidate]) -> Match:
        """Let a language model decide between candidates; without it the others' answer stands."""
        names = [each.choice for each in candidates]
        try:
            said = llm.choose(found.term, found.category, names)
        except LlmError as error:
            return msgspec.structs.replace(found, calls=error.calls, notes=(str(error),))
        if said.fault:
            return msgspec.structs.replace(found, calls=said.calls, notes=(said.fault,))
        if said.choice is None:
            reason = "the language model finds none among the nearest"
            return msgspec.structs.replace(
                found, choice=None, confidence=_OF_LLM, stage="llm", reason=reason, calls=said.calls
            )
        chosen = next(each for each in candidates if each.choice == said.choice)
        agrees = said.choice == found.choice
        return msgspec.structs.replace(
            found,
            choice=said.choice,
            confidence=max(chosen.score, _OF_LLM if agrees else _AGAINST),
            stage="llm",
            reason=f"the language model chose it; {chosen.evidence}".rstrip("; "),
            calls=said.calls,
        )


def _by_name(term: str, index: Index) -> list[Candidate]:
    return index.candidates(term) if term.strip() else []


def _answer(category: Category, term: str, candidates: list[Candidate], least: float) -> Match:
    told = tuple(candidates[:_TOLD])
    if not candidates or candidates[0].score < least:
        best = candidates[0] if candidates else None
        nearest = f"; the nearest is '{best.choice}' ({best.evidence})" if best else ""
        sure = round(1.0 - (best.score if best else 0.0), 6)
        return Match(term, category, None, sure, "none", f"nothing means it{nearest}", told)
    best = candidates[0]
    return Match(term, category, best.choice, best.score, best.stage, best.evidence, told)


def _checked(category: str, term: str, choices: Sequence[str]) -> Category:
    if category not in CATEGORIES:
        raise UnknownNameError("category of terms", category, CATEGORIES)
    if not choices:
        raise UsageError(f"no choices were given for '{term[:60]}'")
    if len(term) > LONGEST_TERM:
        raise UsageError(
            f"a term of {len(term):,} letters; expected a name of {LONGEST_TERM:,} at most"
        )
    if len(choices) > MOST_CHOICES or sum(map(len, choices)) > MOST_LETTERS:
        raise UsageError(
            f"{len(choices):,} choices of {sum(map(len, choices)):,} letters; expected "
            f"{MOST_CHOICES:,} choices and {MOST_LETTERS:,} letters at most"
        )
    return next(each for each in CATEGORIES if each == category)
