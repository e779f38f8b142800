"""Get at the files of a dataset: from the mirror, the cache or their origin, in that order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from genomark.datasets.catalogue import Dataset, DatasetFile, dataset
from genomark.datasets.integrity import check_once, known_sha256
from genomark.datasets.location import cache_folder, cached, mirrored, writing
from genomark.datasets.progress import Report, report
from genomark.errors import (
    ChecksumError,
    DatasetError,
    DatasetUnavailableError,
    TruncatedFileError,
)


def path(name: str, file: str, *, progress: bool | None = None) -> Path:
    """Return where one file of a dataset lies, downloading it if need be.

    Parameters
    ----------
    name : str
        A dataset of the catalogue.
    file : str
        One of its files.
    progress : bool, optional
        As for `fetch`.

    Returns
    -------
    Path
        A local file whose size and SHA-256 are those of the catalogue, or, where it has none, those
        recorded when the file first came. It is to be read only: it may lie in the mirror.

    Raises
    ------
    UnknownNameError, DatasetError
        As `fetch`.
    """
    return fetch(name, [file], progress=progress)[file]


def fetch(
    name: str, files: Iterable[str] | None = None, *, progress: bool | None = None
) -> dict[str, Path]:
    """Return where the files of a dataset lie, downloading those that are not at hand.

    Each file is looked for in the mirror if that is a folder (and used there), then in the cache,
    then asked of the mirror if that is a URL, then of its public origin. A copy that is not the
    file of the catalogue is passed over, and removed if it is in the cache.

    Parameters
    ----------
    name : str
        A dataset of the catalogue.
    files : iterable of str, optional
        Only these of its files; all when not given.
    progress : bool, optional
        Whether to draw a progress bar. By default one is drawn on a terminal and in a notebook,
        and two lines are written to standard error elsewhere. Nothing is said of files at hand.

    Returns
    -------
    dict of str to Path
        For each file a local path, as `path` gives it.

    Raises
    ------
    UnknownNameError
        When there is no such dataset or file.
    DatasetUnavailableError
        When a file is not at hand and no server gave it, or a person has to get it: the message
        says where, and where to put it. What came of it is kept for the next call to go on from.
    ChecksumError, TruncatedFileError
        When all there was to be had of a file was a wrong copy.
    DiskFullError, CacheNotWritableError
        When there was no room to write a file, or no permission.
    """
    source = dataset(name)
    wanted = (
        source.files if files is None else tuple(source.file(file) for file in dict.fromkeys(files))
    )
    found: dict[str, Path] = {}
    missing: list[_Search] = []
    for file in wanted:
        search = _Search(source, file)
        if (local := search.at_hand()) is not None:
            found[file.path] = local
        else:
            missing.append(search)
    for search in missing:
        search.require_address()
    if missing:
        what = missing[0].what if len(missing) == 1 else f"{name}, {len(missing)} files"
        size = sum(search.file.size for search in missing)
        with report(what, size, progress=progress) as following:
            for search in missing:
                found[search.file.path] = search.download(following)
    return {file.path: found[file.path] for file in wanted}


class _Search:
    """One file, where it was looked for, and what was wrong there."""

    def __init__(self, source: Dataset, file: DatasetFile) -> None:
        self.file = file
        self.what = f"{source.name}/{file.path}"
        self._cached = cached(source.name, file.path)
        mirror = mirrored(source.name, file.path)
        self._folder = mirror if isinstance(mirror, Path) else None
        mirrors = [mirror] if isinstance(mirror, str) else []
        self._urls = mirrors if file.url is None else [*mirrors, file.url]
        self._failures: list[DatasetError] = []

    def at_hand(self) -> Path | None:
        """Return a good copy in the mirror's folder or in the cache; None if there is none."""
        if self._folder is not None and self._try(self._folder):
            return self._folder
        try:
            check_once(self._cached, self.file)
        except DatasetError:
            # Not noted yet: another process may just be replacing a bad copy by a good one.
            return None
        return self._cached

    def require_address(self) -> None:
        """Refuse what only a person can get.

        Raises
        ------
        DatasetUnavailableError
        """
        if not self._urls:
            raise self._error()

    def download(self, following: Report) -> Path:
        """Bring the file into the cache, unless another process does so meanwhile."""
        # Loading these takes longer than finding a file at hand, which is what mostly happens.
        from filelock import FileLock

        from genomark.datasets.download import discard

        name = self.file.sha256 or hashlib.sha256(self.what.encode()).hexdigest()
        lock = FileLock(cache_folder("locks") / f"{name}.lock")
        with writing(Path(lock.lock_file)):
            lock.acquire()
        part = cache_folder("partial") / f"{name}.part"
        try:
            following.begin(self.what)
            if self._repaired() or self._downloaded(part, following):
                following.at(self._cached.stat().st_size)
                return self._cached
            error = self._error()
            if not isinstance(error, DatasetUnavailableError):
                discard(part)
            raise error from self._failures[-1]
        finally:
            lock.release()

    def _try(self, place: Path) -> bool:
        try:
            check_once(place, self.file)
        except DatasetError as error:
            self._failures.append(error)
            return False
        return True

    def _repaired(self) -> bool:
        """Return whether the cache has the file by now; a bad copy is removed from it."""
        if self._try(self._cached):
            return True
        if isinstance(self._failures[-1], ChecksumError | TruncatedFileError):
            with writing(self._cached):
                self._cached.unlink(missing_ok=True)
        return False

    def _downloaded(self, part: Path, following: Report) -> bool:
        from genomark.datasets.download import discard, download

        if not self._summed():
            return False
        if self.file.sha256 is None and self.file.md5 is None:
            # Nothing would tell whether what is left of an earlier call is of the same file.
            discard(part)
        for url in self._urls:
            try:
                download(url, self.file, part, self._cached, following.at)
            except (DatasetUnavailableError, ChecksumError, TruncatedFileError) as error:
                self._failures.append(error)
            else:
                if self.file.sha256 is None and self.file.md5 is None:
                    found = known_sha256(self._cached, self.file)
                    following.note(
                        f"{self.what}: no checksum is published; recorded SHA-256 {found}"
                    )
                return True
        return False

    def _summed(self) -> bool:
        """Have the MD5 that the origin publishes, if it does; say whether nothing is in the way."""
        from genomark.datasets.download import published_md5

        listing = self.file.md5_listing
        if listing is None or self.file.url is None:
            return True
        try:
            md5 = published_md5(listing, self.file.url.rpartition("/")[2])
        except DatasetUnavailableError as error:
            self._failures.append(error)
            return False
        self.file = msgspec.structs.replace(self.file, md5=md5)
        return True

    def _error(self) -> DatasetError:
        """Return the one error that tells what was tried and what can be done.

        A wrong copy says more than a missing one, so it names the kind of the error.
        """
        tried = "; ".join(
            str(failure)
            for failure in self._failures
            # That a copy is simply not there is what made us look further: no news.
            if not isinstance(failure.__cause__, FileNotFoundError | NotADirectoryError)
        )
        ways = (
            "Set GENOMARK_MIRROR to a folder or URL that holds it under that name, "
            f"or put it at {self._cached}"
        )
        if self.file.by_hand is not None:
            tried = "; ".join([self.file.by_hand, *([tried] if tried else [])])
        for failure in self._failures:
            if isinstance(failure, ChecksumError | TruncatedFileError):
                return type(failure)(f"No right copy of {self.what} (tried {tried}). {ways}")
        return DatasetUnavailableError(f"Cannot get {self.what} ({tried}). {ways}")
