"""Names of users' own beside the shipped ones: what matches, and what stays as it was."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from ontology_texts import CELLS, LINES, LINES_OBO

from genomark.matching import Matcher
from genomark.matching.ontologies import knowledge_of, read_concepts
from genomark.matching.tables import Concept, Table, shipped, with_concepts

KINDS = """\
format-version: 1.2

[Term]
id: EFO:0000322
name: cell line

[Term]
id: EFO:0009001
name: quendral cell line
is_a: EFO:0000322 ! cell line

[Term]
id: EFO:0009002
name: QUE9 cell
is_a: EFO:0009001 ! quendral cell line

[Term]
id: BTO:0009001
name: WEX-5 cell
is_a: BTO:0009002 ! wexal cell line

[Term]
id: BTO:0009002
name: wexal cell line

[Term]
id: LAB:1
name: WEX-5-R2
relationship: derived_from BTO:0009001 ! WEX-5 cell

[Term]
id: LAB:2
name: quendral gland
namespace: tissue

[Term]
id: LAB:3
name: quendral gland cell
is_a: CL:0000034 ! not in this file

[Term]
id: LAB:4
name: measurement of quends

[Term]
id: PR:P99999
name: quendrin
synonym: "QUEN1" EXACT PRO-short-label []
synonym: "p300" EXACT []

[Term]
id: MONDO:9000001
name: quendral sarcoma
synonym: "quendosarcoma" EXACT []
is_a: MONDO:0005089 ! sarcoma

[Term]
id: NCBITaxon:1
name: root

[Term]
id: NCBITaxon:9606
name: Homo sapiens
synonym: "humankind" EXACT common_name []
synonym: "liver" EXACT []

[Term]
id: NCBITaxon:999999
name: Quendrus albus
synonym: "quend mouse" EXACT genbank_common_name []
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str, name: str = "own.obo") -> Path:
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


@pytest.fixture
def matcher(written) -> Matcher:
    files = [written(CELLS), written(LINES, "lines.txt"), written(KINDS, "kinds.obo")]
    return Matcher(knowledge_of(files), semantic=False)


def terms(*frames: str) -> str:
    return "format-version: 1.2\n" + "".join(f"\n[Term]\n{frame}\n" for frame in frames)


# What matches


@pytest.mark.parametrize(
    ("term", "choices", "expected"),
    [
        # A line by its other names, and in a description.
        ("ZX-77", ["HepG2", "zx77", "A549"], "zx77"),
        (
            "Zelxit-77 cells",
            ["HepG2", "ZX-77 treated with DMSO", "A549"],
            "ZX-77 treated with DMSO",
        ),
        # One that derives from a line of the tables stands for it, as the shipped ones do.
        ("K562", ["HepG2", "ZX-77"], "ZX-77"),
        ("WEX-5", ["HepG2", "WEX-5-R2"], "WEX-5-R2"),
        ("ZX-78", ["HepG2", "ZX-77"], None),
        # A kind of cell by an exact synonym; a narrower one stands for a broader one.
        ("QSC", ["hepatocyte", "quendral stem cell"], "quendral stem cell"),
        ("Quend's blue cells", ["hepatocyte", "quendral stem cells"], "quendral stem cells"),
        ("stem cell", ["hepatocyte", "QSC", "kidney"], "QSC"),
        (
            "QSC",
            ["hepatocyte", "quendroblast {sensu Vertebrata}"],
            "quendroblast {sensu Vertebrata}",
        ),
        ("quendosarcoma", ["hepatoma", "quendral sarcoma"], "quendral sarcoma"),
    ],
)
def test_terms_known_from_files_alone_match(matcher: Matcher, term, choices, expected) -> None:
    assert matcher.match("cell_type", term, choices) == expected


@pytest.mark.parametrize(
    ("term", "choices"),
    [
        ("Zelxit-77 cells", ["HepG2", "ZX-77 treated with DMSO"]),
        ("K562", ["HepG2", "ZX-77"]),
        ("QSC", ["hepatocyte", "quendral stem cell"]),
        ("quendosarcoma", ["hepatoma", "quendral sarcoma"]),
        ("stem cell", ["hepatocyte", "QSC", "kidney"]),
    ],
)
def test_without_the_files_the_same_terms_have_no_match(term, choices) -> None:
    assert Matcher(semantic=False).match("cell_type", term, choices) is None


