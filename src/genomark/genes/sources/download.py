"""Bring the files of a source into the cache: each is there whole, or not at all.

Live addresses give other bytes with every release, so there is no checksum to hold a file to. What
came is written down beside the file (``NAME.origin.json``) once all of it is there; a file without
that note, or not as it says, counts as absent and is fetched anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urljoin
from urllib.request import Request, build_opener

import msgspec

from genomark import datasets
from genomark.atomic import write_whole
from genomark.datasets.location import cache_folder, writing
from genomark.datasets.progress import human
from genomark.errors import DatasetUnavailableError
from genomark.genes.sources.progress import counting, following
from genomark.genes.sources.source import PinnedFile, Remote, RemoteFile, RemoteFolder

TIMEOUT = 60.0
"""Seconds a socket may be silent."""

ATTEMPTS = 3
"""How often a file whose connection drops is asked for, the first time included."""

BACKOFF = 0.5
"""Seconds before the second attempt; the third waits twice as long."""

_CHUNK = 1 << 18
_LISTING_LIMIT = 10_000_000


class Origin(msgspec.Struct, frozen=True):
    """Where the bytes of a file came from.

    Parameters
    ----------
    name : str
        Name of the file.
    url : str or None
        None for a file of the user's own.
    fetched : str or None
        When it was downloaded (UTC, ISO 8601); None for one that was not, or that the catalogue
        pins.
    bytes : int
    sha256 : str
        64 lower-case hexadecimal digits.
    """

    name: str
    url: str | None
    fetched: str | None
    bytes: int
    sha256: str


def origin_of(path: Path, *, url: str | None = None, fetched: str | None = None) -> Origin:
    """Hash a file and say where it came from."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = os.fstat(stream.fileno()).st_size
    return Origin(name=path.name, url=url, fetched=fetched, bytes=size, sha256=digest)


def download(
    source: str, remotes: Sequence[Remote], *, fresh: bool = False, progress: bool | None = None
) -> list[tuple[Path, Origin]]:
    """Have the files of a source at hand, downloading those that are not in the cache.

    Parameters
    ----------
    source : str
        Name of the source, and of its folder below ``sources`` in the cache.
    remotes : sequence of Remote
        What it is made of.
    fresh : bool
        Download everything again but what the catalogue pins.
    progress : bool, optional
        True for a bar, False for silence; None for a bar on a terminal, and for lines elsewhere.

    Returns
    -------
    list of (Path, Origin)
        In the order of `remotes`, a folder's files by name.

    Raises
    ------
    DatasetError
        When a file cannot be had: no network, refused, cut short, or larger than it should be.
        The line says how to give it by hand. Files that came before are kept.
    """
    folder = cache_folder(f"sources/{source}")
    found = []
    for remote in remotes:
        if isinstance(remote, PinnedFile):
            path = datasets.path(remote.dataset, remote.file, progress=progress)
            pinned = datasets.dataset(remote.dataset).file(remote.file)
            found.append((path, origin_of(path, url=pinned.url)))
            continue
        if isinstance(remote, RemoteFile):
            found.append(_one(source, remote, folder, fresh=fresh, progress=progress))
            continue
        files = _listed(source, remote, folder, fresh=fresh)
        with counting(f"Downloading {source}", len(files), progress) as show:
            for done, file in enumerate(files):
                show(done, file.name)
                found.append(_one(source, file, folder, fresh=fresh, progress=False))
    return found


def forget(path: Path) -> None:
    """Count a file of the cache as absent, since it turned out not to be what it should."""
    _note(path).unlink(missing_ok=True)


def _one(
    source: str, file: RemoteFile, folder: Path, *, fresh: bool, progress: bool | None
) -> tuple[Path, Origin]:
    from filelock import FileLock

    target = folder / file.name
    lock = FileLock(cache_folder("locks") / f"source-{source}-{file.name}.lock")
    with writing(Path(lock.lock_file)):
        lock.acquire()
    try:
        if not fresh and (origin := _cached(target, file.url)) is not None:
            return target, origin
        with _whole(target) as out:
            _persist(source, file, out, progress)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        origin = origin_of(target, url=file.url, fetched=now)
        write_whole(_note(target), msgspec.json.format(msgspec.json.encode(origin)))
        return target, origin
    finally:
        lock.release()


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.origin.json")


