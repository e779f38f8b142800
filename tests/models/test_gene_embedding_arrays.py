"""Vectors in parquet, npy, npz and safetensors, as their own libraries write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from genomark.errors import UsageError
from genomark.models.genes.formats_arrays import (
    read_npy,
    read_npz,
    read_parquet,
    read_safetensors,
)
from genomark.models.genes.named_vectors import NamedVectors

NAMES = ["TP53", "NA", "MYC"]
VECTORS = np.array([[0.5, 1], [2, 3], [4, -5]], dtype=np.float32)


def check(found: NamedVectors) -> None:
    assert found.names == NAMES
    assert found.vectors.dtype == np.float32
    assert found.vectors.flags.c_contiguous
    np.testing.assert_array_equal(found.vectors, VECTORS)


def complaint(read: Callable[..., NamedVectors], path: Path, **settings: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(path, **settings)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def is_mapped(array: np.ndarray | None) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = array.base if isinstance(array.base, np.ndarray) else None
    return array is not None


def parquet(path: Path, **columns: object) -> Path:
    pl.DataFrame(columns, strict=False).write_parquet(path)
    return path


def test_parquet_with_a_column_for_each_dimension(tmp_path: Path) -> None:
    path = parquet(tmp_path / "g.parquet", a=[0.5, 2, 4], symbol=NAMES, b=[1, 3, -5])
    found = read_parquet(path)
    check(found)
    assert found.kind == "symbol"


def test_parquet_takes_the_first_text_column_or_the_one_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "g.parquet", a=[0.5, 2, 4], gene=NAMES, b=[1, 3, -5])
    check(read_parquet(path))
    check(read_parquet(path, "gene"))
    assert complaint(read_parquet, path, names="id") == "no column 'id'; it has a, gene, b"


@pytest.mark.parametrize("kind", [pl.List(pl.Float64), pl.Array(pl.Float32, 2)])
def test_parquet_with_a_column_of_lists(tmp_path: Path, kind: pl.DataType) -> None:
    path = tmp_path / "g.parquet"
    pl.DataFrame(
        {"symbol": NAMES, "embedding": VECTORS.tolist()},
        schema={"symbol": pl.Categorical, "embedding": kind},
    ).write_parquet(path)
    check(read_parquet(path))


def test_parquet_lists_of_another_length(tmp_path: Path) -> None:
    path = parquet(tmp_path / "g.parquet", symbol=NAMES, v=[[1.0, 2.0], [1.0, 2.0], [1.0]])
    assert complaint(read_parquet, path) == "row 3, column 'v': expected 2 numbers, found 1"
    path = parquet(tmp_path / "h.parquet", symbol=NAMES, v=[[1.0, 2.0], None, [1.0, 2.0]])
    assert complaint(read_parquet, path) == "row 2, column 'v': expected 2 numbers, found none"


def test_parquet_without_names_with_other_text_or_damaged(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", x=[1.0], y=[2.0])
    assert complaint(read_parquet, path) == "no column 'symbol'; it has x, y"
    path = parquet(tmp_path / "b.parquet", symbol=["A"], x=[1.0], about=["text"])
    assert complaint(read_parquet, path) == "column 'about': expected numbers, found String"
    path.write_bytes(path.read_bytes()[:-30])
    assert "cannot be read as parquet" in complaint(read_parquet, path)


@pytest.mark.parametrize("names", [NAMES, [name.encode() for name in NAMES]])
def test_npz_by_the_usual_names_by_what_fits_and_by_what_is_said(
    tmp_path: Path, names: list[str] | list[bytes]
) -> None:
    text = np.array(names)
    np.savez(tmp_path / "usual.npz", names=text, vectors=VECTORS, more=VECTORS)
    check(read_npz(tmp_path / "usual.npz"))
    np.savez_compressed(
        tmp_path / "fits.npz", genes=text, e=VECTORS.astype(np.float64), n=np.ones(2)
    )
    check(read_npz(tmp_path / "fits.npz"))
    np.savez(tmp_path / "said.npz", g=text, h=text, e=VECTORS, f=VECTORS)
    check(read_npz(tmp_path / "said.npz", table="f", names="h"))
    said = complaint(read_npz, tmp_path / "said.npz", names="h")
    assert said == "which array holds the vectors? Say table=NAME; it has g, h, e, f"
    said = complaint(read_npz, tmp_path / "said.npz", names="i")
    assert said == "which array holds the names? Say names=NAME; it has g, h, e, f"


def test_npz_names_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "g.npz"
    np.savez(path, names=np.array(NAMES, dtype=object), vectors=VECTORS)
    assert complaint(read_npz, path) == (
        "array 'names' holds Python objects, which are never unpickled; "
        "save names as numpy.array(names, dtype=str)"
    )


def test_npz_arrays_of_the_wrong_shape_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "g.npz"
    np.savez(path, names=np.array(NAMES), vectors=np.ones(3))
    assert "expected a matrix of numbers, one row a gene, found float64 of shape 3" in complaint(
        read_npz, path
    )
    np.savez(path, names=np.array(NAMES), vectors=VECTORS * 1j)
    assert "found complex64 of shape 3 x 2" in complaint(read_npz, path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "cannot be read as npz" in complaint(read_npz, path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.txt", "TP53\nNA\nMYC\n"),
        ("g.csv", "TP53\nNA\nMYC\n"),
        ("g.csv", "gene\nTP53\nNA\nMYC"),
        ("g.csv", ",symbol\r\n0,TP53\r\n1,NA\r\n2,MYC\r\n"),
        ("elsewhere.txt", "\ufeffTP53\r\nNA\r\nMYC"),
    ],
)
def test_npy_is_mapped_and_named_by_a_file_beside_it(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "g.npy"
    np.save(path, VECTORS)
    beside = tmp_path / name
    beside.write_bytes(text.encode())
    found = read_npy(path, str(beside) if name == "elsewhere.txt" else "")
    check(found)
    assert is_mapped(found.vectors)
    assert found.beside == beside


@pytest.mark.parametrize("stored", [VECTORS.astype(np.float64), np.asfortranarray(VECTORS)])
def test_npy_of_another_type_or_order_is_turned_into_ours(
    tmp_path: Path, stored: np.ndarray
) -> None:
    np.save(tmp_path / "g.npy", stored)
    (tmp_path / "g.txt").write_text("\n".join(NAMES))
    check(read_npy(tmp_path / "g.npy"))


def test_npy_without_names_or_of_objects(tmp_path: Path) -> None:
    path = tmp_path / "g.npy"
    np.save(path, VECTORS)
    txt, table = tmp_path / "g.txt", tmp_path / "g.csv"
    assert complaint(read_npy, path) == f"no names for its rows; expected them in {txt} or {table}"
    assert "expected them in nowhere.txt" in complaint(read_npy, path, names="nowhere.txt")
    np.save(path, np.array([["TP53", 1]], dtype=object))
    assert "cannot be read as npy" in complaint(read_npy, path)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_of_every_float_type(tmp_path: Path, kind: torch.dtype) -> None:
    path = tmp_path / "g.safetensors"
    # An odd number of bytes before it, and tensors of other shapes around it.
    tensors = {"a": torch.ones(3, dtype=torch.uint8), "e": torch.tensor(VECTORS).to(kind)}
    save_torch(tensors, path, metadata={"names": json.dumps(NAMES)})
    found = read_safetensors(path)
    check(found)
    if kind == torch.float32:
        assert is_mapped(found.vectors)


def test_safetensors_by_names_that_are_said_or_beside(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_file({"e": VECTORS, "f": VECTORS + 1}, path, metadata={"genes": json.dumps(NAMES)})
    check(read_safetensors(path, table="e", names="genes"))
    said = complaint(read_safetensors, path, names="genes")
    assert said == "which matrix holds the vectors? Say table=NAME; it has e, f"
    said = complaint(read_safetensors, path, table="e", names="symbols")
    assert said == "no key 'symbols' in its metadata: genes"
    save_file({"e": VECTORS}, path)
    (tmp_path / "g.txt").write_text("\n".join(NAMES))
    found = read_safetensors(path)
    check(found)
    assert found.beside == tmp_path / "g.txt"


def test_safetensors_cut_short_or_none(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_file({"e": VECTORS}, path, metadata={"names": json.dumps(NAMES)})
    whole = path.read_bytes()
    for damaged in (b"", whole[:5], whole[:20], whole[:-1], b"\xff" * 64):
        path.write_bytes(damaged)
        assert "cannot be read as safetensors" in complaint(read_safetensors, path)
    path.write_bytes(whole[:-1])
    assert complaint(read_safetensors, path).endswith("(it is shorter than its header says)")


def test_safetensors_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_file({"e": VECTORS[:0]}, path, metadata={"names": "[]"})
    assert read_safetensors(path).vectors.shape == (0, 2)
