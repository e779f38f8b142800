"""What is at hand: at a glance, or hashed through and through."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from genomark.datasets.catalogue import DatasetFile, dataset
from genomark.datasets.integrity import check, known_sha256, looks_right
from genomark.datasets.location import cached, mirrored
from genomark.errors import ChecksumError, DatasetUnavailableError, TruncatedFileError

Availability = Literal["mirror", "cache", "partial", "remote"]
Condition = Literal["ok", "missing", "truncated", "wrong checksum", "unreadable"]


class FileStatus(msgspec.Struct, frozen=True):
    """How one local copy of a file fares.

    Parameters
    ----------
    file : str
        Its path in the dataset.
    place : str or None
        Where the copy is; None when there is none.
    condition : str
        ``ok``, ``missing``, ``truncated`` (fewer bytes), ``wrong checksum`` (more bytes, or other
        ones) or ``unreadable``.
    detail : str
        What exactly is wrong, or that no checksum is known; empty when all is well.
    """

    file: str
    place: str | None
    condition: Condition
    detail: str = ""


def availability(name: str) -> Availability:
    """Return where the files of a dataset are, going by their names and sizes alone.

    Parameters
    ----------
    name : str
        A dataset of the catalogue.

    Returns
    -------
    str
        ``mirror`` when the mirror is a folder and holds them all, ``cache`` when the cache does,
        or does so with the mirror's help, ``partial`` when only some are at hand, and ``remote``
        when none is.

    Raises
    ------
    UnknownNameError
        When there is no such dataset.
    """
    source = dataset(name)
    in_mirror = [_in_mirror(name, file) for file in source.files]
    if all(in_mirror):
        return "mirror"
    at_hand = [
        there or looks_right(cached(name, file.path), file)
        for there, file in zip(in_mirror, source.files, strict=True)
    ]
    if all(at_hand):
        return "cache"
    return "partial" if any(at_hand) else "remote"


def verify(name: str) -> list[FileStatus]:
    """Hash every local copy of every file of a dataset anew. Nothing is fetched or removed.

    Parameters
    ----------
    name : str
        A dataset of the catalogue.

    Returns
    -------
    list of FileStatus
        In the order of the catalogue, for each file one for each copy, the mirror's before the
        cache's; a single one when there is no copy.

    Raises
    ------
    UnknownNameError
        When there is no such dataset.
    """
    source = dataset(name)
    statuses = []
    for file in source.files:
        places = (mirrored(name, file.path), cached(name, file.path))
        copies = [place for place in places if isinstance(place, Path) and _there(place)]
        statuses += [_examine(copy, file) for copy in copies]
        if not copies:
            statuses.append(FileStatus(file.path, None, "missing", f"to be had from {file.source}"))
    return statuses


def _examine(place: Path, file: DatasetFile) -> FileStatus:
    condition: Condition = "ok"
    detail = ""
    try:
        check(place, file)
        if known_sha256(place, file) is None:
            detail = "no checksum is known"
    except TruncatedFileError as error:
        condition, detail = "truncated", str(error)
    except ChecksumError as error:
        condition, detail = "wrong checksum", str(error)
    except DatasetUnavailableError as error:
        condition, detail = "unreadable", str(error)
    return FileStatus(file.path, str(place), condition, detail)


def _in_mirror(name: str, file: DatasetFile) -> bool:
    place = mirrored(name, file.path)
    return isinstance(place, Path) and looks_right(place, file)


def _there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a folder on the way that may not be entered
        return True
