"""A GAME Matcher behind a URL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from genomark.errors import RemoteModelError, one_line
from genomark.models.tracks import MatcherError
from genomark.models.transport import (
    BrokenConnectionError,
    Deadlines,
    HttpAnswer,
    exchange,
    new_session,
    run_to_end,
)

#: An LLM behind the Matcher reads hundreds of terms for one answer.
_DEADLINES = Deadlines(connect=5.0, read=120.0, total=120.0)
_MAX_ANSWER_BYTES = 1 << 20
_ATTEMPTS = 2

#: What published Matchers say where nothing of the list means what was asked.
_NO_MATCH = ("NULL", "")
#: A question that every Matcher can answer, by which it tells its version.
_EASY = ("species", "homo_sapiens", ("homo_sapiens",))
#: genomark's Matchers say why; others ignore that they are asked, or refuse it like this.
_EXPLAINED, _PLAIN = "/match?explain=1", "/match"
_REFUSALS = (400, 404, 405, 422)
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class RemoteMatch:
    """What a Matcher behind a URL says of a term.

    Attributes
    ----------
    choice : str or None
        One of the choices; None if none means the term.
    confidence : float or None
        0 to 1; None where the Matcher does not tell.
    calls : int or None
        Of a language model; None where the Matcher does not tell.
    notes : tuple of str
        What went wrong on the way, one line each.
    """

    choice: str | None
    confidence: float | None = None
    calls: int | None = None
    notes: tuple[str, ...] = ()


class MatcherClient:
    """Asks a Matcher over HTTP (``POST /match``), and each question only once.

    Parameters
    ----------
    url : str
        ``http://host:port``.
    version : str, optional
        Answers of another are refused.
    """

    def __init__(self, url: str, version: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.version = version or _UNKNOWN
        self._expected = version
        self._explains = True
        self._known: dict[tuple[str, str, tuple[str, ...]], RemoteMatch] = {}

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        """Give the one of `choices` that means `term`; None if none does.

        Raises
        ------
        MatcherError
            If the Matcher cannot be asked, or answers something that is no answer.
        """
        return self.explain(category, term, choices).choice

    def explain(self, category: str, term: str, choices: Sequence[str]) -> RemoteMatch:
        """Match, and say how sure the answer is as far as the Matcher tells.

        Raises
        ------
        MatcherError
            As for `match`.
        """
        question = (category, term, tuple(choices))
        if question not in self._known:
            self._known[question] = self._ask(*question)
        return self._known[question]

    def ask_version(self) -> str:
        """Give the version that an easy question is answered with.

        Raises
        ------
        MatcherError
            As for `match`.
        """
        self.match(*_EASY)
        return self.version

    def _ask(self, category: str, term: str, choices: tuple[str, ...]) -> RemoteMatch:
        body = {f"{category}_requested": term, f"{category}_list": choices}
        found = self._answer(json.dumps(body).encode())
        version = one_line(found.get("matcher_version") or _UNKNOWN)
        if self._expected is not None and version != self._expected:
            raise MatcherError(
                f"Matcher {self.url} was {self._expected}, and is {version} now; ask again, and it "
                "answers everything anew"
            )
        self.version = version
        match = found.get(f"{category}_actual")
        if match is None or match in _NO_MATCH:
            match = None
        elif match not in choices:
            raise MatcherError(
                f"Matcher {self.url} answered {one_line(repr(match))}, which is none of the "
                f"{len(choices)} terms"
            )
        return _explained(match, found.get("explanation"), category)

    def _answer(self, body: bytes) -> dict[str, Any]:
        """Ask for an explanation, too, unless that is what the Matcher refused before."""
        answer = self._sent(_EXPLAINED if self._explains else _PLAIN, body)
        if self._explains and answer.status in _REFUSALS:
            answer = self._sent(_PLAIN, body)
            # Where both are refused, it is the question that is wrong.
            self._explains = answer.status != 200
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            said = one_line(answer.body.decode(errors="replace"))
            raise MatcherError(f"Matcher {self.url} answered {answer.status}: {said}")
        return found

    def _sent(self, path: str, body: bytes) -> HttpAnswer:
        try:
            return run_to_end(self._post(path, body))
        except RemoteModelError as error:
            raise MatcherError(f"Failed to connect to remote Matcher: {error}") from error

    async def _post(self, path: str, body: bytes) -> HttpAnswer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        async with new_session() as session:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await exchange(
                        session,
                        "POST",
                        f"{self.url}{path}",
                        body=body,
                        headers=headers,
                        deadlines=_DEADLINES,
                        max_bytes=_MAX_ANSWER_BYTES,
                    )
                except BrokenConnectionError:
                    # Matching changes nothing, so a broken connection may be tried again.
                    if attempt == _ATTEMPTS:
                        raise
        raise AssertionError("unreachable")


def _explained(choice: str | None, explanation: object, category: str) -> RemoteMatch:
    """Take from an explanation what is well formed and about this choice; nothing hangs on it."""
    told = explanation.get(category) if isinstance(explanation, dict) else None
    if not isinstance(told, dict) or told.get("choice") != choice:
        return RemoteMatch(choice)
    confidence, calls, notes = (told.get(key) for key in ("confidence", "calls", "notes"))
    return RemoteMatch(
        choice,
        confidence=confidence if _is_share(confidence) else None,
        calls=calls if type(calls) is int and calls >= 0 else None,
        notes=tuple(map(one_line, notes)) if isinstance(notes, list) else (),
    )


def _is_share(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
