"""The table of cell types and tissues: well-formed, and right where everyone knows the answer."""

from __future__ import annotations

import csv
import re
from collections import Counter
from graphlib import TopologicalSorter
from importlib import resources

import pytest

from genomark.matching.folding import folded
from genomark.matching.tables import LONGEST, Concept, Table

COLUMNS = ["name", "kind", "synonyms", "broader", "part_of", "accession"]
#: Which ontology names the rows of a kind.
ONTOLOGY = {"cell": "CL", "in-vitro": "CL", "tissue": "UBERON", "organ": "UBERON"}

#: What people write, and the label in Cell Ontology or Uberon.
KNOWN = {
    "HUVECs": "endothelial cell of umbilical vein",
    "Endothelial Cells - Umbilical vein": "endothelial cell of umbilical vein",
    "HAoEC": "aortic endothelial cell",
    "HPAEC": "pulmonary artery endothelial cell",
    "HCAEC": "endothelial cell of coronary artery",
    "HMVEC-L": "lung microvascular endothelial cell",
    "LSEC": "hepatic sinusoidal endothelial cell",
    "NK cell": "natural killer cell",
    "killer cells": "natural killer cell",
    "CD8+ T cells": "CD8-positive, alpha-beta T cell",
    "CD4 T cell": "CD4-positive, alpha-beta T cell",
    "CTL": "cytotoxic T cell",
    "Treg": "regulatory T cell",
    "Th17": "T-helper 17 cell",
    "naive CD4+ T cells": "naive thymus-derived CD4-positive, alpha-beta T cell",
    "CD8+ memory T cell": "CD8-positive, alpha-beta memory T cell",
    "B lymphocytes": "B cell",
    "CD19+ B Cells": "B cell",
    "plasmacyte": "plasma cell",
    "PBMCs": "peripheral blood mononuclear cell",
    "CD14+ Monocytes": "CD14-positive monocyte",
    "polymorphonuclear neutrophil": "neutrophil",
    "pDC": "plasmacytoid dendritic cell",
    "BMDM": "macrophage, bone marrow derived",
    "haematopoietic stem cell": "hematopoietic stem cell",
    "granulocyte-macrophage progenitor": "granulocyte monocyte progenitor cell",
    "red blood cell": "erythrocyte",
    "thrombocytes": "platelet",
    "NHEK": "keratinocyte",
    "HMEC": "mammary gland epithelial cell",
    "NHBE": "bronchial epithelial cell",
    "SAEC": "small airway epithelial cell",
    "RPTEC": "epithelial cell of proximal tubule",
    "PrEC": "epithelial cell of prostate",
    "NHLF": "fibroblast of lung",
    "NHDF": "fibroblast of dermis",
    "HFF": "foreskin fibroblast",
    "MEFs": "embryonic fibroblast",
    "BM-MSC": "mesenchymal stem cell of the bone marrow",
    "adipose-derived stem cell": "mesenchymal stem cell of adipose tissue",
    "fat cell": "adipocyte",
    "cardiomyocytes": "cardiac muscle cell",
    "HSMM": "skeletal muscle myoblast",
    "HCASMC": "smooth muscle cell of the coronary artery",
    "AoSMC": "aortic smooth muscle cell",
    "pancreatic β-cell": "type B pancreatic cell",
    "Ito cell": "hepatic stellate cell",
    "liver macrophage": "Kupffer cell",
    "bile duct epithelial cell": "cholangiocyte",
    "glomerular visceral epithelial cell": "podocyte",
    "alveolar type II cells": "type II pneumocyte",
    "Clara cell": "club cell",
    "microglia": "microglial cell",
    "OPC": "oligodendrocyte precursor cell",
    "neurones": "neuron",
    "HA-sp": "astrocyte of the spinal cord",
    "Müller glia": "Mueller cell",
    "RPE": "retinal pigment epithelial cell",
    "iPSC": "induced pluripotent stem cell",
    "mESC": "embryonic stem cell",
    "hippocampus": "Ammon's horn",
    "hypophysis": "pituitary gland",
    "womb": "uterus",
    "oviduct": "fallopian tube",
    "oesophagus": "esophagus",
    "windpipe": "trachea",
    "suprarenal gland": "adrenal gland",
    "caecum": "cecum",
    "left ventricle": "heart left ventricle",
    "Brodmann area 46": "middle frontal area 46",
    "submaxillary gland": "submandibular gland",
    "organ of Corti": "spiral organ of cochlea",
}

#: Near each other, and not the same; neither is a kind of the other.
APART = [
    ("HA-c", "cortical astrocyte"),
    ("HUVEC", "HUAEC"),
    ("HUVEC", "HAoEC"),
    ("CD4+ T cell", "CD8+ T cell"),
    ("naive CD4+ T cell", "memory CD4+ T cell"),
    ("skeletal muscle", "smooth muscle"),
    ("cardiac muscle", "skeletal muscle"),
    ("left ventricle", "right ventricle"),
    ("left atrium", "left ventricle"),
    ("left lung", "right lung"),
    ("lung microvascular endothelial cell", "brain microvascular endothelial cell"),
    ("classical monocyte", "non-classical monocyte"),
    ("type I pneumocyte", "type II pneumocyte"),
    ("white fat", "brown fat"),
    ("beta cell of pancreatic islet", "B cell"),
    ("hematopoietic stem cell", "mesenchymal stem cell"),
    ("HCASMC", "coronary artery endothelial cell"),
    ("middle frontal gyrus", "medial frontal gyrus"),
    ("ureter", "urethra"),
    ("ileum", "jejunum"),
]