def _cached(target: Path, url: str) -> Origin | None:
    """What is noted of a file in the cache, if it is still as noted."""
    try:
        noted = msgspec.json.decode(_note(target).read_bytes(), type=Origin)
        origin = origin_of(target, url=noted.url, fetched=noted.fetched)
    except (OSError, msgspec.DecodeError):
        return None
    return noted if origin == noted and noted.url == url else None


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """Give a stream whose bytes become `target` at the end, unless something is raised."""
    part = target.with_name(f"{target.name}.part")
    try:
        with writing(part), part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        with writing(target):
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


class _DroppedError(Exception):
    """The connection failed before the answer was complete."""


def _persist(source: str, file: RemoteFile, out: BinaryIO, progress: bool | None) -> None:
    for attempt in range(ATTEMPTS):
        try:
            out.seek(0)
            out.truncate()
            _stream(source, file, out, progress)
            return
        except _DroppedError as drop:
            if attempt == ATTEMPTS - 1:
                raise _unavailable(source, file, f"dropped {ATTEMPTS} times ({drop})") from drop
        time.sleep(BACKOFF * 2**attempt)


def _stream(source: str, file: RemoteFile, out: BinaryIO, progress: bool | None) -> None:
    with _ask(source, file) as response:
        size = response.length
        if size is not None and size > file.limit:
            raise _too_large(source, file)
        with following(f"{source}/{file.name}", size, progress) as follow:
            held = 0
            while chunk := _read(response):
                held += len(chunk)
                if held > file.limit:
                    raise _too_large(source, file)
                out.write(chunk)
                follow.at(held)
        if size is not None and held < size:
            raise _DroppedError(f"{held:,} of {size:,} bytes came")


def _ask(source: str, file: RemoteFile) -> HTTPResponse:
    headers = {"User-Agent": "genomark", "Accept-Encoding": "identity"}
    try:
        # A fresh opener, so that the proxies are those the environment names now.
        opened = build_opener().open(Request(file.url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        raise _unavailable(source, file, _status(error.code)) from error
    except (OSError, HTTPException, ValueError) as error:  # a ValueError is a URL ill formed
        # Offline is no passing trouble: nobody should wait for the backoff to learn of it.
        raise _unavailable(source, file, _why(error)) from error
    response = cast(HTTPResponse, opened)
    if response.status != HTTPStatus.OK:
        response.close()
        raise _unavailable(source, file, _status(response.status))
    return response


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, HTTPException) as error:
        raise _DroppedError(_why(error)) from error


def _listed(source: str, remote: RemoteFolder, folder: Path, *, fresh: bool) -> list[RemoteFile]:
    """The wanted files of a folder, by name."""
    page = RemoteFile("index.html", remote.url, _LISTING_LIMIT)
    path, _ = _one(source, page, folder, fresh=fresh, progress=False)
    text = path.read_text("utf-8", errors="replace")
    names = {unquote(link) for link in re.findall(r'href="([^"?#]+)"', text)}
    wanted = sorted(name for name in names if re.fullmatch(remote.pattern, name))
    if not wanted:
        forget(path)
        why = "the page lists none of the files that should be there"
        raise _unavailable(source, page, why)
    return [RemoteFile(name, urljoin(remote.url, name), remote.limit) for name in wanted]


def _unavailable(source: str, file: RemoteFile, why: str) -> DatasetUnavailableError:
    by_hand = file.by_hand or f"genomark tasks build {source} --file PATH"
    return DatasetUnavailableError(
        f"{file.url}: {why}. Get it another way and give it by hand: {by_hand}"
    )


def _too_large(source: str, file: RemoteFile) -> DatasetUnavailableError:
    return _unavailable(source, file, f"more than the {human(file.limit)} it should have at most")


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
