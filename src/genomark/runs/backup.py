"""A second copy of the journal, in lines of text: what a damaged journal is made anew from.

A shard's file does not say what it cost, and equal shards are equal bytes; so that is kept here.
Each line has a checksum and begins with the end of the line before, so a line that was torn, or
fell victim to a full disk, takes no other with it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec

from genomark.digests import digest_of_bytes
from genomark.runs.outcome import ShardOutcome

_decoder = msgspec.json.Decoder(ShardOutcome)


class Backup:
    """Appends outcomes of shards that were computed; several processes may.

    Parameters
    ----------
    path : Path
        Made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, outcome: ShardOutcome) -> None:
        """Append one outcome.

        It is not synced: it is needed where the journal, which is, was lost.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        text = msgspec.json.encode(outcome)
        line = b"\n" + digest_of_bytes([text]).encode() + b" " + text
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def outcomes(self) -> dict[str, ShardOutcome]:
        """Read the newest outcome of each shard; damaged lines are left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        found = {}
        for line in lines:
            checksum, _, text = line.partition(b" ")
            if checksum and checksum == digest_of_bytes([text]).encode():
                outcome = _decoder.decode(text)
                found[outcome.digest] = outcome
        return found