def test_molecules_and_species_of_files_match(matcher: Matcher) -> None:
    assert matcher.match("binding_molecule", "QUEN1", ["CTCF", "quendrin"]) == "quendrin"
    # What the tables know a name as, it stays.
    assert matcher.match("binding_molecule", "p300", ["EP300", "quendrin"]) == "EP300"
    assert matcher.match("species", "quend mouse", ["mus_musculus", "Quendrus albus"]) == (
        "Quendrus albus"
    )
    assert matcher.match("species", "humankind", ["homo_sapiens", "mouse"]) == "homo_sapiens"


def test_the_version_tells_what_is_known(written) -> None:
    cells, lines = written(CELLS), written(LINES, "lines.txt")
    versions = [
        Matcher(knowledge_of(files)).version for files in ([], [cells], [lines], [cells, lines])
    ]
    assert versions[0] == Matcher().version
    assert len(set(versions)) == 4
    assert Matcher(knowledge_of([cells])).version == versions[1]


# Of what kind terms are


def test_kinds_are_told_by_prefix_ancestors_or_namespace(written) -> None:
    found = {each.accession: (each.name, each.kind) for each in read_concepts(written(KINDS))}
    assert found == {
        "EFO:0009001": ("quendral cell line", "in-vitro"),
        "EFO:0009002": ("QUE9", "line"),
        "BTO:0009002": ("wexal cell line", "in-vitro"),
        "BTO:0009001": ("WEX-5", "line"),
        "LAB:1": ("WEX-5-R2", "line"),
        "LAB:2": ("quendral gland", "tissue"),
        "LAB:3": ("quendral gland cell", "cell"),
        "PR:P99999": ("quendrin", "protein"),
        "MONDO:9000001": ("quendral sarcoma", "disease"),
        "9606": ("homo_sapiens", "species"),
        "999999": ("Quendrus albus", "species"),
    }


def test_lines_and_kinds_are_never_above_each_other(written) -> None:
    found = {each.accession: each for each in read_concepts(written(KINDS))}
    assert found["EFO:0009002"].broader == ()
    assert found["LAB:1"].broader == ("WEX-5",)
    assert found["LAB:3"].broader == ("stem cell",)


# What is the same thing


def test_a_file_connects_to_what_is_above_in_the_tables(written) -> None:
    name = "quendral kidney cell"
    text = terms(f"id: LAB:9\nname: {name}\nis_a: CL:0000084\nrelationship: part_of UBERON:0002113")
    types = knowledge_of([written(text)]).types
    # What the tables have above a T cell, and around a kidney.
    assert types.above(name) == {"T cell"} | shipped().types.above("T cell")
    assert types.around(name) >= {"kidney"} | shipped().types.around("kidney")


def test_files_refer_to_each_other_in_any_order(written) -> None:
    child = written(terms("id: CL:9100002\nname: lower quend\nis_a: CL:9100001"), "child.obo")
    parent = written(terms("id: CL:9100001\nname: upper quend\nis_a: CL:0000084"), "parent.obo")
    for files in ([child, parent], [parent, child]):
        assert {"upper quend", "T cell"} <= knowledge_of(files).types.above("lower quend")
    assert read_concepts(child)[0].broader == ()


def test_one_name_under_two_ids_is_one_thing_only_across_ontologies(written) -> None:
    frames = ["id: CL:9100001\nname: quendrocyte", "id: CL:9100002\nname: quendrocyte"]
    same = [each.name for each in read_concepts(written(terms(*frames)))]
    assert same == ["quendrocyte", "quendrocyte (CL:9100002)"]
    frames[1] = "id: LAB:2\nnamespace: cell\nname: quendrocyte\nis_a: CL:0000084"
    types = knowledge_of([written(terms(*frames))]).types
    found = types.find("quendrocytes")
    assert found is not None
    assert (found.accession, found.broader) == ("CL:9100001", ("T cell",))


def test_another_thing_does_not_take_a_name_of_the_tables(written) -> None:
    # HSC is the blood stem cell, whatever else is called so.
    text = terms('id: CL:9100001\nname: HSC\nsynonym: "quendral HSC" EXACT []')
    knowledge = knowledge_of([written(text)])
    assert knowledge.types.find("HSC") is knowledge.types.concepts["hematopoietic stem cell"]
    assert knowledge.types.find("quendral HSC").name == "HSC (CL:9100001)"


def test_a_further_name_of_several_names_none(written) -> None:
    frames = [
        f'id: CL:910000{n}\nname: quend {n}\nsynonym: "quendle" EXACT []\nsynonym: "QD{n}" EXACT []'
        for n in (1, 2)
    ]
    types = knowledge_of([written(terms(*frames))]).types
    assert types.find("quendle") is None
    assert types.find("QD2").name == "quend 2"


