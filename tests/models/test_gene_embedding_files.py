"""`embedding:FILE` as a model: its spec, its identity, its checks, and the copy it keeps."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genomark.digests import digest_of_file
from genomark.errors import CapabilityError, UsageError
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes import files
from genomark.models.genes.files import GeneFile, load_gene_embedding

NAMES = ["TP53", "NA", "MYC"]
VECTORS = np.array([[0.5, 1], [2, 3], [4, -5]], dtype=np.float32)


def write_csv(path: Path, header: str = "symbol,a,b") -> Path:
    rows = [f"{name},{a},{b}" for name, (a, b) in zip(NAMES, VECTORS, strict=True)]
    path.write_text("\n".join([header, *rows]))
    return path


def write_npy(path: Path, vectors: np.ndarray, names: list[str]) -> Path:
    np.save(path, vectors)
    path.with_suffix(".txt").write_text("\n".join(names) + "\n")
    return path


def load(path: Path, settings: str = "") -> GeneFile:
    return load_gene_embedding(f"embedding:{path}{settings}")


def complaint(spec: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_gene_embedding(spec).gene_table([])
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_whole_file_is_one_table_whatever_is_asked(tmp_path: Path) -> None:
    model = load(write_csv(tmp_path / "g.csv"))
    assert isinstance(model, GeneEmbedder)
    table = model.gene_table(["MYC", "UNKNOWN"])
    assert table is model.gene_table([])
    assert list(table.names) == NAMES
    np.testing.assert_array_equal(table.vectors, VECTORS)
    np.testing.assert_array_equal(table.rows(["MYC", "UNKNOWN", "NA"]), [2, -1, 1])
    with pytest.raises(ValueError, match="read-only"):
        table.vectors[0, 0] = 1


def test_identity_is_name_and_content(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "g.csv")
    info = load(path).info
    assert info.id == "embedding:g.csv"
    assert info.digest == digest_of_file(path) == load(path).gene_table([]).digest
    assert info.notes == ["3 genes x 2 dimensions"]
    path.write_text(path.read_text().replace("-5", "-6"))
    assert load(path).info.digest != info.digest


def test_settings_and_a_file_of_names_are_part_of_the_identity(tmp_path: Path) -> None:
    np.savez(tmp_path / "g.npz", n=np.array(NAMES), e=VECTORS, f=-VECTORS)
    e, f = (load(tmp_path / "g.npz", f",table={name}") for name in "ef")
    assert (e.info.id, f.info.id) == ("embedding:g.npz,table=e", "embedding:g.npz,table=f")
    assert e.info.digest != f.info.digest
    path = write_npy(tmp_path / "g.npy", VECTORS, NAMES)
    before = load(path).info
    write_npy(path, VECTORS, NAMES[::-1])
    assert before.id == load(path).info.id == "embedding:g.npy"
    assert before.digest != load(path).info.digest


def test_another_kind_of_entity_needs_a_column_of_that_name(tmp_path: Path) -> None:
    model = load(write_csv(tmp_path / "d.csv", "diseaseId,a,b"))
    assert model.gene_table([], "diseaseId") is model.gene_table([])
    symbols = write_csv(tmp_path / "g.csv")
    with pytest.raises(CapabilityError) as caught:
        load(symbols).gene_table([], "diseaseId")
    assert str(caught.value) == (
        f"{symbols}: no column 'diseaseId', so it holds no vectors of that kind; "
        "its names are under 'symbol'"
    )


def test_a_spec_that_is_not_well_formed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "g.csv")
    assert complaint("embedding:nowhere.csv") == "nowhere.csv: no such file"
    assert complaint(f"embedding:{tmp_path}") == f"{tmp_path}: no such file"
    assert complaint(f"embedding:{path},key=X") == (
        f"'embedding:{path},key=X': unknown setting 'key'. .csv takes: names="
    )
    assert complaint(f"embedding:{path},names=a,names=b").endswith("'names' is given twice")
    other = tmp_path / "g.xlsx"
    other.write_text("")
    assert complaint(f"embedding:{other}") == (
        f"{other}: expected a file ending in .csv, .tsv, .txt, .vec, .w2v, .parquet, .npy, .npz, "
        ".safetensors, .h5ad (text perhaps with .gz)"
    )


def test_a_path_may_hold_commas_and_capitals(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a,names=b,c.CSV")
    assert load(path).info.id == "embedding:a,names=b,c.CSV"
    assert load(path, ",names=symbol").info.id == "embedding:a,names=b,c.CSV,names=symbol"


def test_the_same_gene_twice_with_one_vector_is_merged_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("symbol,a\nTP53,1\nMYC,2\nTP53,1.0\nTP53,1\n")
    model = load(path)
    assert list(model.gene_table([]).names) == ["TP53", "MYC"]
    assert model.gene_table([]).vectors.tolist() == [[1], [2]]
    assert model.info.notes == ["2 genes x 1 dimensions", "2 repeated rows merged"]


def test_the_same_gene_with_other_vectors_is_named(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    rows = ["MYC,0", *(f"{name},{row}" for row in range(2) for name in "ABCDE"), "MYC,0"]
    path.write_text("\n".join(["symbol,x", *rows]))
    assert complaint(f"embedding:{path}") == (
        f"{path}: 'A' (rows 2 and 7), 'B' (rows 3 and 8), 'C' (rows 4 and 9) and 2 more: "
        "there twice with vectors that differ; keep one of each"
    )


def test_a_gene_without_a_name_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("symbol,a\nTP53,1\n ,2\n")
    assert complaint(f"embedding:{path}") == f"{path}: row 2: the gene has no name"
    table = tmp_path / "g.parquet"
    pl.DataFrame({"symbol": ["TP53", None], "a": [1.0, 2.0]}).write_parquet(table)
    assert complaint(f"embedding:{table}") == f"{table}: row 2: the gene has no name"


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_numbers_that_are_not_finite_are_found_in_any_format(tmp_path: Path, value: float) -> None:
    wide = np.zeros((700, 1000))
    wide[650, 7] = value
    names = [f"G{row}" for row in range(700)]
    shown = "nan" if np.isnan(value) else "inf"
    said = f"row 651 ('G650'), column 8: expected a finite number (float32), found {shown}"
    path = write_npy(tmp_path / "g.npy", wide, names)
    assert complaint(f"embedding:{path}") == f"{path}: {said}"
    table = tmp_path / "g.parquet"
    pl.DataFrame({"symbol": names, **{f"d{k}": wide[:, k] for k in range(10)}}).write_parquet(table)
    assert complaint(f"embedding:{table}") == f"{table}: {said}"


def test_a_missing_value_of_a_parquet_file_is_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "g.parquet"
    pl.DataFrame({"symbol": ["A", "B"], "x": [1, None], "y": [1.5, 2.5]}).write_parquet(path)
    assert complaint(f"embedding:{path}").startswith(f"{path}: row 2 ('B'), column 1: expected")


def test_names_and_vectors_have_to_be_as_many(tmp_path: Path) -> None:
    path = write_npy(tmp_path / "g.npy", VECTORS, NAMES[:2])
    assert complaint(f"embedding:{path}") == (
        f"{path}: 2 names in {path.with_suffix('.txt')} for 3 vectors"
    )
    np.savez(tmp_path / "g.npz", names=np.array(NAMES), vectors=np.empty((3, 0)))
    assert complaint(f"embedding:{tmp_path / 'g.npz'}").endswith("there are no numbers in it")


def test_a_large_npy_is_mapped_and_not_copied(tmp_path: Path) -> None:
    # 200 MB, hardly a byte of it on the disk; the process may have less than that besides it.
    rows, dimensions = 20_000, 2_500
    path = tmp_path / "g.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (rows, dimensions))[-1, -1] = 1
    path.with_suffix(".txt").write_text("\n".join(f"G{row}" for row in range(rows)))
    code = f"""
