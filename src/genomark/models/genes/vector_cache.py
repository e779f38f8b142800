"""Vectors of texts, kept between runs by encoder and text, so that nothing is encoded twice."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.models.genes.batch_folder import BatchFolder

#: Bytes of a key.
_KEY = 16


def text_key(text: str) -> bytes:
    """What a text is found by: 16 bytes of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_KEY]


class VectorCache:
    """The vectors one encoder has given, in memory and on disk.

    The first vector of a text stays its vector: two processes that encode the same text at the
    same time agree from their next reading on.

    Parameters
    ----------
    encoder : str
        Digest of the encoder; names the folder.
    """

    def __init__(self, encoder: str) -> None:
        self._folder = BatchFolder(f"text-vectors/{encoder}", ".npy")
        self._vectors: dict[bytes, NDArray[np.float32]] = {}

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Those keys, each once and in order, that have no vector in memory or on disk."""
        wanted = dict.fromkeys(keys)
        if any(key not in self._vectors for key in wanted):
            for content in self._folder.unread():
                batch = np.load(io.BytesIO(content), allow_pickle=False)
                self._remember(_keys_of(batch), batch["vector"])
        return [key for key in wanted if key not in self._vectors]

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of some keys, float32[n_keys, n_dimensions], as one file."""
        batch = np.empty(
            len(keys), dtype=[("key", f"V{_KEY}"), ("vector", "<f4", vectors.shape[1:])]
        )
        batch["key"] = np.frombuffer(b"".join(keys), f"V{_KEY}")
        batch["vector"] = vectors
        content = io.BytesIO()
        np.save(content, batch, allow_pickle=False)
        self._folder.add(content.getvalue())
        self._remember(keys, batch["vector"])

    def vectors(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Vectors of keys that are not missing, float32[n_keys, n_dimensions]; (0, 0) of none."""
        if not keys:
            return np.empty((0, 0), np.float32)
        return np.stack([self._vectors[key] for key in keys])

    def _remember(self, keys: Iterable[bytes], vectors: NDArray[np.float32]) -> None:
        for key, vector in zip(keys, vectors, strict=True):
            self._vectors.setdefault(key, vector)


def _keys_of(batch: NDArray[np.void]) -> list[bytes]:
    joined = batch["key"].tobytes()
    return [joined[start : start + _KEY] for start in range(0, len(joined), _KEY)]
