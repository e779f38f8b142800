"""The probe: asks a Predictor, one request at a time, and remembers what it answered."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import msgspec
import numpy as np

from genomark.conformance.answers import Values, task_error, tasks_of, values_of
from genomark.conformance.discovery import Wanted, candidate_tasks
from genomark.conformance.exchanges import Exchange, Reply, payload
from genomark.conformance.rule import Outcome, Stop, failed, not_applicable
from genomark.errors import RemoteModelError, one_line
from genomark.models.transport import (
    BrokenConnectionError,
    DeadlineError,
    Deadlines,
    exchange,
    new_session,
)
from genomark.protocol import JSON, READOUTS, encode

#: No answer to a request as modest as these comes near it.
_MAX_ANSWER_BYTES = 64 << 20
#: So many requests without an answer in time, and no more are sent.
_MAX_DEADLINES = 2
_CONNECT_SECONDS = 10.0
_SEED = 20260101


@dataclass(frozen=True)
class Options:
    """How to ask.

    Attributes
    ----------
    wanted : Wanted
        Type, cell type and species to ask for; found out where left out.
    readouts : tuple of str
        Readouts to try, in this order.
    length : int
        Of the sequences, bp.
    sequences : int
        How many there are in a request.
    timeout : float
        Seconds that any one answer may take.
    """

    wanted: Wanted = field(default_factory=Wanted)
    readouts: tuple[str, ...] = READOUTS
    length: int = 500
    sequences: int = 4
    timeout: float = 120.0


class Probe:
    """Asks one Predictor.

    The same question is put once and its answer kept, so every rule may ask whatever it needs.

    Attributes
    ----------
    sequences : dict of str to str
        Random sequences, always the same, of one length.
    bases : dict of str to Reply
        The plain answer by readout, for the readouts that the Predictor has; the first is the one
        that sanity is judged on.
    task : dict of str to str
        The task that it answers.
    attempts : list of Reply
        What was answered while looking for that task.
    unanswered : Outcome or None
        The failure, if there was no answer at all while looking for it.
    repeated : Reply or None
        The answer to the plain request put once more, once that was done.
    requests : int
        How many were sent.
    """

    def __init__(self, url: str, options: Options) -> None:
        self.url = url
        self.options = options
        self.sequences = random_sequences(options.sequences, options.length)
        self.bases: dict[str, Reply] = {}
        self.task: dict[str, str] = {}
        self.attempts: list[Reply] = []
        self.unanswered: Outcome | None = None
        self.repeated: Reply | None = None
        self.requests = 0
        self._answers: dict[Any, Reply] = {}
        self._deadlines_passed = 0
        self._session: aiohttp.ClientSession
        self._bare: aiohttp.ClientSession

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Probe]:
        """Hold connections while the Predictor is asked.

        Raises
        ------
        RemoteModelError
            If it does not answer at all.
        """
        # Left alone, aiohttp gives a type to a body that has none.
        without_type = aiohttp.ClientSession(
            trust_env=True, auto_decompress=False, skip_auto_headers=["Content-Type"]
        )
        async with new_session() as self._session, without_type as self._bare:
            await self._first_contact()
            await self._discover()
            yield self

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        accept: str = JSON,
        content_type: str | None = None,
        again: bool = False,
    ) -> Reply:
        """Send a request, or give the answer that the same one had before.

        Parameters
        ----------
        method, path : str
        body : bytes
        accept, content_type : str
            Headers.
        again : bool
            Send it even so.

        Raises
        ------
        Stop
            If there is no answer: a failure.
        """
        key = (method, path, body, accept, content_type)
        if again or key not in self._answers:
            headers = {"Accept": accept, **({"Content-Type": content_type} if content_type else {})}
            asked = Exchange(method, path, headers, payload(body))
            try:
                self._answers[key] = await self._exchange(asked, body)
            except RemoteModelError as error:
                self._deadlines_passed += isinstance(error, DeadlineError)
                said = one_line(error)
                shown = msgspec.structs.replace(asked, error=said)
                raise Stop(replace(failed(f"no answer: {said}"), exchange=shown)) from error
        return self._answers[key]

    async def predict(
        self,
        *,
        sequences: dict[str, str] | None = None,
        readout: str | None = None,
        tasks: Any = None,
        again: bool = False,
        accept: str = JSON,
        content_type: str = JSON,
        **more: Any,
    ) -> Reply:
        """Ask for predictions: the plain request, but for what is given.

        Raises
        ------
        Stop
            If the Predictor answers no plain request (the rule does not apply), or gives no answer
            (it fails).
        """
        request = self.request(sequences=sequences, readout=readout, tasks=tasks, **more)
        body = encode(request, content_type)
        return await self.send(
            "POST", "/predict", body, again=again, content_type=content_type, accept=accept
        )

    def request(
        self,
        *,
        sequences: dict[str, str] | None = None,
        readout: str | None = None,
        tasks: Any = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Make the body of `predict`."""
        return {
            "readout": readout or self.readout,
            "prediction_tasks": [self.task] if tasks is None else tasks,
            "sequences": self.sequences if sequences is None else sequences,
            **more,
        }

    async def answered(self, **how: Any) -> Reply:
        """Ask as `predict` does, and insist on a 200.

        Raises
        ------
        Stop
            With a failure if the answer is another.
        """
        reply = await self.predict(**how)
        if fault := refusal(reply):
            raise Stop(failed(fault, reply))
        return reply

    @property
    def readout(self) -> str:
        """The readout that sanity is judged on."""
        return next(iter(self.bases or self.options.readouts))

    def base(self, readout: str | None = None) -> Reply:
        """Give the answer to the plain request.

        Raises
        ------
        Stop
            If there is none: the rule does not apply.
        """
        if not self.bases:
            raise Stop(not_applicable("no plain request was answered"))
        if (readout or self.readout) not in self.bases:
            raise Stop(not_applicable(f"it has no readout {readout}"))
        return self.bases[readout or self.readout]

    def base_values(self, readout: str | None = None) -> Values:
        """Give the predictions of the plain request.

        Raises
        ------
        Stop
            If there are none that can be read: the rule does not apply.
        """
        reply = self.base(readout)
        if values := values_of(reply):
            return values
        raise Stop(not_applicable("the plain answer has no predictions that can be read", reply))

    @property
    def name(self) -> str | None:
        """What the Predictor calls itself in its answers, or elsewhere; None where it does not."""
        known = self._answers.values()
        for reply in (*self.bases.values(), *known):
            if isinstance(name := reply.object.get("predictor_name"), str):
                return name
        return None

    async def formats(self, side: str) -> list[str]:
        """Give the formats that the Predictor lists for `side`, "request" or "response"."""
        listed = (await self.get("/formats")).object.get(f"predictor_supported_{side}_formats")
        # A server that lists a bare string is understood; a rule of its own tells of it.
        listed = [listed] if isinstance(listed, str) else listed
        return [str(each).lower() for each in listed] if isinstance(listed, list) else []

    async def get(self, path: str, accept: str = JSON) -> Reply:
        """Ask for `/formats` or `/help`."""
        return await self.send("GET", path, accept=accept)

    async def _first_contact(self) -> None:
        try:
            await self.get("/formats")
        except Stop as stop:
            reason = stop.__cause__
            hint = ". Is the server running?" if isinstance(reason, BrokenConnectionError) else ""
            raise RemoteModelError(f"{one_line(reason)}{hint}") from reason

    async def _discover(self) -> None:
        try:
            help_ = (await self.get("/help")).object
        except Stop:
            help_ = {}
        candidates = candidate_tasks(help_, self.options.wanted)
        self.task = candidates[0]
        for readout in self.options.readouts:
            for task in candidates:
                try:
                    reply = await self.predict(readout=readout, tasks=[task])
                except Stop as stop:
                    self.unanswered = stop.outcome
                    break
                self.attempts.append(reply)
                if reply.status == 200 and tasks_of(reply) and task_error(reply) is None:
                    self.task, self.bases[readout] = task, reply
                    candidates = [task]
                    break

    async def _exchange(self, asked: Exchange, body: bytes) -> Reply:
        if self._deadlines_passed >= _MAX_DEADLINES:
            raise RemoteModelError(
                f"not asked, since {_MAX_DEADLINES} requests before it had no answer in time"
            )
        seconds = self.options.timeout
        self.requests += 1
        # Nothing here undoes a compression, so none is asked for.
        headers = {"Accept-Encoding": "identity", **asked.headers}
        ask = functools.partial(
            exchange,
            self._bare if body and "Content-Type" not in headers else self._session,
            asked.method,
            self.url + asked.path,
            body=body,
            headers=headers,
            deadlines=Deadlines(min(_CONNECT_SECONDS, seconds), seconds, seconds),
            max_bytes=_MAX_ANSWER_BYTES,
        )
        try:
            answer = await ask()
        # The server may have closed a kept connection just as it was used again.
        except BrokenConnectionError:
            answer = await ask()
        shown = msgspec.structs.replace(
            asked,
            status=answer.status,
            content_type=answer.content_type,
            answer=payload(answer.body),
        )
        return Reply(shown, answer.status, answer.content_type, answer.body)


def refusal(reply: Reply) -> str | None:
    """Say why an answer gives no predictions, if it gives none."""
    if reply.status != 200:
        return f"expected status 200, got {reply.status}"
    if error := task_error(reply):
        return f"the task failed: {one_line(error)}"
    return None


def random_sequences(count: int, length: int, seed: int = _SEED) -> dict[str, str]:
    """Draw sequences with all four letters alike, by id, always the same."""
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    drawn = np.random.default_rng(seed).integers(0, 4, size=(count, length))
    return {f"s{index}": letters[row].tobytes().decode() for index, row in enumerate(drawn, 1)}
