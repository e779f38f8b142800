"""Rows of points in blocks: a file of which any block is read alone, and only as it was written.

Parquet has no checksum that polars writes, so a flipped bit could pass for another sequence. Each
block is a small parquet file of its own; an index at the end says where it lies and what the digest
of its bytes is, and is followed by its own length and digest.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import polars as pl

from genomark.digests import digest_of_bytes

#: Bytes of the index's length, in little endian, and of its digest, in letters.
_LENGTH, _DIGEST = 8, 32


class DamagedBlocksError(Exception):
    """A file of blocks that is not there, or not as it was written."""


class _Block(msgspec.Struct, frozen=True, array_like=True):
    """Where a block lies."""

    offset: int
    length: int
    digest: str


class _Index(msgspec.Struct, frozen=True):
    """What a file holds; each of its blocks but the last has `block` rows."""

    height: int
    block: int
    columns: list[str]
    two_classes: bool
    blocks: list[_Block]


class PointBlocks:
    """Rows of points, read block by block.

    Parameters
    ----------
    path : Path
        As `write_blocks` wrote it.

    Attributes
    ----------
    height, block : int
        Rows in all, and of a block.
    columns : list of str
    two_classes : bool
        Whether `truth` is 0 or 1 in every row.

    Raises
    ------
    DamagedBlocksError
        If there is no such file, or its index does not agree with its digest.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        index = _index(path)
        self.height, self.block, self.columns = index.height, index.block, index.columns
        self.two_classes = index.two_classes
        self._blocks = index.blocks

    def read(self, number: int, columns: Sequence[str]) -> pl.DataFrame:
        """Read some columns of a block, numbered from 0.

        Raises
        ------
        DamagedBlocksError
            If its bytes do not agree with their digest, or cannot be read.
        """
        place = self._blocks[number]
        try:
            with self._path.open("rb") as handle:
                handle.seek(place.offset)
                content = handle.read(place.length)
            if digest_of_bytes([content]) == place.digest:
                return pl.read_parquet(io.BytesIO(content), columns=list(columns))
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DamagedBlocksError(f"{self._path}, block {number}: {error}") from error
        raise DamagedBlocksError(f"{self._path}, block {number}: other bytes than were written")


def write_blocks(path: Path, frames: Iterable[pl.DataFrame], block: int) -> None:
    """Write rows in blocks, and have the disk keep them.

    Parameters
    ----------
    path : Path
        Of a file that is not there yet.
    frames : iterable of polars.DataFrame
        With a column `truth`; each but the last of a multiple of `block` rows.
    block : int
        Rows of a block.
    """
    height, columns, two_classes = 0, [], True
    blocks = []
    with path.open("xb") as handle:
        for frame in frames:
            height, columns = height + frame.height, frame.columns
            two_classes = two_classes and bool(frame["truth"].is_in([0.0, 1.0]).all())
            for rows in frame.iter_slices(block):
                content = _parquet(rows)
                blocks.append(_Block(handle.tell(), len(content), digest_of_bytes([content])))
                handle.write(content)
        index = msgspec.json.encode(_Index(height, block, columns, two_classes, blocks))
        handle.write(index)
        handle.write(len(index).to_bytes(_LENGTH, "little"))
        handle.write(digest_of_bytes([index]).encode())
        handle.flush()
        os.fsync(handle.fileno())


def _index(path: Path) -> _Index:
    try:
        with path.open("rb") as handle:
            end = handle.seek(0, os.SEEK_END) - _LENGTH - _DIGEST
            handle.seek(max(0, end))
            length = int.from_bytes(handle.read(_LENGTH), "little")
            digest = handle.read()
            handle.seek(max(0, end - length))
            index = handle.read(min(length, end)) if end > 0 else b""
    except OSError as error:
        raise DamagedBlocksError(f"{path}: {error}") from error
    if digest_of_bytes([index]).encode() != digest:
        raise DamagedBlocksError(f"{path}: another index than was written")
    try:
        return msgspec.json.decode(index, type=_Index)
    except msgspec.MsgspecError as error:
        raise DamagedBlocksError(f"{path}: {error}") from error


def _parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=1)
    return buffer.getvalue()
