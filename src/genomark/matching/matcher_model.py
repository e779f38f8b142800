"""``matcher``: what matches terms as models of the benchmark `matcher/terms`.

The built-in Matcher, a GAME Matcher behind a URL, and a language model, alone or as the built-in
one's last stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.matching.llm import MOST_CANDIDATES, LlmChooser
from genomark.matching.llm_endpoint import LlmEndpoint
from genomark.matching.llm_errors import LlmError
from genomark.matching.matcher import VERSION, Matcher
from genomark.matching.ontologies import knowledge_of
from genomark.matching.tables import Knowledge, shipped
from genomark.matching.tournament import CHUNK, tournament
from genomark.models.capabilities import TermAnswer, TermMatcher
from genomark.models.tracks import MatcherError
from genomark.scoring import ModelIdentity

#: How a language model is asked.
Mode = Literal["alone", "tournament", "last-stage"]


def matcher(
    url: str = "",
    llm: str = "",
    model: str = "",
    mode: Mode = "alone",
    token_env: str = "",
    seconds: str = "",
    retries: str = "",
    knowledge: str = "",
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
    knowledge : str
        Files of names for the built-in stages to know besides the tables that are shipped, as
        `knowledge_of` reads them; several with ``+`` between them.

    Raises
    ------
    UsageError
        If settings do not go together, those of the language model are not well formed, or a file
        of names cannot be read.
    """
    told = {"model": model, "token_env": token_env, "seconds": seconds, "retries": retries}
    settings = [f"{name}={value}" for name, value in told.items() if value]
    if url and llm:
        raise UsageError("matcher: url= and llm= are two matchers; expected one of them")
    if (settings or mode != "alone") and not llm:
        first = settings[0] if settings else f"mode={mode}"
        raise UsageError(f"matcher: {first} is of a language model; expected llm= beside it")
    if knowledge and (url or (llm and mode != "last-stage")):
        raise UsageError(
            "matcher: knowledge= is of the built-in stages; expected no url=, and beside llm= "
            "mode=last-stage"
        )
    if url:
        return RemoteMatcher(url)
    if not llm:
        return BuiltinMatcher(files=knowledge)
    endpoint = LlmEndpoint.of(",".join([llm, *settings]))
    if mode == "tournament":
        return TournamentMatcher(endpoint)
    return (
        NearestMatcher(endpoint) if mode == "alone" else BuiltinMatcher(endpoint, files=knowledge)
    )


class BuiltinMatcher:
    """The built-in Matcher, with or without a language model as its last stage.

    Parameters
    ----------
    endpoint : LlmEndpoint, optional
    engine : Matcher, optional
        One of its own if left out: no answer is known beforehand, so that times are true.
    files : str
        Of names that its own one knows besides what is shipped; several with ``+`` between them.
    """

    def __init__(
        self,
        endpoint: LlmEndpoint | None = None,
        engine: Matcher | None = None,
        *,
        files: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._files = files
        self._matcher = engine or Matcher(
            knowledge_of(_paths(files)),
            llm=_chooser(endpoint, MOST_CANDIDATES) if endpoint else None,
        )

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by what is known, and by the language model."""
        version = self._matcher.version
        if self._endpoint is None:
            id = f"matcher:knowledge={self._files}" if self._files else "matcher"
            return ModelIdentity(id, version, digest_of(["matcher", version]))
        found = _identity(self._endpoint, "last-stage", version)
        return (
            msgspec.structs.replace(found, id=f"{found.id},knowledge={self._files}")
            if self._files
            else found
        )

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Match in stages."""
        found = self._matcher.explain(category, term, choices)
        return TermAnswer(found.choice, found.confidence, found.calls, notes=found.notes)


class RemoteMatcher:
    """A GAME Matcher behind a URL; genomark's also tell how sure they are, and of their calls.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        from genomark.models.matcher_client import MatcherClient

        self._client = MatcherClient(url)

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the version that it answers an easy question with, and by the URL.

        Raises
        ------
        MatcherError
            If it cannot be asked.
        """
        url, version = self._client.url, self._client.ask_version()
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
            found = self._client.explain(category, term, choices)
        except MatcherError as error:
            return TermAnswer(None, fault=str(error))
        if self._client.version != known:
            return TermAnswer(None, fault=f"was {known}, and is {self._client.version} now")
        return TermAnswer(found.choice, found.confidence, found.calls, notes=found.notes)


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
        self._matcher = Matcher(self._knowledge, semantic=False)
        self._chooser = _chooser(endpoint, MOST_CANDIDATES)

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the language model, and by what finds the nearest."""
        versions = self._chooser.version, VERSION, self._knowledge.digest[:8]
        return _identity(self._endpoint, "alone", *versions)

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Ask for one of the nearest; nobody is asked where nothing is near."""
        nearest = self._matcher.nearest(category, term, choices, MOST_CANDIDATES)
        if not nearest:
            return TermAnswer(None, calls=0)
        try:
            said = self._chooser.choose(term, category, [each.choice for each in nearest])
        except LlmError as error:
            return TermAnswer(None, calls=error.calls, fault=str(error))
        return TermAnswer(said.choice, calls=said.calls, fault=said.fault)


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


def _paths(files: str) -> list[Path]:
    # A file may have a plus in its name.
    whole = Path(files).expanduser()
    names = [files] if whole.is_file() else files.split("+")
    return [Path(name).expanduser() for name in names if name]


def _chooser(endpoint: LlmEndpoint, most: int) -> LlmChooser:
    # It takes a while to load, and few ask for it.
    from genomark.matching.llm_client import LlmClient

    return LlmChooser(LlmClient(endpoint), most=most)


def _identity(endpoint: LlmEndpoint, mode: Mode, *versions: str) -> ModelIdentity:
    return ModelIdentity(
        id=f"matcher:llm={endpoint}" + (f",mode={mode}" if mode != "alone" else ""),
        version="-".join(versions),
        digest=digest_of(["matcher", str(endpoint), mode, versions]),
    )
