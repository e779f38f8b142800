"""A GAME Predictor behind a URL: a model whose `predict` crosses HTTP."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import aiohttp
import msgspec
from msgspec import UNSET

from genomark.digests import digest_of
from genomark.errors import RemoteModelError, one_line
from genomark.models.asking import PASSING, Asking, given_up
from genomark.models.connections import Connections
from genomark.models.direct import DirectLines, goes_direct
from genomark.models.game_response import PartAnswer, merge_answers, renamed
from genomark.models.remote_settings import DEFAULTS, RemoteSettings
from genomark.models.sending import Sent, send_once
from genomark.models.training_data import TrainingData, stated_training
from genomark.models.transport import (
    AddressError,
    BrokenConnectionError,
    HttpAnswer,
    exchange,
    is_loopback,
    origin_of,
)
from genomark.protocol import (
    ANONYMOUS,
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    TENSOR,
    TENSOR_STREAM,
    ZSTD,
    BadRequestError,
    Exchange,
    FrameReader,
    PredictRequest,
    PredictResponse,
    SoundSequences,
    Unanswered,
    decode_answer,
    decode_tensor_answer,
    ids_of,
    plain_sequences,
    prediction_format,
)
from genomark.scoring import ModelIdentity
from genomark.spans import span

#: What `/formats` lists, and under which keys.
_LISTS = {
    "request": "predictor_supported_request_formats",
    "response": "predictor_supported_response_formats",
    "extensions": EXTENSIONS,
}
#: What `/help` says of answers, beside whose they are.
_TOLD_OF_ANSWERS = ("predictor_name", "batch_invariant")
#: Characters shown of an answer's type.
_MAX_TYPE = 80
#: Of the module, so that a model can be sent to another process.
_COUNTING = threading.Lock()


class RemotePredictor:
    """A GAME Predictor behind a URL.

    Parameters
    ----------
    url : str
        ``http://host:port``.
    settings : RemoteSettings, optional

    Notes
    -----
    A server that says what it is (`model_digest` in `/help`) is known by that; any other by its
    URL and the whole of its `/help`.
    """

    builds_lazily: ClassVar[bool] = True

    def __init__(self, url: str, settings: RemoteSettings | None = None) -> None:
        self.url = url.rstrip("/")
        self.settings = settings or DEFAULTS
        self.bytes_sent = 0
        self.bytes_received = 0
        self._connections, self._lines = Connections(), DirectLines()
        self._exchange: Exchange | None = None
        # Its own: pauses are no part of any result, and clients must not pause in step.
        self.jitter = random.Random()

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by what `/help` says.

        Raises
        ------
        RemoteModelError
            If the server cannot be reached.
        """
        help_ = self.said
        stated = help_.get("model_digest")
        digest = digest_of(["stated", stated]) if stated else digest_of([self.url, help_])
        return ModelIdentity(
            id=self.url,
            version=str(help_.get("version", "not stated")),
            digest=digest,
            notes=[f"served by {help_.get('predictor_name', 'a Predictor without a name')}"],
        )

    def __getstate__(self) -> dict[str, Any]:
        """Give all but the connections, which stay in this process."""
        return {**self.__dict__, "_connections": None, "_lines": None, "_exchange": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what `__getstate__` gave, with connections of its own."""
        self.__dict__.update(state)
        self._connections, self._lines = Connections(), DirectLines()

    @property
    def keepable(self) -> bool:
        """Whether the server says who it is: at its URL there may be another model tomorrow.

        One of genomark's says so, too, where its digest does not cover all its answers depend on.
        """
        return bool(self.said.get("model_digest")) and self.said.get("keepable") is not False

    @property
    def served_as(self) -> tuple[str, str]:
        """Where the model is, and under which name: answers of one server are no other's."""
        return self.url, str(self.said.get("predictor_name", ""))

    def confirm_identity(self) -> bool:
        """Ask the server once more who it is.

        Returns
        -------
        bool
            False where it does not say, or says less or more than before: nothing should be kept.

        Raises
        ------
        RemoteModelError
            If it is another model by now.
        """
        try:
            answer = self._get("/help")
            told = self.decoded(answer) if answer.status == 200 else None
        except RemoteModelError:
            return False
        if not isinstance(told, dict):
            return False
        if told.get("model_digest") != self.said.get("model_digest"):
            raise RemoteModelError(
                f"{self.url} is not the model it was when the run began: its /help states another "
                "model_digest. Run again to score the model it is now"
            )
        return all(told.get(key) == self.said.get(key) for key in _TOLD_OF_ANSWERS)

    @property
    def batch_invariant(self) -> bool:
        """Whether the server says so of its model, with an optional key of genomark's own."""
        return self.said.get("batch_invariant") is True

    @property
    def training_data(self) -> TrainingData:
        """What `/help` says the model was trained on, an optional key of genomark's own."""
        return stated_training(self.said.get("training_data", "unknown"))

    @cached_property
    def said(self) -> dict[str, Any]:
        """What the server says of itself, at `/help`; empty where that cannot be read."""
        answer = self._get("/help")
        told = self.decoded(answer) if answer.status == 200 else {}
        return told if isinstance(told, dict) else {}

    @cached_property
    def formats(self) -> tuple[str, str]:
        """Formats of requests and of answers: the best of those that both sides know."""
        sent, received = (
            next((kind for kind in (TENSOR, MSGPACK) if kind in self._known_formats[side]), JSON)
            for side in ("request", "response")
        )
        return sent, received

    @cached_property
    def takes_edits(self) -> bool:
        """Whether the server builds sequences from references and edits itself."""
        return EDITS in self._known_formats["extensions"]

    @cached_property
    def takes_anonymous(self) -> bool:
        """Whether the server takes sequences without ids."""
        return ANONYMOUS in self._known_formats["extensions"]

    @cached_property
    def _goes_direct(self) -> bool:
        return goes_direct(self.url)

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Send a request, in parts if it is large, and put the answers together.

        Returns
        -------
        PredictResponse
            Tasks and sequences as requested; what could not be had is `Unanswered` with its reason.

        Raises
        ------
        RemoteModelError
            If nothing at all comes back, or parts were not answered by the same model.
        """
        headers = self._headers(request.readout)
        plain = self._plain(request) if headers["Content-Type"] == TENSOR else None
        asked = request if plain is None else _without_ids(request, plain)
        repeats = plain if self._may_repeat(request, headers) else None
        with span("server"):
            sent = None if repeats is None else self._sent_again(asked, repeats, headers)
            if isinstance(sent, PredictResponse):
                return sent
            asking = Asking(self, asked, headers)
            if sent is not None:
                asking.take(sent)
            elif self._goes_direct:
                sent = asking.try_directly(self._lines)
            if not asking.is_done:
                self._connections.run(asking.to_end)
        merged = self._merged(asked, asking)
        if sent is not None and repeats is not None and repeats.packed is not None:
            tasks = request.prediction_tasks
            kept = Exchange.of(tasks, repeats.packed, sent.body, sent.received, merged)
            self._exchange = kept or self._exchange
        return merged if plain is None else renamed(merged, plain.ids)

    def _merged(self, asked: PredictRequest, asking: Asking) -> PredictResponse:
        """Put the answers to all parts of a request together."""
        if not asking.answers or not (
            any(answer.answered for answer in asking.answers)
            or not asked.sequences
            or not asked.prediction_tasks
        ):
            raise RemoteModelError(asking.first_fault or self._nothing(asking.answers[0]))
        try:
            responses = [answer.response for answer in asking.answers]
            return merge_answers(asked, responses, asking.unanswered)
        except ValueError as error:
            raise RemoteModelError(
                f"{self.url}/predict: the parts of one request were answered differently: {error}"
            ) from error

    def _headers(self, readout: str) -> dict[str, str]:
        sent, received = self.formats
        known = self._known_formats["response"]
        if received == TENSOR and TENSOR_STREAM in known:
            received = f"{TENSOR_STREAM}, {TENSOR}"
        elif readout == "interaction_matrix" and MSGPACK_NUMPY in known:
            received = MSGPACK_NUMPY
        headers = {"Content-Type": sent, "Accept": received}
        if ZSTD in self._known_formats["extensions"] and not is_loopback(origin_of(self.url)):
            headers["Content-Encoding"] = ZSTD
        return headers

    def _plain(self, request: PredictRequest) -> SoundSequences | None:
        """Give sequences that can go without ids: they need no cut, and have no flaw."""
        is_short = len(request.sequences) <= self.settings.max_items
        return plain_sequences(request) if self.takes_anonymous and is_short else None

    def _may_repeat(self, request: PredictRequest, headers: dict[str, str]) -> bool:
        """Whether a request without ids may be one that repeats the one before it."""
        # Compressed, equal beginnings are equal no more.
        return (
            request.readout == "point" and self._goes_direct and "Content-Encoding" not in headers
        )

    def _sent_again(
        self, asked: PredictRequest, plain: SoundSequences, headers: dict[str, str]
    ) -> PredictResponse | Sent | None:
        """Send a question that repeats the one before, and read its answer if that does, too.

        None if it is another question; what was sent, where more has to be looked at.
        """
        exchange = self._exchange
        if exchange is None or plain.packed is None:
            return None
        with span("encode"):
            body = exchange.body(asked.prediction_tasks, plain.packed)
        if body is None:
            return None
        sent = send_once(self, self._lines, body, headers, ids_of(asked.sequences))
        with span("decode"):
            return exchange.response(sent.received, plain.ids) or sent

    def count(self, sent: int, received: int) -> None:
        """Add to the bytes over the wire; a served remote model is asked from many threads."""
        with _COUNTING:
            self.bytes_sent += sent
            self.bytes_received += received

    def decoded(self, answer: HttpAnswer, asked: Sequence[str] = ()) -> Any:
        """Decode the body of an answer.

        Parameters
        ----------
        answer : HttpAnswer
        asked : sequence of str
            Ids of the request, in its order.

        Raises
        ------
        RemoteModelError
            If it cannot be read; as a broken connection where it may have been cut short unnoticed.
        """
        try:
            return _decoded(answer, asked)
        except BadRequestError as error:
            cut_short = answer.status == 200 and not answer.is_delimited
            kind = BrokenConnectionError if cut_short else RemoteModelError
            named = one_line(answer.content_type)[:_MAX_TYPE] or "no type"
            raise kind(
                f"{self.url} answered {answer.status} with {named} that cannot be read: "
                f"{one_line(error)}"
            ) from error

    @cached_property
    def _known_formats(self) -> dict[str, list[Any] | str]:
        answer = self._get("/formats")
        try:
            raw = self.decoded(answer) if answer.status == 200 else {}
        except RemoteModelError:
            # A page that is no list of formats: JSON is what every Predictor knows.
            raw = {}
        found: dict[str, list[Any] | str] = {}
        for side, key in _LISTS.items():
            formats = raw.get(key) if isinstance(raw, dict) else None
            # Only a whole name counts: a longer one contains the shorter.
            found[side] = [formats] if isinstance(formats, str) else formats or []
            if not isinstance(found[side], list):
                found[side] = []
        return found

    def _get(self, path: str) -> HttpAnswer:
        try:
            return self._connections.run(partial(self._ask, path))
        except AddressError as error:
            raise AddressError(
                f"'{self.url}' is not an address; expected http://HOST:PORT"
            ) from error

    async def _ask(self, path: str, session: aiohttp.ClientSession) -> HttpAnswer:
        attempts = min(4, self.settings.attempts)
        for attempt in range(1, attempts + 1):
            try:
                answer = await exchange(
                    session,
                    "GET",
                    self.url + path,
                    headers={"Accept": JSON},
                    deadlines=self.settings.deadlines,
                    max_bytes=self.settings.max_answer_bytes,
                )
            except BrokenConnectionError as error:
                if attempt == attempts:
                    raise given_up(error) from error
            else:
                if answer.status not in PASSING or attempt == attempts:
                    return answer
            await asyncio.sleep(self.settings.pause(attempt, self.jitter))
        raise AssertionError("unreachable")

    def _nothing(self, answer: PartAnswer) -> str:
        values = (
            value
            for task in answer.response.prediction_tasks
            for value in task.predictions.values()
        )
        reason = next((each.reason for each in values if isinstance(each, Unanswered)), "nothing")
        return f"{self.url}/predict: no prediction came back ({reason})"


def _without_ids(request: PredictRequest, plain: SoundSequences) -> PredictRequest:
    # There may be ranges that are all empty, which mean nothing.
    return msgspec.structs.replace(request, sequences=plain.numbered(), prediction_ranges=UNSET)


def _decoded(answer: HttpAnswer, asked: Sequence[str]) -> Any:
    kind = prediction_format(answer.content_type)
    if kind == TENSOR:
        return decode_tensor_answer(answer.body, asked)
    if kind == TENSOR_STREAM:
        frames = answer.frames
        if frames is None:
            # It was compressed on its way.
            frames = FrameReader(asked)
            frames.feed(answer.body)
        return frames.answer()
    return decode_answer(answer.body, kind)
