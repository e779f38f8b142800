"""`embedding:FILE`: vectors of genes that somebody has already made."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from genomark.digests import digest_of, digest_of_file
from genomark.errors import CapabilityError, UsageError
from genomark.models.genes.formats_arrays import (
    read_npy,
    read_npz,
    read_parquet,
    read_safetensors,
)
from genomark.models.genes.formats_h5ad import read_h5ad
from genomark.models.genes.formats_text import SEPARATORS, read_text, text_ending
from genomark.models.genes.kept_vectors import keep, kept
from genomark.models.genes.named_vectors import (
    NamedVectors,
    reading,
    require_finite,
    require_shape,
    unique,
)
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

#: Raise it when what is read from the same bytes changes.
_VERSION = "1"

_READERS: dict[str, Callable[..., NamedVectors]] = {
    **dict.fromkeys(SEPARATORS, read_text),
    ".parquet": read_parquet,
    ".npy": read_npy,
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".h5ad": read_h5ad,
}

#: What may follow the path of each kind of file.
_SETTINGS: dict[Callable[..., NamedVectors], tuple[str, ...]] = {
    read_text: ("names",),
    read_parquet: ("names",),
    read_npy: ("names",),
    read_npz: ("table", "names"),
    read_safetensors: ("table", "names"),
    read_h5ad: ("key", "names"),
}

_SETTING = re.compile(r"(.+),(\w+)=([^,=]*)")

#: Text shorter than this (bytes) is read as quickly as a copy of it is found.
_WORTH_KEEPING = 2_000_000


def load_gene_embedding(spec: str) -> GeneFile:
    """Load ``embedding:PATH[,SETTING=VALUE...]``.

    Parameters
    ----------
    spec : str
        The whole spec string. Settings: ``names=`` says where the names of the genes are (a column
        of CSV, TSV, text or parquet; an array of npz; a file for npy; a key of the metadata of
        safetensors; ``obs``, ``var`` or ``var/COLUMN`` for h5ad), ``table=`` which array of npz or
        safetensors holds the vectors, ``key=`` which matrix of h5ad does.

    Returns
    -------
    GeneFile
        The file is read when the model is first asked anything.

    Raises
    ------
    UsageError
        If there is no such file, it is of no known kind, or takes no such setting.
    """
    text = spec.removeprefix("embedding:")
    settings: dict[str, str] = {}
    # Paths may hold commas.
    while not Path(text).is_file() and (found := _SETTING.fullmatch(text)):
        text, name, value = found.groups()
        if name in settings:
            raise UsageError(f"'{spec}': setting '{name}' is given twice")
        settings[name] = value
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if (ending := _ending(path)) not in _READERS:
        kinds = ", ".join(_READERS)
        raise UsageError(f"{path}: expected a file ending in {kinds} (text perhaps with .gz)")
    known = _SETTINGS[_READERS[ending]]
    for name in settings:
        if name not in known:
            takes = ", ".join(f"{each}=" for each in known)
            raise UsageError(f"'{spec}': unknown setting '{name}'. {ending} takes: {takes}")
    return GeneFile(path, settings)


def _ending(path: Path) -> str:
    text = text_ending(path)
    return text if text in SEPARATORS else path.suffix.lower()


class GeneFile:
    """Vectors read from a file; a GeneEmbedder.

    Parameters
    ----------
    path : Path
    settings : dict of str to str
        Where in the file names and vectors are.
    """

    def __init__(self, path: Path, settings: dict[str, str]) -> None:
        self.path = path
        self.settings = dict(sorted(settings.items()))

    @cached_property
    def info(self) -> ModelIdentity:
        """Name and content of the file; reads it."""
        rows, dimensions = self._found.vectors.shape
        return ModelIdentity(
            id=f"embedding:{self.path.name}"
            + "".join(f",{name}={value}" for name, value in self.settings.items()),
            version=_VERSION,
            digest=self._digest,
            notes=[f"{rows:,} genes x {dimensions:,} dimensions", *self._found.notes],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give the whole file, always as the same object.

        Parameters
        ----------
        names : sequence of str
            Not looked at.
        kind : str
            ``"symbol"``, or the header of the file's column of names.

        Returns
        -------
        GeneTable

        Raises
        ------
        CapabilityError
            If the file has no names of this kind.
        UsageError
            If it cannot be read.
        """
        if kind not in ("symbol", self._found.kind):
            raise CapabilityError(
                f"{self.path}: no column '{kind}', so it holds no vectors of that kind; "
                f"its names are under '{self._found.kind or 'symbol'}'"
            )
        return self._table

    @cached_property
    def _table(self) -> GeneTable:
        return GeneTable(self._found.names, self._found.vectors, self.info.digest)

    @cached_property
    def _digest(self) -> str:
        """Of the file's bytes, and of what else its vectors depend on where there is more."""
        beside = self._found.beside
        parts = [self._content, self.settings, digest_of_file(beside) if beside else None]
        return digest_of(parts) if any(parts[1:]) else self._content

    @cached_property
    def _content(self) -> str:
        with reading(self.path, "a file"):
            return digest_of_file(self.path)

    @cached_property
    def _found(self) -> NamedVectors:
        reader = _READERS[_ending(self.path)]
        with reading(self.path, "a file"):
            size = self.path.stat().st_size
        if reader is not read_text or size < _WORTH_KEEPING:
            return self._read(reader)
        name = digest_of([_VERSION, self._content, _ending(self.path), self.settings])
        found = kept(name)
        if found is None:
            found = self._read(reader)
            keep(name, found)
        return found

    def _read(self, reader: Callable[..., NamedVectors]) -> NamedVectors:
        found = reader(self.path, **self.settings)
        require_shape(found, self.path)
        if reader is not read_text:
            # Text is checked cell by cell.
            require_finite(found, self.path)
        found = unique(found, self.path)
        found.vectors.setflags(write=False)
        return found
