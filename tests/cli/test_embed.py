"""``genomark embed``: files of vectors, read back by what reads vectors of genes."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer

from genomark import models
from genomark.cli import embed as module
from genomark.errors import CapabilityError, UsageError
from genomark.models.genes.formats_arrays import read_npz, read_parquet
from genomark.models.genes.formats_h5ad import read_h5ad
from genomark.scoring import ModelIdentity

READERS = {".parquet": read_parquet, ".h5ad": read_h5ad, ".npz": read_npz}


class Letters:
    """Counts of the four bases."""

    info = ModelIdentity(id="letters", version="1", digest="d")

    def embed(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        counts = [[sequence.count(base) for base in "ACGT"] for sequence in sequences]
        return np.array(counts, dtype=np.float32)

    def embed_positions(self, sequences, progress=lambda done: None) -> list[Any]:
        raise AssertionError("nobody is to ask this")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load_model", lambda spec: Letters() if spec == "letters" else spec)
    (tmp_path / "in.fa").write_text(">first of two\nACGT\nAA\n>second\nGGG\n")
    return tmp_path


@pytest.mark.parametrize("suffix", READERS)
def test_vectors_are_in_a_file_by_id(suffix: str, here: Path, capsys) -> None:
    output = here / "deeper" / f"vectors{suffix}"
    module.embed("letters", Path("in.fa"), output)
    found = READERS[suffix](output)
    assert [name.split()[0] for name in found.names] == ["first", "second"]
    assert found.vectors.tolist() == [[3, 1, 1, 1], [0, 0, 3, 0]]
    assert capsys.readouterr().err.startswith("2 vectors of 4 numbers are in ")
    first = hashlib.sha256(output.read_bytes()).digest()
    module.embed("letters", Path("in.fa"), output)
    assert hashlib.sha256(output.read_bytes()).digest() == first
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_table_has_the_columns_id_and_vector(here: Path) -> None:
    module.embed("letters", Path("in.fa"), Path("out.parquet"))
    table = pl.read_parquet("out.parquet")
    assert table.schema == {"id": pl.String, "vector": pl.List(pl.Float32)}


def test_other_tools_find_what_marks_an_anndata_file(here: Path) -> None:
    import h5py

    module.embed("letters", Path("in.fa"), Path("out.h5ad"))
    with h5py.File("out.h5ad") as file:
        assert file.attrs["encoding-type"] == "anndata"
        assert file["obs"].attrs["_index"] == "_index"
        assert file["var"]["_index"].asstr()[()].tolist() == ["0", "1", "2", "3"]


def test_what_cannot_be_done_is_said_before_anything_is_computed(here: Path) -> None:
    with pytest.raises(UsageError, match=r"out\.txt: expected a name that ends in \.parquet, "):
        module.embed("letters", Path("in.fa"), Path("out.txt"))
    with pytest.raises(CapabilityError, match="Model 'gc' does not embed sequences"):
        module.embed("gc", Path("in.fa"), Path("out.npz"))
    assert [path.name for path in here.iterdir()] == ["in.fa"]


def test_the_command_takes_what_its_examples_show(here: Path) -> None:
    from typer.testing import CliRunner

    app = typer.Typer()
    app.command()(module.embed)
    said = CliRunner().invoke(app, ["-m", "letters", "-i", "in.fa", "-o", "out.npz"])
    assert said.exit_code == 0, said.output
    assert (here / "out.npz").is_file()
    assert "genomark embed -m hf:org/name" in CliRunner().invoke(app, ["--help"]).output


def test_h5ad_without_h5py_names_the_extra(here: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"h5ad needs h5py: pip install 'genomark\[h5ad\]'"):
        module.embed("letters", Path("in.fa"), Path("out.h5ad"))
