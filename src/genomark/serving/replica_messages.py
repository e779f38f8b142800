"""What a server and the processes that compute for it say to each other.

A frame is a head in MsgPack and a body of raw bytes, each with its length before it. Letters and
arrays travel in the body: they are neither looked at nor laid out anew on their way. Both ends are
of one version, so nothing is negotiated; nothing is ever unpickled.
"""

from __future__ import annotations

import itertools
import math
import socket
import struct
import traceback
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from genomark.errors import CapabilityError, DatasetError, GenomarkError, ModelError, UsageError
from genomark.protocol import (
    BadRequestError,
    Edit,
    EditedSequences,
    GameError,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    ServerError,
    SoundPoints,
    Unanswered,
    UpstreamDependencyError,
)
from genomark.serving.served_model import ServedModel

_LENGTHS = struct.Struct("<QQ")
#: Buffers that the system takes at once, at most (IOV_MAX is 1024 on Linux and macOS).
_MOST_BUFFERS = 512
#: Longer sequences are sent one by one: putting them together would cost more than it saves.
_SHORT_LETTERS = 4096
#: Arrays begin at multiples of the size of a number.
_ALIGNED = 8
#: What is bigger is not kept for the next frame.
_KEPT_BYTES = 64 << 20
#: Room for a frame on its way.
_SOCKET_BYTES = 1 << 20
_ARRAY, _UNANSWERED = 1, 2
#: No sequence is as long, and MsgPack has numbers as large.
_FARTHEST = 1 << 62

Bytes = NDArray[np.uint8]

_GAME_ERRORS: tuple[type[GameError], ...] = (
    BadRequestError,
    PredictionFailedError,
    ServerError,
    UpstreamDependencyError,
)
_ERRORS: tuple[type[GenomarkError], ...] = (UsageError, DatasetError, CapabilityError, ModelError)


class ModelRecipe(msgspec.Struct, frozen=True, tag=True):
    """What a process makes its model of; `path` is where Python looks for modules."""

    spec: str
    matcher: str | None
    path: tuple[str, ...]