import resource
from genomark.models.genes.files import load_gene_embedding
model = load_gene_embedding("embedding:{path}")
import numba, h5py
used = 1024 * [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmData")][0]
resource.setrlimit(resource.RLIMIT_DATA, (used + 80_000_000,) * 2)
table = model.gene_table([])
assert table.vectors.shape == ({rows}, {dimensions}) and table.vectors[-1, -1] == 1
print(model.info.notes[0])
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is limited by Linux's means")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "20,000 genes x 2,500 dimensions\n", done.stderr


@pytest.fixture
def keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where copies are kept, of however short a file."""
    monkeypatch.setattr(files, "_WORTH_KEEPING", 1)
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


def test_text_is_read_once_and_mapped_from_then_on(
    tmp_path: Path, keeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.csv"
    path.write_text("symbol,a,b\nTP53,0.1,1\nMYC,2,3\nMYC,2,3\n")
    first = load(path)
    before = first.gene_table([])
    # From here on nothing can be read but the copy.
    monkeypatch.setitem(files.__dict__, "_READERS", {".csv": files.read_text})
    monkeypatch.setattr(GeneFile, "_read", None)
    again = load(path)
    table = again.gene_table([])
    assert list(table.names) == list(before.names) == ["TP53", "MYC"]
    np.testing.assert_array_equal(table.vectors, before.vectors)
    assert table.vectors.dtype == np.float32
    assert again.info == first.info
    assert again.info.notes == ["2 genes x 2 dimensions", "1 repeated rows merged"]
    assert again.gene_table([], "symbol") is table
    with pytest.raises(ValueError, match="read-only"):
        table.vectors[0, 0] = 1


def test_a_copy_is_of_the_content_and_of_how_it_was_read(tmp_path: Path, keeping: Path) -> None:
    path = tmp_path / "g.txt"
    path.write_text("symbol a id\nTP53 1 2\n")
    assert load(path).gene_table([]).vectors.tolist() == [[1, 2]]
    path.write_text("symbol a id\nTP53 1 3\n")
    assert load(path).gene_table([]).vectors.tolist() == [[1, 3]]
    other = path.rename(tmp_path / "g.tsv")
    assert "expected a name and numbers with tabs" in complaint(f"embedding:{other}")


def test_a_damaged_copy_is_made_anew(tmp_path: Path, keeping: Path) -> None:
    path = write_csv(tmp_path / "g.csv")
    load(path).gene_table([])
    (numbers,), (description,) = keeping.glob("*.f32"), keeping.glob("*.json")
    whole = numbers.read_bytes(), description.read_bytes()
    assert whole[0] == VECTORS.tobytes()
    assert json.loads(whole[1])["names"] == NAMES
    for damaged, content in ((numbers, whole[0][:-4]), (description, whole[1][:-4])):
        damaged.write_bytes(content)
        np.testing.assert_array_equal(load(path).gene_table([]).vectors, VECTORS)
        assert (numbers.read_bytes(), description.read_bytes()) == whole
    numbers.unlink()
    np.testing.assert_array_equal(load(path).gene_table([]).vectors, VECTORS)
    assert numbers.read_bytes() == whole[0]


def test_a_cache_that_cannot_be_written_does_not_matter(
    tmp_path: Path, keeping: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Not even root can make a folder below a file.
    keeping.parent.write_text("")
    with caplog.at_level("INFO", "genomark.models"):
        np.testing.assert_array_equal(
            load(write_csv(tmp_path / "g.csv")).gene_table([]).vectors, VECTORS
        )
    assert "vectors are not kept for the next run" in caplog.text


def test_short_files_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    load(write_csv(tmp_path / "g.csv")).gene_table([])
    assert not (tmp_path / "cache").exists()


def test_processes_that_read_at_the_same_time_all_get_the_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(2_000, 120)).astype(np.float32)
    rows = [f"G{row}," + ",".join(map(str, vector)) for row, vector in enumerate(vectors)]
    path = tmp_path / "g.csv"
    path.write_text("\n".join(["symbol," + ",".join(f"d{k}" for k in range(120)), *rows]))
    assert path.stat().st_size > files._WORTH_KEEPING
    code = f"""
import hashlib
from genomark.models.genes.files import load_gene_embedding
table = load_gene_embedding("embedding:{path}").gene_table([])
print(hashlib.sha256(table.vectors.tobytes()).hexdigest())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = {process.communicate(timeout=120)[0].strip() for process in running}
    assert answers == {hashlib.sha256(vectors.tobytes()).hexdigest()}
    assert len(list((tmp_path / "cache" / "embeddings").iterdir())) == 2
