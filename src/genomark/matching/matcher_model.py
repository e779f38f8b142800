"""``matcher``: what matches terms as models of the benchmark `matcher/terms`.

The built-in Matcher, a GAME Matcher behind a URL, and a language model, alone or as the built-in
one's last stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from genomark.digests import digest_of
from genomark.errors import UnknownNameError, UsageError
from genomark.matching.cell_types import CellTypeIndex
from genomark.matching.llm import MOST_CANDIDATES, LlmChooser
from genomark.matching.llm_client import LlmClient, LlmError
from genomark.matching.llm_endpoint import LlmEndpoint
from genomark.matching.matcher import VERSION, Index, Matcher
from genomark.matching.molecules import MoleculeIndex
from genomark.matching.species import SpeciesIndex
from genomark.matching.tables import Knowledge, shipped
from genomark.matching.tournament import CHUNK, tournament
from genomark.models.capabilities import TermAnswer, TermMatcher
from genomark.models.matcher_client import MatcherClient
from genomark.models.tracks import MatcherError
from genomark.scoring import ModelIdentity

#: How a language model is asked.
Mode = Literal["alone", "tournament", "last-stage"]

#: A question that every Matcher can answer, by which it tells its version.
_EASY = ("species", "homo_sapiens", ("homo_sapiens",))
_INDEXES: dict[str, Any] = {
    "cell_type": CellTypeIndex,
    "binding_molecule": MoleculeIndex,
    "species": SpeciesIndex,
}


def matcher(
    url: str = "",
    llm: str = "",
    model: str = "",
    mode: Mode = "alone",
    token_env: str = "",
    seconds: str = "",
    retries: str = "",
) -> TermMatcher:
    """Match terms by what is known of names, by a GAME Matcher (url=), or by a language model.

    Parameters
    ----------
    url : str
        ``http://host:port`` of a GAME Matcher.
    llm, model, token_env, seconds, retries : str
        Of a language model, as `LlmEndpoint.of` takes them:
        ``llm=ollama:http://HOST:11434,model=NAME``.
    mode : {"alone", "tournament", "last-stage"}
        How a language model is asked: of the choices nearest by the other stages, for every term;
        of all choices, part by part; or of the nearest, where the other stages are not sure.

    Raises
    ------
    UsageError
        If settings do not go together, or those of the language model are not well formed.
    """
    told = {"model": model, "token_env": token_env, "seconds": seconds, "retries": retries}
    settings = [f"{name}={value}" for name, value in told.items() if value]
    if url and llm:
        raise UsageError("matcher: url= and llm= are two matchers; expected one of them")
    if (settings or mode != "alone") and not llm:
        first = settings[0] if settings else f"mode={mode}"
        raise UsageError(f"matcher: {first} is of a language model; expected llm= beside it")
    if url:
        return RemoteMatcher(url)
    if not llm:
        return BuiltinMatcher()
    endpoint = LlmEndpoint.of(",".join([llm, *settings]))
    if mode == "tournament":
        return TournamentMatcher(endpoint)
    return NearestMatcher(endpoint) if mode == "alone" else BuiltinMatcher(endpoint)


class BuiltinMatcher:
    """The built-in Matcher, with or without a language model as its last stage.

    Parameters
    ----------
    endpoint : LlmEndpoint, optional
    engine : Matcher, optional
        One of its own if left out: no answer is known beforehand, so that times are true.
    """

    def __init__(self, endpoint: LlmEndpoint | None = None, engine: Matcher | None = None) -> None:
        self._endpoint = endpoint
        self._matcher = engine or Matcher(
            llm=_chooser(endpoint, MOST_CANDIDATES) if endpoint else None
        )

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by what is known, and by the language model."""
        version = self._matcher.version
        if self._endpoint is None:
            return ModelIdentity("matcher", version, digest_of(["matcher", version]))
        return _identity(self._endpoint, "last-stage", version)

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Match in stages."""
        found = self._matcher.explain(category, term, choices)
        return TermAnswer(found.choice, found.confidence, found.calls, notes=found.notes)


class RemoteMatcher:
    """A GAME Matcher behind a URL. The protocol tells neither how sure it is, nor of its calls.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        self._client = MatcherClient(url)

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the version that it answers an easy question with, and by the URL.

        Raises
        ------
        MatcherError
            If it cannot be asked.
        """
        self._client.match(*_EASY)
        url, version = self._client.url, self._client.version
        return ModelIdentity(
            id=f"matcher:url={url}",
            version=version,
            digest=digest_of(["matcher", url, version]),
            notes=[f"served as {version}; known by its URL and version alone"],
        )

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Ask, once a term."""
        known = self.info.version
        try:
            choice = self._client.match(category, term, choices)
        except MatcherError as error:
            return TermAnswer(None, fault=str(error))
        if self._client.version != known:
            return TermAnswer(None, fault=f"was {known}, and is {self._client.version} now")
        return TermAnswer(choice)


