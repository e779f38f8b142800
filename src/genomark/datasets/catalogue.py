"""What data there are: the declarative files of ``catalogue/``, read strictly.

One TOML file per dataset, named after it, says what the data are and lists each file with its
size, its SHA-256 and where on GitHub, at which commit, the same bytes can be had.
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

Text = Annotated[str, msgspec.Meta(min_length=1)]
ByteCount = Annotated[int, msgspec.Meta(gt=0)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Commit = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{40}\Z")]
Repository = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9-]+/[A-Za-z0-9._-]+\Z")]


class DatasetFile(msgspec.Struct, frozen=True):
    """One file of a dataset, as the catalogue knows it.

    Parameters
    ----------
    path : str
        Its place in the dataset's folder, relative, with ``/`` between folders.
    bytes : int
        Its size.
    sha256 : str
        Its SHA-256, 64 lower-case hexadecimal digits.
    url : str
        Its public origin, at a fixed commit.
    """

    path: str
    bytes: int
    sha256: str
    url: str


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
        """Size of all files together."""
        return sum(file.bytes for file in self.files)

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
    bytes: ByteCount
    sha256: Sha256
    source: Text | None = None  # where the origin has it, when not at `path`


class _Origin(msgspec.Struct, forbid_unknown_fields=True):
    repository: Repository
    commit: Commit
    files: Annotated[list[_File], msgspec.Meta(min_length=1)]
    folder: Text | None = None


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
        base = f"{origin.repository}/{origin.commit}"
        if origin.folder:
            base += f"/{_safe(origin.folder)}"
        for file in origin.files:
            if _safe(file.path) in seen:
                raise ValueError(f"'{file.path}' is named twice")
            seen.add(file.path)
            url = f"{ORIGIN}/{quote(f'{base}/{_safe(file.source or file.path)}')}"
            yield DatasetFile(path=file.path, bytes=file.bytes, sha256=file.sha256, url=url)


def _safe(path: str) -> str:
    parts = path.split("/")
    # A backslash or a colon would be a folder or a drive to Windows.
    if any(part in ("", ".", "..") for part in parts) or not re.fullmatch(
        r"[^\\:\x00-\x1f]+", path
    ):
        raise ValueError(f"'{path}' is not a relative path below the dataset's folder")
    return path
