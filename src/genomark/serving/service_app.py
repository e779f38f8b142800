"""What every service does alike: health, counters, its contract, and requests that are measured."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable
from functools import cached_property
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.protocol import JSON, GameError, ServerError, encode
from genomark.serving.game_app import GameApp
from genomark.serving.limits import Limits, Turns
from genomark.serving.request_metrics import RequestMetrics


class ServiceApp(GameApp):
    """Handlers that all services share which compute their answers themselves.

    Attributes
    ----------
    limits : Limits
    turns : Turns
        In which requests are computed, unless an app has a way of its own.
    measured : RequestMetrics
        Set by each app, whose counters they are.
    """

    measured: RequestMetrics

    def __init__(self, limits: Limits, token: str | None) -> None:
        super().__init__(token)
        self.limits = limits

    @cached_property
    def turns(self) -> Turns:
        return Turns(self.limits)

    def takes_more(self) -> bool:
        """Whether a request would be taken now."""
        return self.turns.waiting < self.limits.queued

    @abstractmethod
    def contract(self) -> dict[str, Any]:
        """Describe every endpoint (OpenAPI 3.1)."""

    def busy(self, retry_after: float | None) -> ServerError:
        """Give the error (503) of a service that takes no further request now."""
        return ServerError("Too many requests are waiting", status=503, retry_after=retry_after)

    def served(self, *routes: Route) -> Starlette:
        """Make the app: these routes, and those that all services have."""
        shared = {
            "/openapi.json": self.openapi,
            "/metrics": self.metrics,
            "/health/live": self.live,
            "/health/ready": self.ready,
        }
        return Starlette(
            routes=[
                *routes,
                *(Route(path, handler, methods=["GET"]) for path, handler in shared.items()),
            ],
            exception_handlers=self.exception_handlers,
        )

    async def measure(self, answering: Awaitable[Response]) -> Response:
        """Answer, and count the request by its status and the time it took."""
        began = time.perf_counter()
        status = 500
        try:
            response = await answering
            status = response.status_code
        except GameError as error:
            status = error.http_status
            raise
        except ClientDisconnect:
            status = 499
            raise
        finally:
            self.measured.request(status, time.perf_counter() - began)
        return response

    async def openapi(self, request: Request) -> Response:
        """Answer with the contract."""
        self.authorise(request)
        return Response(encode(self.contract(), JSON), media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        """Answer with all counters."""
        self.authorise(request)
        return Response(self.measured.text(), media_type="text/plain; version=0.0.4")

    async def live(self, request: Request) -> Response:
        """Say that the process runs."""
        return self.answer(request, {"status": "live"})

    async def ready(self, request: Request) -> Response:
        """Say whether a request would be taken."""
        if not self.takes_more():
            raise self.busy(1.0)
        return self.answer(request, {"status": "ready"})
