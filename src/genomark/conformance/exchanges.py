"""What was sent to a Predictor and what came back, as it is judged and as it is shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import msgspec

from genomark.protocol import BadRequestError, answer_format, decode_answer

#: Longer bodies are cut where they are shown, in characters (base64: of what is encoded, bytes).
_MAX_SHOWN = 4000


class Payload(msgspec.Struct, frozen=True):
    """A body, cut to a length that can be read.

    Attributes
    ----------
    text : str
    encoding : {"utf-8", "base64"}
    bytes : int
        Length of the whole body.
    cut : bool
        Whether `text` is only its beginning.
    """

    text: str
    encoding: Literal["utf-8", "base64"]
    bytes: int
    cut: bool


class Exchange(msgspec.Struct, frozen=True):
    """A request and its answer; `error` says why there is none."""

    method: str
    path: str
    headers: dict[str, str]
    request: Payload | None
    status: int | None = None
    content_type: str | None = None
    answer: Payload | None = None
    error: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer as it is judged: whole, and with the exchange that shows it."""

    exchange: Exchange
    status: int
    content_type: str
    content: bytes

    @property
    def media_type(self) -> str:
        """The type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @cached_property
    def body(self) -> Any:
        """The decoded body, or None where it is not what its type says."""
        try:
            return decode_answer(self.content, answer_format(self.content_type))
        except BadRequestError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The body where it is an object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}


def payload(body: bytes) -> Payload | None:
    """Give a body as it is shown: text where it is text, else base64; None for an empty one."""
    if not body:
        return None
    cut = len(body) > _MAX_SHOWN
    # A letter may take four bytes, and the last one may be torn by the cut.
    beginning = body[: 4 * _MAX_SHOWN]
    try:
        text = beginning.decode("utf-8", "strict" if len(beginning) == len(body) else "ignore")
    except UnicodeDecodeError:
        text = "\0"
    # A binary format may happen to be UTF-8; control characters tell it.
    if any(ord(letter) < 32 and letter not in "\t\n\r" for letter in text):
        return Payload(base64.b64encode(body[:_MAX_SHOWN]).decode(), "base64", len(body), cut)
    return Payload(text[:_MAX_SHOWN], "utf-8", len(body), len(text) > _MAX_SHOWN or cut)
