"""The leaderboard over HTTP: pages, their twins as data, and what every service tells."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import genomark
from genomark.errors import GenomarkError, UsageError, one_line
from genomark.leaderboard.board import Board
from genomark.leaderboard.board_metrics import BoardMetrics
from genomark.leaderboard.forms import KINDS, MEDIA_TYPES, Form, made, static_files
from genomark.leaderboard.links import ServedLinks
from genomark.leaderboard.openapi import PATHS, leaderboard_openapi
from genomark.leaderboard.responses import (
    Content,
    Guarded,
    is_known,
    response_of,
    tag_of,
    unchanged,
)
from genomark.leaderboard.sized_cache import SizedCache
from genomark.leaderboard.snapshot import Snapshot
from genomark.leaderboard.views import Problem
from genomark.protocol import JSON, GameError, ServerError
from genomark.results.store import Store
from genomark.serving.limits import Limits
from genomark.serving.server import address_of, listen, run_app
from genomark.serving.service_app import ServiceApp

logger = logging.getLogger("genomark.leaderboard")

#: Pages are made by one processor each, and mostly they are kept from before.
LIMITS = Limits(body_bytes=1_000_000, seconds=30.0, concurrent=4, queued=256)
#: Bytes of pages that are kept.
_KEPT = 128 << 20
_ID = re.compile(r"[0-9a-f]{32}")
_FORMS: tuple[Form, ...] = ("json", "csv", "parquet")


def leaderboard_app(
    store: Store, *, submissions: Sequence[Route] = (), limits: Limits = LIMITS
) -> Starlette:
    """Make the app that shows a store.

    Parameters
    ----------
    store : Store
        Changes of it show with the next request.
    submissions : sequence of Route
        Of those who submit: ``/submit`` and ``/submissions``. They find the `Board` at
        ``request.app.state.board``.
    limits : Limits

    Returns
    -------
    starlette.applications.Starlette
    """
    return _App(Board(store), limits, submissions).app()


def serve_leaderboard(
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    submissions: Sequence[Route] = (),
    limits: Limits = LIMITS,
) -> None:
    """Show a store until interrupted.

    Parameters
    ----------
    store : Store
    host : str
    port : int
        0 for any that is free; standard error says which.
    submissions, limits
        As for `leaderboard_app`.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    GenomarkError
        If the store cannot be read.
    """
    served = _App(Board(store), limits, submissions)
    with listen(host, port) as listener:
        # The first page takes a second to make: nobody should have to wait for it.
        served.content("front", "html", "", {}, _address("front", "html", "", ""))
        # What was read stays until something changes: to go through all of it again and again
        # would make some pages wait a tenth of a second.
        gc.collect()
        gc.freeze()
        address = address_of(listener)
        run_app(
            served.app(),
            listener,
            f"Showing {store.name} at {address} (Ctrl-C stops). The same as data:\n"
            f"  {address}/index.json\n",
        )


class NotHereError(GenomarkError):
    """There is no such page."""


class _App(ServiceApp):
    paths = PATHS

    def __init__(self, board: Board, limits: Limits, submissions: Sequence[Route] = ()) -> None:
        super().__init__(limits, None)
        self.board = board
        self.links = ServedLinks(submits=bool(submissions))
        self._submissions = submissions
        self.measured: BoardMetrics = BoardMetrics(self.turns)
        self._kept: SizedCache[Content] = SizedCache(_KEPT, lambda each: each.size)
        self._static = {
            name: (Content(body, _static_type(name)), tag_of(body))
            for name, body in static_files().items()
        }

    @property
    def name(self) -> str:
        return "genomark leaderboard"

    def contract(self) -> dict[str, Any]:
        return leaderboard_openapi()

    def answer(self, request: Request, body: dict[str, Any]) -> Response:
        return Response(msgspec.json.encode(body), media_type=JSON)

    def app(self) -> Starlette:
        """Put the routes together; who submits comes first."""
        below = "/benchmarks/{slug}"
        single = {"/compare": "compare", "/statistics": "statistics"}
        routes = [
            *self._submissions,
            Route("/", self._pages("front", "html"), methods=["GET"]),
            *(
                Route(f"/index.{form}", self._pages("front", form), methods=["GET"])
                for form in _FORMS
            ),
            *(
                Route(f"{path}{ending}", self._pages(kind, form), methods=["GET"])
                for path, kind in (
                    *single.items(),
                    *((f"{below}/{kind}", kind) for kind in ("pairs", "items", "item")),
                )
                for ending, form in _endings(kind)
            ),
            *(
                Route(f"/{folder}/{{slug}}", self._pages(kind), methods=["GET"])
                for folder, kind in (
                    *(("suites", "suite"), ("benchmarks", "benchmark"), ("models", "model")),
                )
            ),
            Route("/results/{id}", self.result, methods=["GET"]),
            Route("/predictions/{id}", self.predictions, methods=["GET"]),
            Route("/static/{name:path}", self.static, methods=["GET"]),
        ]
        served = self.served(*routes)
        served.state.board = self.board
        # Outside of everything: what fails in an unforeseen way is answered with the headers, too.
        served.middleware_stack = Guarded(served.build_middleware_stack())
        return served

    def content(
        self, kind: str, form: Form, slug: str, given: Mapping[str, Sequence[str]], address: str
    ) -> tuple[Content, str]:
        """Give a page in a form, and its tag; made, unless it is kept.

        Raises
        ------
        NotHereError
        UsageError
            If the parameters ask for what cannot be.
        """
        snapshot = self.board.snapshot()
        key = snapshot.generation, address
        found = self._kept.get(key)
        if found is None:
            body = made(kind, form, self.board, snapshot, slug, given, self.links)
            if body is None:
                raise NotHereError(f"There is no such {kind} here")
            found = self._kept.put(key, Content(body, MEDIA_TYPES[form]))
            self.measured.answered("made")
        else:
            self.measured.answered("kept")
        return found, self._tag(snapshot, address)

    def _tag(self, snapshot: Snapshot, address: str) -> str:
        # Two stores may have come as far, one behind the other at one address.
        store = snapshot.generation, snapshot.results, snapshot.updated
        return tag_of(genomark.__version__, *store, address)

    def _pages(self, kind: str, form: Form | None = None) -> Callable[..., Awaitable[Response]]:
        """Handle a kind of page; without a form it is what the slug ends in."""

        async def handle(request: Request) -> Response:
            return await self.measure(
                self._answered(request, lambda: self._page(request, kind, form))
            )

        return handle

    def _page(self, request: Request, kind: str, form: Form | None) -> Response:
        slug = request.path_params.get("slug", "")
        if form is None:
            slug, form = _parted(slug)
        # As it came: two ways to write the same are two addresses, and never the other way round.
        asked = request.scope["query_string"].decode("latin-1")
        address = _address(kind, form, slug, asked)
        tag = self._tag(self.board.snapshot(), address)
        if is_known(request, tag):
            self.measured.answered("unchanged")
            return unchanged(tag)
        given: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            given.setdefault(name, []).append(value)
        return response_of(request, *self.content(kind, form, slug, given, address))

    async def result(self, request: Request) -> Response:
        """Answer with the document of a result, as it was added."""
        return await self.measure(self._answered(request, lambda: self._result(request)))

    def _result(self, request: Request) -> Response:
        id = self._id(request, ".json")
        return self._for_ever(
            request, id, MEDIA_TYPES["json"], lambda: msgspec.json.encode(self._store.result(id))
        )

    async def predictions(self, request: Request) -> Response:
        """Answer with the predictions of a result."""
        return await self.measure(self._answered(request, lambda: self._predictions(request)))

    def _predictions(self, request: Request) -> Response:
        id = self._id(request, ".parquet")

        def read() -> bytes | None:
            try:
                return self._store.predictions(id)
            except UsageError as error:
                # Where files are was not told; what the store says of it is for its keeper.
                raise NotHereError("This board has no predictions") from error

        return self._for_ever(request, id, MEDIA_TYPES["parquet"], read)

    async def static(self, request: Request) -> Response:
        """Answer with a style or a script."""
        found = self._static.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        content, tag = found
        return unchanged(tag) if is_known(request, tag) else response_of(request, content, tag)

    async def ready(self, request: Request) -> Response:
        """Say whether a request would be taken: the store can be read."""
        try:
            await self.turns.run(lambda: self.board.store.generation)
        except GenomarkError as error:
            logger.warning("not ready: %s", one_line(error))
            raise self.busy(1.0) from error
        return await super().ready(request)

    @property
    def _store(self) -> Store:
        return self.board.store

    def _id(self, request: Request, ending: str) -> str:
        id = str(request.path_params["id"]).removesuffix(ending)
        try:
            if _ID.fullmatch(id):
                return self._store.entry(id).id
        except UsageError as error:
            raise NotHereError("There is no such result here") from error
        raise NotHereError("There is no such result here")

    def _for_ever(
        self, request: Request, id: str, media_type: str, make: Callable[[], bytes | None]
    ) -> Response:
        """Answer with what never changes."""
        tag = tag_of(id, media_type)
        if is_known(request, tag):
            return unchanged(tag)
        body = make()
        if body is None:
            raise NotHereError("No predictions came with this result")
        return response_of(request, Content(body, media_type), tag)

    async def _answered(self, request: Request, work: Callable[[], Response]) -> Response:
        """Answer in a thread, when it is this request's turn; errors on purpose are answers."""
        try:
            return await self.turns.run(work)
        except NotHereError as error:
            return self._problem(request, 404, f"{error}. The front page lists what there is")
        except UsageError as error:
            return self._problem(request, 400, one_line(error))
        except ServerError:
            raise
        except GenomarkError as error:
            logger.error("%s: %s", request.url.path, one_line(error))
            return self._problem(request, 500, "The store cannot be read; its keeper can see why")

    @property
    def exception_handlers(self) -> Mapping[Any, Any]:
        """Every error as a page, or as JSON where data were asked for."""
        return {
            **super().exception_handlers,
            GameError: self._of_service,
            HTTPException: self._of_framework,
            Exception: self._unforeseen,
        }

    async def _of_service(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, GameError)
        response = self._problem(request, error.http_status, one_line(error))
        if isinstance(error, ServerError) and error.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        return response

    async def _of_framework(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = {
            404: "There is no such page here. The front page lists what there is",
            405: f"{request.method} is not allowed here",
        }
        response = self._problem(
            request, error.status_code, told.get(error.status_code, one_line(error.detail))
        )
        response.headers.update(error.headers or {})
        return response

    async def _unforeseen(self, request: Request, error: Exception) -> Response:
        logger.error("request failed", exc_info=error)
        return self._problem(request, 500, "The page could not be made; its keeper can see why")

    def _problem(self, request: Request, status: int, message: str) -> Response:
        """Tell of a problem as a page; as JSON where data were asked for."""
        problem = Problem(status, message)
        if _wants_data(request):
            body, media_type = msgspec.json.encode(problem), MEDIA_TYPES["json"]
        else:
            from genomark.leaderboard.pages import render

            text = render("error", problem, {}, self.links)
            body, media_type = text.encode("utf-8", "replace"), MEDIA_TYPES["html"]
        return Response(body, status, {"Cache-Control": "no-store"}, media_type)


_STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


def _address(kind: str, form: Form, slug: str, asked: str) -> str:
    """Name what is asked for, without doubt about where one part ends."""
    return repr((kind, form, slug, asked))


def _static_type(name: str) -> str:
    return _STATIC_TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")


def _endings(kind: str) -> list[tuple[str, Form]]:
    """Endings of the address of a page that there is one of, by form."""
    forms: Sequence[Form] = KINDS[kind].forms if kind in KINDS else ("html",)
    return [("" if form == "html" else f".{form}", form) for form in forms]


def _parted(slug: str) -> tuple[str, Form]:
    """Part what a page shows from the form it is asked for in."""
    for form in _FORMS:
        if slug.endswith(f".{form}"):
            return slug.removesuffix(f".{form}"), form
    return slug, "html"


def _wants_data(request: Request) -> bool:
    path = request.url.path
    if path.endswith(tuple(f".{form}" for form in _FORMS)) or path.startswith(
        ("/results/", "/predictions/", "/health/", "/metrics")
    ):
        return True
    accepted = request.headers.get("accept", "*/*")
    return "json" in accepted and "html" not in accepted
