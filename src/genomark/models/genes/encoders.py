"""What an encoder of texts is, and how texts are put into batches.

Texts of one batch have the same number of tokens, so nothing is padded: no arithmetic is wasted,
and no text's vector hangs on how long its neighbours are. What is left is the rounding of matrix
products, whose last bits may depend on the size of a batch (measured: 2e-7 on vectors of length
one, `docs/design/text-embeddings.md`). Batches are therefore made from the set of texts, in
whatever order they are asked for, and a vector once given is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genomark.atomic import write_whole
from genomark.datasets import cache_folder, cache_root
from genomark.digests import digest_of, digest_of_file
from genomark.errors import DatasetError, WriteError

#: Smaller files are hashed in less time than a note of their digest takes to find.
_LARGE = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{32}")

#: Which of the texts, int64[n], and their vectors, float32[n, n_dimensions].
Batch = tuple[NDArray[np.int64], NDArray[np.float32]]


class TextEncoder(Protocol):
    """Texts to vectors."""

    #: What tables call it.
    name: str

    @property
    def digest(self) -> str:
        """Of all its vectors depend on: weights, tokenizer, pooling, settings."""
        ...

    @property
    def notes(self) -> list[str]:
        """What to say of it wherever its scores are shown."""
        ...

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Give the vector of each text, a batch at a time, in an order of the encoder's own.

        A vector of NaN stands for a text of which no token is known.

        Raises
        ------
        genomark.errors.ModelError
            If the checkpoint cannot be used.
        """
        ...


def same_length_batches(
    lengths: Sequence[int], texts: Sequence[str], tokens: int
) -> list[NDArray[np.int64]]:
    """Part texts into batches of one length each.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each text.
    texts : sequence of str
        Decide the order among texts of one length, so that it is not that of asking.
    tokens : int
        What a batch may hold; a longer text makes a batch of its own.

    Returns
    -------
    list of ndarray of int64
        Places in `texts`; the longest first, so that running out of memory is soon known.
    """
    order = sorted(range(len(texts)), key=lambda place: (-lengths[place], texts[place]))
    batches: list[NDArray[np.int64]] = []
    begin = 0
    for end in range(1, len(order) + 1):
        length = lengths[order[begin]]
        full = (end - begin + 1) * length > tokens
        if end == len(order) or full or lengths[order[end]] != length:
            batches.append(np.array(order[begin:end], dtype=np.int64))
            begin = end
    return batches


def digest_of_checkpoint(folder: Path, files: Sequence[Path]) -> str:
    """Digest of the files of a checkpoint, by their names within its folder.

    A large file is read once: its digest is kept in the cache under its place, size and time of
    change.
    """
    return digest_of(
        [[path.relative_to(folder).as_posix(), _digest_of(path)] for path in sorted(files)]
    )


def _digest_of(path: Path) -> str:
    status = path.stat()
    if status.st_size < _LARGE:
        return digest_of_file(path)
    key = digest_of([str(path.resolve()), status.st_size, status.st_mtime_ns])
    note = cache_root() / "digests" / key
    try:
        known = note.read_text(encoding="ascii")
    # No note, or something else in its place: the file itself is there to be read.
    except (OSError, UnicodeDecodeError):
        known = ""
    if _DIGEST.fullmatch(known):
        return known
    digest = digest_of_file(path)
    # Without a cache it is computed each time.
    with suppress(DatasetError, WriteError):
        write_whole(cache_folder("digests") / key, digest.encode("ascii"))
    return digest
