"""Reactome: the hierarchy of pathways from its three files, and gene sets from a GMT alone."""

from __future__ import annotations

import zipfile

import pytest

from genomark.errors import UsageError
from genomark.genes.sources import Settings
from genomark.genes.sources.reactome import SOURCE

GMT = """\
Innate Immune System\tR-HSA-11\tTNF\tIL6
Adaptive Immune System\tR-HSA-12\tCD4\tIL6
Immune System\tR-HSA-1\tTNF\tIL6\tCD4
Lipids\tR-HSA-21\tACACA
Glycolysis\tR-HSA-221\tHK1
Wnt\tR-HSA-31\tWNT1\tTNF
"""
# Without a header: the first line is a relation. Mice have pathways, too.
RELATION = """\
R-HSA-1\tR-HSA-11
R-HSA-1\tR-HSA-12
R-HSA-2\tR-HSA-21
R-HSA-2\tR-HSA-22
R-HSA-22\tR-HSA-221
R-HSA-3\tR-HSA-31
R-HSA-4\tR-HSA-41
R-MMU-1\tR-MMU-11
"""
NAMES = """\
R-HSA-2\tMetabolism\tHomo sapiens
R-HSA-22\tSugars\tHomo sapiens
R-HSA-3\tSignal Transduction/Growth\tHomo sapiens
R-HSA-4\tReproduction\tHomo sapiens
R-MMU-1\tImmune System\tMus musculus
"""
CHAIN = "".join(f"R-HSA-{place}\tR-HSA-{place + 1}\n" for place in range(5000, 9000)).replace(
    "R-HSA-5000", "R-HSA-0"
)


@pytest.fixture
def parse(tmp_path):
    """Parse texts by the names of their files; None leaves a file out."""

    def run(gmt=GMT, relation=RELATION, names=NAMES, settings=None):
        files = []
        for name, text in (
            ("ReactomePathways.gmt", gmt),
            ("ReactomePathwaysRelation.txt", relation),
            ("ReactomePathways.txt", names),
        ):
            if text is not None:
                (tmp_path / name).write_text(text, "utf-8")
                files.append(tmp_path / name)
        return {task.name: task for task in SOURCE.parse(files, settings or Settings())}

    return run


def table(task):
    return dict(zip(task.entities["symbol"], task.targets.tolist(), strict=True))


def test_top_level_pathways_have_their_own_genes_or_those_of_all_below(parse):
    task = parse()["Pathways"]
    assert task.kind == "multi-label"
    assert task.labels == ("Immune System", "Metabolism", "Signal Transduction/Growth")
    assert table(task) == {
        "ACACA": [0, 1, 0],
        "CD4": [1, 0, 0],
        "HK1": [0, 1, 0],
        "IL6": [1, 0, 0],
        "TNF": [1, 0, 1],
        "WNT1": [0, 0, 1],
    }
    assert list(task.entities["symbol"]) == sorted(task.entities["symbol"])


def test_children_of_a_pathway_are_the_labels_of_its_task(parse):
    tasks = parse()
    immune = tasks["pathway Immune System"]
    # Innate stands in the very first line of the relations.
    assert immune.labels == ("Adaptive Immune System", "Innate Immune System")
    assert table(immune) == {"CD4": [1, 0], "IL6": [1, 1], "TNF": [0, 1]}
    metabolism = tasks["pathway Metabolism"]
    assert metabolism.labels == ("Lipids", "Sugars")
    assert table(metabolism) == {"ACACA": [1, 0], "HK1": [0, 1]}


def test_a_single_child_is_no_question(parse):
    assert list(parse()) == ["Pathways", "pathway Immune System", "pathway Metabolism"]


def test_names_become_folders(parse):
    more = parse(gmt=f"{GMT}Growth\tR-HSA-32\tEGF\n", relation=f"{RELATION}R-HSA-3\tR-HSA-32\n")
    assert "pathway Signal TransductionGrowth" in more


def test_blank_lines_and_windows_ends_of_line_make_no_difference(parse):
    first = parse()
    second = parse(*(f"\n{text}\n\n".replace("\n", "\r\n") for text in (GMT, RELATION, NAMES)))
    assert [table(task) for task in first.values()] == [table(task) for task in second.values()]


