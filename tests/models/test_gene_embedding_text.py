"""Vectors as text: read as NumPy and pandas read numbers, or one clear line about what is wrong."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.models.genes import formats_text, reading_bar
from genomark.models.genes.formats_text import read_text
from genomark.models.genes.named_vectors import NamedVectors
from genomark.models.genes.number_text import BLANKS, parse_rows, read_number

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(text, name)``: a file of that text."""

    def write(text: str | bytes, name: str = "genes.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def complaint(path: Path, names: str = "") -> str:
    """The one line said about a file, which begins with its name."""
    with pytest.raises(UsageError) as caught:
        read_text(path, names)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def content(found: NamedVectors) -> dict[str, list[float]]:
    assert found.vectors.dtype == np.float32
    assert found.vectors.flags.c_contiguous
    return dict(zip(found.names, found.vectors.tolist(), strict=True))


def as_numpy_reads(cell: str) -> np.float32:
    with np.errstate(over="ignore"):
        return np.float32(float(cell))


def parsed(cell: str) -> np.float32 | None:
    """What the compiled parser makes of a number by itself; None where it leaves it."""
    line = f"A,{cell}\n".encode()
    vectors = np.zeros((1, 1), dtype=np.float32)
    _, row = parse_rows(
        np.frombuffer(line, np.uint8), 0, 0, (44, 2, 0, -1), vectors, np.zeros((1, 2), np.int64)
    )
    return vectors[0, 0] if row else None


# A float32 and the next, and 2 to the power of -25 and so on: the middle is where rounding turns.
_MIDDLE = "1.00000005960464477539062500000"

numbers_as_text = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: str(np.float32(x))),
    st.floats(-1e6, 1e6).map(lambda x: f"{x:.18e}"),
    st.from_regex(r"[+-]?[0-9]{0,30}\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,30}\.?([eE][+-]?[0-9]{1,5})?", fullmatch=True),
)


@given(numbers_as_text)
@example("0")
@example("-0.0")
@example("0e999999999999")
@example("0.0000000000000000000000000000000000000001e45")
@example("9999999999999999999999")
@example("18446744073709551616")
@example("3.4028235e38")
@example("3.4028235677973366e38")
@example("3.5e38")
@example("1e-45")
@example("7e-46")
@example("7.1e-46")
@example("1.1754943e-38")
@example("1e-400")
@example("1e400")
@example("16777217")
@example(_MIDDLE)
@example(_MIDDLE + "1")
@example(_MIDDLE[:-7] + "4" + "9" * 20)
def test_a_number_is_rounded_as_numpy_rounds_it(cell: str) -> None:
    expected = as_numpy_reads(cell)
    careful = read_number(cell)
    assert careful is not None
    assert np.float32(careful).tobytes() == expected.tobytes()
    quick = parsed(cell)
    if quick is not None:
        assert quick.tobytes() == expected.tobytes()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_text_of_a_float32_is_read_at_once_and_exactly(value: float) -> None:
    assert parsed(str(np.float32(value))) == np.float32(value)


@given(st.floats(-1e30, 1e30, allow_subnormal=False))
def test_nearly_all_float64_texts_are_read_at_once(value: float) -> None:
    if abs(np.float32(value) - value) * 2.000001 < abs(np.spacing(np.float32(value))):
        assert parsed(repr(value)) == np.float32(value)


@pytest.mark.parametrize(
    "cell", ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "1_0", "0x1", "nan", "1 2", "--1", "1,"]
)
def test_what_is_no_number_is_left(cell: str) -> None:
    assert parsed(cell) is None
    assert read_number(cell) is None


@pytest.mark.parametrize(
    ("name", "separator"), [("g.csv", ","), ("g.tsv", "\t"), ("g.txt", " "), ("g.csv.gz", ",")]
)
def test_text_is_read_as_pandas_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, separator: str
) -> None:
    # Many blocks, and rows that fill more than one of them.
    monkeypatch.setattr(formats_text, "_BLOCK", 1000)
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(
        draw.normal(size=(300, 40)) * 10.0 ** draw.integers(-30, 30, (300, 40)),
        index=pd.Index([f"GENE{row}" for row in range(300)], name="symbol"),
    )
    frame.iloc[7] = 0.1
    path = tmp_path / name
    frame.to_csv(path, sep=separator)
    found = read_text(path)
    assert found.names == list(frame.index)
    assert found.kind == "symbol"
    np.testing.assert_array_equal(found.vectors, frame.to_numpy().astype(np.float32))


