"""Errors in the words and the shape of GAME 1.0.

On the wire an error is always JSON, one single-key object a message::

    {"predictor_name": "...", "error": [{"bad_prediction_request": "..."}, ...]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from genomark.errors import GenomarkError


class GameError(GenomarkError):
    """An error as the GAME protocol words it.

    Parameters
    ----------
    messages : str or sequence of str
        What was wrong, one message a fault; all faults found are told at once.
    status : int, optional
        HTTP status; the class has its own.
    """

    status: ClassVar[int] = 500
    key: ClassVar[str] = "server_error"

    def __init__(self, messages: str | Sequence[str], *, status: int | None = None) -> None:
        self.messages = [messages] if isinstance(messages, str) else list(messages)
        self.http_status = self.status if status is None else status
        super().__init__("; ".join(self.messages))

    def body(self, predictor_name: str) -> dict[str, object]:
        """Give the error as the object that goes over the wire."""
        return {
            "predictor_name": predictor_name,
            "error": [{self.key: message} for message in self.messages],
        }


class BadRequestError(GameError):
    """The request is not well formed (400; 404, 405, 413 and 415 take this shape too)."""

    status = 400
    key = "bad_prediction_request"


class PredictionFailedError(GameError):
    """The request is well formed and cannot be answered (422)."""

    status = 422
    key = "prediction_request_failed"


class ServerError(GameError):
    """The server failed (500), or cannot take the request now (503).

    Parameters
    ----------
    messages, status
        As for `GameError`.
    retry_after : float, optional
        Seconds after which to ask again.
    """

    def __init__(
        self,
        messages: str | Sequence[str],
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(messages, status=status)
        self.retry_after = retry_after


class UpstreamDependencyError(GameError):
    """A service the answer depends on, such as a Matcher, failed (502)."""

    status = 502
    key = "upstream_dependency_failed"
