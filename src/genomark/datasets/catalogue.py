"""What data there are: the declarative files of ``catalogue/``, read strictly.

One TOML file per dataset, named after it, says what the data are and where each file is from:

- a repository on GitHub at a commit; size and SHA-256 of each file are in the catalogue;
- a `url`, the folder of an address. Where no `sha256` is in the catalogue, `md5_listing` names what
  the origin publishes (lines of MD5 and name); without that, what came first is what is right,
  if it has no more bytes than `most` and is no web page;
- `by_hand`, a sentence that says where a person gets it, where no address is known.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated
from urllib.parse import quote

import msgspec

from genomark.errors import DatasetError, UnknownNameError

ORIGIN = "https://raw.githubusercontent.com"

#: What an origin is, by its own key and by those it also has.
_KINDS = {
    "repository": {"commit", "folder"},
    "url": {"md5_listing"},
    "by_hand": set[str](),
}

Text = Annotated[str, msgspec.Meta(min_length=1)]
ByteCount = Annotated[int, msgspec.Meta(gt=0)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Commit = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{40}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\Ahttps?://[!-~]+\Z")]
Repository = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9-]+/[A-Za-z0-9._-]+\Z")]


class DatasetFile(msgspec.Struct, frozen=True):
    """One file of a dataset, as the catalogue knows it.

    Parameters
    ----------
    path : str
        Its place in the dataset's folder, relative, with ``/`` between folders.
    bytes : int or None
        Its size; None where the origin fixes neither size nor SHA-256.
    sha256 : str or None
        Its SHA-256, 64 lower-case hexadecimal digits.
    url : str or None
        Its public origin; None where a person has to get it.
    about : int
        Its size, roughly, where it is not fixed.
    most : int or None
        How many bytes are taken of it at most, where its size is not fixed.
    md5_listing : str or None
        Where its origin publishes MD5 sums.
    by_hand : str or None
        Where a person gets it, where no address is known.
    md5 : str or None
        What the listing says, once it was asked.
    """

    path: str
    bytes: int | None
    sha256: str | None
    url: str | None
    about: int = 0
    md5_listing: str | None = None
    by_hand: str | None = None
    md5: str | None = None
    most: int | None = None

    @property
    def size(self) -> int:
        """Its size, as well as it is known."""
        return self.about if self.bytes is None else self.bytes

    @property
    def source(self) -> str:
        """Where it is to be had, for people."""
        return self.url or self.by_hand or "nowhere"


class Dataset(msgspec.Struct, frozen=True):
    """A dataset of the catalogue.

    Parameters
    ----------
    name : str
        What it is asked for by; the name of its folder in the mirror and in the cache.
    title, description : str
        What it is, in a few words and in a sentence.
    licence : str
        The terms of the data as far as the origin states them.
    citation : str
        Whom to cite.
    files : tuple of DatasetFile
        Its files, in the order of the catalogue.
    """

    name: str
    title: str
    description: str
    licence: str
    citation: str
    files: tuple[DatasetFile, ...]

    @property
    def bytes(self) -> int:
        """Size of all files together, as well as it is known."""
        return sum(file.size for file in self.files)

    def file(self, path: str) -> DatasetFile:
        """Return the file at `path`.

        Raises
        ------
        UnknownNameError
            When the dataset has no such file.
        """
        for file in self.files:
            if file.path == path:
                return file
        raise UnknownNameError(f"file of {self.name}", path, [file.path for file in self.files])


def catalogue() -> dict[str, Dataset]:
    """Return every dataset of the catalogue by its name, in alphabetical order.

    Raises
    ------
    DatasetError
        When a file of the catalogue is not well formed.
    """
    return dict(_shipped())


def dataset(name: str) -> Dataset:
    """Return the dataset called `name`.

    Raises
    ------
    UnknownNameError
        When the catalogue has no such dataset.
    """
    known = _shipped()
    if name not in known:
        raise UnknownNameError("dataset", name, known)
    return known[name]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    path: Text
    bytes: ByteCount | None = None
    sha256: Sha256 | None = None
    about: ByteCount | None = None
    most: ByteCount | None = None
    source: Text | None = None  # where the origin has it, when not at `path`


class _Origin(msgspec.Struct, forbid_unknown_fields=True):
    files: Annotated[list[_File], msgspec.Meta(min_length=1)]
    repository: Repository | None = None
    commit: Commit | None = None
    folder: Text | None = None
    url: Address | None = None
    md5_listing: Address | None = None
    by_hand: Text | None = None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    title: Text
    description: Text
    licence: Text
    citation: Text
    origin: Annotated[list[_Origin], msgspec.Meta(min_length=1)]


@functools.cache
def _shipped() -> dict[str, Dataset]:
    return read_catalogue(resources.files("genomark.datasets") / "catalogue")


def read_catalogue(folder: Traversable) -> dict[str, Dataset]:
    """Read every ``.toml`` file of `folder` as one dataset each.

    Raises
    ------
    DatasetError
        When a file is not well formed: not TOML, a key missing or unknown, a size that is not
        positive, a SHA-256 that is not 64 lower-case hexadecimal digits, a path that is named
        twice or leads out of the dataset's folder.
    """
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    datasets = (_read(entry) for entry in sorted(entries, key=lambda entry: entry.name))
    return {dataset.name: dataset for dataset in datasets}


def _read(source: Traversable) -> Dataset:
    name = source.name.removesuffix(".toml")
    try:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
            raise ValueError("a dataset's name is lower-case letters, digits and underscores")
        entry = msgspec.convert(tomllib.loads(source.read_text("utf-8")), _Entry)
        files = tuple(_files(entry))
    except ValueError as error:  # of TOML, of msgspec and of the checks here
        raise DatasetError(f"The catalogue's {source.name} is not well formed: {error}.") from error
    return Dataset(
        name=name,
        title=entry.title,
        description=entry.description,
        licence=entry.licence,
        citation=entry.citation,
        files=files,
    )


def _files(entry: _Entry) -> Iterator[DatasetFile]:
    seen: set[str] = set()
    for origin in entry.origin:
        base = _base(origin)
        for file in origin.files:
            if _safe(file.path) in seen:
                raise ValueError(f"'{file.path}' is named twice")
            seen.add(file.path)
            _require_sums(origin, file)
            name = quote(_safe(file.source or file.path))
            yield DatasetFile(
                path=file.path,
                bytes=file.bytes,
                sha256=file.sha256,
                url=None if base is None else f"{base}/{name}",
                about=file.about or 0,
                md5_listing=origin.md5_listing,
                by_hand=origin.by_hand,
                most=file.most,
            )


def _base(origin: _Origin) -> str | None:
    """Address of the folder an origin has its files in; None where there is none."""
    kinds = [kind for kind in _KINDS if getattr(origin, kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        raise ValueError(f"an origin has one of {', '.join(_KINDS)}, this one has {found}")
    own = _KINDS[kinds[0]]
    others: set[str] = set().union(*_KINDS.values()) - own
    if strange := sorted(key for key in others if getattr(origin, key) is not None):
        raise ValueError(f"{strange[0]} does not go with {kinds[0]}")
    if origin.repository is None:
        return origin.url.rstrip("/") if origin.url else None
    if origin.commit is None:
        raise ValueError(f"{origin.repository} is without its commit")
    folder = f"/{_safe(origin.folder)}" if origin.folder else ""
    return f"{ORIGIN}/{quote(f'{origin.repository}/{origin.commit}{folder}')}"


def _require_sums(origin: _Origin, file: _File) -> None:
    """See that what is known of the bytes belongs together."""
    if (file.bytes is None) != (file.sha256 is None):
        raise ValueError(f"'{file.path}' has only one of bytes and sha256")
    if origin.repository is not None and file.sha256 is None:
        raise ValueError(f"'{file.path}' is from a repository, and without bytes and sha256")
    if file.about is not None and file.bytes is not None:
        raise ValueError(f"'{file.path}' has both bytes and about")
    if (file.bytes is None) == (file.most is None):
        raise ValueError(f"'{file.path}' has one of bytes and most, the bytes that are taken of it")


def _safe(path: str) -> str:
    parts = path.split("/")
    # A backslash or a colon would be a folder or a drive to Windows.
    if any(part in ("", ".", "..") for part in parts) or not re.fullmatch(
        r"[^\\:\x00-\x1f]+", path
    ):
        raise ValueError(f"'{path}' is not a relative path below the dataset's folder")
    return path