def test_rows_too_many_for_the_first_estimate_find_room(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats_text, "_BLOCK", 200)
    long = [f"L{row},0.{'1' * 60},2" for row in range(10)]
    short = [f"S{row},1,{row}" for row in range(500)]
    found = read_text(write("\n".join(["symbol,a,b", *long, *short])))
    assert found.names == [f"L{row}" for row in range(10)] + [f"S{row}" for row in range(500)]
    np.testing.assert_array_equal(found.vectors[10:, 1], np.arange(500))


def test_genes_named_like_missing_values_are_genes(write: Write) -> None:
    names = ["NA", "NAN", "NULL", "None", "TRUE", "INF", "nan", "1-Mar"]
    path = write("symbol,a\n" + "".join(f"{name},{row}\n" for row, name in enumerate(names)))
    assert read_text(path).names == names


def test_a_symbol_column_is_found_wherever_it_is(write: Write) -> None:
    assert content(read_text(write("a,symbol,b\n1,TP53,2\n3,MYC,4\n"))) == {
        "TP53": [1, 2],
        "MYC": [3, 4],
    }


def test_another_column_of_names_can_be_named(write: Write) -> None:
    path = write("a,ensembl\n1,ENSG01\n2,ENSG02\n")
    found = read_text(path, "ensembl")
    assert (found.names, found.kind) == (["ENSG01", "ENSG02"], "ensembl")
    assert complaint(path, "entrez") == "no column 'entrez'; the first are a, ensembl"


def test_row_numbers_before_the_symbols_are_no_dimension(write: Write) -> None:
    # pandas to_csv of a table with its index, and R's write.csv.
    expected = {"TP53": [0.5], "MYC": [1.5]}
    assert content(read_text(write(",symbol,x\n0,TP53,0.5\n1,MYC,1.5\n"))) == expected
    quoted = '"","symbol","x"\n"1","TP53",0.5\n"2","MYC",1.5\n'
    assert content(read_text(write(quoted))) == expected


@pytest.mark.parametrize("header", ["gene,x,y", ",x,y", ",0,1", "gene,1,2", '"","V1","V2"'])
def test_the_first_column_is_taken_where_none_is_called_symbol(write: Write, header: str) -> None:
    found = read_text(write(f"{header}\nTP53,1,2\nMYC,3,4\n"))
    assert content(found) == {"TP53": [1, 2], "MYC": [3, 4]}
    assert found.kind == ("gene" if header.startswith("gene") else None)


@pytest.mark.parametrize(
    "text", ["TP53,1,2.5\nMYC,3,4\n", "TP53,7\nMYC,8\n", "TP53,1,1\nA,0,1", "A,2"]
)
def test_a_file_without_a_header_is_read_from_its_first_line(write: Write, text: str) -> None:
    found = read_text(write(text))
    rows = [line.split(",") for line in text.split()]
    assert content(found) == {name: [float(x) for x in values] for name, *values in rows}
    assert found.kind is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_ends_of_lines_blank_lines_and_a_byte_order_mark(
    write: Write, end: str, last: bool
) -> None:
    lines = ["\ufeffsymbol,a", "", "TP53,1", "", "", "MYC,2", "BRCA1, 3 "]
    path = write(end.join(lines) + (end * 3 if last else ""))
    assert content(read_text(path)) == {"TP53": [1], "MYC": [2], "BRCA1": [3]}
    bare = write(end.join(["\ufeffTP53,1", "MYC,2"]), "bare.csv")
    assert content(read_text(bare)) == {"TP53": [1], "MYC": [2]}


def test_quotes_may_be_around_anything(write: Write) -> None:
    text = io.StringIO()
    rows = [["symbol", "a,b", "c"], ["A,B", "1", "2e-3"], ['5"-X', "-3", "4"], ["TP53", "5", "6"]]
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    assert content(read_text(write(text.getvalue()))) == {
        "A,B": [1, np.float32(2e-3)],
        '5"-X': [-3, 4],
        "TP53": [5, 6],
    }


def test_word2vec_with_and_without_the_line_of_counts(write: Write) -> None:
    rows = "TP53 0.1 -2 \nMYC 3e-1 4\t\n"
    expected = {"TP53": [np.float32(0.1), -2], "MYC": [np.float32(0.3), 4]}
    assert content(read_text(write(f"2 2\n{rows}", "g.txt"))) == expected
    assert content(read_text(write(rows, "g.w2v"))) == expected
    # Gene2vec's own table: a tab after the name.
    assert content(read_text(write("TP53\t0.5 1\nMYC\t2 3\n", "g.vec"))) == {
        "TP53": [0.5, 1],
        "MYC": [2, 3],
    }


