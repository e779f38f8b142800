"""Asking a server for the parts of one request until each item has an answer, or a reason."""

from __future__ import annotations

import asyncio
import heapq
import math
import re
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from genomark.errors import RemoteModelError, one_line
from genomark.models.direct import DirectLines
from genomark.models.game_response import PartAnswer, read_answer
from genomark.models.sending import Sent, Server, send_once
from genomark.models.splitting import part_of, split
from genomark.models.transport import (
    BrokenConnectionError,
    DeadlineError,
    HttpAnswer,
    NoConnectionError,
    TooLongError,
    error_texts,
    exchange,
    game_messages,
)
from genomark.models.window import Window
from genomark.protocol import (
    JSON,
    EditedSequences,
    FrameReader,
    PredictRequest,
    Unanswered,
    compress,
    encode_request,
    ids_of,
)
from genomark.spans import span

#: Asking is free of side effects, so these are asked again; any other status is an answer.
PASSING = (429, 502, 503, 504)
_BUSY = (429, 503)
#: Of a request that holds edits as whole copies, for a server that does not take edits.
_COPIED_BYTES = 16 << 20
#: What one sequence may have brought upon the others of its request.
_REFUSED = (200, 400, 422, 500)
#: Sequences that are asked alone to see whether a refusal is meant for some sequences or for all.
_SAMPLE = 3
#: How GAME messages name a sequence (GAME 1.0, section 2.4).
_NAMED = re.compile(
    r"(?:sequence|Invalid range for|Values for|Values in|Range array for) '(.+?)'"
    r"(?= is empty| has invalid|:| in 'prediction_ranges')",
    re.DOTALL,
)
#: Parts of the deadline: an answer that takes longer than the first does not let the window grow,
#: one that takes longer than the second halves it. A server that computes one request after the
#: other gets slower with each that is under way, and in the end would miss the deadline for all.
_SLOW, _TOO_SLOW = 0.25, 0.5
#: The clock of event loops, too.
_now = time.monotonic


def given_up(error: BrokenConnectionError) -> RemoteModelError:
    return RemoteModelError(f"{error}. Is the server running?")


class _RefusedError(RemoteModelError):
    """An answer that is an error."""

    def __init__(self, message: str, answer: HttpAnswer, texts: list[str]) -> None:
        super().__init__(message)
        self.status = answer.status
        self.retry_after = answer.retry_after() if answer.status in PASSING else None
        self.texts = texts


@dataclass
class _Sample:
    """Some sequences of a refused part, asked alone before the rest is."""

    rest: PredictRequest
    error: _RefusedError
    waiting: int
    is_hopeful: bool = False


@dataclass
class _Part:
    """A part of a request, and what it has been through."""

    request: PredictRequest
    sample: _Sample | None = None
    #: In what words all of a sample of it was refused.
    doubt: str | None = None
    attempts: int = 0
    deadline: float = 0.0
    first_sent: float = 0.0
    sent: float = 0.0
    generation: int = 0
    length: int = 0

    @property
    def names(self) -> list[str]:
        return ids_of(self.request.sequences)


@dataclass(order=True)
class _Later:
    """A part to be sent again."""

    at: float
    order: int
    part: _Part = field(compare=False)