def read_rows() -> list[dict[str, str]]:
    place = resources.files("genomark.matching.knowledge") / "cell_types.tsv"
    with place.open("r", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


def listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return read_rows()


@pytest.fixture(scope="module")
def table(rows: list[dict[str, str]]) -> Table:
    return Table(
        (
            Concept(
                row["name"],
                row["kind"],
                listed(row["synonyms"]),
                listed(row["broader"]),
                listed(row["part_of"]),
            )
            for row in rows
        ),
        by_key=False,
    )


def test_every_row_has_each_column_and_nothing_around_its_words(
    rows: list[dict[str, str]],
) -> None:
    assert len(rows) >= 700
    for row in rows:
        assert list(row) == COLUMNS, row
        assert row["kind"] in ONTOLOGY, row
        for column in COLUMNS:
            pieces = row[column].split("|") if row[column] else []
            assert all(piece and piece == " ".join(piece.split()) for piece in pieces), row


def test_a_name_belongs_to_one_row(rows: list[dict[str, str]]) -> None:
    counts = Counter(
        folded(name) for row in rows for name in (row["name"], *listed(row["synonyms"]))
    )
    assert counts[""] == 0
    assert [name for name, count in counts.items() if count > 1] == []


def test_names_are_short_enough_to_be_found_in_a_text(rows: list[dict[str, str]]) -> None:
    assert [row["name"] for row in rows if len(folded(row["name"]).split()) > LONGEST] == []


def test_what_a_row_is_a_kind_or_part_of_is_a_row_and_leads_nowhere_back(
    rows: list[dict[str, str]],
) -> None:
    above = {row["name"]: {*listed(row["broader"]), *listed(row["part_of"])} for row in rows}
    assert sorted(set().union(*above.values()) - above.keys()) == []
    # Raises CycleError, which tells the rows.
    assert len(list(TopologicalSorter(above).static_order())) == len(rows)


def test_no_tissue_is_a_kind_of_cell(rows: list[dict[str, str]]) -> None:
    ontology = {row["name"]: ONTOLOGY[row["kind"]] for row in rows}
    for row in rows:
        assert {ontology[name] for name in listed(row["broader"])} <= {ontology[row["name"]]}, row
        assert {ontology[name] for name in listed(row["part_of"])} <= {"UBERON"}, row


def test_accessions_are_of_the_ontology_of_their_kind_and_of_one_row(
    rows: list[dict[str, str]],
) -> None:
    for row in rows:
        prefix = ONTOLOGY[row["kind"]]
        assert not row["accession"] or re.fullmatch(rf"{prefix}:\d{{7}}", row["accession"]), row
    counts = Counter(row["accession"] for row in rows if row["accession"])
    assert [accession for accession, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(("written", "label"), KNOWN.items())
def test_well_known_synonyms_are_known(table: Table, written: str, label: str) -> None:
    concept = table.find(written)
    assert concept is not None
    assert concept.name == label


@pytest.mark.parametrize(("one", "other"), APART)
def test_near_things_are_kept_apart(table: Table, one: str, other: str) -> None:
    a, b = table.find(one), table.find(other)
    assert a is not None
    assert b is not None
    assert a.name != b.name
    assert a.name not in table.above(b.name)
    assert b.name not in table.above(a.name)


@pytest.mark.parametrize(
    ("narrow", "broad"),
    [
        ("CD8-positive, alpha-beta cytotoxic T cell", "lymphocyte"),
        ("Th17", "T cell"),
        ("HUVEC", "endothelial cell"),
        ("HMVEC-d", "endothelial cell"),
        ("AoSMC", "smooth muscle cell"),
        ("HCFaa", "fibroblast"),
        ("podocyte", "kidney epithelial cell"),
        ("HA-h", "astrocyte"),
        ("aorta", "artery"),
        ("sigmoid colon", "large intestine"),
        ("BMDM", "macrophage"),
    ],
)
def test_broader_concepts_are_reached(table: Table, narrow: str, broad: str) -> None:
    concept = table.find(narrow)
    assert concept is not None
    assert broad in table.above(concept.name)


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("podocyte", "kidney"),
        ("hepatocyte", "liver"),
        ("Purkinje cell", "cerebellum"),
        ("cardiomyocyte", "heart"),
        ("beta cell of pancreatic islet", "pancreas"),
        ("alveolar macrophage", "lung"),
        ("caudate nucleus", "brain"),
        ("left ventricle", "heart"),
        ("ileum", "gastrointestinal tract"),
        ("chorionic villus", "placenta"),
    ],
)
def test_where_it_lies_is_reached(table: Table, part: str, whole: str) -> None:
    concept = table.find(part)
    assert concept is not None
    assert whole in table.around(concept.name)
