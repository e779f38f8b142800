"""How far a long fit in a worker has come, told through a file that the run looks at.

A worker may be another process, so its word goes through the folder of the run: one short file a
shard, beside the checkpoints of its fit.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from genomark.runs.progress import Progress

_NAME = "standing.txt"
#: A worker writes, and the run looks, no oftener than this.
_SECONDS = 1.0


def workspace(folder: Path, digest: str) -> Path:
    """Folder in which the shard of a digest may keep what it needs to go on after a kill."""
    return folder / "work" / digest


class Standing:
    """The worker's side.

    Parameters
    ----------
    folder : Path
        Of the run.
    digest : str
        Of the shard.
    what : str
        Who is fitted to what, for people.
    """

    def __init__(self, folder: Path, digest: str, what: str) -> None:
        self.workspace = workspace(folder, digest)
        self._what = what
        self._last = float("-inf")

    def tell(self, line: str) -> None:
        """Take one line; the last of each second is written."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        self.workspace.mkdir(parents=True, exist_ok=True)
        # Nothing is lost if a line is: it need not be on disk before the next.
        written = self.workspace / f"{_NAME}.new"
        written.write_text(f"{self._what}: {line}", encoding="utf-8")
        written.replace(self.workspace / _NAME)


class Watch:
    """The run's side: shows the newest word of all workers until it is left.

    Parameters
    ----------
    folder : Path
    progress : Progress
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._folder = folder / "work"
        self._progress = progress
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        #: When each file was written, as it says itself, and the look that first saw that.
        self._seen = {file: (written, -2) for file, written in self._files()}
        self._looks = 0

    def __enter__(self) -> Watch:
        """Start looking."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_SECONDS):
            told = self._newest()
            if told:
                self._progress.note(told)

    def _newest(self) -> str:
        """Give the words that are new since the look before the last: slow writers miss one.

        Files are held against themselves alone: their clock may have been set meanwhile.
        """
        self._looks += 1
        found: list[tuple[int, str]] = []
        for file, written in self._files():
            if self._seen.get(file, (0, 0))[0] != written:
                self._seen[file] = written, self._looks
            with contextlib.suppress(FileNotFoundError):
                if self._seen[file][1] >= self._looks - 1:
                    found.append((written, file.read_text(encoding="utf-8")))
        return "; ".join(text for _, text in sorted(found))

    def _files(self) -> Iterator[tuple[Path, int]]:
        for file in self._folder.glob(f"*/{_NAME}"):
            # One that is gone belongs to a shard that is done.
            with contextlib.suppress(FileNotFoundError):
                yield file, file.stat().st_mtime_ns
