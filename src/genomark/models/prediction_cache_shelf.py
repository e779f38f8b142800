"""Where the answers to one request are: which row of which segment has a key.

Keys of all segments are held sorted by their first eight bytes, in runs of which each is more than
twice as long as the next: a new segment is sorted in without touching most of what is there, and a
few runs are searched instead of every segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.models.prediction_cache_segment import KEY, Segment

_PLACE = np.dtype([("first", "<u8"), ("segment", "<u4"), ("row", "<u4")])

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]


class Shelf:
    """The segments of one request that have been seen."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._segments: list[tuple[str, Segment]] = []
        self._runs: list[NDArray[np.void]] = []

    def add(self, name: str, segment: Segment) -> None:
        """Take a segment in."""
        self.names.add(name)
        run = np.empty(segment.rows, dtype=_PLACE)
        run["first"] = _words(segment.keys)[:, 0]
        run["segment"] = len(self._segments)
        run["row"] = np.arange(segment.rows)
        self._segments.append((name, segment))
        run = run[np.argsort(run["first"], kind="stable")]
        while self._runs and self._runs[-1].size <= 2 * run.size:
            both = np.concatenate([self._runs.pop(), run])
            run = both[np.argsort(both["first"], kind="stable")]
        self._runs.append(run)

    def drop(self, number: int) -> None:
        """Forget the rows of a segment that is gone."""
        self.names.discard(self._segments[number][0])
        self._runs = [run[run["segment"] != number] for run in self._runs]

    def segment(self, number: int) -> tuple[str, Segment]:
        """Give a segment and its name."""
        return self._segments[number]

    def find(self, keys: Sequence[bytes]) -> Iterator[tuple[int, Integers, Integers]]:
        """Look keys up.

        Yields
        ------
        int
            Number of a segment.
        ndarray of int64
            Which of `keys` it has.
        ndarray of int64
            In which rows.
        """
        words = _words(np.frombuffer(b"".join(keys), np.uint8))
        segments = np.full(len(keys), -1, dtype=np.int64)
        rows = np.zeros(len(keys), dtype=np.int64)
        for run in self._runs:
            if not run.size:
                continue
            at = np.minimum(np.searchsorted(run["first"], words[:, 0]), run.size - 1)
            hit = (run["first"][at] == words[:, 0]) & (segments < 0)
            segments[hit] = run["segment"][at[hit]]
            rows[hit] = run["row"][at[hit]]
        for number in np.unique(segments[segments >= 0]).tolist():
            which = np.flatnonzero(segments == number)
            _, segment = self._segments[number]
            # Other keys may begin with the same eight bytes.
            same = (_words(segment.keys)[rows[which]] == words[which]).all(axis=1)
            if same.any():
                yield number, which[same], rows[which][same]


def _words(keys: NDArray[np.uint8]) -> Words:
    """Keys as uint64[n, 3]."""
    return np.ascontiguousarray(keys).reshape(-1).view("<u8").reshape(-1, KEY // 8)
