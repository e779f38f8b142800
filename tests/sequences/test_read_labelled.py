"""Files of sequences in every layout: the same rows, and one line for each thing that is wrong."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.sequences.columns import Columns
from genomark.sequences.files import read_labelled, read_sequences

ROWS = [
    {"id": "a", "sequence": "acgtn", "label": 1, "group": "chr1"},
    {"id": "b", "sequence": "GGRYA", "label": 0, "group": "chr2"},
    {"id": "c", "sequence": "UUACG", "label": 1, "group": "chr1"},
]


def table(separator: str) -> bytes:
    lines = [separator.join(ROWS[0]), *(separator.join(map(str, row.values())) for row in ROWS)]
    return ("\n".join(lines) + "\n").encode()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(buffer)
    return buffer.getvalue()


def fasta(mark: str) -> str:
    return "".join(
        f"{mark}{row['id']} some words group={row['group']} label={row['label']}\n"
        f"{row['sequence']}\n" + ("+\nIIIII\n" if mark == "@" else "")
        for row in ROWS
    )


LAYOUTS = {
    "list.json": json.dumps(ROWS, indent=1).encode(),
    "lines.json": "\n".join(map(json.dumps, ROWS)).encode(),
    "lines.jsonl": ("\n\n".join(map(json.dumps, ROWS)) + "\n").encode(),
    "sequences.json": json.dumps({"sequences": ROWS}).encode(),
    "data.json": json.dumps({"name": "toy", "data": ROWS}, indent=1).encode(),
    "table.csv": table(","),
    "windows.csv": b"\xef\xbb\xbf" + table(",").replace(b"\n", b"\r\n"),
    "table.tsv": table("\t"),
    "table.txt": table("\t"),
    "table.parquet": parquet(),
    "records.fasta": fasta(">").encode(),
    "records.txt": fasta(">").replace("\n", "\r\n").encode(),
    "reads.fq": fasta("@").encode(),
}


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_holds_the_same_rows(name: str, packed: bool, tmp_path: Path) -> None:
    content = LAYOUTS[name]
    path = (
        write(tmp_path, f"{name}.gz", gzip.compress(content, mtime=0))
        if packed
        else write(tmp_path, name, content)
    )
    found = read_labelled(path)
    assert found.ids == ("a", "b", "c")
    assert found.sequences == ("ACGTN", "GGRYA", "UUACG")
    assert found.groups == ("chr1", "chr2", "chr1")
    assert (found.kind, found.labels) == ("binary", ("1",))
    np.testing.assert_array_equal(found.targets, [[1.0], [0.0], [1.0]])
    assert read_sequences(path) == (found.ids, found.sequences)


@pytest.mark.parametrize("sequence", ["sequence", "seq", "text", "dna", "RNA"])
@pytest.mark.parametrize("label", ["label", "labels", "target", "y"])
def test_usual_names_of_columns_are_known(sequence: str, label: str, tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", f"name,{sequence},{label}\ns1,ACGT,0.5\ns2,GG,-1\n")
    found = read_labelled(path)
    assert (found.kind, found.labels, found.ids) == ("regression", (label,), ("s1", "s2"))


def test_other_names_are_given_with_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "probe,promoter,leaf,root,family\np1,AC,1.5,2,f\np2,GG,0,,g\n")
    columns = Columns(sequence="promoter", label=("leaf", "root"), id="probe", group="family")
    found = read_labelled(path, columns=columns)
    assert (found.ids, found.groups) == (("p1", "p2"), ("f", "g"))
    assert (found.kind, found.labels) == ("regression", ("leaf", "root"))
    np.testing.assert_array_equal(found.targets, [[1.5, 2.0], [0.0, np.nan]])
    assert read_sequences(path, columns=columns)[1] == ("AC", "GG")


def test_a_list_of_texts_is_read_as_sequences(tmp_path: Path) -> None:
    path = write(tmp_path, "x.json", '{"sequences": ["ACGT", "GG"]}')
    assert read_sequences(path) == (("1", "2"), ("ACGT", "GG"))


def test_a_fasta_sequence_may_have_many_lines_and_its_label_as_the_last_word(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "x.fa", ">a promoter\nACGT\nAC\n>b enhancer\n\nGG\n")
    found = read_labelled(path)
    assert found.sequences == ("ACGTAC", "GG")
    assert found.labels == ("promoter",)
    np.testing.assert_array_equal(found.targets, [[1.0], [0.0]])


def test_ids_are_made_where_they_are_not_there_once(tmp_path: Path) -> None:
    rows = [("x", "A"), ("y", "C"), ("x", "G"), ("", "T")]
    path = write(tmp_path, "x.csv", "id,seq\n" + "".join(f"{i},{s}\n" for i, s in rows))
    assert read_sequences(path)[0] == ("x#1", "y", "x#3", "#4")
    path = write(tmp_path, "y.csv", "id,seq\nx,A\nx#1,C\nx,G\n")
    assert read_sequences(path)[0] == ("1", "2", "3")


def test_x_and_modified_bases_are_read_as_n_only_if_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "seq\nACXGI\n")
    with pytest.raises(UsageError, match=r"row 1: column 'seq': 'X' at position 3; expected"):
        read_sequences(path)
    assert read_sequences(path, columns=Columns(unknown="xi"))[1] == ("ACNGN",)


def test_messages_call_the_file_as_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "seq\nAC\n")
    with pytest.raises(UsageError, match=r"^pgb/leaf: no column for a label"):
        read_labelled(path, source="pgb/leaf")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "seq,label\nAC,1\n,0\n", r"x.csv, row 2: column 'seq': no sequence"),
        ("x.json", '[{"seq": "AC"}, {"seq": null}]', r"row 2: column 'seq': no sequence"),
        ("x.csv", "seq\nACGT\nAC-T\n", r"row 2: .*'-' at position 3 \(a gap: expected unaligned"),
        ("x.csv", "seq\nAC.T\n", r"row 1: .*'\.' at position 3 \(a gap, or a structure\)"),
        ("x.csv", "seq\nAC GT\n", r"row 1: .*' ' at position 3; expected A, C, G"),
        ("x.csv", "seq\nACÉT\n", r"row 1: .*'É' at position 3"),
        ("x.csv", "probe,value\nAC,1\n", r"no column for a sequence \(.*\); there are 'probe', 'v"),
        ("x.csv", "seq,value\nAC,1,2\n", r"row 1: 3 cells, and the header has 2"),
        ("x.csv", "seq,seq\nAC,1\n", r"two columns of one name in the header: seq, seq"),
        ("x.csv", "", r"x.csv: no sequences in it"),
        ("x.csv", "seq,label\n", r"x.csv: no sequences in it"),
        ("x.json", "[]", r"no sequences in it"),
        ("x.fa", "\n", r"no sequences in it"),
        ("x.fq", "\n", r"no sequences in it"),
        ("x.bed", "# nothing\n", r"no sequences in it"),
        ("x.json", '[{"seq": "AC"}', r"x.json: not JSON \(Input data was truncated\)"),
        ("x.jsonl", '{"seq": "AC"}\n{"seq": NaN}\n', r"line 2: not JSON"),
        ("x.json", "[" * 100_000, r"not JSON \(maximum recursion depth"),
        ("x.json", b'["\xff"]', r"x.json, line 1: not UTF-8"),
        ("x.json", "[1, 2]", r"row 1: expected an object such as .*, found 1"),
        ("x.parquet", "PAR1 and no more", r"not parquet, or damaged"),
        ("x.fa", "ACGT\n", r"not FASTA: expected '>' and a name"),
        ("x.fa", ">a\nAC\n>\nGT\n", r"row 2: a header without a name"),
        ("x.fq", "@a\nACGT\n+\nIII\n", r"row 1: 4 letters and 3 qualities"),
        ("x.fq", "@a\nAC\n+\nII\n@b\nAC\n", r"line 5: expected four lines"),
        ("x.csv", b"seq\nAC\n\xff\xfe\n", r"line 3: not UTF-8"),
        ("x.dat", "ACGT\n", r"cannot tell what this is; name it .json"),
        (
            "x.json",
            "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n",
            r"x.json: is a pointer, not the data \(Git LFS\); .*git lfs pull",
        ),
        (
            "x.csv.gz",
            gzip.compress(b"seq\nACGT\n" * 99, mtime=0)[:-9],
            r"gzip file is cut short; get it",
        ),
        ("x.csv.gz", b"\x1f\x8b\x08\x00garbage" * 9, r"gzip file is damaged"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    name: str, content: bytes | str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_sequences(write(tmp_path, name, content))
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*x.csv: No such file"):
        read_sequences(tmp_path / "x.csv")


def test_a_file_larger_than_the_limit_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genomark.sequences.formats.UNPACKED_LIMIT", 1000)
    path = write(tmp_path, "x.csv.gz", gzip.compress(b"seq\n" + b"A" * 2000, mtime=0))
    with pytest.raises(UsageError, match="more than 1,000 bytes, unpacked"):
        read_sequences(path)


@pytest.mark.parametrize("name", ["label", "seq", "id", "group"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "probe,value\nAC,1\n")
    given = {"sequence": "probe", "label": "value"} | {
        {"seq": "sequence"}.get(name, name): "nothing"
    }
    with pytest.raises(UsageError, match=r"no column 'nothing'; there are 'probe', 'value'"):
        read_labelled(path, kind="regression", columns=Columns(**given))


@given(
    name=st.sampled_from([name for name in LAYOUTS if not name.endswith("parquet")]),
    at=st.integers(0, 400),
    removed=st.integers(0, 20),
    put=st.binary(max_size=3) | st.sampled_from([b'"', b"[[", b"\n\n", b",,", b"1e999", b"null"]),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    name: str, at: int, removed: int, put: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = LAYOUTS[name]
    damaged = content[:at] + put + content[at + removed :]
    path = write(tmp_path_factory.mktemp("damaged"), name, damaged)
    said = ""
    try:
        found = read_labelled(path)
    except UsageError as error:
        said = str(error)
    else:
        assert len(set(found.ids)) == len(found) > 0
    assert "\n" not in said


SIZES = {
    ("poly_a/arabidopsis_thaliana/test.json", None): ("binary", 1000, 400),
    ("splicing/arabidopsis_thaliana_donor/test.json", None): ("binary", 1000, 398),
    ("promoter_strength/leaf/test.json", None): ("regression", 1000, 170),
    ("chromatin_access/zea_mays/test.json", None): ("multi-label", 1000, 1000),
}


@pytest.mark.parametrize(("file", "kind"), SIZES)
def test_plant_benchmark_files_are_read_as_what_they_are(
    file: str, kind: None, real_data: Callable[[str, str], Path]
) -> None:
    found = read_labelled(real_data("pgb", file), kind=kind)
    rows = [json.loads(line) for line in real_data("pgb", file).read_text().splitlines()]
    expected_kind, n, length = SIZES[file, kind]
    assert (found.kind, len(found)) == (expected_kind, n)
    assert {len(sequence) for sequence in found.sequences} == {length}
    assert isinstance(found.targets, np.ndarray)
    told = np.array([np.atleast_1d(row.get("label", row.get("labels"))) for row in rows])
    np.testing.assert_array_equal(found.targets, told.astype(float))
    assert found.ids[0] == rows[0]["name"]
