"""What was computed or asked once: batches in files that are written once and never changed.

A file is named after its content. So it is there whole or not at all, a damaged one is told from
a good one, any number of processes may add at the same time, and a folder that cannot be written
can still be read. None of this needs locks, which shared file systems keep poorly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genomark.atomic import write_whole
from genomark.datasets import cache_folder, cache_root
from genomark.digests import digest_of_bytes
from genomark.errors import DatasetError, WriteError

logger = logging.getLogger("genomark.models")


class BatchFolder:
    """A folder of the cache.

    Parameters
    ----------
    name : str
        Its place below the cache folder; ``/`` leads deeper.
    suffix : str
        Of its files, such as ``".npy"``.
    """

    def __init__(self, name: str, suffix: str) -> None:
        self.path = cache_root() / name
        self._name = name
        self._suffix = suffix
        self._seen: set[str] = set()
        self._writable = True

    def unread(self) -> Iterator[bytes]:
        """Give the contents of files not given before, in the order of their names."""
        for _, content in self.unread_files():
            yield content

    def unread_files(self) -> Iterator[tuple[Path, bytes]]:
        """Give such files by their paths, too."""
        for path in sorted(self.path.glob(f"*{self._suffix}")):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            try:
                content = path.read_bytes()
            except OSError as error:
                logger.warning("%s: cannot be read (%s)", path, error.strerror)
                continue
            if self._file_name(content) == path.name:
                yield path, content
                continue
            logger.warning("%s: damaged, and left out; what it held is made again", path)
            # In a folder of somebody else it stays, and is left out again next time.
            with suppress(OSError):
                path.unlink()

    def add(self, content: bytes) -> Path | None:
        """Keep a batch, and say where; where the folder refuses, say so once and go on without."""
        name = self._file_name(content)
        self._seen.add(name)
        if not self._writable:
            return None
        try:
            path = cache_folder(self._name) / name
            write_whole(path, content)
        except (DatasetError, WriteError) as error:
            self._writable = False
            logger.warning("Nothing is kept for the next run: %s", error)
            return None
        return path

    def _file_name(self, content: bytes) -> str:
        return digest_of_bytes([content]) + self._suffix
