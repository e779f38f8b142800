"""What a model predicts, track by track, and which tracks a request asks for.

Selection goes as the published Predictors do it (GAME 1.0, section 6.6): the type picks an assay's
tracks, an exact match of the cell type (case aside) picks among them, and only what is left open is
asked of a Matcher. All tracks that match are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec

from genomark.errors import GenomarkError, UsageError
from genomark.protocol import PredictionFailedError, PredictionTask

_BINDING = "binding_"


class Track(msgspec.Struct, frozen=True):
    """One output of a model.

    Attributes
    ----------
    assay : str
        As answers name it: ``"DNASE"``, ``"CAGE"``, ``"CHIP_ctcf"``, ``"expression"``.
    types : tuple of str
        Types of the protocol it can stand for: ``("accessibility",)``, ``("binding_ctcf",)``.
    cell_type, species : str
    """

    assay: str
    types: tuple[str, ...]
    cell_type: str
    species: str = "homo_sapiens"


@dataclass(frozen=True)
class TermMatch:
    """What a Matcher said of one term.

    Attributes
    ----------
    category, requested : str
    actual : str or None
        The term that is offered; None if none means it.
    confidence : float or None
        0 to 1; None where the Matcher does not tell.
    """

    category: str
    requested: str
    actual: str | None
    confidence: float | None


class NoTrackError(GenomarkError):
    """No track of the model fits one task; the other tasks are answered.

    `asked_matcher` says whether a Matcher was asked, `matched` what it said.
    """

    def __init__(
        self, message: str, *, asked_matcher: bool, matched: tuple[TermMatch, ...] = ()
    ) -> None:
        super().__init__(message)
        self.asked_matcher = asked_matcher
        self.matched = matched


class MatcherError(GenomarkError):
    """A Matcher could not be asked."""


class Matcher(Protocol):
    """Finds the term of a list that means what was asked."""

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        """Give one of `choices`, or None.

        Parameters
        ----------
        category : {"cell_type", "species", "binding_molecule"}
        term : str
        choices : sequence of str

        Raises
        ------
        MatcherError
            If the Matcher cannot be asked.
        """
        ...

    @property
    def version(self) -> str:
        """As answers name it (`matcher_version`)."""
        ...


class Explained(Protocol):
    """A choice, and how sure it is."""

    @property
    def choice(self) -> str | None:
        """One of the choices, or None."""
        ...

    @property
    def confidence(self) -> float | None:
        """0 to 1; None where the Matcher does not tell."""
        ...


@runtime_checkable
class ExplainingMatcher(Matcher, Protocol):
    """A Matcher that may also say how sure it is."""

    def explain(self, category: str, term: str, choices: Sequence[str]) -> Explained:
        """Match, as `match` does."""
        ...


@dataclass(frozen=True)
class Selection:
    """The tracks that answer a task.

    Attributes
    ----------
    indices : tuple of int
        Into the model's tracks.
    assays : tuple of str
        Distinct, in the order of the tracks.
    cell_type, species : str
        What they really are of.
    asked_matcher : bool
    matched : tuple of TermMatch
        What the Matcher said.
    """

    indices: tuple[int, ...]
    assays: tuple[str, ...]
    cell_type: str
    species: str
    asked_matcher: bool
    matched: tuple[TermMatch, ...] = ()

    @property
    def aggregation(self) -> dict[str, str]:
        """What is averaged over: several assays, several tracks of one assay."""
        found = {}
        if len(self.assays) > 1:
            found["tracks"] = "mean"
        if len(self.indices) > len(self.assays):
            found["replicates"] = "mean"
        return found


def check_task(task: PredictionTask, tracks: Sequence[Track]) -> None:
    """Refuse the request if the model has nothing of a task's species or type.

    Raises
    ------
    PredictionFailedError
    """
    species = sorted({track.species for track in tracks})
    if task.species.lower() not in species:
        raise PredictionFailedError(
            f"This predictor only supports species: {species}. Received '{task.species}' for "
            f"task '{task.name}'."
        )
    types = {kind for track in tracks for kind in track.types}
    # A molecule that is not offered may be another name of one that is: the Matcher decides.
    if task.type not in types and not (
        task.type.startswith(_BINDING) and any(kind.startswith(_BINDING) for kind in types)
    ):
        raise PredictionFailedError(
            f"This predictor does not support type: {task.type}. It offers {sorted(types)}."
        )


def select(task: PredictionTask, tracks: Sequence[Track], matcher: Matcher | None) -> Selection:
    """Find the tracks that answer a task.

    Raises
    ------
    NoTrackError
        If none does.
    MatcherError
        If only a Matcher could tell, and it cannot be asked.
    """
    species = task.species.lower()
    candidates = {i: track for i, track in enumerate(tracks) if track.species == species}
    matched: list[TermMatch] = []
    of_type = {i: track for i, track in candidates.items() if task.type in track.types}
    if not of_type and task.type.startswith(_BINDING) and matcher is not None:
        of_type = _of_matched_molecule(task.type, candidates, matcher, matched)
    chosen = _of_cell_type(task.cell_type, of_type)
    if not chosen and of_type and matcher is not None:
        choices = list(dict.fromkeys(track.cell_type for track in of_type.values()))
        term = _ask(matcher, "cell_type", task.cell_type, choices, matched)
        chosen = _of_cell_type(term, of_type) if term is not None else {}
    if not chosen:
        raise NoTrackError(
            f"Request Error: No requested tracks in the requested type: {task.type} and cell "
            f"type: {task.cell_type} found.",
            asked_matcher=bool(matched),
            matched=tuple(matched),
        )
    first = next(iter(chosen.values()))
    return Selection(
        indices=tuple(chosen),
        assays=tuple(dict.fromkeys(track.assay for track in chosen.values())),
        cell_type=first.cell_type,
        species=first.species,
        asked_matcher=bool(matched),
        matched=tuple(matched),
    )


def _ask(
    matcher: Matcher, category: str, term: str, choices: list[str], matched: list[TermMatch]
) -> str | None:
    """Ask for a term, and add what is said to `matched`."""
    confidence = None
    try:
        if isinstance(matcher, ExplainingMatcher):
            explained = matcher.explain(category, term, choices)
            actual, confidence = explained.choice, explained.confidence
        else:
            actual = matcher.match(category, term, choices)
    except UsageError as error:
        # Such as a term too long to be one: the fault of this task alone.
        raise NoTrackError(
            f"Request Error: {error}", asked_matcher=True, matched=tuple(matched)
        ) from error
    matched.append(TermMatch(category, term, actual, confidence))
    return actual


def _of_matched_molecule(
    kind: str, candidates: dict[int, Track], matcher: Matcher, matched: list[TermMatch]
) -> dict[int, Track]:
    molecules = {
        each.removeprefix(_BINDING): each
        for track in candidates.values()
        for each in track.types
        if each.startswith(_BINDING)
    }
    if not molecules:
        return {}
    asked = kind.removeprefix(_BINDING)
    term = _ask(matcher, "binding_molecule", asked, list(molecules), matched)
    wanted = molecules.get(term) if term is not None else None
    return {i: track for i, track in candidates.items() if wanted in track.types}


def _of_cell_type(term: str, tracks: dict[int, Track]) -> dict[int, Track]:
    folded = term.casefold()
    return {i: track for i, track in tracks.items() if track.cell_type.casefold() == folded}
