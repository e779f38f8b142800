"""Vectors kept on disk by kind, and read from there when they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genomark.errors import DatasetError
from genomark.models.genes.vector_cache import VectorCache, text_key

KEYS = [text_key(name) for name in ("A", "B", "C")]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_kinds_of_vectors_do_not_meet() -> None:
    VectorCache("model", "sequence-vectors").add(KEYS, VECTORS)
    assert VectorCache("model").missing(KEYS) == KEYS
    assert VectorCache("model", "sequence-vectors").missing(KEYS) == []


def test_rows_come_from_several_files_in_the_order_of_asking() -> None:
    cache = VectorCache("model")
    cache.add(KEYS[:1], VECTORS[:1])
    cache.add(KEYS[1:], VECTORS[1:])
    wanted = [KEYS[2], KEYS[0], KEYS[1], KEYS[2]]
    assert np.array_equal(cache.vectors(wanted), VECTORS[[2, 0, 1, 2]])


def test_a_folder_that_cannot_be_written_keeps_them_in_memory(own_cache: Path) -> None:
    own_cache.write_text("no folder")
    cache = VectorCache("model")
    cache.add(KEYS, VECTORS)
    assert np.array_equal(cache.vectors(KEYS), VECTORS)
    assert cache.missing(KEYS) == []


def test_a_file_removed_in_between_is_one_line(own_cache: Path) -> None:
    cache = VectorCache("model")
    cache.add(KEYS, VECTORS)
    for path in own_cache.rglob("*.npy"):
        path.unlink()
    with pytest.raises(DatasetError, match="gone while it was in use"):
        cache.vectors(KEYS)
