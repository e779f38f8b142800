"""Answers of the board's server: with a tag, compressed once, and under a strict policy."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: No script, style or request but those of this server; no frame around a page.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_TEXT = ("text/", "application/json")
_SMALL, _LEVEL = 1000, 5


class Content:
    """A body that may be asked for again; compressed when first somebody takes it so.

    Parameters
    ----------
    body : bytes
    media_type : str
    """

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type

    @property
    def size(self) -> int:
        """Bytes in memory, when compressed too."""
        return len(self.body) * 5 // 4

    @cached_property
    def compressed(self) -> bytes | None:
        """The body by gzip; None where that is not worth it."""
        if len(self.body) < _SMALL or not self.media_type.startswith(_TEXT):
            return None
        return gzip.compress(self.body, _LEVEL, mtime=0)


def tag_of(*parts: object) -> str:
    """Name a version of an answer: weak, as it is the same compressed and not."""
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return f'W/"{hashlib.sha256(text).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether who asks has this version already (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match", "")
    # Tags of this server have no comma in them.
    known = {each.strip().removeprefix("W/") for each in given.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


def response_of(request: Request, content: Content, tag: str) -> Response:
    """Answer with some content, compressed where that is taken."""
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    body = content.body
    if _takes_gzip(request.headers) and content.compressed is not None:
        body = content.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=content.media_type)


def unchanged(tag: str) -> Response:
    """Say that the version who asks has is the newest."""
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    return Response(status_code=304, headers=headers)


def _takes_gzip(headers: Headers) -> bool:
    for each in headers.get("accept-encoding", "").lower().split(","):
        name, _, rest = each.partition(";")
        if name.strip() == "gzip":
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Guarded:
    """Sets the headers of security on every answer of an app.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with these headers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)
