"""Where a language model is, and how it is spoken to: the two protocols.

Ollama's ``POST /api/generate`` and the ``POST /chat/completions`` that many servers have taken
over from OpenAI.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from genomark.errors import UsageError
from genomark.models.http_answer import HttpAnswer

Protocol = Literal["ollama", "openai"]

FORM = "ollama:http://HOST:11434,model=NAME or openai:http://HOST:PORT/v1,model=NAME"

#: Sent as it is where it is set and the spec names no other.
TOKEN_VARIABLE = "GENOMARK_LLM_TOKEN"

#: Far more than an answer has; it ends what a model would write without end.
_MOST_TOKENS = 1024
_MOST_SECONDS, _MOST_RETRIES = 3600.0, 10
_PATH: dict[Protocol, str] = {"ollama": "/api/generate", "openai": "/chat/completions"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EnvelopeError(Exception):
    """What came back is not what the protocol says; `is_cut` where it ends too soon.

    The message quotes the server as it is: whoever shows it makes one line of it, without the
    token.
    """

    def __init__(self, text: str, *, is_cut: bool = False) -> None:
        super().__init__(text)
        self.is_cut = is_cut


class _Piece(msgspec.Struct):
    response: str = ""
    done: bool = False
    error: str = ""


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Chat(msgspec.Struct):
    choices: list[_Choice]


@dataclass(frozen=True)
class LlmEndpoint:
    """A language model behind a URL.

    Attributes
    ----------
    protocol : {"ollama", "openai"}
    url : str
        Without the path of the call: ``http://host:11434``, ``https://host/v1``.
    model : str
        As the server calls it.
    token_env : str
        The environment variable that holds the token. It is read anew for each question, and kept
        nowhere.
    seconds : float
        For a question, all attempts together.
    retries : int
        Further attempts, at most, where the server is busy or the connection breaks.
    """

    protocol: Protocol
    url: str
    model: str
    token_env: str = TOKEN_VARIABLE
    seconds: float = 60.0
    retries: int = 2

    @classmethod
    def of(cls, spec: str) -> LlmEndpoint:
        """Read ``PROTOCOL:URL,model=NAME[,token_env=NAME][,seconds=60][,retries=2]``.

        Raises
        ------
        UsageError
            If the spec is not well formed. It is not repeated: a token may be in it.
        """
        name, _, rest = spec.partition(":")
        address, *parts = rest.split(",")
        if name not in get_args(Protocol) or not address:
            raise UsageError(f"that names no language model; expected {FORM}")
        settings = _settings_of(parts)
        model = settings.pop("model", "").strip()
        if not model or not model.isprintable():
            raise UsageError(f"a language model without a name; expected {FORM}")
        token_env = settings.pop("token_env", TOKEN_VARIABLE)
        if not _VARIABLE.fullmatch(token_env):
            raise UsageError("token_env is no name of an environment variable")
        seconds = _number("seconds", settings.pop("seconds", str(cls.seconds)), _MOST_SECONDS)
        retries = _number("retries", settings.pop("retries", str(cls.retries)), _MOST_RETRIES)
        if seconds == 0 or retries != int(retries):
            raise UsageError("seconds have to be above 0, and retries a whole number")
        protocol: Protocol = "ollama" if name == "ollama" else "openai"
        return cls(protocol, _address(address), model, token_env, seconds, int(retries))

    def __str__(self) -> str:
        return f"{self.protocol}:{self.url},model={self.model}"

    @property
    def call_url(self) -> str:
        """Where a question is posted."""
        return f"{self.url}{_PATH[self.protocol]}"

    def token(self) -> str:
        """Read the token; nothing if there is none.

        Raises
        ------
        UsageError
            If a variable was named and is empty, or what it holds cannot be sent.
        """
        token = os.environ.get(self.token_env, "").strip()
        if not token and self.token_env != TOKEN_VARIABLE:
            raise UsageError(f"no token in {self.token_env}: set it, or leave token_env out")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise UsageError(f"{self.token_env} holds letters that no token has")
        return token

    def body(self, rules: str, question: str) -> bytes:
        """Write the body of a question, the same bytes for the same question."""
        message: dict[str, Any]
        if self.protocol == "ollama":
            message = {
                "model": self.model,
                "system": rules,
                "prompt": question,
                "format": "json",
                "stream": False,
                "options": {"temperature": 0.0, "num_predict": _MOST_TOKENS},
            }
        else:
            message = {
                "model": self.model,
                "messages": [
                    {"role": "system", "content": rules},
                    {"role": "user", "content": question},
                ],
                "temperature": 0.0,
                "max_tokens": _MOST_TOKENS,
                "response_format": {"type": "json_object"},
            }
        return msgspec.json.encode(message)

    def text_of(self, answer: HttpAnswer) -> str:
        """Take what the model wrote out of an answer of status 200.

        Raises
        ------
        EnvelopeError
            If the answer is none of the protocol.
        """
        try:
            if self.protocol == "ollama":
                return _generated(answer.body)
            chat = msgspec.json.decode(answer.body, type=_Chat)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            said = answer.body.decode(errors="replace").strip() or "nothing"
            # A body of no told length ends where the connection does, whole or not.
            raise EnvelopeError(
                f"the answer is none of {self.protocol}: {said}", is_cut=not answer.is_delimited
            ) from error
        if not chat.choices:
            raise EnvelopeError("the answer holds no text")
        return chat.choices[0].message.content or ""


def _generated(body: bytes) -> str:
    """Join the pieces of Ollama: one, or one a line where something in between streams."""
    pieces = msgspec.json.Decoder(_Piece).decode_lines(body)
    refusal = next((piece.error for piece in pieces if piece.error), None)
    if refusal is not None:
        raise EnvelopeError(f"the server says: {refusal}")
    if not pieces or not pieces[-1].done:
        raise EnvelopeError("the answer was cut short", is_cut=True)
    return "".join(piece.response for piece in pieces)


def refusal_of(answer: HttpAnswer) -> str:
    """Say why a server refused, in its own words, as they are."""
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A page of a web server, which is shown as it is.
        said = None
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else answer.body.decode(errors="replace")


def _settings_of(parts: list[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals or key not in ("model", "token_env", "seconds", "retries"):
            raise UsageError(f"not a setting of a language model; expected {FORM}")
        if key in settings:
            raise UsageError(f"{key} of a language model was given twice")
        settings[key] = value
    return settings


def _number(name: str, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise UsageError(f"{name} of a language model has to be a number from 0 to {most:g}")
    return value


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = None
    if not is_address or not text.isprintable() or " " in text:
        raise UsageError(f"the address of a language model is none; expected {FORM}")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            "the address of a language model holds more than host and path; a token belongs in an "
            f"environment variable, {TOKEN_VARIABLE} or the one that token_env names"
        )
    return text.rstrip("/")
