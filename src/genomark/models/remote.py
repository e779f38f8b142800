"""A GAME Predictor behind a URL: a model whose `predict` crosses HTTP."""

from __future__ import annotations

import asyncio
import random
import threading
from functools import cached_property
from typing import Any, ClassVar

from genomark.digests import digest_of
from genomark.errors import RemoteModelError, one_line
from genomark.models.asking import DEFAULTS, PASSING, Asking, RemoteSettings, given_up
from genomark.models.game_response import PartAnswer, merge_answers
from genomark.models.training_data import TrainingData, stated_training
from genomark.models.transport import (
    AddressError,
    BrokenConnectionError,
    HttpAnswer,
    exchange,
    new_session,
    run_to_end,
)
from genomark.protocol import (
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    PredictRequest,
    PredictResponse,
    Unanswered,
    answer_format,
    decode_answer,
)
from genomark.scoring import ModelIdentity

#: What `/formats` lists, and under which keys.
_LISTS = {
    "request": "predictor_supported_request_formats",
    "response": "predictor_supported_response_formats",
    "extensions": EXTENSIONS,
}
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
        help_ = self._help
        stated = help_.get("model_digest")
        digest = digest_of(["stated", stated]) if stated else digest_of([self.url, help_])
        return ModelIdentity(
            id=self.url,
            version=str(help_.get("version", "not stated")),
            digest=digest,
            notes=[f"served by {help_.get('predictor_name', 'a Predictor without a name')}"],
        )

    @property
    def training_data(self) -> TrainingData:
        """What `/help` says the model was trained on, an optional key of genomark's own."""
        return stated_training(self._help.get("training_data", "unknown"))

    @cached_property
    def _help(self) -> dict[str, Any]:
        answer = self._get("/help")
        told = self.decoded(answer) if answer.status == 200 else {}
        return told if isinstance(told, dict) else {}

    @cached_property
    def formats(self) -> tuple[str, str]:
        """Formats of requests and of answers: MsgPack where both sides know it, else JSON."""
        sent, received = (
            MSGPACK if MSGPACK in self._known_formats[side] else JSON
            for side in ("request", "response")
        )
        return sent, received

    @cached_property
    def takes_edits(self) -> bool:
        """Whether the server builds sequences from references and edits itself."""
        return EDITS in self._known_formats["extensions"]

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
        sent, received = self.formats
        if request.readout == "interaction_matrix":
            known = self._known_formats["response"]
            received = MSGPACK_NUMPY if MSGPACK_NUMPY in known else received
        asking = Asking(self, request, {"Content-Type": sent, "Accept": received})
        run_to_end(asking.to_end())
        if not asking.answers or not (
            any(answer.answered for answer in asking.answers)
            or not request.sequences
            or not request.prediction_tasks
        ):
            raise RemoteModelError(asking.first_fault or self._nothing(asking.answers[0]))
        try:
            responses = [answer.response for answer in asking.answers]
            return merge_answers(request, responses, asking.unanswered)
        except ValueError as error:
            raise RemoteModelError(
                f"{self.url}/predict: the parts of one request were answered differently: {error}"
            ) from error

    def count(self, sent: int, received: int) -> None:
        """Add to the bytes over the wire; a served remote model is asked from many threads."""
        with _COUNTING:
            self.bytes_sent += sent
            self.bytes_received += received

    def decoded(self, answer: HttpAnswer) -> Any:
        """Decode the body of an answer.

        Raises
        ------
        RemoteModelError
            If it cannot be read; as a broken connection where it may have been cut short unnoticed.
        """
        try:
            return decode_answer(answer.body, answer_format(answer.content_type))
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
            return run_to_end(self._ask(path))
        except AddressError as error:
            raise AddressError(
                f"'{self.url}' is not an address; expected http://HOST:PORT"
            ) from error

    async def _ask(self, path: str) -> HttpAnswer:
        attempts = min(4, self.settings.attempts)
        async with new_session() as session:
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
