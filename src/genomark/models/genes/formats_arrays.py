"""Vectors in binary tables and arrays: parquet, NumPy's npy and npz, safetensors.

Nothing is ever unpickled. What npy and safetensors hold as float32 is memory-mapped.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models.genes.named_vectors import NamedVectors, as_float32, reading

_SIDECARS = (".txt", ".csv")
#: As the format's own library has it.
_LONGEST_HEADER = 100_000_000
#: Types of tensors that hold vectors; NumPy has no bfloat16.
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_parquet(path: Path, names: str = "") -> NamedVectors:
    """Read a table: a column of names, and one of numbers for each dimension, or one of lists.

    Parameters
    ----------
    path : Path
    names : str
        Column of the names. Left out: ``symbol``, else the first column of text.

    Raises
    ------
    UsageError
    """
    with reading(path, "parquet"):
        schema = pl.read_parquet_schema(path)
        texts = [name for name, kind in schema.items() if kind in (pl.String, pl.Categorical)]
        wanted = names or ("symbol" if "symbol" in schema else next(iter(texts), "symbol"))
        if wanted not in schema:
            raise UsageError(f"{path}: no column '{wanted}'; it has {_listed(list(schema))}")
        others = [name for name in schema if name != wanted]
        for name in others:
            if not (schema[name].is_numeric() or schema[name].is_nested()):
                raise UsageError(f"{path}: column '{name}': expected numbers, found {schema[name]}")
        found = pl.read_parquet(path, columns=[wanted])[wanted].cast(pl.String).fill_null("")
        if len(others) == 1 and schema[others[0]].is_nested():
            vectors = _lists(pl.read_parquet(path, columns=others)[others[0]], path)
        else:
            columns = pl.scan_parquet(path).select(pl.col(others).cast(pl.Float32))
            vectors = as_float32(columns.collect().to_numpy(order="c"), path, "its columns")
    return NamedVectors(found.to_list(), vectors, wanted)


def _lists(column: pl.Series, path: Path) -> NDArray[np.float32]:
    lists = column if column.dtype == pl.List else column.cast(pl.List(pl.Float32))
    lengths = lists.list.len()
    odd = (lengths != lengths[0]).fill_null(value=True).arg_true()
    if len(odd):
        raise UsageError(
            f"{path}: row {odd[0] + 1}, column '{column.name}': expected {lengths[0]} numbers, "
            f"found {lengths[odd[0]] or 'none'}"
        )
    values = lists.cast(pl.List(pl.Float32)).explode().to_numpy()
    return as_float32(values.reshape(len(column), -1), path, f"column '{column.name}'")


def read_npz(path: Path, table: str = "", names: str = "") -> NamedVectors:
    """Read an archive of arrays, one of them of names.

    Parameters
    ----------
    path : Path
    table, names : str
        Which arrays. Left out: ``vectors`` and ``names``, else the only matrix of numbers and the
        only array of text.

    Raises
    ------
    UsageError
        Also if the names are Python objects, which would have to be unpickled.
    """
    with reading(path, "npz"), np.load(path, allow_pickle=False) as archive:
        arrays = _Arrays(path, archive)
        found = arrays.pick(names, "names", "names", lambda array: array.dtype.kind in "US")
        vectors = arrays.pick(
            table, "vectors", "table", lambda array: array.ndim == 2 and array.dtype.kind in "fiub"
        )
        decoded = np.char.decode(found, "utf-8") if found.dtype.kind == "S" else found
        return NamedVectors(
            decoded.astype(str).ravel().tolist(), as_float32(vectors, path, "its vectors")
        )


class _Arrays:
    """The arrays of an archive, found by name or by what they are."""

    def __init__(self, path: Path, archive: Any) -> None:
        self.path = path
        self.archive = archive

    def pick(
        self, wanted: str, usual: str, setting: str, fits: Callable[[NDArray[Any]], bool]
    ) -> NDArray[Any]:
        """Give the array asked for, else the usual one, else the only one that fits."""
        there = self.archive.files
        name = wanted or (usual if usual in there else "")
        if not name:
            fitting = [each for each in there if fits(self._read(each))]
            name = fitting[0] if len(fitting) == 1 else ""
        if name not in there:
            raise UsageError(
                f"{self.path}: which array holds the {usual}? Say {setting}=NAME; "
                f"it has {_listed(there)}"
            )
        return self._read(name)

    def _read(self, name: str) -> NDArray[Any]:
        try:
            return np.asarray(self.archive[name])
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise UsageError(
                f"{self.path}: array '{name}' holds Python objects, which are never unpickled; "
                "save names as numpy.array(names, dtype=str)"
            ) from error


def read_npy(path: Path, names: str = "") -> NamedVectors:
    """Map one array, whose names are in a file beside it.

    Parameters
    ----------
    path : Path
    names : str
        File of the names. Left out: `sidecar`.

    Raises
    ------
    UsageError
    """
    with reading(path, "npy"):
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    # As a plain array: it still is the mapped file.
    found = as_float32(np.asarray(vectors), path, "the array")
    beside = sidecar(path, names)
    return NamedVectors(read_names(beside, len(found)), found, beside=beside)


def read_safetensors(path: Path, table: str = "", names: str = "") -> NamedVectors:
    """Map a matrix of a safetensors file.

    Parameters
    ----------
    path : Path
    table : str
        Which tensor. Left out: the only matrix of floating-point numbers.
    names : str
        Key of the metadata that holds the names, as a JSON list. Left out: ``names`` where there
        is such a key, else the file beside it (`sidecar`).

    Raises
    ------
    UsageError
    """
    with reading(path, "safetensors"):
        header, start = _header(path)
        metadata = header.pop("__metadata__", {})
        matrices = [
            name
            for name, tensor in header.items()
            if len(tensor["shape"]) == 2 and tensor["dtype"] in _FLOATS
        ]
        chosen = table or (matrices[0] if len(matrices) == 1 else "")
        if chosen not in matrices:
            raise UsageError(
                f"{path}: which matrix holds the vectors? Say table=NAME; "
                f"it has {_listed(matrices)}"
            )
        vectors = _tensor(path, header[chosen], start)
        if names and names not in metadata:
            raise UsageError(f"{path}: no key '{names}' in its metadata: {_listed(list(metadata))}")
        key = names or "names"
        if key in metadata:
            return NamedVectors([str(name) for name in json.loads(metadata[key])], vectors)
    beside = sidecar(path)
    return NamedVectors(read_names(beside, len(vectors)), vectors, beside=beside)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Read the JSON that a safetensors file begins with, and where what it describes begins."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST_HEADER, path.stat().st_size - 8):
            raise ValueError(f"its header should be {length:,} bytes long")
        header: dict[str, Any] = json.loads(file.read(length))
    return header, 8 + length


def _tensor(path: Path, tensor: dict[str, Any], start: int) -> NDArray[np.float32]:
    stored = np.dtype(_FLOATS[tensor["dtype"]])
    rows, columns = tensor["shape"]
    begin, end = tensor["data_offsets"]
    if end - begin != rows * columns * stored.itemsize or start + end > path.stat().st_size:
        raise ValueError("it is shorter than its header says")
    if not rows * columns:
        return np.empty((rows, columns), dtype=np.float32)
    mapped = np.memmap(path, stored, mode="r", offset=start + begin, shape=(rows, columns))
    if tensor["dtype"] == "BF16":
        # The upper half of a float32.
        return (mapped.astype(np.uint32) << 16).view(np.float32)
    return as_float32(np.asarray(mapped), path, "its matrix")


def sidecar(path: Path, given: str = "") -> Path:
    """Find the file of names that belongs to `path`: ``<stem>.txt`` or ``<stem>.csv``.

    Raises
    ------
    UsageError
        If there is none.
    """
    choices = [Path(given)] if given else [path.with_suffix(suffix) for suffix in _SIDECARS]
    for choice in choices:
        if choice.is_file():
            return choice
    names = " or ".join(str(choice) for choice in choices)
    raise UsageError(f"{path}: no names for its rows; expected them in {names}")


def read_names(path: Path, rows: int) -> list[str]:
    """Read names from a file: one a line, or the column ``symbol``, else the first, of a CSV.

    Parameters
    ----------
    path : Path
    rows : int
        How many there should be; a CSV with one line more has a header.
    """
    with reading(path, "names"):
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".csv":
            return [line.strip() for line in text.splitlines()]
        lines = list(csv.reader(text.splitlines(), strict=True))
    headed = bool(lines) and ("symbol" in lines[0] or len(lines) == rows + 1)
    column = lines[0].index("symbol") if headed and "symbol" in lines[0] else 0
    return [line[column].strip() if len(line) > column else "" for line in lines[headed:]]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
