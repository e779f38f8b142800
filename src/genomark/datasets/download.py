"""Bring one file over HTTP: stream it, resume it, and keep it only if it is the right one."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from genomark.datasets.catalogue import DatasetFile
from genomark.datasets.integrity import check, record_sha256, remember, require_size
from genomark.datasets.location import writing
from genomark.errors import (
    CacheNotWritableError,
    ChecksumError,
    DatasetUnavailableError,
    DiskFullError,
    TruncatedFileError,
    WriteError,
)

TIMEOUT = 30.0
"""Seconds a socket may be silent."""

ATTEMPTS = 4
"""How often a download whose connection drops is taken up, the first time included."""

BACKOFF = 0.5
"""Seconds before the second attempt; each further one waits twice as long."""

_CHUNK = 1 << 18
#: How a web page begins, in small letters, after blanks.
_PAGE = (b"<!doctype html", b"<html")
#: Bytes of a list of MD5 sums, at most; UCSC's have a few hundred.
_LONGEST_LISTING = 1_000_000


class _Dropped(Exception):
    """The connection failed before the answer was complete."""

    def __init__(self, why: str, held: int, *, answered: bool = True, ended: bool = False) -> None:
        super().__init__(why)
        self.held = held
        self.answered = answered  # the server had begun to send
        self.ended = ended  # the server closed in good order; nothing was reset or timed out


def download(
    url: str, file: DatasetFile, part: Path, target: Path, report: Callable[[int], None]
) -> None:
    """Bring the bytes of `file` from `url` to `target`.

    They are collected in `part`, which an earlier call may have begun, and renamed to `target`
    only when size and SHA-256 are those of the catalogue; where it has none, when the MD5 is that
    of `file`, if it has one, and the SHA-256 is then recorded beside `target`. The caller sees to
    it that nobody else writes to `part` meanwhile. Where the catalogue has no SHA-256, a web page
    is refused, and so are more bytes than its `most`.

    Parameters
    ----------
    url : str
        Where to ask.
    file : DatasetFile
        What should come.
    part, target : Path
        On one file system. The folder of `part` exists.
    report : callable
        Told, again and again, how many bytes are there.

    Raises
    ------
    ChecksumError, TruncatedFileError
        When the server sent all it had and it was the wrong thing. `part` is gone.
    DatasetUnavailableError
        When the server could not be reached, refused, or dropped the connection time and again.
        `part` stays, for the next call to go on from.
    DiskFullError, CacheNotWritableError
        When the bytes could not be written. `part` is gone.
    """
    resumed = _held(part) > 0
    try:
        _bring(url, file, part, target, report)
    except (ChecksumError, TruncatedFileError):
        if not resumed:
            raise
        # What an earlier call left, perhaps from another server, may be what was wrong.
        _bring(url, file, part, target, report)


def discard(part: Path) -> None:
    """Remove what was collected so far, if anything was and the file system lets go of it."""
    with suppress(OSError):
        part.unlink()


def _bring(
    url: str, file: DatasetFile, part: Path, target: Path, report: Callable[[int], None]
) -> None:
    try:
        if not _complete(part, file):
            _persist(url, file, part, report)
        sha256 = _checked(part, file, url)
        with writing(target):
            with part.open("r+b") as stream:
                os.fsync(stream.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.sha256 is None:
                record_sha256(target, sha256)
            part.replace(target)
    except (ChecksumError, TruncatedFileError, DiskFullError, CacheNotWritableError, WriteError):
        discard(part)
        raise
    remember(target, file)


def published_md5(listing: str, name: str) -> str:
    """Ask an origin for the MD5 of one of its files.

    Parameters
    ----------
    listing : str
        Where lines of MD5 and name are, as ``md5sum`` writes them.
    name : str

    Raises
    ------
    DatasetUnavailableError
        When the list cannot be had, or does not have the file.
    """
    try:
        with _ask(listing, 0) as response:
            text = response.read(_LONGEST_LISTING).decode("utf-8", "replace")
    except (_Dropped, OSError, HTTPException) as error:
        raise DatasetUnavailableError(f"{listing}: {_why(error)}") from error
    for line in text.splitlines():
        found = re.fullmatch(r"([0-9a-f]{32})\s+\*?(?:\./)?(\S+)\s*", line)
        if found and found[2] == name:
            return found[1]
    raise DatasetUnavailableError(f"{listing}: has no MD5 of {name}")


def _complete(part: Path, file: DatasetFile) -> bool:
    """Whether an earlier call brought all of a file whose size is not known."""
    return file.md5 is not None and _held(part) > 0 and _hashed(part, "md5") == file.md5


def _checked(part: Path, file: DatasetFile, url: str) -> str:
    """Give the SHA-256 of what came, if it is what should have come."""
    if file.sha256 is not None:
        check(part, file, origin=url)
        return file.sha256
    require_size(_held(part), file, url)
    with part.open("rb") as stream:
        head = stream.read(1_000).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(_PAGE):
        raise ChecksumError(f"{url}: a web page, and not {file.path}")
    if file.md5 is not None and (md5 := _hashed(part, "md5")) != file.md5:
        raise ChecksumError(f"{url}: MD5 is {md5}, {file.md5_listing} says {file.md5}")
    return _hashed(part, "sha256")


def _hashed(part: Path, name: str) -> str:
    with part.open("rb") as stream:
        return hashlib.file_digest(stream, name).hexdigest()


def _persist(url: str, file: DatasetFile, part: Path, report: Callable[[int], None]) -> None:
    """Stream, and take a dropped connection up again where it broke off."""
    drops: list[_Dropped] = []
    while len(drops) < ATTEMPTS:
        if drops:
            time.sleep(BACKOFF * 2 ** (len(drops) - 1))
        try:
            _stream(url, file, part, report)
            return
        except _Dropped as drop:
            drops.append(drop)
            # Offline is no passing trouble: nobody should wait for the backoff to learn of it.
            if not drop.answered and len(drops) == 1:
                raise DatasetUnavailableError(f"{url}: {drop}") from drop
    last = drops[-1]
    if file.bytes is not None and all(drop.ended and drop.held == last.held for drop in drops):
        # Not a bad line but a bad copy: a server that ends at the same byte every time.
        require_size(last.held, file, url)
    whole = "" if file.bytes is None else f" of {file.bytes:,}"
    raise DatasetUnavailableError(
        f"{url}: dropped {ATTEMPTS} times, {last.held:,}{whole} bytes here ({last})"
    ) from last


def _stream(url: str, file: DatasetFile, part: Path, report: Callable[[int], None]) -> None:
    """Ask once, for what `part` lacks, and write what comes."""
    held = _held(part)
    if held == file.bytes:
        return
    response = _ask(url, held if file.bytes is None or held < file.bytes else 0)
    with response:
        start = held if response.status == HTTPStatus.PARTIAL_CONTENT else 0
        if response.length is not None:
            require_size(start + response.length, file, url)
            _require_most(start + response.length, file, url)
        if file.sha256 is None and response.headers.get_content_type() == "text/html":
            # What came of the file before may still be gone on with.
            raise DatasetUnavailableError(f"{url}: answered with a web page, not with {file.path}")
        with writing(part), part.open("ab" if start else "wb") as out:
            _receive(response, out, start, file, url, report)


def _ask(url: str, held: int) -> HTTPResponse:
    """Return the answer: from byte `held` on (206) or, where that is not to be had, whole (200)."""
    headers = {"User-Agent": "genomark", "Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    try:
        # A fresh opener, so that the proxies are those the environment names now.
        response = cast(
            HTTPResponse, build_opener().open(Request(url, headers=headers), timeout=TIMEOUT)
        )
    except HTTPError as error:
        error.close()
        if held and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _ask(url, 0)
        raise DatasetUnavailableError(f"{url}: {_status(error.code)}") from error
    except (OSError, HTTPException, ValueError) as error:  # a ValueError is a URL ill formed
        raise _Dropped(_why(error), held, answered=False) from error
    if response.status == HTTPStatus.OK:
        return response
    if held and response.status == HTTPStatus.PARTIAL_CONTENT:
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if begins and int(begins[1]) == held:
            return response
        response.close()
        return _ask(url, 0)
    response.close()
    raise DatasetUnavailableError(f"{url}: {_status(response.status)}")


def _receive(
    response: HTTPResponse,
    out: BinaryIO,
    start: int,
    file: DatasetFile,
    url: str,
    report: Callable[[int], None],
) -> None:
    held = start
    declared = response.length is not None
    known = file.bytes
    if known is None and response.length is not None:
        known = start + response.length
    report(held)
    while known is None or held < known:
        chunk = _read(response, _CHUNK if known is None else min(_CHUNK, known - held), held)
        if not chunk and declared:
            raise _Dropped("the connection was closed", held, ended=True)
        if not chunk:
            break
        _require_most(held + len(chunk), file, url)
        out.write(chunk)
        out.flush()  # so that a kill loses nothing that has come
        held += len(chunk)
        report(held)
    # Without a declared length, only reading on tells a longer file from the right one.
    excess = b"" if declared or file.bytes is None else _read(response, 1, held)
    require_size(held + len(excess), file, url)


def _require_most(size: int, file: DatasetFile, url: str) -> None:
    if file.most is not None and size > file.most:
        raise ChecksumError(f"{url}: more than the {file.most:,} bytes that {file.path} may have")


def _read(response: HTTPResponse, limit: int, held: int) -> bytes:
    try:
        return response.read1(limit)
    except (OSError, HTTPException) as error:
        raise _Dropped(_why(error), held, ended=isinstance(error, IncompleteRead)) from error


def _held(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


def _status(code: int) -> str:
    # The phrase of the standard, not the server's own: that could hold anything.
    try:
        return f"HTTP {code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"HTTP {code}"


def _why(error: BaseException) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return " ".join(str(text).split())