def test_two_gmt_files_are_refused(parse, tmp_path):
    parse()
    (tmp_path / "other.gmt").write_text(GMT)
    with pytest.raises(UsageError, match=r"Expected one GMT; got 2: .*other\.gmt"):
        list(SOURCE.parse(sorted(tmp_path.iterdir()), Settings()))


def test_the_order_of_the_files_makes_no_difference(parse):
    def turned(text):
        return "\n".join(reversed(text.splitlines()))

    first, second = parse(), parse(turned(GMT), turned(RELATION), turned(NAMES))
    assert list(first) == list(second)
    for name, task in first.items():
        assert task.labels == second[name].labels
        assert table(task) == table(second[name])


def test_children_of_one_name_are_told_apart_by_their_ids(parse):
    task = parse(gmt=GMT.replace("Adaptive", "Innate"))["pathway Immune System"]
    assert task.labels == ("Innate Immune System", "Innate Immune System (R-HSA-12)")
    assert table(task) == {"CD4": [0, 1], "IL6": [1, 1], "TNF": [1, 0]}


def test_the_gmt_may_be_zipped(parse, tmp_path):
    plain = parse()
    files = [tmp_path / "ReactomePathwaysRelation.txt", tmp_path / "ReactomePathways.txt"]
    with zipfile.ZipFile(tmp_path / "ReactomePathways.gmt.zip", "w") as archive:
        archive.writestr("ReactomePathways.gmt", GMT)
    packed = SOURCE.parse([*files, tmp_path / "ReactomePathways.gmt.zip"], Settings())
    assert [table(task) for task in packed] == [table(task) for task in plain.values()]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"gmt": None}, "no GMT"),
        ({"names": None}, r"R-HSA-2 has a name neither in the GMT nor in ReactomePathways\.txt"),
        ({"relation": "R-HSA-5\tR-HSA-51\nR-HSA-51\tR-HSA-5\n"}, "R-HSA-5 is below itself"),
        ({"relation": CHAIN}, "R-HSA-0 has more than 100 levels below it"),
        ({"relation": "R-MMU-1\tR-MMU-11\n"}, "no relation between human pathways"),
        ({"relation": "R-HSA-1 R-HSA-11\n"}, "line 1 has 1 fields, separated by tabs, expected 2"),
        ({"relation": ""}, "the file is empty"),
        ({"gmt": "<!doctype html><html>"}, "a web page"),
        ({"gmt": "Innate\tR-HSA-11\n"}, "line 1 has 2 fields"),
        ({"gmt": "INNATE\thttp://x\tTNF\n"}, "no pathway with an id like R-HSA-1234"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(parse, texts, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse(**texts)
    assert "\n" not in str(caught.value)


def test_bounds_make_no_difference_to_the_hierarchy(parse):
    with pytest.raises(UsageError, match="'min_genes' makes no difference"):
        parse(settings=Settings(min_genes=3))


def test_a_gmt_alone_is_one_task_of_sets_within_bounds(parse):
    (task,) = parse(relation=None, names=None, settings=Settings(min_genes=2, max_genes=2)).values()
    assert task.name == "Reactome gene sets"
    assert task.labels == ("Innate Immune System", "Adaptive Immune System", "Wnt")
    assert table(task)["TNF"] == [1, 0, 1]
    assert table(task)["HK1"] == [0, 0, 0]


def test_the_gene_sets_of_msigdb(real_data):
    path = real_data("gene_sets", "c2.cp.reactome.v2023.1.Hs.symbols.gmt")
    (task,) = SOURCE.parse([path], Settings(min_genes=50, max_genes=400, name="MSigDB"))
    sets = {}
    for line in path.read_text("utf-8").splitlines():
        name, _, *genes = line.split("\t")
        sets[name] = set(genes)
    assert len(sets) == 1654
    within = {name: genes for name, genes in sets.items() if 50 <= len(genes) <= 400}
    assert task.name == "MSigDB"
    assert set(task.labels) == set(within)
    assert len(task) == len(set().union(*sets.values()))
    assert dict(zip(task.labels, task.targets.sum(axis=0), strict=True)) == {
        name: len(genes) for name, genes in within.items()
    }
    apoptosis = task.targets[:, task.labels.index("REACTOME_APOPTOSIS")] == 1
    assert set(task.entities["symbol"].filter(apoptosis)) == within["REACTOME_APOPTOSIS"]
