"""Requests in the tensor format: the message of GAME 1.0, its sequences in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from genomark.protocol.blocks import SequenceBlock
from genomark.protocol.edits import EditedSequences
from genomark.protocol.messages import PredictionTask, PredictRequest
from genomark.protocol.tensors import Tensor

#: In the place of a range: all of the sequence.
_ALL = [-1, -1]
_encode = msgspec.msgpack.Encoder().encode


class TensorRequest(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A `PredictRequest` as it goes over the wire.

    Ranges are two whole numbers for each sequence of the block, and then of the edits; -1 and -1
    mean all of it. The letters come last.
    """

    readout: str
    prediction_tasks: list[PredictionTask]
    range_block: Tensor | None = None
    prediction_ranges: dict[str, list[int]] | msgspec.UnsetType = msgspec.UNSET
    upstream_seq: str | msgspec.UnsetType = msgspec.UNSET
    downstream_seq: str | msgspec.UnsetType = msgspec.UNSET
    reference_block: SequenceBlock | None = None
    edits: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    sequence_block: SequenceBlock


def encode_tensor_request(request: PredictRequest, *, anonymous: bool) -> bytes:
    """Write a request, edits as such.

    Parameters
    ----------
    request : PredictRequest
    anonymous : bool
        Whether ids that are places may be left out.
    """
    sequences = request.sequences
    references = None
    edits: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    whole = sequences
    if isinstance(sequences, EditedSequences):
        whole, edits = sequences.whole, sequences.edits
        references = SequenceBlock.of(sequences.references)
    block = _range_block(request)
    return _encode(
        TensorRequest(
            readout=request.readout,
            prediction_tasks=request.prediction_tasks,
            range_block=block,
            prediction_ranges=request.prediction_ranges if block is None else msgspec.UNSET,
            upstream_seq=request.upstream_seq,
            downstream_seq=request.downstream_seq,
            reference_block=references,
            edits=edits,
            sequence_block=SequenceBlock.of(whole, anonymous=anonymous),
        )
    )


def _range_block(request: PredictRequest) -> Tensor | None:
    ranges = request.prediction_ranges
    if ranges is msgspec.UNSET or list(ranges) != list(request.sequences):
        # Who asks so is told of it by the server.
        return None
    limits = [each or _ALL for each in ranges.values()]
    if not all(len(each) == 2 and all(_fits(limit) for limit in each) for each in limits):
        return None
    return Tensor.of(np.array(limits, dtype=np.int32).reshape(-1, 2))


def _fits(limit: object) -> bool:
    return type(limit) is int and -1 <= limit < 1 << 31


def ranges_of(block: Tensor, names: list[str]) -> dict[str, list[int]]:
    """Read the ranges of the sequences of a request, in their order.

    Raises
    ------
    msgspec.DecodeError
        If there are not two whole numbers a sequence.
    """
    limits = block.array()
    if limits.dtype.kind not in "iu" or limits.shape != (len(names), 2):
        raise msgspec.DecodeError(
            f"expected two whole numbers for each of {len(names):,} sequences in 'range_block', "
            f"found a tensor of {limits.dtype} and shape {limits.shape}"
        )
    told = limits.tolist()
    return {name: [] if each == _ALL else each for name, each in zip(names, told, strict=True)}
