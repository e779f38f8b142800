"""Answers of models kept between runs: by sequence, by model and by what was asked.

A folder for each model, in it one for each request, in that a segment for each lot of answers that
was computed together. A file is there whole or not at all, and what is read is checked, so nothing
is locked: any number of processes and machines may add, read and remove at the same time.
`docs/design/prediction-cache.md`.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from genomark.datasets import cache_root
from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import UsageError
from genomark.models.prediction_cache_files import SUFFIX, files, make_room, note_use, put, remove
from genomark.models.prediction_cache_segment import (
    DamagedSegmentError,
    Row,
    Segment,
    Told,
    kinds_of,
    packed,
)
from genomark.models.prediction_cache_shelf import Shelf
from genomark.protocol import PredictResponse
from genomark.scoring import Cost

T = TypeVar("T")

logger = logging.getLogger("genomark.models")

#: The environment's choice of folder, or ``off``, and of size.
FOLDER_VARIABLE = "GENOMARK_PREDICTION_CACHE"
SIZE_VARIABLE = "GENOMARK_PREDICTION_CACHE_GB"
OFF = "off"
_GIGABYTES = 10.0
_BYTES = 1e9

#: Where answers to whole requests are kept.
_WHOLE = "whole"
_PLAIN = re.compile(r"[0-9a-f]{8,64}")
#: Requests of which the keys are held in memory.
_SHELVES = 64
#: Written before the size of the whole is looked at again, as a share of the limit.
_UNSEEN_SHARE = 0.05
#: How file systems say that another process has removed a file.
_GONE = {errno.ENOENT, errno.ESTALE}
NO_COST = Cost(0.0, 0.0, 0, 0, 0)


@dataclass
class Found:
    """What the cache has of a request.

    Attributes
    ----------
    response : PredictResponse
        Without values.
    rows : dict of bytes to Row
        By key.
    cost : Cost
        Of computing these rows, at the time.
    """

    response: PredictResponse
    rows: dict[bytes, Row] = field(default_factory=dict)
    cost: Cost = NO_COST


@dataclass(frozen=True)
class Checked:
    """One file of the cache, as `PredictionCache.checked` gives them.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    told : Told or None
        What it holds; None if it is damaged.
    rows : int
        Answers.
    """

    path: Path
    size: int
    told: Told | None
    rows: int


class PredictionCache:
    """A folder of answers.

    Parameters
    ----------
    folder : Path
        Made when something is first kept.
    max_bytes : int
        Of all files; those that were of use longest ago go first.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._shelves: OrderedDict[Path, Shelf] = OrderedDict()
        self._lock = threading.Lock()
        self._unseen = float(max_bytes)
        self._writable = True
        #: Files that cannot be used, and are still there.
        self._bad: set[Path] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        # What is held in memory is read again by another process.
        return PredictionCache, (self.folder, self.max_bytes)

    def knows(self, model: str, request: str = _WHOLE) -> bool:
        """Whether there may be answers of a model; to whole requests if none is named."""
        return (self.model_folder(model) / request).is_dir()

    def find(self, model: str, request: str, keys: Sequence[bytes]) -> Found | None:
        """Look sequences up.

        Parameters
        ----------
        model, request : str
            Digests.
        keys : sequence of bytes

        Returns
        -------
        Found or None
            None if there is nothing, or if answers differ in what should be the same of all.
        """
        folder = self.model_folder(model) / request
        with self._lock:
            shelf = self._shelf(folder)
            places = list(shelf.find(keys))
            if sum(which.size for _, which, _ in places) < len(keys):
                self._refresh(shelf, folder, model, request)
                places = list(shelf.find(keys))
        found: Found | None = None
        for number, which, rows in places:
            name, segment = shelf.segment(number)
            read = self._opened(folder / name, partial(segment.rows_at, places=rows.tolist()))
            if read is None:
                with self._lock:
                    shelf.drop(number)
                continue
            if found is None:
                found = Found(segment.told.response)
            elif found.response != segment.told.response:
                return None
            found.rows.update(zip([keys[place] for place in which.tolist()], read, strict=True))
            found.cost = added(found.cost, segment.told.cost, rows.size / segment.rows)
        return found

    def find_whole(self, model: str, request: str, keys: Sequence[bytes]) -> Found | None:
        """Look a whole request up: all of `keys`, from one computation, or nothing."""

        def read(handle: BinaryIO) -> tuple[Segment, list[Row]]:
            segment = _segment(handle, model, request)
            return segment, segment.rows_at(handle, range(segment.rows))

        opened = self._opened(self._whole(model, request), read)
        if opened is None:
            return None
        segment, rows = opened
        if segment.keys.tobytes() != b"".join(keys):
            return None
        told = segment.told
        return Found(told.response, dict(zip(keys, rows, strict=True)), told.cost)

    def add(self, told: Told, keys: Sequence[bytes], rows: Sequence[Row]) -> None:
        """Keep answers to sequences; where the folder refuses, say so once and go on without.

        Answers of which not all are of one kind are not kept.
        """
        self._add(None, told, keys, rows)

    def add_whole(self, told: Told, keys: Sequence[bytes], rows: Sequence[Row]) -> None:
        """Keep the answer to a whole request, as `add` does."""
        self._add(self._whole(told.model, told.request), told, keys, rows)

    def forget(self, model: str) -> int:
        """Remove all answers of a model; gives the bytes that are free then.

        Raises
        ------
        WriteError
            If a file cannot be removed: what it holds would be found again.
        """
        folder = self.model_folder(model)
        with self._lock:
            for known in [each for each in self._shelves if folder in each.parents]:
                del self._shelves[known]
        return remove(list(files(folder)))

    def clear(self) -> int:
        """Remove all answers; gives the bytes that are free then.

        Raises
        ------
        WriteError
            If a file cannot be removed; all others are.
        """
        with self._lock:
            self._shelves.clear()
        return remove(sorted(files(self.folder), key=lambda each: each.path))

    def checked(self, *, values: bool = True) -> Iterator[Checked]:
        """Read all there is, and tell of each file what it holds; damaged ones stay.

        Without `values`, only what stands before them is read.
        """
        for each in sorted(files(self.folder), key=lambda each: each.path):
            try:
                with each.path.open("rb") as handle:
                    segment = Segment.read(handle, each.size)
                    if values:
                        segment.check(handle)
            except DamagedSegmentError:
                yield Checked(each.path, each.size, None, 0)
            except OSError as error:
                if error.errno not in _GONE:
                    yield Checked(each.path, each.size, None, 0)
            else:
                yield Checked(each.path, each.size, segment.told, segment.rows)

    def model_folder(self, model: str) -> Path:
        """Where answers of a model are."""
        return self.folder / (model if _PLAIN.fullmatch(model) else digest_of(model))

    def _whole(self, model: str, request: str) -> Path:
        return self.model_folder(model) / _WHOLE / f"{request}{SUFFIX}"

    def _shelf(self, folder: Path) -> Shelf:
        shelf = self._shelves.setdefault(folder, Shelf())
        self._shelves.move_to_end(folder)
        if len(self._shelves) > _SHELVES:
            self._shelves.popitem(last=False)
        return shelf

    def _refresh(self, shelf: Shelf, folder: Path, model: str, request: str) -> None:
        """Take in what others have added."""
        try:
            with os.scandir(folder) as entries:
                names = {entry.name for entry in entries if entry.name.endswith(SUFFIX)}
        except OSError:
            return
        for name in sorted(names - shelf.names):
            segment = self._opened(folder / name, lambda handle: _segment(handle, model, request))
            if segment is None:
                shelf.names.add(name)
            else:
                shelf.add(name, segment)

    def _opened(self, path: Path, use: Callable[[BinaryIO], T]) -> T | None:
        """Read a file; None, and a warning, if it is damaged, and in silence if it is gone."""
        if path in self._bad:
            return None
        try:
            with path.open("rb") as handle:
                result = use(handle)
                note_use(path, os.fstat(handle.fileno()).st_mtime)
                return result
        except DamagedSegmentError as error:
            self._warn(path, f"{error}; what it held is computed again")
            # In a folder of somebody else's it stays, and is left out again next time.
            with suppress(OSError):
                path.unlink()
                self._bad.discard(path)
        except OSError as error:
            if error.errno not in _GONE:
                self._warn(path, f"cannot be read ({error.strerror})")
        return None

    def _warn(self, path: Path, text: str) -> None:
        self._bad.add(path)
        logger.warning("prediction cache: %s: %s", path, text)

    def _add(
        self, path: Path | None, told: Told, keys: Sequence[bytes], rows: Sequence[Row]
    ) -> None:
        kinds = kinds_of(rows)
        if not self._writable or not rows or kinds is None:
            return
        content = packed(told, keys, rows, kinds)
        if len(content) > self.max_bytes:
            return
        if path is None:
            name = f"{digest_of_bytes([content])}{SUFFIX}"
            path = self.model_folder(told.model) / told.request / name
        try:
            try:
                put(path, content)
            except FileNotFoundError:
                # Another process has just removed the folder, since it was empty.
                put(path, content)
        except OSError as error:
            self._writable = False
            logger.warning(
                "prediction cache: nothing more is kept: cannot write %s (%s)", path, error.strerror
            )
            return
        self._bad.discard(path)
        self._limit(len(content))

    def _limit(self, written: int) -> None:
        with self._lock:
            self._unseen += written
            if self._unseen < _UNSEEN_SHARE * self.max_bytes:
                return
            self._unseen = 0.0
        make_room(self.folder, self.max_bytes)


