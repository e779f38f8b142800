"""Cutting a request into chunks: more of them than workers, so that a fast one takes more."""

from __future__ import annotations

from collections.abc import (
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

from genomark.protocol import Edit, EditedSequences
from genomark.serving.pool import PoolLimits, Worker

#: Objects of a request that are keyed by sequence id, and so follow their sequences.
_KEYED = ("sequences", "edits", "prediction_ranges", "sequence_coordinates")
#: What a sequence costs beside its bases, in bases: many short ones are work too.
_BASES_PER_ITEM = 100


def cut(lengths: Sequence[int], workers: int, limits: PoolLimits) -> list[slice]:
    """Cut sequences, in their order, into chunks of about the same work.

    Neighbours stay together: they are often variants of one another, from which some models gain.

    Parameters
    ----------
    lengths : sequence of int
        Of each sequence, flanks included; bp.
    workers : int
    limits : PoolLimits

    Returns
    -------
    list of slice
        One after the other, none empty, all of the sequences; one empty slice if there are none.
    """
    if not lengths:
        return [slice(0, 0)]
    pieces = workers * limits.chunks_per_worker
    work = sum(lengths) + _BASES_PER_ITEM * len(lengths)
    chunks: list[slice] = []
    first = bases = done = share = 0
    for here, length in enumerate(lengths):
        too_large = bases + length > limits.chunk_bases or here - first >= limits.chunk_items
        # The whole is in so many equal pieces; a chunk ends in another piece than it began in.
        over = done * pieces // work > share
        alone = (length + _BASES_PER_ITEM) * pieces > work
        if here > first and (too_large or over or alone):
            chunks.append(slice(first, here))
            first, bases, share = here, 0, done * pieces // work
        bases += length
        done += length + _BASES_PER_ITEM
    return [*chunks, slice(first, len(lengths))]


def part_of(raw: Mapping[str, Any], ids: Iterable[str]) -> dict[str, Any]:
    """Give the request for some of the sequences; everything else stays as it is.

    Of the references there are those that the edits among the sequences need.
    """
    chosen = dict.fromkeys(ids)
    part = {
        key: {name: value[name] for name in chosen if name in value}
        if key in _KEYED and isinstance(value, dict)
        else value
        for key, value in raw.items()
    }
    if edits := part.get("edits"):
        needed = {edit["of"] for edit in edits.values()}
        references = raw["references"].items()
        part["references"] = {name: each for name, each in references if name in needed}
    return part


def without_edits(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the same request with every sequence whole, for a worker that knows no edits."""
    if not part.get("edits"):
        return part
    edits = {
        name: Edit(each["of"], tuple(tuple(change) for change in each["changes"]))
        for name, each in part["edits"].items()
    }
    built = dict(EditedSequences(part["references"], edits, part["sequences"]))
    others = {key: each for key, each in part.items() if key not in ("edits", "references")}
    return {**others, "sequences": built}


@dataclass(eq=False)
class Chunk:
    """Some sequences of a request, and where asking for them has failed."""

    index: int
    ids: list[str]
    attempts: int = 0
    failed_at: set[Worker] = field(default_factory=set)
    #: Where it is being worked on, and since when.
    at: dict[Worker, float] = field(default_factory=dict)
    repeated: bool = False
