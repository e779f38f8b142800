"""Messages that repeat one before, but for the block of memory at their end.

The requests of a run ask the same of other sequences, as many and as long, and the answers tell the
same with other numbers. What is equal byte for byte is read and checked once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace
from numpy.typing import NDArray

from genomark.protocol.blocks import PackedTexts, SoundPoints, SoundSequences
from genomark.protocol.messages import PredictionTask, PredictRequest, PredictResponse
from genomark.protocol.twobit import TwoBit

#: Longer beginnings are not kept: they tell what is different each time, such as ids.
_LONGEST_HEAD = 4096
#: More are not kept either: a stranger can tell of many in few bytes.
_MOST_SEQUENCES = 4096
_NO_POINTS = np.empty(0)


@dataclass(frozen=True)
class _Head:
    """What a message has before the block of memory that it ends with.

    Attributes
    ----------
    told : bytes
    length : int
        Of the whole message; bytes.
    """

    told: bytes
    length: int

    @classmethod
    def of(cls, body: bytes | memoryview, block: memoryview) -> _Head | None:
        """Read it; None if the body does not end with this very piece of memory, or it is long."""
        size = len(body) - block.nbytes
        if not block.nbytes or size > _LONGEST_HEAD or _address(block) != _address(body) + size:
            return None
        return cls(bytes(body[:size]), len(body))

    def block(self, body: bytes | memoryview) -> memoryview | None:
        """Give the block of a message that begins in the same way; None of any other."""
        size = len(self.told)
        if len(body) != self.length or body[:size] != self.told:
            return None
        return memoryview(body)[size:]


@dataclass(frozen=True)
class ReadRequest:
    """A request that was read, for those that repeat it but for their letters."""

    _head: _Head
    _asked: PredictRequest

    @classmethod
    def of(cls, body: memoryview, asked: PredictRequest) -> ReadRequest | None:
        """Keep what was read of a body; None if it cannot be repeated."""
        sequences = asked.sequences
        if not isinstance(sequences, SoundSequences) or sequences.packed is None:
            return None
        if asked.prediction_ranges is not UNSET or len(sequences) > _MOST_SEQUENCES:
            return None
        head = _Head.of(body, memoryview(sequences.packed.data))
        # Without the letters, which nobody asks for again.
        return None if head is None else cls(head, _with_letters(asked, memoryview(b"")))

    def again(self, body: memoryview) -> PredictRequest | None:
        """Read a body; None if it does not repeat this request.

        As that was sound, and the same is told of these letters, this one is sound, too.
        """
        letters = self._head.block(body)
        return None if letters is None else _with_letters(self._asked, letters)


@dataclass(frozen=True)
class Exchange:
    """A plain question and its answer, for those that repeat them.

    It is about points of sequences without ids that have one length; neither is compressed.
    """

    _tasks: list[PredictionTask]
    _number: int
    _length: int
    _request: _Head
    _answer: _Head
    _response: PredictResponse

    @classmethod
    def of(
        cls,
        tasks: list[PredictionTask],
        packed: TwoBit,
        sent: bytes,
        received: bytes,
        response: PredictResponse,
    ) -> Exchange | None:
        """Keep what was asked and answered; None if it cannot be repeated.

        Parameters
        ----------
        tasks : list of PredictionTask
        packed : TwoBit
            The sequences.
        sent, received : bytes
            The request in the tensor format, all else left out, and its answer.
        response : PredictResponse
            What was read of the answer.
        """
        if len(tasks) != 1 or not _is_even(packed):
            return None
        (told,) = response.prediction_tasks
        points = told.predictions
        # What is told of single sequences has their names in it.
        if not isinstance(points, SoundPoints) or told.trim_upstream is not UNSET:
            return None
        size = len(sent) - memoryview(packed.data).nbytes
        if not 0 < size <= _LONGEST_HEAD or sent[size:] != packed.data:
            return None
        answer = _Head.of(received, points.told.data.cast("B"))
        if answer is None or len(points) != len(packed.lengths):
            return None
        kept = _with_points(response, [], _NO_POINTS)
        number, length = len(packed.lengths), int(packed.lengths.letters[0])
        request = _Head(sent[:size], len(sent))
        return cls(list(tasks), number, length, request, answer, kept)

    def body(self, tasks: list[PredictionTask], packed: TwoBit) -> bytes | None:
        """Write a question in the tensor format; None if it does not repeat this one."""
        if tasks != self._tasks or not _is_even(packed):
            return None
        if (len(packed.lengths), packed.lengths.letters[0]) != (self._number, self._length):
            return None
        return b"".join((self._request.told, packed.data))

    def response(self, received: bytes, names: list[str]) -> PredictResponse | None:
        """Read the answer to a question that was written here; None if it does not repeat this one.

        Parameters
        ----------
        received : bytes
        names : list of str
            What the sequences are called, in order.
        """
        block = self._answer.block(received)
        if block is None:
            return None
        told = np.frombuffer(block, dtype=f"<f{len(block) // len(names)}")
        return _with_points(self._response, names, told)


def _with_letters(asked: PredictRequest, letters: memoryview) -> PredictRequest:
    sequences = asked.sequences
    assert isinstance(sequences, SoundSequences)
    assert sequences.packed is not None
    packed = TwoBit(letters, sequences.packed.lengths, sequences.packed.runs)
    return PredictRequest(
        asked.readout,
        # Models are foreign code: none finds what another has done to its lists.
        list(asked.prediction_tasks),
        SoundSequences(list(sequences.ids), sequences.letters, PackedTexts(packed)),
        upstream_seq=asked.upstream_seq,
        downstream_seq=asked.downstream_seq,
    )


def _with_points(
    response: PredictResponse, names: list[str], told: NDArray[np.floating[Any]]
) -> PredictResponse:
    (task,) = response.prediction_tasks
    # Callers may do to an answer what they like.
    aggregation = UNSET if task.aggregation is UNSET else dict(task.aggregation)
    task = replace(
        task,
        type_actual=list(task.type_actual),
        aggregation=aggregation,
        predictions=SoundPoints(names, told),
    )
    return replace(response, prediction_tasks=[task])


def _is_even(packed: TwoBit) -> bool:
    """Whether nothing is told of sequences but how many there are, and how long."""
    return packed.lengths.even and packed.lengths.are_sound and not packed.runs.size


def _address(memory: bytes | memoryview) -> int:
    return int(np.frombuffer(memory, dtype=np.uint8).__array_interface__["data"][0])