class NearestMatcher:
    """A language model, asked for every term; it is shown what the built-in stages find nearest.

    Parameters
    ----------
    endpoint : LlmEndpoint
    knowledge : Knowledge, optional
        Of the built-in stages; what is shipped if left out.
    """

    def __init__(self, endpoint: LlmEndpoint, knowledge: Knowledge | None = None) -> None:
        self._endpoint = endpoint
        self._knowledge = knowledge or shipped()
        self._chooser = _chooser(endpoint, MOST_CANDIDATES)
        self._indexes: dict[tuple[str, tuple[str, ...]], Index] = {}

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the language model, and by what finds the nearest."""
        versions = self._chooser.version, VERSION, self._knowledge.digest[:8]
        return _identity(self._endpoint, "alone", *versions)

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Ask for one of the nearest; nobody is asked where nothing is near."""
        nearest = self._index(category, choices).candidates(term)[:MOST_CANDIDATES]
        if not nearest:
            return TermAnswer(None, calls=0)
        try:
            said = self._chooser.choose(term, category, [each.choice for each in nearest])
        except LlmError as error:
            return TermAnswer(None, calls=error.calls, fault=str(error))
        return TermAnswer(said.choice, calls=said.calls, fault=said.fault)

    def _index(self, category: str, choices: Sequence[str]) -> Index:
        listed = category, tuple(choices)
        if listed not in self._indexes:
            if category not in _INDEXES:
                raise UnknownNameError("category of terms", category, _INDEXES)
            self._indexes[listed] = _INDEXES[category].of(choices, self._knowledge)
        return self._indexes[listed]


class TournamentMatcher:
    """A language model over all choices, part by part, as GAME's Matcher asks it.

    Parameters
    ----------
    endpoint : LlmEndpoint
    """

    def __init__(self, endpoint: LlmEndpoint) -> None:
        self._endpoint = endpoint
        self._chooser = _chooser(endpoint, CHUNK)

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the language model and how it is asked."""
        return _identity(self._endpoint, "tournament", self._chooser.version)

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Play all parts; those that failed have no winner, and are told of."""
        try:
            found = tournament(self._chooser.choose, term, category, choices, progress=False)
        except LlmError as error:
            return TermAnswer(None, calls=error.calls, fault=str(error))
        return TermAnswer(found.choice, calls=found.calls, notes=found.faults)


def _chooser(endpoint: LlmEndpoint, most: int) -> LlmChooser:
    return LlmChooser(LlmClient(endpoint), most=most)


def _identity(endpoint: LlmEndpoint, mode: Mode, *versions: str) -> ModelIdentity:
    return ModelIdentity(
        id=f"matcher:llm={endpoint}" + (f",mode={mode}" if mode != "alone" else ""),
        version="-".join(versions),
        digest=digest_of(["matcher", str(endpoint), mode, versions]),
    )
