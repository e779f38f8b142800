"""Content addresses: the same content has the same digest on every machine.

Shards, fits, benchmarks and models are all named by what they are. A digest is the SHA-256 of a
canonical form, in hexadecimal, cut to 32 characters (128 bits): collisions are out of reach at any
number of shards a benchmark could hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

_LENGTH = 32
_encoder = msgspec.json.Encoder(order="deterministic")


def digest_of(value: object) -> str:
    """Digest of a value made of the types JSON knows (keys are sorted first).

    Parameters
    ----------
    value : object
        Anything `msgspec` can write as JSON.

    Returns
    -------
    str
        32 hexadecimal characters.
    """
    return digest_of_bytes([_encoder.encode(value)])


def digest_of_bytes(parts: Iterable[bytes | memoryview]) -> str:
    """Digest of a sequence of byte strings; where one ends and the next begins matters."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:_LENGTH]


def digest_of_file(path: Path) -> str:
    """Digest of the bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:_LENGTH]


def digest_of_file_content(path: Path) -> str | None:
    """Digest of a file as `digest_of_bytes` takes what was written to it; None of none."""
    try:
        return digest_of_bytes([path.read_bytes()])
    except OSError:
        # Not there, or on a part of the disk that is no more.
        return None
