"""Vectors kept between runs by model and text, so that nothing is encoded twice."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.errors import DatasetError
from genomark.models.genes.batch_folder import BatchFolder

#: Bytes of a key.
_KEY = 16

_Batch = NDArray[np.void]


def text_key(text: str) -> bytes:
    """What a text is found by: 16 bytes of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_KEY]


class VectorCache:
    """The vectors one model has given: on disk, and where each of them is in memory.

    The first vector of a text stays its vector: two processes that encode the same text at the
    same time agree from their next reading on.

    Parameters
    ----------
    model : str
        Digest of the model; names the folder.
    kind : str
        Of vectors; names the folder above, so that those of another kind are never taken for them.
    """

    def __init__(self, model: str, kind: str = "text-vectors") -> None:
        self._folder = BatchFolder(f"{kind}/{model}", ".npy")
        #: Files, and what could not be written to one.
        self._batches: list[Path | _Batch] = []
        self._where: dict[bytes, tuple[int, int]] = {}

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Those keys, each once and in order, that have no vector in memory or on disk."""
        wanted = dict.fromkeys(keys)
        if any(key not in self._where for key in wanted):
            for path, content in self._folder.unread_files():
                batch = np.load(io.BytesIO(content), allow_pickle=False)
                self._remember(path, _keys_of(batch))
        return [key for key in wanted if key not in self._where]

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of some keys, float32[n_keys, n_dimensions], as one file."""
        batch = np.empty(
            len(keys), dtype=[("key", f"V{_KEY}"), ("vector", "<f4", vectors.shape[1:])]
        )
        batch["key"] = np.frombuffer(b"".join(keys), f"V{_KEY}")
        batch["vector"] = vectors
        content = io.BytesIO()
        np.save(content, batch, allow_pickle=False)
        path = self._folder.add(content.getvalue())
        self._remember(batch if path is None else path, keys)

    def vectors(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Vectors of keys that are not missing, float32[n_keys, n_dimensions]; (0, 0) of none.

        Raises
        ------
        DatasetError
            If somebody has removed a file since.
        """
        if not keys:
            return np.empty((0, 0), np.float32)
        where = np.array([self._where[key] for key in keys])
        out: NDArray[np.float32] | None = None
        for number in np.unique(where[:, 0]):
            places = np.flatnonzero(where[:, 0] == number)
            found = _opened(self._batches[number])["vector"]
            if out is None:
                out = np.empty((len(keys), *found.shape[1:]), np.float32)
            out[places] = found[where[places, 1]]
        assert out is not None
        return out

    def _remember(self, batch: Path | _Batch, keys: Iterable[bytes]) -> None:
        self._batches.append(batch)
        for row, key in enumerate(keys):
            self._where.setdefault(key, (len(self._batches) - 1, row))


def _opened(batch: Path | _Batch) -> _Batch:
    if not isinstance(batch, Path):
        return batch
    try:
        # Only the rows asked for are read.
        opened: _Batch = np.load(batch, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DatasetError(
            f"{batch}: gone while it was in use ({error.strerror}); run the command again"
        ) from error
    return opened


def _keys_of(batch: _Batch) -> list[bytes]:
    joined = batch["key"].tobytes()
    return [joined[start : start + _KEY] for start in range(0, len(joined), _KEY)]
