"""Ask a language model over HTTP: with an end, politely, and only while it answers."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

import aiohttp

from genomark.errors import RemoteModelError, one_line
from genomark.matching.breaker import CircuitBreaker, OpenBreakerError
from genomark.matching.llm_endpoint import EnvelopeError, LlmEndpoint, refusal_of
from genomark.matching.llm_errors import LlmError, LlmOutageError
from genomark.models.transport import (
    AddressError,
    BrokenConnectionError,
    DeadlineError,
    Deadlines,
    HttpAnswer,
    TooLongError,
    exchange,
    new_session,
    run_to_end,
)

#: Of an answer, which is one short line and what the server tells about it.
MAX_ANSWER_BYTES = 1 << 18

_CONNECT_SECONDS = 5.0
#: Statuses that are about what was asked, and tell nothing of the service.
_OF_THE_QUESTION = (400, 413, 422)
_NOT_ALLOWED = (401, 403)


class _PassingError(Exception):
    """An attempt failed; another may not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class LlmReply:
    """What a language model wrote.

    Attributes
    ----------
    text : str
    calls : int
        Requests that were sent: 1, and one more for each retry.
    seconds : float
        From the question to the answer.
    """

    text: str
    calls: int
    seconds: float


@dataclass(frozen=True)
class Patience:
    """Seconds between attempts.

    Attributes
    ----------
    first_pause, max_pause : float
        Doubled from the first to the longest, jittered.
    max_retry_after : float
        A server that asks for more gets this.
    """

    first_pause: float = 0.5
    max_pause: float = 8.0
    max_retry_after: float = 20.0

    def pause(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait after an attempt, counted from 1."""
        longest = min(self.max_pause, self.first_pause * 2.0 ** (attempt - 1))
        # Not all clients at the same moment.
        pause = longest * random.uniform(0.5, 1.0)
        if retry_after is None:
            return pause
        return min(retry_after, self.max_retry_after) + pause / 4


class LlmClient:
    """Asks a language model; threads may share one.

    Parameters
    ----------
    endpoint : LlmEndpoint
    breaker : CircuitBreaker, optional
        Of `LlmOutageError`; one of its own if left out.
    patience : Patience
    """

    def __init__(
        self,
        endpoint: LlmEndpoint,
        *,
        breaker: CircuitBreaker | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self.endpoint = endpoint
        self._breaker = breaker or CircuitBreaker(LlmOutageError)
        self._patience = patience

    def ask(self, rules: str, question: str) -> LlmReply:
        """Put a question, and wait for the answer.

        Parameters
        ----------
        rules : str
            What the model is told of its task.
        question : str
            What the task is about.

        Raises
        ------
        LlmError
            If there is no answer.
        UsageError
            If the token cannot be had.
        """
        token = self.endpoint.token()
        body = self.endpoint.body(rules, question)
        began = time.monotonic()
        try:
            with self._breaker.guard():
                text, calls = run_to_end(self._ask(body, token))
        except OpenBreakerError as error:
            raise LlmOutageError(
                f"language model {self.endpoint.model}: {error}", calls=0
            ) from error
        return LlmReply(text, calls, time.monotonic() - began)

    async def _ask(self, body: bytes, token: str) -> tuple[str, int]:
        end = time.monotonic() + self.endpoint.seconds
        calls = 0
        async with new_session() as session:
            while True:
                calls += 1
                left = max(end - time.monotonic(), 0.001)
                try:
                    return await self._attempt(session, body, token, left, calls), calls
                except _PassingError as error:
                    pause = self._patience.pause(calls, error.retry_after)
                    is_over = time.monotonic() + pause >= end
                    if calls > self.endpoint.retries or is_over:
                        raise self._gave_up(error, calls) from error
                await asyncio.sleep(pause)

    def _gave_up(self, error: object, calls: int) -> LlmOutageError:
        times = f" ({calls} attempts)" if calls > 1 else ""
        return LlmOutageError(f"language model {self.endpoint.model}: {error}{times}", calls=calls)

    async def _attempt(
        self, session: aiohttp.ClientSession, body: bytes, token: str, left: float, calls: int
    ) -> str:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            answer = await exchange(
                session,
                "POST",
                self.endpoint.call_url,
                body=body,
                headers=headers,
                deadlines=Deadlines(connect=_CONNECT_SECONDS, read=left, total=left),
                max_bytes=MAX_ANSWER_BYTES,
            )
        except BrokenConnectionError as error:
            raise _PassingError(str(error)) from error
        except (AddressError, TooLongError) as error:
            # Of the address or of what was asked: the server may well be up.
            message = f"language model {self.endpoint.model}: {error}"
            raise LlmError(message, calls=calls) from error
        except DeadlineError as error:
            late = f"{self.endpoint.call_url}: no answer within {self.endpoint.seconds:g} s"
            raise self._gave_up(late, calls) from error
        except RemoteModelError as error:
            raise self._gave_up(error, calls) from error
        return self._read(answer, token, calls)

    def _read(self, answer: HttpAnswer, token: str, calls: int) -> str:
        where = self.endpoint.call_url
        if answer.status == 200:
            try:
                return self.endpoint.text_of(answer)
            except EnvelopeError as error:
                text = f"{where}: {_without(token, str(error))}"
                # Not from the error: it may repeat the token, and a traceback would show it.
                if error.is_cut:
                    raise _PassingError(text) from None
                raise self._gave_up(text, calls) from None
        said = f"{where} answered {answer.status}"
        if answer.status in _NOT_ALLOWED:
            # Such answers repeat parts of the token.
            held = "is it right?" if token else "it is not set"
            said += f"; the token is taken from {self.endpoint.token_env}: {held}"
        elif words := _without(token, refusal_of(answer)):
            said += f": {words}"
        if answer.status == 429 or answer.status >= 500:
            raise _PassingError(said, answer.retry_after())
        kind = LlmError if answer.status in _OF_THE_QUESTION else LlmOutageError
        raise kind(f"language model {self.endpoint.model}: {said}", calls=calls)


def _without(token: str, text: str) -> str:
    """Make one line of what a server says; it may repeat the token."""
    return one_line(text.replace(token, "***") if token else text)
