"""A GAME Matcher behind a URL."""

from __future__ import annotations

import json
from collections.abc import Sequence

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


class MatcherClient:
    """Asks a Matcher over HTTP (``POST /match``), and each question only once.

    Parameters
    ----------
    url : str
        ``http://host:port``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.version = "unknown"
        self._known: dict[tuple[str, str, tuple[str, ...]], str | None] = {}

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        """Give the one of `choices` that means `term`; None if none does.

        Raises
        ------
        MatcherError
            If the Matcher cannot be asked, or answers something that is no answer.
        """
        question = (category, term, tuple(choices))
        if question not in self._known:
            self._known[question] = self._ask(*question)
        return self._known[question]

    def _ask(self, category: str, term: str, choices: tuple[str, ...]) -> str | None:
        body = {f"{category}_requested": term, f"{category}_list": choices}
        try:
            answer = run_to_end(self._post(json.dumps(body).encode()))
        except RemoteModelError as error:
            raise MatcherError(f"Failed to connect to remote Matcher: {error}") from error
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            said = one_line(answer.body.decode(errors="replace"))
            raise MatcherError(f"Matcher {self.url} answered {answer.status}: {said}")
        self.version = str(found.get("matcher_version", "unknown"))
        match = found.get(f"{category}_actual")
        if match is None or match in _NO_MATCH:
            return None
        if match not in choices:
            raise MatcherError(
                f"Matcher {self.url} answered {match!r}, which is none of the {len(choices)} terms"
            )
        return str(match)

    async def _post(self, body: bytes) -> HttpAnswer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        async with new_session() as session:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await exchange(
                        session,
                        "POST",
                        f"{self.url}/match",
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
