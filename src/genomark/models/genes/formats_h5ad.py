"""Vectors in AnnData files (h5ad), read with h5py alone.

A matrix may have genes as its rows (`obs`) or as its columns (`var`); either way a gene's vector is
what belongs to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.extras import import_extra
from genomark.models.genes.named_vectors import NamedVectors, as_float32, reading

#: Where a matrix may be, and what its rows belong to.
_PLACES = {"obsm": "obs", "varm": "var", "layers": "obs", "X": "obs"}


def read_h5ad(path: Path, key: str = "X", names: str = "") -> NamedVectors:
    """Read one matrix of an AnnData file.

    Parameters
    ----------
    path : Path
    key : str
        ``X``, or a name in `obsm`, `varm` or `layers`, alone (``X_pca``) or with its place
        (``varm/PCs``).
    names : str
        ``obs`` or ``var``: where the genes are, by their index; or a column there, such as
        ``var/feature_name``. Left out: `var` for `varm`, else `obs`.

    Returns
    -------
    NamedVectors
        ``X`` and `layers` with genes in `var` are turned: a gene's vector is its column.

    Raises
    ------
    UsageError
    """
    h5py = import_extra(f"{path}: h5ad", "h5py", "h5ad")
    with reading(path, "h5ad"), h5py.File(path, "r") as file:
        place = _place(path, file, key)
        folder = place.partition("/")[0]
        axis, _, column = (names or _PLACES[folder]).partition("/")
        allowed = ("obs", "var") if folder in ("X", "layers") else (_PLACES[folder],)
        if axis not in allowed:
            raise UsageError(
                f"{path}: names={names}: expected {' or '.join(allowed)} for {place}, "
                f"perhaps with /COLUMN"
            )
        turned = axis != _PLACES[folder]
        vectors = as_float32(_matrix(file[place], turned=turned), path, place)
        return NamedVectors(_names(path, file[axis], column), vectors)


def _place(path: Path, file: Any, key: str) -> str:
    folders = [folder for folder in _PLACES if folder != "X" and folder in file]
    there = ["X"] if "X" in file else []
    there += [f"{folder}/{name}" for folder in folders for name in file[folder]]
    for place in there:
        if key in (place, place.partition("/")[2]):
            return place
    raise UsageError(f"{path}: no '{key}'; it has {', '.join(there) or 'no matrix'}")


def _matrix(stored: Any, *, turned: bool) -> NDArray[np.float32]:
    if not hasattr(stored, "keys"):
        dense: NDArray[np.float32] = stored.astype(np.float32)[()]
        return dense.T if turned else dense
    kind = _word(stored.attrs.get("encoding-type", stored.attrs.get("h5sparse_format", "")))
    shape = tuple(int(n) for n in stored.attrs.get("shape", stored.attrs.get("h5sparse_shape", ())))
    if kind.removesuffix("_matrix") not in ("csr", "csc") or len(shape) != 2:
        raise UsageError(
            f"{stored.file.filename}: {stored.name.lstrip('/')}: expected a matrix, dense or "
            f"sparse (csr, csc), found {kind or 'a group'}"
        )
    build = scipy.sparse.csr_array if kind.startswith("csr") else scipy.sparse.csc_array
    values = stored["data"].astype(np.float32)[()]
    sparse = build((values, stored["indices"][()], stored["indptr"][()]), shape=shape)
    # Indices out of bounds would be written to without a question.
    sparse.check_format(full_check=True)
    filled: NDArray[np.float32] = (sparse.T if turned else sparse).toarray(order="C")
    return filled


def _names(path: Path, frame: Any, column: str) -> list[str]:
    """Names in a data frame: its index, or a column of text or of categories."""
    wanted = column or _word(frame.attrs.get("_index", "_index"))
    if wanted not in frame:
        there = ", ".join(name for name in frame if not name.startswith("_"))
        raise UsageError(f"{path}: {frame.name.lstrip('/')} has no '{wanted}'; it has {there}")
    stored = frame[wanted]
    if not hasattr(stored, "keys"):
        return _texts(stored)
    if "categories" in stored:
        categories = _texts(stored["categories"])
        return [categories[code] if code >= 0 else "" for code in stored["codes"][()].tolist()]
    # Text in which values can be missing.
    return [
        "" if missing else text
        for text, missing in zip(_texts(stored["values"]), stored["mask"][()], strict=True)
    ]


def _texts(stored: Any) -> list[str]:
    return [_word(text).strip() for text in stored[()].tolist()]


def _word(text: Any) -> str:
    return text.decode() if isinstance(text, bytes) else str(text)
