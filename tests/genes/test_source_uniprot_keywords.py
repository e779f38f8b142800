"""UniProt keywords: one task a category, one row a gene."""

from __future__ import annotations

import gzip
import json

import pytest

from genomark.errors import UsageError
from genomark.genes.sources import Settings
from genomark.genes.sources.uniprot_keywords import CATEGORIES, SOURCE


def entry(accession, genes, *keywords):
    """An entry as the REST interface gives it."""
    return {
        "entryType": "UniProtKB reviewed (Swiss-Prot)",
        "primaryAccession": accession,
        "genes": genes,
        "keywords": [
            {"id": f"KW-{place:04d}", "category": category, "name": name}
            for place, (category, name) in enumerate(keywords)
        ],
    }


def named(*names):
    return [{"geneName": {"value": name}, "synonyms": [{"value": "S"}]} for name in names]


ENTRIES = [
    entry(
        "P1", named("TP53"), ("Ligand", "Zinc"), ("Ligand", "DNA-binding"), ("PTM", "Acetylation")
    ),
    entry("P2", named("CALM1", "CALM2"), ("Ligand", "Calcium"), ("PTM", "Phosphoprotein")),
    # Another product of the same gene: both count.
    entry("P3", named("CDKN2A"), ("Ligand", "Zinc")),
    entry("P4", named("CDKN2A"), ("Ligand", "Calcium"), ("Ligand", "Zinc")),
    entry("P5", [{"orfNames": [{"value": "ORF1"}]}], ("Ligand", "Iron")),
    entry("P6", [], ("Ligand", "Iron")),
    entry("P7", named("NA"), ("Domain", "Repeat"), ("A new category", "New")),
]


@pytest.fixture
def parse(tmp_path):
    def run(content, name="uniprot.json"):
        path = tmp_path / name
        path.write_bytes(content)
        return {task.name: task for task in SOURCE.parse([path], Settings())}

    return run


def document(entries=ENTRIES):
    return json.dumps({"results": entries}).encode()


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress])
def test_keywords_of_a_gene_are_put_together(parse, pack):
    tasks = parse(pack(document()))
    task = tasks["UniProt keyword Ligand"]
    assert task.kind == "multi-label"
    assert task.labels == ("Calcium", "DNA-binding", "Zinc")
    assert list(task.entities["symbol"]) == ["CALM1", "CDKN2A", "TP53"]
    assert task.targets.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 1]]
    assert task.notes == ("2 entries without a gene name left out",)


def test_a_category_with_one_keyword_is_no_question(parse):
    assert list(parse(document())) == ["UniProt keyword Ligand", "UniProt keyword PTM"]


def test_the_order_of_the_entries_makes_no_difference(parse):
    first, second = parse(document()), parse(document(ENTRIES[::-1]))
    for name, task in first.items():
        assert task.entities.equals(second[name].entities)
        assert task.targets.tolist() == second[name].targets.tolist()


def test_there_are_nine_categories():
    assert len(CATEGORIES) == 9
    assert [task.name for task in SOURCE.tasks][4] == "UniProt keyword Domain"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[]", "not the JSON of UniProt entries"),
        (b'{"results": [{"genes": "TP53"}]}', "not the JSON of UniProt entries"),
        (document()[:-40], "not the JSON of UniProt entries"),
        (gzip.compress(document(), mtime=0)[:-60], "cut short"),
        (b"<html>", "a web page"),
        (document([ENTRIES[5]]), "no entry with both a gene and a keyword"),
    ],
    ids=["list", "other shape", "cut short", "gzip cut short", "web page", "nothing said"],
)
def test_what_is_wrong_is_told_in_one_line(parse, content, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse(content)
    assert "\n" not in str(caught.value)
