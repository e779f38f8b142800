"""The table of cell lines: well formed, and the names people write lead where they should."""

from __future__ import annotations

import csv
import re
from importlib import resources

import pytest

from genomark.matching.folding import key

_COLUMNS = [
    *("name", "synonyms", "cell_type", "tissue"),
    *("disease", "species", "parent", "accession"),
]
_SPECIES = {
    *("homo_sapiens", "mus_musculus", "rattus_norvegicus", "cricetulus_griseus"),
    *("mesocricetus_auratus", "chlorocebus_aethiops", "macaca_mulatta", "saguinus_oedipus"),
    *("canis_lupus_familiaris", "sus_scrofa", "bos_taurus", "oryctolagus_cuniculus"),
    *("potorous_tridactylus", "gallus_gallus", "danio_rerio", "xenopus_laevis"),
    *("drosophila_melanogaster", "spodoptera_frugiperda", "trichoplusia_ni"),
    *("aedes_aegypti", "aedes_albopictus"),
}
_Row = dict[str, str]

#: What is written, and the name in Cellosaurus of the line that is meant.
_WRITTEN = {
    "K562": "K-562",
    "k-562": "K-562",
    "HepG2": "Hep-G2",
    "HEK 293": "HEK293",
    "293": "HEK293",
    "293T": "HEK293T",
    "HEK-293T": "HEK293T",
    "HeLaS3": "HeLa S3",
    "Jurkat, Clone E6-1": "Jurkat E6.1",
    "TIB-152": "Jurkat E6.1",
    "THP1": "THP-1",
    "MCF7": "MCF-7",
    "MCF 10A": "MCF-10A",
    "T47D": "T-47D",
    "SKBR3": "SK-BR-3",
    "SKNSH": "SK-N-SH",
    "BE2C": "SK-N-BE(2)-C",
    "U87": "U-87MG ATCC",
    "U-87 MG": "U-87MG ATCC",
    "H54": "D-54MG",
    "RCC 7860": "786-O",
    "786-0": "786-O",
    "SJCRH30": "Rh30",
    "NT2/D1": "NTERA-2 cl.D1",
    "C4-2B": "LNCaP C4-2B",
    "OVCAR-3": "NIH:OVCAR-3",
    "MM.1S": "MM1.S",
    "U266": "U266B1",
    "A549": "A-549",
    "IMR90": "IMR-90",
    "WI38": "WI-38",
    "RPE1": "hTERT RPE-1",
    "H1-hESC": "WA01",
    "H7-hESC": "WA07",
    "H9": "WA09",
    "WTC11": "WTC-11",
    "NA12878": "GM12878",
    "PGP1 iPSC": "GM23338",
    "PGP1 fibroblast": "GM23248",
    "iPS DF19-9-11T": "iPS DF 19.11",
    "TE03": "ES-I3",
    "MIA Paca2": "MIA PaCa-2",
    "NIH3T3": "NIH 3T3",
    "CRL-1658": "NIH 3T3",
    "N2a": "Neuro-2a",
    "ES-E14": "E14TG2a",
    "murine erythroleukemia": "MEL [Mouse erythroleukemia]",
    "Chinese hamster ovary": "CHO",
    "Drosophila S2": "S2",
}


