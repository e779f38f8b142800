"""Symbols: what people, programs and time did to them, undone, or told of."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from genomark.errors import UsageError
from genomark.genes import SymbolFinding, SymbolReport, SymbolTable, repair_symbols

COLUMNS = (
    *("hgnc_id", "symbol", "name", "locus_type", "status", "location"),
    *("alias_symbol", "prev_symbol", "gene_group", "ensembl_gene_id", "gencc"),
)

# Rows in the shape of the complete set: several names are quoted, with | between.
GENES = (
    "HGNC:11998|TP53|tumor protein p53|gene with protein product|Approved|17p13.1|p53/LFS1||"
    "|ENSG00000141510",
    "HGNC:7729|SEPTIN2|septin 2|gene with protein product|Approved|2q37.3|Pnutl3/hNedd5|"
    "DIFF6/NEDD5/SEPT2|Septins|ENSG00000168385",
    "HGNC:15848|SEPTIN6|septin 6|gene with protein product|Approved|Xq24|SEP2/SEPT2|SEPT6|"
    "Septins|ENSG00000125354",
    "HGNC:26077|MARCHF1|membrane associated ring-CH-type finger 1|gene with protein product|"
    "Approved|4q32.2-q32.3|MARCH-I/RNF171|MARCH1|MARCH membrane associated ring-CH-type fingers/"
    "Ring finger proteins|ENSG00000145416",
    "HGNC:26189|MTARC1|mitochondrial amidoxime reducing component 1|gene with protein product|"
    "Approved|1q41||MOSC1/MARC1||ENSG00000186205",
    "HGNC:23660|DELEC1|deleted in esophageal cancer 1|RNA, long non-coding|Approved|9q33.1||"
    "CTS9/DEC1||ENSG00000173077",
    "HGNC:1046|BHLHE40|basic helix-loop-helix family member e40|gene with protein product|"
    "Approved|3p26.1|DEC1/Stra13|BHLHB2|Basic helix-loop-helix proteins|ENSG00000134107",
    "HGNC:16617|BHLHE41|basic helix-loop-helix family member e41|gene with protein product|"
    "Approved|12p12.1|DEC2/SHARP-1|BHLHB3|Basic helix-loop-helix proteins|ENSG00000123095",
    "HGNC:9221|POU5F1|POU class 5 homeobox 1|gene with protein product|Approved|6p21.33|"
    "OCT3/Oct4|OTF3|POU class homeoboxes and pseudogenes|ENSG00000204531",
    "HGNC:9212|POU2F1|POU class 2 homeobox 1|gene with protein product|Approved|1q24.2|OCT1|"
    "OTF1|POU class homeoboxes and pseudogenes|ENSG00000143190",
    "HGNC:10963|SLC22A1|solute carrier family 22 member 1|gene with protein product|Approved|"
    "6q25.3|OCT1||Solute carrier family 22|ENSG00000175003",
    "HGNC:25543|C1orf54|chromosome 1 open reading frame 54|gene with protein product|Approved|"
    "1q21.2|FLJ23221|||ENSG00000118292",
    "HGNC:11204|SOX9|SRY-box transcription factor 9|gene with protein product|Approved|17q24.3|"
    "SRA1|CMD1/CMPD1||ENSG00000125398",
    "HGNC:11281|SRA1|steroid receptor RNA activator 1|gene with protein product|Approved|5q31.3|"
    "SRA|||ENSG00000213523",
    "HGNC:7455|MT-ND1|mitochondrially encoded NADH dehydrogenase 1|gene with protein product|"
    "Approved|mitochondria|ND1|MTND1|NADH:ubiquinone oxidoreductase core subunits|ENSG00000198888",
    "HGNC:12981|SHOX|short stature homeobox|gene with protein product|Approved|"
    "Xp22.33 and Yp11.32|GCFX||PRD class homeoboxes and pseudogenes|ENSG00000185960",
    "HGNC:1|LOST1|nobody knows where|unknown|Approved|unplaced||||",
    "HGNC:2|GONE1~withdrawn|entry withdrawn||Entry Withdrawn|||||",
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> SymbolTable:
    lines = ["\t".join(COLUMNS)]
    for row in GENES:
        cells = [*row.split("|"), ""]
        quoted = (f'"{cell.replace("/", "|")}"' if "/" in cell else cell for cell in cells)
        lines.append("\t".join(quoted))
    file = tmp_path_factory.mktemp("hgnc") / "hgnc_complete_set.txt"
    file.write_text("\n".join(lines) + "\n")
    return SymbolTable.read(file)


def one(name: str, table: SymbolTable | None = None) -> SymbolReport:
    report = repair_symbols([name], table)
    assert len(report.names) == 1
    assert len(report.changed) + len(report.ambiguous) + len(report.unknown) <= 1
    return report


def untouched(report: SymbolReport) -> bool:
    return not (report.changed or report.ambiguous or report.unknown or report.duplicates)


@pytest.mark.parametrize(
    ("name", "repaired"),
    [
        ("tp53", "TP53"),
        ("Tp53", "TP53"),
        ("C1ORF54", "C1orf54"),
        ("c1orf54", "C1orf54"),
        ("CXORF38", "CXorf38"),
        ("c8orf44-sgk3", "C8orf44-SGK3"),
        ("C10ORF71-AS1", "C10orf71-AS1"),
        (" TP53", "TP53"),
        ("TP53\u00a0\t", "TP53"),
        ("\ufeffTP53\u200b", "TP53"),
        ("hla-a", "HLA-A"),
    ],
)
def test_blanks_and_letters_are_repaired(name: str, repaired: str) -> None:
    report = one(name)
    assert report.names == (repaired,)
    [finding] = report.changed
    assert (finding.name, finding.repaired) == (name, repaired)
    assert finding.reason in ("small and capital letters", "blanks around it")


def test_both_reasons_are_given() -> None:
    assert one(" tp53").changed[0].reason == "blanks around it; small and capital letters"
    assert one(" 2-Sep").changed[0].reason == "blanks around it; a date, once SEPT2"


@pytest.mark.parametrize(
    "name",
    ["NA", "NAN", "None", "TRUE", "null", "nan", "TP53", "C1orf54", "CXorf38", "HLA-DRB1", "ORF1"],
)
def test_good_names_and_those_that_look_missing_survive(name: str) -> None:
    report = one(name)
    assert report.names == (name,)
    assert untouched(report)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("2-Sep", "SEPTIN2"),
        ("02-Sep", "SEPTIN2"),
        ("2-SEP", "SEPTIN2"),
        ("Sep-02", "SEPTIN2"),
        ("Sep-2", "SEPTIN2"),
        ("Sept-2", "SEPTIN2"),
        ("2. September", "SEPTIN2"),
        ("September 2, 2021", "SEPTIN2"),
        ("2/Sep/21", "SEPTIN2"),
        ("2-Sep-2021", "SEPTIN2"),
        ("2021-09-02", "SEPTIN2"),
        ("2021-09-02 00:00:00", "SEPTIN2"),
        ("2021-09-02T00:00:00", "SEPTIN2"),
        ("2021/9/2", "SEPTIN2"),
        # In February nothing is known that became the 9th.
        ("9/2/2021", "SEPTIN2"),
        ("2.9.2021", "SEPTIN2"),
        ("13-Sep", "SEPTIN7P2"),
        ("14-Sep", "SEPTIN14"),
        ("15-Sep", "SELENOF"),
        ("3-Mar", "MARCHF3"),
        ("Mar-11", "MARCHF11"),
        ("1-Dec", "DELEC1"),
        ("12/1/2021", "DELEC1"),
    ],
)
def test_dates_become_genes_again(name: str, symbol: str) -> None:
    report = one(name)
    assert report.names == (symbol,)
    assert report.changed[0].reason.startswith("a date, once ")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        *((f"SEPT{n}", f"SEPTIN{n}") for n in (1, 2, 9, 12, 14)),
        ("SEPT13", "SEPTIN7P2"),
        ("Sept7", "SEPTIN7"),
        ("MARCH1", "MARCHF1"),
        ("march11", "MARCHF11"),
        ("MARC1", "MTARC1"),
        ("MARC2", "MTARC2"),
        ("DEC1", "DELEC1"),
        ("SEP15", "SELENOF"),
    ],
)
def test_genes_that_were_renamed_have_their_names_of_today(name: str, symbol: str) -> None:
    report = one(name)
    assert report.names == (symbol,)
    assert report.changed[0].reason == f"renamed, once {name.upper()}"


@pytest.mark.parametrize(
    ("name", "n"),
    [("1-Mar", 1), ("Mar-01", 1), ("2-Mar", 2), ("2021-03-01", 1), ("March 2", 2)],
)
def test_a_date_of_two_genes_is_ambiguous_and_stays(name: str, n: int) -> None:
    report = one(name)
    assert report.names == (name,)
    reason = f"a date, MARCHF{n} (once MARCH{n}) or MTARC{n} (once MARC{n})"
    assert report.ambiguous == (SymbolFinding(name, name, reason),)


def test_a_date_whose_order_is_not_known_may_be_ambiguous() -> None:
    report = one(" 3/9/2021 ")
    assert report.names == ("3/9/2021",)
    assert "MARCHF9" in report.ambiguous[0].reason
    assert "SEPTIN3" in report.ambiguous[0].reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        # The serial of 2 September 2021 in a spreadsheet.
        ("44441", "perhaps the date 2021-09-02 as a spreadsheet stores it"),
        ("2.31E+13", "a clone id that a spreadsheet rounded"),
        ("5e+06", "a clone id that a spreadsheet rounded"),
        ("7-Aug", "a date, and no gene is known that became it"),
        ("16-Sep", "a date, and no gene is known that became it"),
        ("2-Dec", "a date, and no gene is known that became it"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_what_cannot_be_repaired_is_named(name: str, reason: str) -> None:
    report = one(name)
    assert report.names == (name.strip(),)
    assert reason in report.unknown[0].reason
    assert not report.changed


@pytest.mark.parametrize("name", ["45-Mar", "2-Zed", "0-Sep", "13.13.2021", "7157", "1E5"])
def test_what_only_looks_like_a_date_is_a_name(name: str) -> None:
    assert one(name).names == (name.upper(),)
    assert not one(name).unknown


# With a table


def test_the_table_decides_on_letters(table: SymbolTable) -> None:
    assert repair_symbols(["c1ORF54", "tp53", "TP53"], table).names == ("C1orf54", "TP53", "TP53")


@pytest.mark.parametrize(
    ("name", "symbol", "reason"),
    [
        ("DIFF6", "SEPTIN2", "previous symbol"),
        ("MOSC1", "MTARC1", "previous symbol"),
        ("p53", "TP53", "alias"),
        ("P53", "TP53", "alias"),
        ("oct4", "POU5F1", "alias"),
        ("ENSG00000141510", "TP53", "Ensembl id"),
        ("ENSG00000141510.18", "TP53", "Ensembl id"),
        # Also an alias of SEPTIN6 and of BHLHE40; but these were never their approved symbols.
        ("SEPT2", "SEPTIN2", "renamed, once SEPT2"),
        ("DEC1", "DELEC1", "renamed, once DEC1"),
        ("2-Sep", "SEPTIN2", "a date, once SEPT2"),
        # No symbol of then: here the aliases decide.
        ("2-Dec", "BHLHE41", "a date, alias DEC2"),
        ("4-Oct", "POU5F1", "a date, alias OCT4"),
    ],
)
def test_other_names_lead_to_the_gene(
    table: SymbolTable, name: str, symbol: str, reason: str
) -> None:
    report = one(name, table)
    assert report.names == (symbol,)
    assert report.changed == (SymbolFinding(name, symbol, reason),)


def test_an_approved_symbol_is_not_taken_for_an_alias(table: SymbolTable) -> None:
    # SRA1 is also an alias of SOX9.
    report = one("SRA1", table)
    assert report.names == ("SRA1",)
    assert untouched(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("OCT1", "POU2F1 (alias) or SLC22A1 (alias)"),
        ("oct1", "POU2F1 (alias) or SLC22A1 (alias)"),
        ("1-Oct", "a date, POU2F1 (alias OCT1) or SLC22A1 (alias OCT1)"),
        ("1-Mar", "a date, MARCHF1 (once MARCH1) or MTARC1 (once MARC1)"),
    ],
)
def test_ambiguous_names_stay(table: SymbolTable, name: str, reason: str) -> None:
    report = one(name, table)
    assert report.names == (name,)
    assert report.ambiguous == (SymbolFinding(name, name, reason),)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("GONE1", "withdrawn"),
        ("NOPE", "not in the table of symbols"),
        ("nope", "not in the table of symbols"),
        ("NA", "not in the table of symbols"),
        ("ENSG00000000001", "not in the table of symbols"),
    ],
)
def test_unknown_names_are_named_and_stay(table: SymbolTable, name: str, reason: str) -> None:
    report = one(name, table)
    assert report.names == (name,)
    assert report.unknown == (SymbolFinding(name, name, reason),)


def test_a_gene_called_na_is_a_gene_of_the_table() -> None:
    table = SymbolTable(pl.DataFrame({"symbol": ["NA", "NAN", "TRUE", "None"]}))
    report = repair_symbols(["NA", "NAN", "TRUE", "None", "na"], table)
    assert report.names == ("NA", "NAN", "TRUE", "None", "NA")
    assert [finding.name for finding in report.changed] == ["na"]


def test_a_table_from_before_the_renaming_keeps_its_names() -> None:
    table = SymbolTable(pl.DataFrame({"symbol": ["SEPT2", "MARCH1", "MARC1"]}))
    report = repair_symbols(["SEPT2", "2-Sep", "1-Mar"], table)
    assert report.names == ("SEPT2", "SEPT2", "1-Mar")
    assert report.ambiguous[0].reason == "a date, MARCH1 (once MARCH1) or MARC1 (once MARC1)"


def test_a_name_is_told_of_once_and_stays_in_its_places(table: SymbolTable) -> None:
    report = repair_symbols(["NOPE", "tp53", "NOPE", "tp53", "OCT1", "TP53"], table)
    assert report.names == ("NOPE", "TP53", "NOPE", "TP53", "OCT1", "TP53")
    assert [finding.name for finding in report.changed] == ["tp53"]
    assert [finding.name for finding in report.unknown] == ["NOPE"]


def test_names_that_become_one_are_named() -> None:
    report = repair_symbols(["SEPTIN2", "SEPT2", "2-Sep", "TP53", "TP53"])
    assert [(finding.name, finding.repaired) for finding in report.duplicates] == [
        ("SEPT2", "SEPTIN2"),
        ("2-Sep", "SEPTIN2"),
    ]
    assert report.duplicates[0].reason == "'SEPT2' and 'SEPTIN2' are both SEPTIN2"


def test_nothing_gives_nothing() -> None:
    assert repair_symbols([]) == SymbolReport((), (), (), (), ())


def test_every_renamed_gene_and_its_date_agree() -> None:
    """The date of a symbol of then is that symbol, but where two symbols had one date."""
    month = {"MARCH": "Mar", "MARC": "Mar", "SEPT": "Sep", "DEC": "Dec"}
    for stem, numbers in (("MARCH", range(3, 12)), ("SEPT", range(1, 15)), ("DEC", [1])):
        for n in numbers:
            named, dated = one(f"{stem}{n}"), one(f"{n}-{month[stem]}")
            assert named.names == dated.names != (f"{stem}{n}",)


# The table itself


def test_chromosomes_come_from_the_bands(table: SymbolTable) -> None:
    found = table.chromosome_of()
    assert found["TP53"] == "17"
    assert found["C1orf54"] == "1"
    assert found["SEPTIN6"] == found["SHOX"] == "X"
    assert found["MT-ND1"] == "MT"
    assert "LOST1" not in found
    assert "GONE1~withdrawn" not in found


def test_a_family_is_the_smallest_group(table: SymbolTable) -> None:
    found = table.family_of()
    assert found["SEPTIN2"] == found["SEPTIN6"] == "Septins"
    # Of two groups with one gene each, the first by name.
    assert found["MARCHF1"] == "MARCH membrane associated ring-CH-type fingers"
    assert "TP53" not in found
    groups = pl.DataFrame({"symbol": list("ABC"), "gene_group": ["big|small", "big", "big|small"]})
    assert SymbolTable(groups).family_of() == {"A": "small", "B": "big", "C": "small"}


def test_the_columns_that_matter_are_kept(table: SymbolTable) -> None:
    assert "gencc" not in table.frame.columns
    assert table.frame.height == len(GENES)
    [kind] = table.frame.filter(pl.col("symbol") == "DELEC1")["locus_type"]
    assert kind == "RNA, long non-coding"
    assert table.withdrawn == {"GONE1"}
    assert len(table.approved) == len(GENES) - 1


def test_a_table_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'symbol'; expected the HGNC complete set"):
        SymbolTable(pl.DataFrame({"Approved symbol": ["TP53"]}))
    with pytest.raises(UsageError, match="no row"):
        SymbolTable(pl.DataFrame({"symbol": []}))
    bare = SymbolTable(pl.DataFrame({"symbol": ["TP53"]}))
    assert bare.withdrawn == frozenset()
    with pytest.raises(UsageError, match="no column 'location'"):
        bare.chromosome_of()
    with pytest.raises(UsageError, match="no column 'gene_group'"):
        bare.family_of()
    with pytest.raises(UsageError, match="no such file"):
        SymbolTable.read(tmp_path / "none.txt")
