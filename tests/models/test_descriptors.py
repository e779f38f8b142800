"""What text stands for a gene, and what happens where there is none."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.genes.descriptors import descriptor

TEXTS = {"TP53": "tumor protein p53", "NA": "a gene whose name is NA", "GATA1": "GATA, binding"}


def write(path: Path, columns: list[str], *rows: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([columns, *rows])
    return path


def complaint(*args: str, **settings: str) -> str:
    with pytest.raises(UsageError) as caught:
        descriptor(*args, **settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_bare_symbol_is_its_own_text_and_says_so() -> None:
    made = descriptor("symbol")
    found = made.describe(["TP53", "NA", " "], "symbol")
    assert found.texts == {"TP53": "TP53", "NA": "NA"}
    assert found.reasons == {" ": "a blank name"}
    assert made.notes == ["text: bare symbols"]
    assert made.answers("symbol")
    assert not made.answers("diseaseId")


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("column", ["symbol", "id"])
def test_a_table_describes_by_symbol_or_id(tmp_path: Path, suffix: str, column: str) -> None:
    path = write(tmp_path / f"genes{suffix}", ["x", "description", column])
    path = write(path, ["description", column], *((text, name) for name, text in TEXTS.items()))
    made = descriptor(str(path))
    found = made.describe(["GATA1", "NOPE", "NA", "tp53"], "symbol")
    assert found.texts == {"GATA1": TEXTS["GATA1"], "NA": TEXTS["NA"]}
    assert found.reasons == {"NOPE": f"not in genes{suffix}", "tp53": f"not in genes{suffix}"}
    assert made.notes == [f"text: column 'description' of genes{suffix}"]


def test_columns_are_named_where_they_have_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ["id", "HGNC symbol", "About"], ("7157", "TP53", "p53"))
    made = descriptor(str(path), id="HGNC symbol", text="About")
    assert made.describe(["TP53", "7157"], "symbol").texts == {"TP53": "p53"}
    assert descriptor(str(path), text="About").describe(["7157"], "symbol").texts == {"7157": "p53"}


@pytest.mark.parametrize("nothing", ["", "  ", "None", "NA", "n/a", "NaN", "null", "-"])
def test_a_word_for_nothing_is_no_description(tmp_path: Path, nothing: str) -> None:
    path = write(tmp_path / "t.csv", ["symbol", "description"], ("TP53", nothing), ("A", "some"))
    found = descriptor(str(path)).describe(["TP53", "A"], "symbol")
    assert found.texts == {"A": "some"}
    assert found.reasons == {"TP53": "t.csv says nothing of it"}


def test_the_human_tfs_table_describes_all_but_three_of_its_genes(real_data) -> None:
    path = real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [row["HGNC symbol"] for row in rows]
    made = descriptor(str(path), id="HGNC symbol", text="EntrezGene Description")
    found = made.describe(names, "symbol")
    assert (len(names), len(found.texts)) == (2765, 2762)
    assert set(found.reasons) == {"ATRX", "FAN1", "USF3"}
    assert found.texts["TFAP2A"] == (
        "transcription factor AP-2 alpha [Source:HGNC Symbol;Acc:HGNC:11742]"
    )
    by_csv = {row["HGNC symbol"]: row["EntrezGene Description"].strip() for row in rows}
    assert all(by_csv[name] == text for name, text in found.texts.items())


def test_a_gene_without_a_description_is_its_symbol_only_if_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ["symbol", "description"], ("TP53", "p53"), ("A", ""))
    made = descriptor(str(path), missing="symbol")
    found = made.describe(["TP53", "A", "NOPE", ""], "symbol")
    assert found.texts == {"TP53": "p53", "A": "A", "NOPE": "NOPE"}
    assert found.reasons == {"": "not in t.csv"}
    assert made.notes[-1] == "text where there is no description: the bare symbol"
    assert made.digest != descriptor(str(path)).digest


def test_descriptions_are_joined_in_the_order_they_are_named(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", ["symbol", "description"], ("A", "first"), ("B", "only"))
    two = write(tmp_path / "2.csv", ["symbol", "description"], ("A", "second"), ("C", "alone"))
    made = descriptor(f"{one}+{two}")
    found = made.describe(["A", "B", "C", "D"], "symbol")
    assert found.texts == {"A": "first second", "B": "only", "C": "alone"}
    assert found.reasons == {"D": "not in 1.csv; not in 2.csv"}
    assert len(made.notes) == 2
    assert made.digest != descriptor(f"{two}+{one}").digest


def test_a_table_answers_for_the_kinds_its_columns_are_called_by(tmp_path: Path) -> None:
    genes = write(tmp_path / "g.csv", ["symbol", "description"], ("TP53", "p53"))
    ill = write(tmp_path / "d.csv", ["diseaseId", "description"], ("EFO_1", "a disease"))
    assert not descriptor(str(genes)).answers("diseaseId")
    assert not descriptor(str(ill)).answers("symbol")
    both = descriptor(f"symbol+{ill}")
    assert both.answers("symbol")
    assert both.answers("diseaseId")
    assert not both.answers("pathway")
    assert both.describe(["TP53"], "symbol").texts == {"TP53": "TP53"}
    found = both.describe(["EFO_1", "TP53"], "diseaseId")
    assert found.texts == {"EFO_1": "a disease"}
    assert found.reasons == {"TP53": "not in d.csv"}


def test_the_digest_follows_content_and_columns_not_the_place(tmp_path: Path) -> None:
    row = ("TP53", "x", "p53", "tumor protein")
    columns = ["symbol", "id", "description", "other"]
    (tmp_path / "elsewhere").mkdir()
    first = str(write(tmp_path / "t.csv", columns, row))
    moved = str(write(tmp_path / "elsewhere" / "u.csv", columns, row))
    digests = {
        descriptor(first).digest,
        descriptor(moved).digest,
        descriptor(first, text="other").digest,
        descriptor(first, id="id").digest,
        descriptor("symbol").digest,
    }
    assert len(digests) == 4
    before = descriptor(first).digest
    write(Path(first), columns, row, ("A", "", "more", ""))
    assert descriptor(first).digest != before


def test_a_file_may_have_a_plus_in_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a+b.csv", ["symbol", "description"], ("TP53", "p53"))
    assert descriptor(str(path)).describe(["TP53"], "symbol").texts == {"TP53": "p53"}


def test_one_text_twice_is_fine_two_texts_are_not(tmp_path: Path) -> None:
    rows = [("TP53", "p53"), ("A", "a"), ("TP53", "p53 ")]
    path = write(tmp_path / "t.csv", ["symbol", "description"], *rows)
    assert descriptor(str(path)).describe(["TP53"], "symbol").texts == {"TP53": "p53"}
    write(path, ["symbol", "description"], *rows, ("A", "b"))
    with pytest.raises(UsageError) as caught:
        descriptor(str(path)).describe(["TP53"], "symbol")
    assert str(caught.value) == (
        f"{path}: column 'symbol', row 5: 'A' has another description further up; "
        "expected one for each name"
    )


def test_what_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    assert complaint("nope.csv") == "descriptions=nope.csv: no such file"
    assert complaint("symbols").startswith("descriptions=symbols: expected symbol, ncbi or a file")
    assert complaint(f"symbol+{tmp_path}").endswith("several with + between them")
    table = write(tmp_path / "t.csv", ["symbol", "about"], ("TP53", "p53"))
    assert complaint(str(table)) == (
        f"{table}: no column 'description'; found symbol, about; "
        "name the column of the texts with text="
    )
    assert complaint(str(table), text="abot").startswith(f"{table}: no column 'description'")
    assert complaint(str(table), text="about", id="gene") == (
        f"id=gene: expected a column of a table in descriptions=, found {table}: symbol, about"
    )
    assert complaint("symbol", text="about").endswith("found no table")
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert complaint(str(empty)).startswith(f"{empty}: cannot be read as a table")
    table.write_bytes(b"symbol,description\nTP53,\xff\xfe\n")
    with pytest.raises(UsageError, match="cannot be read as a table in UTF-8"):
        descriptor(str(table)).describe(["TP53"], "symbol")
