"""The first sheet of a workbook, as it was written; what is no workbook is refused."""

from __future__ import annotations

import random
import re
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from xlsx_files import MAIN, column, write_parts, write_xlsx

from genomark.datasets.xlsx import read_xlsx
from genomark.errors import DatasetError

ROWS: list[list[object]] = [["name", "value <&>"], ["a|b:c", -1.018], ["ü", 3], ["x y", 1e-9]]


@pytest.mark.parametrize("shared", [False, True])
def test_rows_are_read_as_written(shared: bool, tmp_path: Path) -> None:
    write_xlsx(tmp_path / "t.xlsx", [*ROWS, ["a|b:c", "x y"]], shared=shared)
    assert list(read_xlsx(tmp_path / "t.xlsx")) == [
        ["name", "value <&>"],
        ["a|b:c", "-1.018"],
        ["ü", "3"],
        ["x y", "1e-09"],
        ["a|b:c", "x y"],
    ]


def test_cells_that_are_not_there_are_empty(tmp_path: Path) -> None:
    row: list[object] = [None] * 30
    row[2], row[27] = "C", "AB"
    write_xlsx(tmp_path / "t.xlsx", [["a", None, "c"], [], row])
    found = list(read_xlsx(tmp_path / "t.xlsx"))
    assert found[0] == ["a", "", "c"]
    assert len(found) == 2
    assert [(at, cell) for at, cell in enumerate(found[1]) if cell] == [(2, "C"), (27, "AB")]


def test_cells_may_leave_their_place_to_their_order(tmp_path: Path) -> None:
    row = '<row><c t="str"><v>x</v></c><c><v>2</v></c><c/></row>'
    write_parts(tmp_path / "t.xlsx", f'<worksheet xmlns="{MAIN}">{row}</worksheet>')
    assert list(read_xlsx(tmp_path / "t.xlsx")) == [["x", "2", ""]]


def test_text_in_pieces_is_put_together(tmp_path: Path) -> None:
    sheet = f'<worksheet xmlns="{MAIN}"><row><c r="A1" t="s"><v>0</v></c></row></worksheet>'
    pieces = "<si><r><t>ACG</t></r><r><rPr/><t>TTT</t></r></si>"
    write_parts(tmp_path / "t.xlsx", sheet, f'<sst xmlns="{MAIN}">{pieces}</sst>')
    assert list(read_xlsx(tmp_path / "t.xlsx")) == [["ACGTTT"]]


def test_a_real_workbook_is_read_whole(mirror: Path) -> None:
    path = mirror / "agarwal2025" / "56k_measured_file.xlsx"
    with zipfile.ZipFile(path) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
    values = re.findall(r"<t>([^<]*)</t>|<v>([^<]*)</v>", xml)
    expected = [text or number for text, number in values]
    found = list(read_xlsx(path))
    assert len(found) == 56_976
    assert [cell for row in found for cell in row] == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>', "cell A1 is out of place"),
        ('<c r="ZZZ1"><v>1</v></c>', "cell ZZZ1 is out of place"),
        ('<c r="A1" t="s"><v>5</v></c>', "cell A1 has text 5, of 0"),
        ('<c r="A1" t="s"><v>-1</v></c>', "cell A1 has text -1"),
        ('<c r="A1" t="s"><v>²</v></c>', "cell A1 has text ², of 0"),
        ('<c r="A1"><v>1</v>', "not an xlsx workbook, or encrypted or damaged"),
        ("<c>" * 60 + "</c>" * 60, "elements more than 50 deep"),
        ("<c/>" * 20_001, "a row of more than 20,000 pieces"),
    ],
)
def test_sheets_that_are_none_are_refused(row: str, message: str, tmp_path: Path) -> None:
    write_parts(tmp_path / "t.xlsx", f'<worksheet xmlns="{MAIN}"><row>{row}</row></worksheet>')
    with pytest.raises(DatasetError, match=message) as caught:
        list(read_xlsx(tmp_path / "t.xlsx"))
    assert str(tmp_path / "t.xlsx") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_unpacks_to_too_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_xlsx(tmp_path / "t.xlsx", [["A" * 100_000]])
    assert (tmp_path / "t.xlsx").stat().st_size < 5_000
    monkeypatch.setattr("genomark.datasets.xlsx._LARGEST_PART", 50_000)
    with pytest.raises(DatasetError, match=r"sheet1\.xml unpacks to 100,\d+ bytes; 50,000 are"):
        list(read_xlsx(tmp_path / "t.xlsx"))


def test_of_a_long_sheet_no_row_stays(tmp_path: Path) -> None:
    rows: list[list[object]] = [[f"name {at}", at / 7, "ACGT" * 5] for at in range(8_000)]
    write_xlsx(tmp_path / "t.xlsx", rows)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_xlsx(tmp_path / "t.xlsx")) == 8_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Kept as elements they are 20 MB.
    assert most < 2_000_000


def test_more_rows_than_a_sheet_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genomark.datasets.xlsx._MOST_ROWS", 3)
    write_xlsx(tmp_path / "t.xlsx", [["a"]] * 3)
    assert len(list(read_xlsx(tmp_path / "t.xlsx"))) == 3
    write_xlsx(tmp_path / "t.xlsx", [["a"]] * 4)
    with pytest.raises(DatasetError, match="more than 3 rows or texts"):
        list(read_xlsx(tmp_path / "t.xlsx"))


def test_an_encrypted_workbook_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "t.xlsx"
    write_xlsx(place, ROWS)
    content = bytearray(place.read_bytes())
    # The first bit of the flags says that a part is encrypted (APPNOTE 4.4.4).
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = content.find(mark)
        while found >= 0:
            content[found + at] |= 1
            found = content.find(mark, found + 4)
    place.write_bytes(content)
    with pytest.raises(DatasetError, match="encrypted") as caught:
        list(read_xlsx(place))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_workbook_is_read_or_refused_in_one_line(seed: int, tmp_path: Path) -> None:
    place = tmp_path / "t.xlsx"
    write_xlsx(place, ROWS * 20, shared=True)
    draw = random.Random(seed)
    content = bytearray(place.read_bytes())
    for _ in range(8):
        content[draw.randrange(len(content))] = draw.randrange(256)
    place.write_bytes(content[: draw.choice([len(content), len(content) // 2])])
    told = f"{place}: read"
    try:
        list(read_xlsx(place))
    except DatasetError as error:
        told = str(error)
    assert str(place) in told
    assert "\n" not in told


def test_files_that_are_no_workbook_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"name,value\n")
    with pytest.raises(DatasetError, match="not an xlsx workbook"):
        list(read_xlsx(tmp_path / "t.xlsx"))
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as book:
        book.writestr("word/document.xml", "<w/>")
    with pytest.raises(DatasetError, match="not an xlsx workbook"):
        list(read_xlsx(tmp_path / "t.xlsx"))
    with pytest.raises(DatasetError, match=r"Cannot read .*none\.xlsx: No such file"):
        list(read_xlsx(tmp_path / "none.xlsx"))


def test_a_workbook_without_a_sheet_is_told(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "t.xlsx", ROWS)
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}"><sheets/></workbook>'.encode()
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    with pytest.raises(DatasetError, match="no sheet in this workbook"):
        list(read_xlsx(tmp_path / "t.xlsx"))


def test_columns_are_named_as_in_spreadsheets() -> None:
    assert [column(at) for at in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"),
    ]