def test_words_that_tell_nothing_become_no_names(written) -> None:
    frames = [
        'id: CL:9100001\nname: quend\nsynonym: "in" EXACT []\nsynonym: "derived from" EXACT []',
        "id: CL:9100002\nname: type of cell",
        "id: UBERON:9100003\nname: quendal part\nsubset: upper_level",
    ]
    knowledge = knowledge_of([written(terms(*frames))])
    assert [knowledge.types.find(each) for each in ("in", "derived from", "quendal part")] == [
        None,
        None,
        None,
    ]
    assert knowledge.species.find("root") is None


def test_a_circle_ends(written) -> None:
    frames = [f"id: CL:910000{n}\nname: quend {n}\nis_a: CL:910000{(n + 1) % 3}" for n in range(3)]
    types = knowledge_of(
        [
            written(
                terms(
                    *frames,
                    "id: LAB:1\nname: q\nis_a: LAB:1\nis_a: LAB:2"
                    "\n\n[Term]\nid: LAB:2\nname: r\nis_a: LAB:1",
                )
            )
        ]
    ).types
    assert types.above("quend 0") == {"quend 1", "quend 2"}
    assert "q" not in types.concepts


# What was right stays right


def test_concepts_called_the_same_are_one(written) -> None:
    table = Table(
        [
            Concept("a", "cell", ("x",), ("up",), accession="CL:1"),
            Concept("a", "tissue", ("y", "x"), ("over",), ("whole",), {"species": "s"}, "Z:1"),
            Concept("y", "cell"),
        ],
        by_key=False,
    )
    assert table.concepts["a"] is table.find("x")
    found = table.concepts["a"]
    assert (found.kind, found.synonyms, found.accession) == ("cell", ("x", "y"), "CL:1")
    assert (found.broader, found.part_of) == (("up", "over"), ("whole",))
    assert found.facts == {"species": "s"}
    # What a concept is called goes before what another is called, too.
    assert table.find("y").name == "y"


def test_nothing_further_changes_nothing(written) -> None:
    assert with_concepts().digest == shipped().digest == knowledge_of([]).digest
    assert with_concepts(read_concepts(written(CELLS))).digest != shipped().digest


@pytest.fixture
def golden(real_data):
    folder = real_data("matcher_vocabularies", "borzoi_human_targets_simplified.txt").parent
    path = Path(__file__).parents[2] / "src/genomark/benchmarks/matching/terms.tsv"
    columns = {"cell_type": "Cell Type", "binding_molecule": "Molecule", "species": "Species"}

    def choices(vocabulary: str, category: str) -> list[str]:
        file, assay = vocabulary.split()
        with (folder / f"{file}_targets_simplified.txt").open(newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
        return sorted({row[columns[category]] for row in rows if row["Assay"] == assay} - {""})

    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row, choices(row["vocabulary"], row["category"])) for row in rows if row["accept"]][
        ::4
    ]


def shipped_as_obo() -> str:
    """The tables of cells and lines as an ontology would have them, under upper terms."""
    frames = ["id: CL:0000000\nname: cell", "id: CL:0000003\nname: native cell\nis_a: CL:0000000"]
    for table in (shipped().types, shipped().lines):
        ids = {each.name: each.accession for each in table.concepts.values() if each.accession}
        for each in table.concepts.values():
            if not each.accession:
                continue
            lines = [f"id: {each.accession}", f"name: {each.name}"]
            lines += [f'synonym: "{name}" EXACT []' for name in each.synonyms if '"' not in name]
            lines += [f"is_a: {ids[name]}" for name in each.broader if name in ids]
            lines += ["is_a: CL:0000003"] if each.accession.startswith("CL:") else []
            frames.append("\n".join(lines))
    return terms(*frames, *CELLS.split("[Term]\n")[1:])


def test_right_answers_stay_right_beside_an_ontology(written, golden) -> None:
    own = [written(shipped_as_obo()), written(LINES_OBO, "lines.obo"), written(KINDS, "kinds.obo")]
    plain, more = Matcher(semantic=False), Matcher(knowledge_of(own), semantic=False)
    assert len(golden) > 50
    for row, choices in golden:
        before = plain.match(row["category"], row["requested"], choices)
        if before is None or not re.search(row["accept"], before):
            continue
        after = more.match(row["category"], row["requested"], choices)
        assert after is not None, row
        assert re.search(row["accept"], after), (row, after)
