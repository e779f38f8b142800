"""Bodies compressed with zstd, unpacked no further than is allowed."""

from __future__ import annotations

import io

import zstandard

from genomark.protocol.errors import BadRequestError

ZSTD = "zstd"
#: Higher levels take many times as long for a few percent.
_LEVEL = 1
#: Memory that a stranger's frame may ask for.
_WINDOW_BYTES = 1 << 27
#: What one byte unfolds to, at most: a block of 128 KiB takes four.
_UNFOLDED_BYTES = 1 << 15
#: Taken at once: they unfold to 32 MB at most.
_STEP_BYTES, _LEAST_BYTES = 1 << 10, 64
#: Frames of a body; more of them, each with next to nothing in it, would only take time.
_MOST_FRAMES = 1 << 10


def compress(body: bytes) -> bytes:
    """Compress a body."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


def decompress(body: bytes, most_bytes: int) -> bytes:
    """Unpack a body.

    Raises
    ------
    BadRequestError
        413 for one that unfolds to more than `most_bytes`; 400 for one that is not zstd, or torn.
    """
    # Grows in place, and is given out without a copy.
    unpacked = io.BytesIO()
    view = memoryview(body)
    at = frames = 0
    try:
        while at < len(body):
            frames += 1
            if frames > _MOST_FRAMES:
                raise BadRequestError(f"A zstd body of over {_MOST_FRAMES:,} frames")
            # Frames may stand one after the other.
            frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()
            while at < len(body) and not frame.eof:
                # Taken in steps that cannot unfold to much more than is allowed.
                room = (most_bytes - unpacked.tell()) // _UNFOLDED_BYTES
                step = min(_STEP_BYTES, max(_LEAST_BYTES, room))
                unpacked.write(frame.decompress(view[at : at + step]))
                at = min(len(body), at + step) - len(frame.unused_data)
                if unpacked.tell() > most_bytes:
                    raise BadRequestError(
                        f"The body unfolds to over {most_bytes:,} bytes", status=413
                    )
            if not frame.eof:
                raise BadRequestError("Could not unpack the zstd body: it ends too soon")
    except zstandard.ZstdError as error:
        raise BadRequestError(f"Could not unpack the zstd body: {error}") from error
    return unpacked.getvalue()
