"""Vectors in AnnData files, written by hand as anndata lays them out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from genomark.errors import UsageError
from genomark.models.genes.formats_h5ad import read_h5ad
from genomark.models.genes.named_vectors import NamedVectors

GENES = ["TP53", "NA", "MYC"]
CELLS = ["cell1", "cell2"]
#: Genes are rows.
X = np.array([[0, 1.5], [2, 0], [0, -5]], dtype=np.float64)

Fill = Callable[[h5py.File], None]


def frame(file: h5py.File, name: str, index: list[str], key: str = "_index") -> h5py.Group:
    group = file.create_group(name)
    group.attrs["encoding-type"] = "dataframe"
    group.attrs["_index"] = key
    group.create_dataset(key, data=index, dtype=h5py.string_dtype())
    return group


def sparse(file: h5py.File, name: str, matrix: Any, *, old: bool = False) -> None:
    group = file.create_group(name)
    form = matrix.format
    if old:
        group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = form, matrix.shape
    else:
        group.attrs["encoding-type"], group.attrs["shape"] = f"{form}_matrix", matrix.shape
    for part in ("data", "indices", "indptr"):
        group.create_dataset(part, data=getattr(matrix, part))


@pytest.fixture
def h5ad(tmp_path: Path) -> Callable[..., Path]:
    """``h5ad(fill, turned=)``: a file with frames of genes and cells, and what `fill` adds."""

    def make(fill: Fill, *, turned: bool = False) -> Path:
        path = tmp_path / "g.h5ad"
        with h5py.File(path, "w") as file:
            frame(file, "var" if turned else "obs", GENES, "gene")
            frame(file, "obs" if turned else "var", CELLS)
            fill(file)
        return path

    return make


def check(found: NamedVectors, vectors: np.ndarray = X) -> None:
    assert found.names == GENES
    assert found.vectors.dtype == np.float32
    assert found.vectors.flags.c_contiguous
    np.testing.assert_array_equal(found.vectors, vectors.astype(np.float32))


def complaint(path: Path, **settings: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_h5ad(path, **settings)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "fill",
    [
        lambda file, x: file.create_dataset("X", data=x),
        lambda file, x: sparse(file, "X", csr_array(x)),
        lambda file, x: sparse(file, "X", csc_array(x)),
        lambda file, x: sparse(file, "X", csr_array(x), old=True),
    ],
    ids=["dense", "csr", "csc", "old csr"],
)
def test_x_with_genes_as_rows_or_as_columns(
    h5ad: Callable[..., Path], fill: Callable[..., None], turned: bool
) -> None:
    path = h5ad(lambda file: fill(file, X.T if turned else X), turned=turned)
    check(read_h5ad(path, names="var" if turned else ""))


def test_matrices_besides_x_by_name_and_by_place(h5ad: Callable[..., Path]) -> None:
    def fill(file: h5py.File) -> None:
        file["X"] = X
        file["obsm/X_pca"] = X + 1
        file["layers/raw"] = X + 2
        file["varm/PCs"] = np.ones((2, 4))

    path = h5ad(fill)
    check(read_h5ad(path, "X_pca"), X + 1)
    check(read_h5ad(path, "obsm/X_pca"), X + 1)
    check(read_h5ad(path, "raw"), X + 2)
    assert read_h5ad(path, "PCs").names == CELLS
    said = "it has X, obsm/X_pca, varm/PCs, layers/raw"
    assert complaint(path, key="X_umap") == f"no 'X_umap'; {said}"
    assert complaint(path, key="obs/gene") == f"no 'obs/gene'; {said}"


def test_embeddings_of_genes_in_var(h5ad: Callable[..., Path]) -> None:
    path = h5ad(lambda file: file.create_dataset("varm/emb", data=X), turned=True)
    check(read_h5ad(path, "emb"))
    assert complaint(path, key="emb", names="obs") == (
        "names=obs: expected var for varm/emb, perhaps with /COLUMN"
    )
    assert complaint(path) == "no 'X'; it has varm/emb"


def test_names_from_a_column_of_text_of_categories_or_of_text_with_gaps(
    h5ad: Callable[..., Path],
) -> None:
    def fill(file: h5py.File) -> None:
        file["X"] = X
        text = h5py.string_dtype()
        obs = file["obs"]
        obs.create_dataset("plain", data=["A", "B", "C"], dtype=text)
        obs.create_dataset("category/categories", data=["P", "Q"], dtype=text)
        obs.create_dataset("category/codes", data=np.array([1, 0, -1], dtype=np.int8))
        obs.create_dataset("gaps/values", data=["K", "L", "M"], dtype=text)
        obs.create_dataset("gaps/mask", data=[False, True, False])

    path = h5ad(fill)
    assert read_h5ad(path, names="obs/plain").names == ["A", "B", "C"]
    assert read_h5ad(path, names="obs/category").names == ["Q", "P", ""]
    assert read_h5ad(path, names="obs/gaps").names == ["K", "", "M"]
    assert complaint(path, names="obs/nothing") == (
        "obs has no 'nothing'; it has category, gaps, gene, plain"
    )
    assert complaint(path, names="genes").startswith("names=genes: expected obs or var for X")


def test_what_is_no_matrix_of_numbers(h5ad: Callable[..., Path]) -> None:
    def fill(file: h5py.File) -> None:
        frame(file, "obsm/table", GENES)
        file["X"] = np.ones(3)

    path = h5ad(fill)
    assert complaint(path, key="table") == (
        "obsm/table: expected a matrix, dense or sparse (csr, csc), found dataframe"
    )
    assert complaint(path).startswith("X: expected a matrix of numbers, one row a gene, found")


def test_sparse_indices_out_of_bounds(h5ad: Callable[..., Path]) -> None:
    def fill(file: h5py.File) -> None:
        sparse(file, "X", csr_array(X))
        file["X/indices"][0] = 1_000_000

    assert "cannot be read as h5ad" in complaint(h5ad(fill))


def test_a_file_that_is_no_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "g.h5ad"
    path.write_bytes(b"not HDF5")
    assert "cannot be read as h5ad" in complaint(path)


def test_without_h5py_it_is_said_what_to_install(
    h5ad: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = h5ad(lambda file: file.create_dataset("X", data=X))
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert complaint(path) == "h5ad needs h5py: pip install 'genomark[h5ad]'"