@pytest.fixture(scope="module")
def rows() -> list[_Row]:
    place = resources.files("genomark.matching.knowledge") / "cell_lines.tsv"
    with place.open("r", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def by_key(rows: list[_Row]) -> dict[str, _Row]:
    return {key(name): row for row in rows for name in _names(row)}


def _names(row: _Row) -> list[str]:
    return [row["name"], *(each for each in row["synonyms"].split("|") if each)]


def _descent(row: _Row, by_key: dict[str, _Row]) -> list[str]:
    names = [row["name"]]
    while row["parent"]:
        row = by_key[key(row["parent"])]
        names.append(row["name"])
        assert len(names) == len(set(names)), f"{names[0]} derives from itself: {names}"
    return names


def test_every_row_has_all_columns_and_no_stray_blanks_or_quotes(rows: list[_Row]) -> None:
    for row in rows:
        assert list(row) == _COLUMNS
        for column, text in row.items():
            assert text is not None, f"{row['name']}: {column} is missing"
            assert text == " ".join(text.split()), f"{row['name']}: {column} {text!r}"
            assert '"' not in text
        assert all(each == each.strip() for each in row["synonyms"].split("|"))


def test_names_are_sorted_so_that_a_new_line_has_one_place(rows: list[_Row]) -> None:
    names = [(key(row["name"]), row["name"]) for row in rows]
    assert names == sorted(names)


def test_a_folded_name_belongs_to_one_line_and_is_listed_once(rows: list[_Row]) -> None:
    owner: dict[str, str] = {}
    for row in rows:
        for name in _names(row):
            assert key(name), f"{row['name']}: {name!r} has no letter or digit"
            taken = owner.get(key(name))
            assert taken is None, f"{name!r} is both {taken} and {row['name']}"
            owner[key(name)] = row["name"]


def test_parents_are_rows_and_no_line_derives_from_itself(
    rows: list[_Row], by_key: dict[str, _Row]
) -> None:
    names = {row["name"] for row in rows}
    for row in rows:
        assert row["parent"] in names | {""}, f"{row['name']}: no row {row['parent']!r}"
        _descent(row, by_key)


def test_a_derived_line_is_of_the_species_of_its_parent(
    rows: list[_Row], by_key: dict[str, _Row]
) -> None:
    for row in rows:
        if row["parent"]:
            assert by_key[key(row["parent"])]["species"] == row["species"], row["name"]


def test_species_are_known(rows: list[_Row]) -> None:
    assert {row["species"] for row in rows} == _SPECIES


def test_accessions_are_those_of_cellosaurus_and_of_one_line_each(rows: list[_Row]) -> None:
    accessions = [row["accession"] for row in rows if row["accession"]]
    assert len(accessions) == len(set(accessions))
    for accession in accessions:
        assert re.fullmatch(r"CVCL_[0-9A-Z]{4}", accession), accession


@pytest.mark.parametrize(("written", "name"), _WRITTEN.items())
def test_a_well_known_spelling_names_its_line(
    by_key: dict[str, _Row], written: str, name: str
) -> None:
    assert by_key[key(written)]["name"] == name


@pytest.mark.parametrize(
    ("line", "ancestors"),
    [
        ("HEK293T", ["HEK293"]),
        ("HeLa S3", ["HeLa"]),
        ("Jurkat clone E6-1", ["Jurkat"]),
        ("C4-2B", ["LNCaP C4-2", "LNCaP"]),
        ("SH-SY5Y", ["SK-N-SH"]),
        ("G1E-ER4", ["G1E"]),
        ("NT2/D1", ["NTERA-2", "TERA-2"]),
        ("K562", []),
    ],
)
def test_a_subline_leads_back_to_the_line_it_came_from(
    by_key: dict[str, _Row], line: str, ancestors: list[str]
) -> None:
    assert _descent(by_key[key(line)], by_key)[1:] == ancestors


@pytest.mark.parametrize(
    ("line", "cell_type", "tissue", "disease", "species"),
    [
        ("K562", "erythroleukemia cell", "blood", "chronic myelogenous leukemia", "homo_sapiens"),
        ("HepG2", "hepatocyte", "liver", "hepatocellular carcinoma", "homo_sapiens"),
        ("GM12878", "B lymphoblastoid cell", "blood", "", "homo_sapiens"),
        ("H1", "embryonic stem cell", "blastocyst", "", "homo_sapiens"),
        ("IMR-90", "fibroblast of lung", "lung", "", "homo_sapiens"),
        ("C2C12", "skeletal muscle myoblast", "skeletal muscle tissue", "", "mus_musculus"),
        ("Vero", "epithelial cell", "kidney", "", "chlorocebus_aethiops"),
    ],
)
def test_what_is_known_of_a_line(
    by_key: dict[str, _Row], line: str, cell_type: str, tissue: str, disease: str, species: str
) -> None:
    row = by_key[key(line)]
    assert (row["cell_type"], row["tissue"]) == (cell_type, tissue)
    assert (row["disease"], row["species"]) == (disease, species)


@pytest.mark.parametrize(
    "look_alikes",
    [
        ("PC-3", "PC-9", "PC-14", "PC-12"),
        ("H1", "H4", "H7", "H9", "H9c2"),
        ("HT-29", "HT-1080", "HT-22"),
        ("HEL", "HeLa", "HEL 299"),
        ("MCF-7", "MCF-10A", "MCF10A-ER-Src"),
        ("NCI-H28", "NCI-H82", "NCI-H226", "NCI-H2228"),
        ("MEL", "MEL-1", "MEL-HO", "SK-MEL-5"),
        ("ECC-1", "ECC4", "ECC10", "ECC12"),
        ("Kasumi-1", "Kasumi-3", "Kasumi-6"),
        ("GM12891", "GM12892", "GM12893"),
    ],
)
def test_look_alikes_are_different_lines(
    by_key: dict[str, _Row], look_alikes: tuple[str, ...]
) -> None:
    known = [by_key[key(each)]["name"] for each in look_alikes if key(each) in by_key]
    assert len(known) == len(set(known)) >= 2


@pytest.mark.parametrize(
    "words",
    ["E14", "plate", "L cell", "T cell", "B cell", "M cell", "ESR1", "CAD", "NK", "HPAF", "MSC"],
)
def test_words_that_mean_something_else_in_a_sample_name_no_line(
    by_key: dict[str, _Row], words: str
) -> None:
    assert key(words) not in by_key
