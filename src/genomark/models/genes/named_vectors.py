"""What a file of vectors comes down to, whatever its format, and what it has to hold to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import GenomarkError, UsageError

#: Names shown of many.
_SHOWN = 3
#: Values looked at together: two megabytes, so that they stay in the cache of the processor.
_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class NamedVectors:
    """Names and their vectors, as read.

    Attributes
    ----------
    names : list of str
    vectors : ndarray of float32, shape (n_names, n_dimensions)
        C-contiguous; may be memory-mapped.
    kind : str or None
        What the file says its names are (``"symbol"``, ``"diseaseId"``), if it does.
    notes : tuple of str
        What was changed on the way, each in one line for people.
    beside : Path or None
        Another file that was read for this, such as one of names.
    """

    names: list[str]
    vectors: NDArray[np.float32]
    kind: str | None = None
    notes: tuple[str, ...] = ()
    beside: Path | None = None


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Say of whatever goes wrong in reading `path` that it did.

    Raises
    ------
    UsageError
        In one line.
    """
    try:
        yield
    except GenomarkError:
        raise
    # A damaged file can show in any way. Polars panics, which is no subclass of Exception.
    except (Exception, pl.exceptions.PanicException) as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise UsageError(f"{path}: cannot be read as {what} ({reason})") from error


def as_float32(values: NDArray[Any], path: Path, what: str) -> NDArray[np.float32]:
    """Give a matrix as C-contiguous float32, as it is if it is that already.

    Raises
    ------
    UsageError
        If it is not two-dimensional, or not of real numbers.
    """
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        shape = " x ".join(f"{length:,}" for length in values.shape)
        raise UsageError(
            f"{path}: {what}: expected a matrix of numbers, one row a gene, "
            f"found {values.dtype} of shape {shape or 'nothing'}"
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def require_finite(found: NamedVectors, path: Path) -> None:
    """Return quietly if every number is finite.

    Raises
    ------
    UsageError
        Naming the first row and column where one is not.
    """
    step = max(1, _AT_ONCE // max(1, found.vectors.shape[1]))
    for first in range(0, len(found.names), step):
        finite = np.isfinite(found.vectors[first : first + step])
        if not finite.all():
            row, column = (int(index[0]) for index in np.nonzero(~finite))
            row += first
            raise UsageError(
                f"{path}: row {row + 1} ('{found.names[row]}'), column {column + 1}: expected a "
                f"finite number (float32), found {found.vectors[row, column]}"
            )


def require_shape(found: NamedVectors, path: Path) -> None:
    """Return quietly if there are genes, dimensions, and as many names as vectors.

    Raises
    ------
    UsageError
    """
    rows, dimensions = found.vectors.shape
    if len(found.names) != rows:
        where = f" in {found.beside}" if found.beside else ""
        raise UsageError(f"{path}: {len(found.names):,} names{where} for {rows:,} vectors")
    if not rows or not dimensions:
        raise UsageError(f"{path}: there are no {'numbers' if rows else 'genes'} in it")


def unique(found: NamedVectors, path: Path) -> NamedVectors:
    """Check that each gene is there once, and merge those that are there twice and the same.

    Raises
    ------
    UsageError
        If a name is blank, or has vectors that differ.
    """
    for row, name in enumerate(found.names, start=1):
        if not name or name.isspace():
            raise UsageError(f"{path}: row {row}: the gene has no name")
    if len(set(found.names)) == len(found.names):
        return found
    first: dict[str, int] = {}
    keep, differ = [], []
    for row, name in enumerate(found.names):
        before = first.setdefault(name, row)
        if before == row:
            keep.append(row)
        elif not np.array_equal(found.vectors[before], found.vectors[row]):
            differ.append((name, before, row))
    if differ:
        shown = ", ".join(f"'{name}' (rows {a + 1} and {b + 1})" for name, a, b in differ[:_SHOWN])
        more = f" and {len(differ) - _SHOWN:,} more" if len(differ) > _SHOWN else ""
        raise UsageError(
            f"{path}: {shown}{more}: there twice with vectors that differ; keep one of each"
        )
    merged = len(found.names) - len(keep)
    return replace(
        found,
        names=[found.names[row] for row in keep],
        vectors=found.vectors[keep],
        notes=(*found.notes, f"{merged:,} repeated rows merged"),
    )