def test_a_count_that_is_wrong_tells_of_a_file_cut_short(write: Write) -> None:
    path = write("3 2\nTP53 1 2\nMYC 3 4\n", "g.txt")
    assert complaint(path) == "the first line tells of 3 vectors, there are 2"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("nan", "'nan'"),
        ("NA", "'NA'"),
        ("", "nothing"),
        ("-inf", "'-inf'"),
        ("1e39", "'1e39'"),
        ("abc", "'abc'"),
        ("1_000", "'1_000'"),
        ("x" * 90, "'" + "x" * 40 + "'"),
    ],
)
def test_a_cell_that_is_not_a_finite_number(write: Write, cell: str, shown: str) -> None:
    said = f"expected a finite number (float32), found {shown}"
    path = write(f"symbol,dim0,dim1\nTP53,1,2\nMYC,3,{cell}\nBRCA1,5,6\n")
    assert complaint(path) == f"row 2 ('MYC'), column 'dim1': {said}"
    bare = write(f"TP53,1,2.5\nMYC,{cell},4\n", "bare.csv")
    assert complaint(bare) == f"row 2 ('MYC'), column 2: {said}"


def test_the_first_fault_of_the_file_is_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats_text, "_BLOCK", 50)
    rows = [f"G{row},{row},x" if row > 70 else f"G{row},{row},1" for row in range(1, 200)]
    assert complaint(write("\n".join(["symbol,a,b", *rows]))).startswith("row 71 ('G71'), column")


@pytest.mark.parametrize(("row", "cells"), [("MYC,3", 2), ("MYC,3,4,5", 4), ("MYC,3,4,", 4)])
def test_rows_of_another_length(write: Write, row: str, cells: int) -> None:
    path = write(f"symbol,a,b\nTP53,1,2\n{row}\n")
    assert complaint(path) == f"row 2: expected 3 cells, as in the first line, found {cells}"


def test_a_word2vec_row_cut_short(write: Write) -> None:
    path = write("2 3\nTP53 1 2 3\nMYC 4 5", "g.txt")
    assert complaint(path) == "row 2: expected 4 cells, as in the first line, found 3"


def test_quotes_that_are_not_closed(write: Write) -> None:
    assert complaint(write('symbol,a\n"TP53,1\n')).startswith("row 1: ")


def test_names_that_are_not_utf8(write: Write) -> None:
    assert complaint(write(b"symbol,a\nTP53,1\nM\xffC,2\n")).startswith("row 2: 'utf-8' codec")
    assert complaint(write(b"symbol,a\nTP53,1\nM\xffC,x\n")).startswith("row 2: 'utf-8' codec")
    assert "cannot be read as text ('utf-8'" in complaint(write(b"symb\xffl,a\nTP53,1\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\nA,1\n", "the first line is empty"),
        ("symbol,a\n", "there are no rows below the first line"),
        ("symbol\nTP53\n", "expected a name and numbers with commas between them"),
        ("symbol;a\nTP53;1\n", "expected a name and numbers with commas between them"),
        ("entrez,a\n7157,1\n", "row 1: expected the name of a gene in the first column"),
        ("1,2\n3,4\n", "row 1: expected the name of a gene in the first column"),
    ],
)
def test_files_without_vectors_of_genes(write: Write, text: str, said: str) -> None:
    assert complaint(write(text)).startswith(said)


def test_a_damaged_gzip_file(write: Write) -> None:
    whole = gzip.compress(b"symbol,a\n" + b"TP53,1\n" * 1000, mtime=0)
    assert "cannot be read as text" in complaint(write(b"symbol,a\nTP53,1\n", "not.csv.gz"))
    assert "cannot be read as text" in complaint(write(whole[:-20], "short.csv.gz"))


def test_where_somebody_watches_a_long_read_shows_a_bar(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, str]] = []

    class Bar:
        def show(self, done: int, text: str) -> None:
            shown.append((done, text))

        def close(self) -> None:
            shown.append((-1, "closed"))

    monkeypatch.setattr(reading_bar, "interactive", lambda: True)
    monkeypatch.setattr(reading_bar, "bar", lambda total, unit: Bar())
    path = write("symbol,a\nTP53,1\n")
    read_text(path)
    assert shown == []
    monkeypatch.setattr(reading_bar, "_PATIENCE", -1.0)
    read_text(path)
    assert shown == [(path.stat().st_size, "Reading genes.csv"), (-1, "closed")]


def test_separators_are_those_of_the_parser() -> None:
    assert formats_text.SEPARATORS[".txt"] == BLANKS == ord(" ")