class ModelLoaded(msgspec.Struct, frozen=True, tag=True):
    """The model is there."""

    served: ServedModel


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The answer to a request."""

    response: PredictResponse


class Failed(msgspec.Struct, frozen=True, tag=True):
    """What went wrong, so that it can be raised on the other side.

    Attributes
    ----------
    kind : str
        Name of the class of a known error; empty for one that nobody foresaw.
    messages : list of str
    status : int
        Of an error of the protocol.
    retry_after : float or None
    told : str
        The traceback.
    """

    kind: str
    messages: list[str]
    status: int = 500
    retry_after: float | None = None
    told: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """Tell an error."""
        told = "".join(traceback.format_exception(error))
        for game in _GAME_ERRORS:
            if isinstance(error, game):
                retry_after = error.retry_after if isinstance(error, ServerError) else None
                return cls(game.__name__, error.messages, error.http_status, retry_after, told)
        if isinstance(error, GenomarkError):
            kind = next((each for each in _ERRORS if isinstance(error, each)), ModelError)
            return cls(kind.__name__, [str(error)], told=told)
        plain = isinstance(error, Exception)
        return cls("", [str(error) if plain else f"the model raised {error!r}"], told=told)

    def error(self) -> Exception:
        """Give the error as it was raised, or as much of it as is known here."""
        for game in _GAME_ERRORS:
            if self.kind == game.__name__:
                if game is ServerError:
                    return ServerError(
                        self.messages, status=self.status, retry_after=self.retry_after
                    )
                return game(self.messages, status=self.status)
        for each in _ERRORS:
            if self.kind == each.__name__:
                return each(self.messages[0])
        unforeseen = RuntimeError(self.messages[0])
        unforeseen.add_note(self.told)
        return unforeseen


class Asked(msgspec.Struct, frozen=True, tag=True):
    """A request; the letters of its sequences are in the body, one after the other.

    Attributes
    ----------
    names : list of str
    lengths : list of int
        Of the sequences; bytes.
    references, edits : mapping, optional
        Where there are edits (`EditedSequences`).
    """

    readout: str
    prediction_tasks: list[PredictionTask]
    names: list[str]
    lengths: list[int]
    prediction_ranges: dict[str, list[int]] | UnsetType = UNSET
    upstream_seq: str | UnsetType = UNSET
    downstream_seq: str | UnsetType = UNSET
    references: Mapping[str, str] | UnsetType = UNSET
    edits: Mapping[str, Edit] | UnsetType = UNSET


Message = ModelRecipe | ModelLoaded | Answered | Failed | Asked


class ClosedError(GenomarkError):
    """The other side is gone.

    Parameters
    ----------
    reached : bool
        Whether any of a frame may have come to it.
    """

    def __init__(self, *, reached: bool) -> None:
        self.reached = reached
        super().__init__("the other side is gone")


class Channel:
    """One end of a connection between two processes.

    Parameters
    ----------
    end : socket.socket
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._kept = np.empty(0, dtype=np.uint8)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BYTES)

    def send(self, message: Message, body: Sequence[bytes] = ()) -> None:
        """Send a frame.

        Raises
        ------
        ClosedError
        TimeoutError
        """
        self.send_frame(frame_of(message, body))

    def send_frame(self, frame: Sequence[memoryview]) -> None:
        """Send what `frame_of` made; as `send`."""
        sent = 0
        try:
            for first in range(0, len(frame), _MOST_BUFFERS):
                waiting = list(frame[first : first + _MOST_BUFFERS])
                while waiting:
                    taken = self._end.sendmsg(waiting)
                    sent += taken
                    waiting = list(_rest(waiting, taken))
        except TimeoutError:
            raise
        except OSError as error:
            raise ClosedError(reached=sent > 0) from error

    def receive(self, *, keep: bool = False) -> tuple[Message, memoryview]:
        """Wait for a frame.

        Parameters
        ----------
        keep : bool
            Whether the body may lie in memory that the next frame is received in.

        Returns
        -------
        message, memoryview
            Arrays of the message are parts of the body, and not copied.

        Raises
        ------
        ClosedError
        TimeoutError
        """
        n_head, n_body = _LENGTHS.unpack(self._filled(np.empty(_LENGTHS.size, dtype=np.uint8)))
        head = self._filled(np.empty(n_head, dtype=np.uint8))
        body = self._filled(self._room(n_body) if keep else np.empty(n_body, dtype=np.uint8))
        decoder = msgspec.msgpack.Decoder(
            Message, ext_hook=lambda code, data: _inside(code, data, body)
        )
        return decoder.decode(head), body

    def shut(self) -> None:
        """End the connection; who waits for a frame, on either side, waits no more."""
        try:
            self._end.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It has ended already.
            return

    def close(self) -> None:
        """Give the connection back to the system."""
        self._end.close()

    def _room(self, size: int) -> Bytes:
        if size > _KEPT_BYTES:
            return np.empty(size, dtype=np.uint8)
        if size > self._kept.size:
            self._kept = np.empty(size, dtype=np.uint8)
        return self._kept[:size]

    def _filled(self, room: Bytes) -> memoryview:
        view = room.data
        at = 0
        while at < len(view):
            try:
                received = self._end.recv_into(view[at:])
            except TimeoutError:
                raise
            except OSError as error:
                raise ClosedError(reached=True) from error
            if not received:
                raise ClosedError(reached=True)
            at += received
        return view


def frame_of(message: Message, body: Sequence[bytes] = ()) -> list[memoryview]:
    """Write a frame, as pieces of memory.

    Raises
    ------
    ValueError
        If there is something in it that cannot be written.
    """
    outside = _Outside()
    head = msgspec.msgpack.encode(message, enc_hook=outside)
    views = [*(memoryview(each) for each in body), *outside.parts]
    lengths = _LENGTHS.pack(len(head), sum(map(len, views)))
    return [memoryview(lengths + head), *views]


