"""What a run and the process in a sandbox say to each other, over a pipe each way.

A message is a letter that says its kind, its length, and MsgPack. Nothing is ever unpickled. What
comes out of a sandbox is a stranger's: its length is looked at before it is read, and its types as
it is.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.protocol.tensors import Tensor

#: Kinds of messages: the sandbox stands; who the model is; done so far; an answer; an error.
STANDS, MODEL, PROGRESS, ANSWER, ERROR = b"S", b"M", b"P", b"A", b"E"
CALL = b"C"
_LENGTH_BYTES = 8
HEAD_BYTES = 1 + _LENGTH_BYTES


class Call(msgspec.Struct, omit_defaults=True):
    """One question.

    Attributes
    ----------
    method : str
        Of one of the capabilities.
    body : bytes
        Of ``predict``, the request in MsgPack.
    letters : int
        Of its sequences together, where these are known to be sound (`SoundSequences`); else 0.
    texts : list of str
        Sequences, names of genes, or choices.
    word, more : str
        Structure, kind or term; and category.
    seconds, seed : float, int
        Of ``design``.
    """

    method: str
    body: bytes = b""
    letters: int = 0
    texts: list[str] = []
    word: str = ""
    more: str = ""
    seconds: float = 0.0
    seed: int = 0


class Told(msgspec.Struct):
    """What a model says of itself: nothing of it decides who it is taken for.

    Attributes
    ----------
    capabilities : list of str
        Names of protocols of `genomark.models.capabilities`.
    predictor_name, likelihood, effect : str
    batch_invariant, keepable : bool
    declaration : bytes
        In MsgPack; empty where there is none.
    notes : list of str
    """

    capabilities: list[str]
    predictor_name: str = ""
    likelihood: str = ""
    effect: str = ""
    batch_invariant: bool = False
    keepable: bool = False
    pairs_only: bool = False
    declaration: bytes = b""
    notes: list[str] = []


class Failure(msgspec.Struct):
    """What went wrong.

    Attributes
    ----------
    text : str
    memory : bool
        Whether memory ran out: fewer sequences may then do.
    missing : bool
        Whether a file was not there, or might not be opened.
    unfit : bool
        Whether it cannot be asked such a thing at all.
    """

    text: str
    memory: bool = False
    missing: bool = False
    unfit: bool = False


class Genes(msgspec.Struct):
    """Vectors of genes."""

    names: list[str]
    vectors: Tensor
    reasons: dict[str, str]


class GenesTold(msgspec.Struct):
    """The same as it is read: names and reasons are counted first (`entries`)."""

    names: msgspec.Raw
    vectors: Tensor
    reasons: msgspec.Raw


class Term(msgspec.Struct):
    """What a TermMatcher says."""

    choice: str | None
    confidence: float | None
    calls: int | None
    fault: str
    notes: list[str]


def entries(raw: msgspec.Raw) -> int:
    """Say how many entries a list or mapping in MsgPack has, without reading it; 0 of others."""
    told = bytes(memoryview(raw)[:5])
    if not told:
        return 0
    if 0x80 <= told[0] < 0xA0:
        return told[0] & 0x0F
    size = {0xDC: 2, 0xDE: 2, 0xDD: 4, 0xDF: 4}.get(told[0], 0)
    return int.from_bytes(told[1 : 1 + size], "big")


def framed(kind: bytes, content: object) -> bytes:
    """Write a message."""
    body = content if isinstance(content, bytes) else msgspec.msgpack.encode(content)
    return kind + len(body).to_bytes(_LENGTH_BYTES, "big") + body


def head_of(head: bytes) -> tuple[bytes, int]:
    """Read kind and length of a message."""
    return head[:1], int.from_bytes(head[1:HEAD_BYTES], "big")


def floats(values: Any) -> Tensor:
    """Write an array of numbers as it is; of others than floats as float64."""
    array: NDArray[Any] = np.asarray(values)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return Tensor.of(array)
