"""Vectors once read from text, kept as they are in memory: the next process maps them.

Two files in the cache: the numbers, and, written last, a description without which they do not
count. What cannot be kept is read again the next time.
"""

from __future__ import annotations

import logging
from typing import cast

import msgspec
import numpy as np

from genomark.atomic import write_whole
from genomark.datasets.location import cache_folder, cache_root
from genomark.errors import DatasetError, WriteError
from genomark.models.genes.named_vectors import NamedVectors

logger = logging.getLogger("genomark.models")

_FOLDER = "embeddings"


class _Description(msgspec.Struct, frozen=True):
    names: list[str]
    dimensions: int
    kind: str | None
    notes: list[str]


def keep(digest: str, found: NamedVectors) -> None:
    """Keep vectors under a digest of what they were read from; where that cannot be, say so."""
    description = _Description(found.names, found.vectors.shape[1], found.kind, list(found.notes))
    try:
        folder = cache_folder(_FOLDER)
        # As bytes they would be in memory twice.
        content = cast("bytes", found.vectors.astype("<f4", copy=False).data.cast("B"))
        write_whole(folder / f"{digest}.f32", content)
        write_whole(folder / f"{digest}.json", msgspec.json.encode(description))
    except (DatasetError, WriteError) as error:
        logger.info("vectors are not kept for the next run: %s", error)


def kept(digest: str) -> NamedVectors | None:
    """Map what was kept under a digest; None if there is nothing, or not all of it."""
    path = cache_root() / _FOLDER / f"{digest}.json"
    try:
        described = msgspec.json.decode(path.read_bytes(), type=_Description)
        shape = (len(described.names), described.dimensions)
        numbers = path.with_suffix(".f32")
        if numbers.stat().st_size != 4 * shape[0] * shape[1]:
            return None
        mapped = np.memmap(numbers, dtype="<f4", mode="r", shape=shape)
    except (OSError, msgspec.DecodeError):
        return None
    return NamedVectors(described.names, np.asarray(mapped), described.kind, tuple(described.notes))