def asked_of(request: PredictRequest) -> tuple[Asked, list[bytes]]:
    """Write a request as a message and its body."""
    sequences = request.sequences
    references: Mapping[str, str] | UnsetType = UNSET
    edits: Mapping[str, Edit] | UnsetType = UNSET
    if isinstance(sequences, EditedSequences):
        references, edits = sequences.references, sequences.edits
        sequences = sequences.whole
    texts = list(sequences.values())
    lengths = list(map(len, texts))
    joined = "".join(texts) if sum(lengths) <= _SHORT_LETTERS * len(texts) else None
    if joined is not None and joined.isascii():
        body = [joined.encode()]
    else:
        body = [text.encode(errors="surrogatepass") for text in texts]
        lengths = list(map(len, body))
    asked = Asked(
        request.readout,
        request.prediction_tasks,
        list(sequences),
        lengths,
        _ranges(request),
        request.upstream_seq,
        request.downstream_seq,
        references,
        edits,
    )
    return asked, body


def _ranges(request: PredictRequest) -> dict[str, list[int]] | UnsetType:
    """Give the ranges; what is beyond all numbers is beyond any sequence, and refused as such."""
    ranges = request.prediction_ranges
    if ranges is UNSET:
        return UNSET
    return {name: [min(limit, _FARTHEST) for limit in each] for name, each in ranges.items()}


def request_of(asked: Asked, body: memoryview) -> PredictRequest:
    """Read a request back."""
    ends = list(itertools.accumulate(asked.lengths))
    texts = (
        str(body[end - length : end], "utf-8", "surrogatepass")
        for length, end in zip(asked.lengths, ends, strict=True)
    )
    sequences: Mapping[str, str] = dict(zip(asked.names, texts, strict=True))
    if asked.references is not UNSET and asked.edits is not UNSET:
        sequences = EditedSequences(asked.references, asked.edits, sequences)
    return PredictRequest(
        asked.readout,
        asked.prediction_tasks,
        sequences,
        asked.prediction_ranges,
        asked.upstream_seq,
        asked.downstream_seq,
    )


class _Outside:
    """Puts arrays into the body of a frame, and where they are there into its head.

    Attributes
    ----------
    parts : list of memoryview
        The body, as far as it is arrays.
    """

    def __init__(self) -> None:
        self.parts: list[memoryview] = []
        self._size = 0

    def __call__(self, value: object) -> object:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            array = np.ascontiguousarray(value)
            place = (array.dtype.str, value.shape, self._size)
            # An array without any numbers has no bytes to view.
            if array.size:
                self._add(array.reshape(-1).view(np.uint8).data)
            if odd := self._size % _ALIGNED:
                self._add(memoryview(bytes(_ALIGNED - odd)))
            return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode(place))
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, SoundPoints):
            return value.by_id
        if isinstance(value, Unanswered):
            return msgspec.msgpack.Ext(_UNANSWERED, value.reason.encode())
        raise TypeError(f"a {type(value).__name__} cannot be sent")

    def _add(self, part: memoryview) -> None:
        self.parts.append(part)
        self._size += part.nbytes


def _inside(code: int, data: memoryview, body: memoryview) -> object:
    """Read a value that MsgPack does not know."""
    if code == _UNANSWERED:
        return Unanswered(str(data, "utf-8"))
    dtype, shape, offset = msgspec.msgpack.decode(data, type=tuple[str, tuple[int, ...], int])
    count = math.prod(shape)
    return np.frombuffer(body, np.dtype(dtype), count, offset if count else 0).reshape(shape)


def _rest(buffers: Sequence[memoryview], taken: int) -> Iterator[memoryview]:
    """Give what is left of buffers of which so many bytes were taken."""
    for buffer in buffers:
        if taken < len(buffer):
            yield buffer[taken:]
        taken = max(0, taken - len(buffer))