class Asking:
    """One call of `predict`: parts, those under way, and what became of them.

    A part is in one place at any time: among the fresh ones, among those to be sent again, under
    way, or done, that is answered, given up or replaced by its halves. One loop moves them, so
    nothing here needs a lock.
    """

    def __init__(self, model: Server, request: PredictRequest, headers: dict[str, str]) -> None:
        settings = model.settings
        self.answers: list[PartAnswer] = []
        self.unanswered: dict[str, Unanswered] = {}
        self.first_fault: str | None = None
        self._model = model
        self._settings = settings
        self._headers = headers
        self._where = f"{model.url}/predict"
        self._window = Window(min(2, settings.max_in_flight), settings.max_in_flight)
        self._edits = model.takes_edits
        most = settings.max_bytes
        if isinstance(request.sequences, EditedSequences) and not self._edits:
            # Every request under way holds its copies of the references.
            most = min(most, _COPIED_BYTES)
        escapes = headers["Content-Type"] == JSON
        parts = split(request, settings.max_items, most, edits=self._edits, escapes=escapes)
        self._fresh = deque(_Part(part) for part in parts)
        self._later: list[_Later] = []
        self._running: dict[asyncio.Task[HttpAnswer], _Part] = {}
        self._order = 0
        self._extra = settings.max_extra_requests
        self._last_answer = 0.0
        #: In what words the server refuses each and every sequence.
        self._hopeless: set[str] = set()
        #: Length of the shortest request that was too long for the server.
        self._too_long = math.inf
        self._too_long_error: RemoteModelError | None = None

    @property
    def is_done(self) -> bool:
        """Whether every part is."""
        return not (self._fresh or self._later or self._running)

    def try_directly(self, lines: DirectLines) -> Sent | None:
        """Send a request of a single part, once, and wait; there may be more to do then."""
        if len(self._fresh) != 1:
            return None
        part = self._fresh[0]
        body = self._encoded(part)
        sent = send_once(self._model, lines, body, self._headers, part.names)
        self.take(sent)
        return sent

    def take(self, sent: Sent) -> None:
        """Go on from what was sent already, if the request is of a single part."""
        if len(self._fresh) == 1:
            part = self._fresh.popleft()
            part.length = len(sent.body)
            self._note_sent(part, sent.at)
            self._settle(part, sent.outcome, 1)

    async def to_end(self, session: aiohttp.ClientSession) -> None:
        """Ask until every part is done."""
        try:
            while not self.is_done:
                self._send(session)
                await self._wait()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _send(self, session: aiohttp.ClientSession) -> None:
        now = _now()
        while self._window.admits(len(self._running), now):
            # Those that wait go first: else a server that is down would be tried with each part
            # once, and no part as often as it may be.
            if self._later and self._later[0].at <= now:
                part = heapq.heappop(self._later).part
            elif self._fresh:
                part = self._fresh.popleft()
            else:
                return
            body = self._encoded(part)
            if self._is_known_too_long(part):
                continue
            self._note_sent(part, now)
            left = part.deadline - now
            task = asyncio.create_task(self._exchange(session, body, part.names, left))
            self._running[task] = part

    def _encoded(self, part: _Part) -> bytes:
        with span("encode"):
            body = encode_request(
                part.request,
                self._headers["Content-Type"],
                edits=self._edits,
                anonymous=self._model.takes_anonymous,
            )
            if "Content-Encoding" in self._headers:
                body = compress(body)
        part.length = len(body)
        return body

    def _note_sent(self, part: _Part, now: float) -> None:
        if not part.attempts:
            part.first_sent, part.deadline = now, now + self._settings.deadlines.total
        part.sent = now
        part.attempts += 1
        part.generation = self._window.generation

    async def _exchange(
        self, session: aiohttp.ClientSession, body: bytes, names: list[str], seconds: float
    ) -> HttpAnswer:
        sent, received = len(body), 0
        try:
            answer = await exchange(
                session,
                "POST",
                self._where,
                body=body,
                headers=self._headers,
                deadlines=self._settings.deadlines.within(seconds),
                max_bytes=self._settings.max_answer_bytes,
                frames=FrameReader(names),
            )
            received = answer.wire_bytes
            return answer
        except NoConnectionError:
            sent = 0
            raise
        finally:
            self._model.count(sent, received)

    async def _wait(self) -> None:
        """Wait until a request is done, or another may be sent."""
        seconds: float | None = None
        if (self._fresh or self._later) and len(self._running) < self._window.limit:
            ready = 0.0 if self._fresh else self._later[0].at
            seconds = max(0.0, max(ready, self._window.opens_at) - _now())
        if not self._running:
            await asyncio.sleep(seconds or 0.0)
            return
        done, _ = await asyncio.wait(
            self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            in_flight = len(self._running)
            self._settle(self._running.pop(task), task, in_flight)

    def _settle(
        self, part: _Part, task: asyncio.Task[HttpAnswer] | Future[HttpAnswer], in_flight: int
    ) -> None:
        try:
            with span("decode"):
                raw = self._read(task.result(), part.request)
                answer = read_answer(raw, part.request, self._where, RemoteModelError)
        except BrokenConnectionError as error:
            self._again(part, error)
        except TooLongError as error:
            self._cut(part, error)
        except _RefusedError as error:
            self._refused(part, error)
        except RemoteModelError as error:
            if isinstance(error, DeadlineError):
                self._window.overloaded(part.generation)
            self._give_up(part, error)
        else:
            self._note_pace(part, in_flight)
            self._last_answer = _now()
            self.answers.append(answer)
            self._note_sample(part, None)

    def _note_pace(self, part: _Part, in_flight: int) -> None:
        share = (_now() - part.sent) / self._settings.deadlines.total
        if share > _TOO_SLOW:
            self._window.overloaded(part.generation)
        elif share <= _SLOW:
            self._window.answered(in_flight)

    def _read(self, answer: HttpAnswer, request: PredictRequest) -> Any:
        try:
            raw = self._model.decoded(answer, ids_of(request.sequences))
        except RemoteModelError as error:
            if answer.status == 200:
                raise
            # A page of a web framework; its status says what it means.
            raise _RefusedError(str(error), answer, []) from error
        if answer.status != 200 or (isinstance(raw, dict) and "error" in raw):
            message = f"{self._where} answered {answer.status}: {game_messages(raw)}"
            raise _RefusedError(message, answer, error_texts(raw))
        return raw

    def _refused(self, part: _Part, error: _RefusedError) -> None:
        if error.status in PASSING:
            self._again(part, error)
            return
        self._last_answer = _now()
        if error.status == 413:
            self._cut(part, error)
        elif error.status in _REFUSED:
            self._isolate(part, error)
        else:
            self._give_up(part, error)

    def _again(self, part: _Part, error: RemoteModelError) -> None:
        """Send a part again after a pause, if it may be."""
        now = _now()
        pause = self._settings.pause(part.attempts, self._model.jitter)
        asked = error.retry_after if isinstance(error, _RefusedError) else None
        if asked is not None:
            # Not all clients at the same moment.
            pause = min(asked, self._settings.max_retry_after) + pause / 4
        is_down = isinstance(error, NoConnectionError)
        is_busy = isinstance(error, _RefusedError) and error.status in _BUSY
        if is_down or is_busy or isinstance(error, BrokenConnectionError):
            # Others under way show that it is up: fewer at a time will do, if it asks for no more.
            is_shut = is_down or asked is not None or (is_busy and not self._running)
            self._window.overloaded(part.generation, now + pause if is_shut else 0.0)
        if part.attempts < self._settings.attempts and now + pause < part.deadline:
            self._order += 1
            heapq.heappush(self._later, _Later(now + pause, self._order, part))
            return
        if isinstance(error, BrokenConnectionError):
            error = given_up(error)
        self._give_up(part, error)
        if (is_down or is_busy) and self._last_answer < part.first_sent:
            # Nobody has been answered for as long as one part may be tried: the server is gone.
            self._give_up_waiting(error)

    def _give_up_waiting(self, error: RemoteModelError) -> None:
        # Giving one up may bring others back, so that these end here too.
        while self._fresh or self._later:
            self._give_up(self._fresh.popleft() if self._fresh else self._later.pop().part, error)

    def _give_up(self, part: _Part, error: RemoteModelError) -> None:
        self._mark(part.names, error)
        self._note_sample(part, error)

    def _mark(self, names: list[str], error: RemoteModelError) -> None:
        self.first_fault = self.first_fault or str(error)
        said = str(error).removeprefix(self._where).removeprefix(self._model.url)
        reason = Unanswered(said.lstrip(": "))
        self.unanswered.update(dict.fromkeys(names, reason))

    def _cut(self, part: _Part, error: RemoteModelError) -> None:
        """Halve what is too long for the server, or its answer for us."""
        if isinstance(error, _RefusedError) and part.length < self._too_long:
            self._too_long, self._too_long_error = part.length, error
        if len(part.request.sequences) > 1 and self._extra > 0:
            self._halve(part)
        else:
            self._give_up(part, error)
        self._extra = max(0, self._extra - 1)

    def _is_known_too_long(self, part: _Part) -> bool:
        """Deal with a part as long as one that was too long, without sending it."""
        if part.length < self._too_long or self._too_long_error is None:
            return False
        if len(part.request.sequences) > 1:
            self._halve(part)
        elif self._extra > 0:
            # Perhaps it was not its length in bytes.
            return False
        else:
            self._give_up(part, self._too_long_error)
        return True

    def _halve(self, part: _Part) -> None:
        middle = len(part.names) // 2
        for names in (part.names[:middle], part.names[middle:]):
            # At the end: whole parts first, then all halves, then all quarters.
            self._fresh.append(_Part(part_of(part.request, names)))

    def _isolate(self, part: _Part, error: _RefusedError) -> None:
        """Keep what one sequence did from the others that were sent with it."""
        self.first_fault = self.first_fault or str(error)
        names = part.request.sequences
        blamed = {
            name: f"{self._where} answered {error.status}: {one_line(text)}"
            for text in reversed(error.texts)
            for name in _NAMED.findall(text)
            if name in names
        }
        for name, text in blamed.items():
            self._mark([name], RemoteModelError(text))
        part = replace(part, request=part_of(part.request, [n for n in names if n not in blamed]))
        count = len(part.request.sequences)
        if blamed and count and self._extra > 0:
            self._extra -= 1
            self._fresh.append(_Part(part.request))
        elif self._is_hopeless(part, error) or count < 2 or self._extra < _SAMPLE:
            self._give_up(part, error)
        elif self.answers or count <= _SAMPLE:
            self._extra -= 2
            self._halve(part)
        else:
            self._extra -= _SAMPLE
            self._take_sample(part, error)

    def _take_sample(self, part: _Part, error: _RefusedError) -> None:
        """Ask a few sequences alone: a fault of the request would be met by each of them.

        That is told from a fault of a few sequences without sending all of them again.
        """
        names = part.names
        alone = {names[0], names[len(names) // 2], names[-1]}
        rest = part_of(part.request, [name for name in names if name not in alone])
        sample = _Sample(rest, error, len(alone))
        # At the front: what they show spares other parts the same.
        for name in alone:
            self._fresh.appendleft(_Part(part_of(part.request, [name]), sample))

    def _is_hopeless(self, part: _Part, error: _RefusedError) -> bool:
        if part.doubt == str(error) and not self.answers:
            self._hopeless.add(str(error))
        return str(error) in self._hopeless

    def _note_sample(self, part: _Part, error: RemoteModelError | None) -> None:
        """Take note of what became of one sequence of a sample; after the last, go on or do not."""
        sample = part.sample
        if sample is None:
            return
        sample.waiting -= 1
        sample.is_hopeful |= str(error) != str(sample.error)
        if sample.waiting:
            return
        if sample.is_hopeful or self.answers:
            self._halve(_Part(sample.rest))
        else:
            self._fresh.appendleft(_Part(sample.rest, doubt=str(sample.error)))
