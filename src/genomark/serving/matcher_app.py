"""The GAME Matcher as an ASGI app (GAME 1.0, section 6)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import GenomarkError, UsageError, one_line
from genomark.matching import CATEGORIES, Match
from genomark.protocol import JSON, BadRequestError, GameError, ServerError, encode
from genomark.serving.limits import Limits, read_body
from genomark.serving.matcher_metrics import MatcherMetrics
from genomark.serving.matcher_openapi import matcher_openapi
from genomark.serving.matcher_request import (
    ORDER,
    InvalidMatchError,
    Question,
    read_flag,
    read_questions,
    unfit,
)
from genomark.serving.server import address_of, listen, run_app
from genomark.serving.service_app import ServiceApp

logger = logging.getLogger("genomark.serving")

#: What means that nothing of the list is what was asked; null is for what was not asked.
NO_MATCH = "NULL"
#: A hundred thousand names of a hundred letters, and longer than a language model may take.
LIMITS = Limits(body_bytes=16_000_000, seconds=100.0, idle_seconds=30.0, concurrent=4, queued=64)

_FAILED = "Matcher Server Internal Error"
_BUSY = "Matcher Server Busy"
_KEPT_HEADERS = ("Retry-After", "WWW-Authenticate", "Connection")


class Explainer(Protocol):
    """What answers: `genomark.matching.Matcher` does. Threads share it."""

    def explain(self, category: str, term: str, choices: Sequence[str]) -> Match:
        """Match a term, and say why."""
        ...

    @property
    def version(self) -> str:
        """As answers name it (`matcher_version`)."""
        ...


def matcher_app(
    matcher: Explainer, *, limits: Limits = LIMITS, token: str | None = None
) -> Starlette:
    """Make the app that serves a Matcher.

    Parameters
    ----------
    matcher : Explainer
    limits : Limits
    token : str, optional
        Asked for as a bearer token, but for health checks.

    Returns
    -------
    starlette.applications.Starlette
    """
    app = _App(matcher, limits, token)
    return app.served(Route("/match", app.match, methods=["POST"]))


class _App(ServiceApp):
    paths = ("/match", "/openapi.json", "/metrics", "/health/live", "/health/ready")

    def __init__(self, matcher: Explainer, limits: Limits, token: str | None) -> None:
        super().__init__(limits, token)
        self.matcher = matcher
        self.measured: MatcherMetrics = MatcherMetrics(self.turns)

    @property
    def name(self) -> str:
        return self.matcher.version

    def answer(self, request: Request, body: dict[str, Any]) -> Response:
        return Response(encode({"matcher_version": self.name, **body}, JSON), media_type=JSON)

    def contract(self) -> dict[str, Any]:
        return matcher_openapi()

    async def match(self, request: Request) -> Response:
        self.authorise(request)
        return await self.measure(self._matched(request))

    async def _matched(self, request: Request) -> Response:
        explain = read_flag(request.query_params.get("explain"), "explain")
        content_type = request.headers.get("content-type")
        body = await self._body(request)
        told = await self._in_turn(body, content_type, explain=explain)
        return self.answer(request, told)

    async def _body(self, request: Request) -> bytes:
        try:
            return await read_body(request, self.limits)
        except BadRequestError as error:
            if error.http_status != 413:
                raise
            raise BadRequestError(
                f"The request body is over {self.limits.body_bytes:,} bytes; send fewer choices, "
                "or have the server started with a larger --max-body",
                status=413,
            ) from error

    async def _in_turn(
        self, body: bytes, content_type: str | None, *, explain: bool
    ) -> dict[str, Any]:
        try:
            return await self.turns.run(lambda: self._matches(body, content_type, explain=explain))
        except ServerError as error:
            if error.http_status != 503:
                raise
            raise self.busy(error.retry_after) from error

    def busy(self, retry_after: float | None) -> ServerError:
        return ServerError(
            f"{self.turns.computing} requests are being matched and {self.turns.waiting} wait; "
            f"one may take {self.limits.seconds:g} s, waiting included. Ask again later",
            status=503,
            retry_after=retry_after,
        )

    def _matches(self, body: bytes, content_type: str | None, *, explain: bool) -> dict[str, Any]:
        questions = read_questions(body, content_type)
        # GAME's order of work; its order of keys is another.
        questions.sort(key=lambda question: CATEGORIES.index(question.category))
        found = {question.category: self._explained(question) for question in questions}
        told: dict[str, Any] = {
            f"{category}_actual": _said(found.get(category)) for category in ORDER
        }
        if explain:
            told["explanation"] = {category: _explanation(each) for category, each in found.items()}
        return told

    def _explained(self, question: Question) -> Match:
        try:
            match = self.matcher.explain(question.category, question.term, question.choices)
        except UsageError as error:
            raise unfit(question, str(error)) from error
        except GenomarkError as error:
            raise ServerError(str(error), status=502) from error
        # Whatever goes wrong in matching ends this request and nothing else.
        except Exception as error:
            logger.exception("request failed")
            raise ServerError(
                f"An unexpected error occurred in the matching engine: {error}"
            ) from error
        for note in match.notes:
            logger.warning("'%s': %s", one_line(match.term), one_line(note))
        self.measured.matched(match)
        return match

    def _error(self, error: GameError) -> Response:
        """Answer with an error in the shapes of published Matchers, which are not GAME's."""
        detail = error.faults if isinstance(error, InvalidMatchError) else str(error)
        body: dict[str, Any] = {"detail": detail}
        if error.http_status >= 500:
            body = {"error": _BUSY if error.http_status == 503 else _FAILED, **body}
        told = super()._error(error)
        kept = {name: told.headers[name] for name in _KEPT_HEADERS if name in told.headers}
        return Response(encode(body, JSON), told.status_code, kept, JSON)


def _said(match: Match | None) -> str | None:
    if match is None:
        return None
    return NO_MATCH if match.choice is None else match.choice


def _explanation(match: Match) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(match)
    return {name: each for name, each in told.items() if name not in ("term", "category")}


def serve_matcher(
    matcher: Explainer,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits = LIMITS,
    token: str | None = None,
) -> None:
    """Serve a Matcher until interrupted; requests in flight are finished first.

    Parameters
    ----------
    matcher : Explainer
    host : str
    port : int
        0 for any that is free; standard error says which.
    limits, token
        As for `matcher_app`.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    app = matcher_app(matcher, limits=limits, token=token)
    with listen(host, port) as listener:
        address = address_of(listener)
        run_app(
            app,
            listener,
            f"Matching as {matcher.version} at {address} (Ctrl-C stops). In another terminal:\n"
            f"  genomark serve model enformer:NAME --matcher {address}\n",
        )
