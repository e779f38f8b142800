"""What an answer is found by: digests of sequences, and of all else it depends on but the model.

A sequence goes by its refget digest, ``sha512t24u`` (GA4GH refget 2.0): the first 24 bytes of the
SHA-512 of its letters. Refget writes them in upper case first; here they count as they stand, so a
soft-masked sequence is another one than the same in upper case, which a model may tell apart.
"""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version

import msgspec
from msgspec import UNSET

from genomark.digests import digest_of, digest_of_bytes
from genomark.models.capabilities import Model
from genomark.models.prediction_cache_segment import KEY
from genomark.protocol import EditedSequences, PredictionTask, PredictRequest, sequence_length

#: Packages of which another version may give other last bits.
_COMPUTES = ("numpy", "torch")


def sequence_keys(request: PredictRequest) -> list[bytes]:
    """Give the key of each sequence of a request, with its range; `KEY` bytes each.

    An edit goes by the digest of its reference and by its changes: it is not built. The same
    letters written in another way have another key.
    """
    sequences = request.sequences
    if isinstance(sequences, EditedSequences):
        references = {
            name: _sha512t24(text.encode()) for name, text in sequences.references.items()
        }
        keys = [_sha512t24(text.encode()) for text in sequences.whole.values()]
        keys += [
            _sha512t24(b"edit", references[edit.of], msgspec.json.encode(edit.changes))
            for edit in sequences.edits.values()
        ]
    else:
        keys = [hashlib.sha512(text.encode()).digest()[:KEY] for text in sequences.values()]
    ranges = request.prediction_ranges
    if not ranges:
        return keys
    return [
        _sha512t24(b"range", key, msgspec.json.encode(ranges[name])) if ranges.get(name) else key
        for name, key in zip(sequences, keys, strict=True)
    ]


def letters_of_keys(request: PredictRequest) -> int:
    """Count the letters that `sequence_keys` reads."""
    sequences = request.sequences
    if isinstance(sequences, EditedSequences):
        read = [*sequences.references.values(), *sequences.whole.values()]
        return sum(map(len, read))
    return sum(sequence_length(sequences, name) for name in sequences)


def computed_by(model: Model) -> str:
    """Digest of what computes the answers of a model, which the digest of the model leaves out.

    Of one behind a URL, the server and the name it goes by: what one server says of itself must not
    stand for the answers of another. Of any other, the machine's architecture and the versions of
    numpy and, where it is installed, torch.
    """
    served_as = getattr(model, "served_as", None)
    if served_as is not None:
        return digest_of(["served", *served_as])
    return digest_of(["here", platform.machine(), *map(_release, _COMPUTES)])


def wording_digest(request: PredictRequest, computed: str) -> str:
    """Digest of what is asked of every sequence: readout, tasks and flanks, but no task's name.

    `computed` is what `computed_by` gives.
    """
    tasks = [msgspec.structs.replace(task, name="") for task in request.prediction_tasks]
    return digest_of_bytes([b"sequences", computed.encode(), _wording(request, tasks)])


def request_digest(request: PredictRequest, keys: list[bytes], computed: str) -> str:
    """Digest of all of a request, names and order included; `keys` are its `sequence_keys`.

    `computed` is what `computed_by` gives.
    """
    names = msgspec.json.encode(list(request.sequences))
    wording = _wording(request, request.prediction_tasks)
    return digest_of_bytes([b"whole", computed.encode(), wording, names, b"".join(keys)])


def position_keys(count: int) -> list[bytes]:
    """Keys of the sequences of a whole request: their places."""
    return [place.to_bytes(KEY, "big") for place in range(count)]


@functools.cache
def _release(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _wording(request: PredictRequest, tasks: list[PredictionTask]) -> bytes:
    asked = msgspec.structs.replace(
        request, prediction_tasks=tasks, sequences={}, prediction_ranges=UNSET
    )
    return msgspec.json.encode(asked)


def _sha512t24(*parts: bytes) -> bytes:
    digest = hashlib.sha512()
    for part in parts:
        digest.update(part)
    return digest.digest()[:KEY]
