"""Forms that no other site can send: a signed cookie, and a token that follows from it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "genomark_form"
_DAY = 86_400


class Forms:
    """Signs forms with a key of this server, that is drawn when it starts.

    The cookie is sent with requests from this site alone (SameSite=Strict), no script reads it, and
    who sets another has no signature for it. The token in the form is made from both.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def cookie_of(self, request: Request) -> str:
        """Give the cookie that came, if it is of this server, or a new one."""
        given = request.cookies.get(COOKIE, "")
        return given if self._is_mine(given) else self._signed(secrets.token_hex(16))

    def token_for(self, cookie: str) -> str:
        """Give what the form has to send back."""
        return self._mac("form", cookie)

    def remember(self, request: Request, response: Response, cookie: str) -> None:
        """Send the cookie along."""
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=_DAY,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def is_ours(self, request: Request, token: str) -> bool:
        """Whether a form was filled in here."""
        cookie = request.cookies.get(COOKIE, "")
        expected = self.token_for(cookie)
        same = hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace"))
        return self._is_mine(cookie) and same

    def _is_mine(self, cookie: str) -> bool:
        drawn = cookie.partition(".")[0]
        expected = self._signed(drawn).encode("utf-8", "replace")
        return hmac.compare_digest(expected, cookie.encode("utf-8", "replace"))

    def _signed(self, drawn: str) -> str:
        return f"{drawn}.{self._mac('cookie', drawn)}"

    def _mac(self, purpose: str, text: str) -> str:
        content = f"{purpose} {text}".encode("utf-8", "replace")
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def is_same_origin(request: Request) -> bool:
    """Whether a request comes from a page of this server, or from no page at all."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
