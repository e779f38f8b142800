"""The addresses of those who submit: the form, the door, and what became of each."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import GenomarkError, one_line
from genomark.leaderboard.board import Board
from genomark.leaderboard.links import ServedLinks
from genomark.leaderboard.submissions.desk import FORM_TYPE, Desk
from genomark.leaderboard.submissions.intake import TurnedAwayError, drain
from genomark.leaderboard.submissions.waiting_list import Row, WaitingList
from genomark.leaderboard.views import Column, Problem, Replay, Submit
from genomark.protocol import JSON

logger = logging.getLogger("genomark.leaderboard")

_ID = re.compile(r"[0-9a-f]{32}")
_HTML = "text/html; charset=utf-8"
#: What is told to one who knows an id is not for caches; nor is a form.
_PRIVATE = {"Cache-Control": "no-store"}
#: Statuses after which a body may not have been read.
_EARLY = (401, 403, 413, 415, 429, 503, 507)
#: Gives the columns that take submissions now.
Accepted = Callable[[Board], Sequence[Column]]


class SubmissionPages:
    """Handlers of one server.

    Parameters
    ----------
    desk : Desk
    waiting : WaitingList
    accepted : callable
    """

    def __init__(self, desk: Desk, waiting: WaitingList, accepted: Accepted) -> None:
        self._desk = desk
        self._waiting = waiting
        self._accepted = accepted
        self._links = ServedLinks()

    def routes(self) -> list[Route]:
        """Give the routes, for `leaderboard_app`."""
        return [
            Route("/submit", self.form, methods=["GET"]),
            Route("/submissions", self.submit, methods=["POST"]),
            Route("/submissions/{id}", self.show, methods=["GET"]),
        ]

    async def form(self, request: Request) -> Response:
        """Answer with the form."""
        return await self._form(request)

    async def submit(self, request: Request) -> Response:
        """Take a submission."""
        try:
            row = await self._desk.receive(request)
        except TurnedAwayError as error:
            return await self._turned_away(request, error)
        except ClientDisconnect:
            logger.info("submission: its sender went away")
            return Response(status_code=499)
        where = self._links.url("submission", row.id)
        if _is_form(request):
            return Response(status_code=303, headers={"Location": where, **_PRIVATE})
        return _data(row.view(), 202, {"Location": where})

    async def show(self, request: Request) -> Response:
        """Answer with what became of a submission."""
        id = str(request.path_params["id"])
        as_data = id.endswith(".json")
        id = id.removesuffix(".json")
        row = await asyncio.to_thread(self._row, id)
        if row is None:
            problem = Problem(404, "There is no such submission here")
            return _data(problem, 404) if as_data else self._page("error", problem, 404)
        view = row.view()
        return _data(view, 200) if as_data else self._page("submission", view, 200)

    def _row(self, id: str) -> Row | None:
        return self._waiting.get(id) if _ID.fullmatch(id) else None

    async def _form(self, request: Request, problem: str = "", status: int = 200) -> Response:
        cookie = self._desk.forms.cookie_of(request)
        board: Board = request.app.state.board
        view = Submit(
            token=self._desk.forms.token_for(cookie),
            benchmarks=list(await asyncio.to_thread(self._columns, board)),
            most_bytes=self._desk.limits.bytes,
            problem=problem,
        )
        response = self._page("submit", view, status)
        self._desk.forms.remember(request, response, cookie)
        return response

    def _columns(self, board: Board) -> Sequence[Column]:
        try:
            return self._accepted(board)
        except GenomarkError as error:
            logger.error("submissions: %s", one_line(error))
            return ()

    async def _turned_away(self, request: Request, error: TurnedAwayError) -> Response:
        logger.info("submission turned away, %d: %s", error.status, one_line(error))
        if error.status in _EARLY:
            await drain(request)
        if _is_form(request) and "authorization" not in request.headers:
            response = await self._form(request, one_line(error), error.status)
        elif error.status == 409:
            response = _data(Replay(409, one_line(error), error.first), 409)
        else:
            response = _data(Problem(error.status, one_line(error)), error.status)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        if error.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        # What is left of the body would be taken for the next request.
        response.headers["Connection"] = "close"
        return response

    def _page(self, page: str, view: msgspec.Struct, status: int) -> Response:
        from genomark.leaderboard.pages import render

        text = render(page, view, {}, self._links)
        return Response(text.encode("utf-8", "replace"), status, dict(_PRIVATE), _HTML)


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(FORM_TYPE)


def _data(told: msgspec.Struct, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(told), status, {**_PRIVATE, **(headers or {})}, JSON)