def chosen_cache(
    place: str | Path | None = None, gigabytes: float | None = None
) -> PredictionCache | None:
    """Make the cache that was chosen, here or in the environment; None for none.

    Parameters
    ----------
    place : str or Path, optional
        A folder, or ``"off"``. Left out: what ``GENOMARK_PREDICTION_CACHE`` says, else
        ``predictions`` in the cache folder.
    gigabytes : float, optional
        Of 10**9 bytes. Left out: what ``GENOMARK_PREDICTION_CACHE_GB`` says, else 10.

    Raises
    ------
    UsageError
        If the size is no number above 0, or the place a URL.
    """
    chosen = str(place) if place is not None else os.environ.get(FOLDER_VARIABLE) or ""
    if chosen == OFF:
        return None
    if "://" in chosen:
        raise UsageError(
            f"prediction cache '{chosen}': expected a folder, or '{OFF}'; of a URL none is made yet"
        )
    size = gigabytes
    if size is None:
        told = os.environ.get(SIZE_VARIABLE) or _GIGABYTES
        try:
            size = float(told)
        except ValueError as error:
            raise UsageError(f"{SIZE_VARIABLE}={told}: expected a number of gigabytes") from error
    if not 0 < size < float("inf"):
        raise UsageError(f"prediction cache: expected a size above 0 GB, not {size:g}")
    folder = Path(chosen).expanduser().absolute() if chosen else cache_root() / "predictions"
    return PredictionCache(folder, int(size * _BYTES))


def added(cost: Cost, more: Cost, share: float) -> Cost:
    """Add a share of a cost; of memory the larger counts."""
    return Cost(
        wall_seconds=cost.wall_seconds + share * more.wall_seconds,
        cpu_seconds=cost.cpu_seconds + share * more.cpu_seconds,
        peak_rss_bytes=max(cost.peak_rss_bytes, more.peak_rss_bytes),
        bytes_sent=cost.bytes_sent + round(share * more.bytes_sent),
        bytes_received=cost.bytes_received + round(share * more.bytes_received),
    )


def _segment(handle: BinaryIO, model: str, request: str) -> Segment:
    segment = Segment.read(handle, os.fstat(handle.fileno()).st_size)
    if (segment.told.model, segment.told.request) != (model, request):
        raise DamagedSegmentError("it is of another model or request")
    return segment
