"""Sending one request to a server, once."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from genomark.errors import RemoteModelError
from genomark.models.direct import DirectLines
from genomark.models.remote_settings import RemoteSettings
from genomark.models.transport import HttpAnswer, NoConnectionError
from genomark.protocol import TENSOR, FrameReader


class Server(Protocol):
    """What is asked: an address, how to treat it, and how to read it."""

    url: str
    settings: RemoteSettings
    jitter: random.Random

    @property
    def takes_edits(self) -> bool:
        """Whether it builds sequences from references and edits itself."""
        ...

    @property
    def takes_anonymous(self) -> bool:
        """Whether it takes sequences without ids."""
        ...

    def count(self, sent: int, received: int) -> None:
        """Count bytes over the wire."""
        ...

    def decoded(self, answer: HttpAnswer, asked: Sequence[str] = ()) -> Any:
        """Read the body of an answer about these sequences."""
        ...


@dataclass(frozen=True)
class Sent:
    """A request that was sent, and what came of it.

    Attributes
    ----------
    body : bytes
    at : float
        When, by the clock of event loops.
    outcome : Future of HttpAnswer
    """

    body: bytes
    at: float
    outcome: Future[HttpAnswer]

    @property
    def received(self) -> bytes:
        """The body of a right answer in the tensor format; nothing of any other."""
        if self.outcome.exception() is not None:
            return b""
        answer = self.outcome.result()
        return answer.body if answer.status == 200 and answer.content_type == TENSOR else b""


def send_once(
    model: Server, lines: DirectLines, body: bytes, headers: dict[str, str], names: list[str]
) -> Sent:
    """Send a request over a plain socket, and wait for what comes of it."""
    sent = Sent(body, time.monotonic(), Future())
    settings = model.settings
    length, received = len(body), 0
    try:
        answer = lines.post(
            f"{model.url}/predict",
            body,
            headers,
            settings.deadlines,
            settings.max_answer_bytes,
            FrameReader(names),
        )
        received = answer.wire_bytes
        sent.outcome.set_result(answer)
    except RemoteModelError as error:
        length = 0 if isinstance(error, NoConnectionError) else length
        sent.outcome.set_exception(error)
    model.count(length, received)
    return sent
