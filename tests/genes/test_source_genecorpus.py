"""Gene classes of Geneformer: pickles of Ensembl ids, symbols by HGNC."""

from __future__ import annotations

import pickle

import pytest

from genomark.errors import UsageError
from genomark.genes.sources import Settings
from genomark.genes.sources.genecorpus import SOURCE

SYMBOLS = {f"ENSG{number:011d}": f"GENE{number}" for number in range(1, 10)}
E1, E2, E3, E4, E5, E6, E7, E8, E9 = SYMBOLS
UNKNOWN = "ENSG00000999999"


def hgnc(path, rows):
    header = "hgnc_id\tsymbol\tname\tstatus\tensembl_gene_id\n"
    lines = [
        f"HGNC:{place}\t{symbol}\ta, name\t{status}\t{gene}\n"
        for place, (symbol, status, gene) in enumerate(rows)
    ]
    path.write_text(header + "".join(lines), "utf-8")
    return path


@pytest.fixture
def parse(tmp_path):
    rows = [(symbol, "Approved", gene) for gene, symbol in SYMBOLS.items()]
    complete = hgnc(tmp_path / "hgnc.txt", rows)

    def run(files, settings=None):
        paths = []
        for name, held in files.items():
            path = tmp_path / name
            path.write_bytes(held if isinstance(held, bytes) else pickle.dumps(held))
            paths.append(path)
        tasks = SOURCE.parse(paths, settings or Settings(hgnc=complete))
        return {task.name: task for task in tasks}

    return run


def said(task):
    names = {1.0: task.labels[0], 0.0: task.negative}
    values = task.targets.ravel().tolist()
    return [
        (symbol, names[value])
        for symbol, value in zip(task.entities["symbol"], values, strict=True)
    ]


RANGE = {"long_range": [E1, E2], "short_range": [E3]}
LYS4 = {"bivalent": [E1, E2], "lys4_only": [E3, E4]}
PLAIN = {"bivalent": [E1, E5], "no_methylation": [E6]}


def test_lists_become_classes_in_the_order_of_the_file(parse):
    (task,) = parse({"tf_regulatory_range.pickle": RANGE}).values()
    assert (task.name, task.kind) == ("long vs short range TF", "binary")
    assert said(task) == [
        ("GENE1", "long_range"),
        ("GENE2", "long_range"),
        ("GENE3", "short_range"),
    ]
    assert (task.labels, task.negative) == (("long_range",), "short_range")
    assert task.notes == ()


def test_ids_that_are_unknown_or_stand_again_are_left_out_and_noted(parse):
    held = {"long_range": [E1, UNKNOWN, f"{E2}.7"], "short_range": [E3, E1, E3]}
    (task,) = parse({"tf_regulatory_range.pickle": held}).values()
    assert said(task) == [
        ("GENE1", "long_range"),
        ("GENE2", "long_range"),
        ("GENE3", "short_range"),
    ]
    assert task.notes == (
        "1 of 6 left out: ids that HGNC does not know",
        "2 of 6 left out: ids of symbols that stood before",
    )


def test_the_third_question_of_promoters_is_put_together_from_two_files(parse):
    tasks = parse({"bivalent_vs_lys4_only.pickle": LYS4, "bivalent_vs_no_methyl.pickle": PLAIN})
    assert list(tasks) == [
        "bivalent vs non-methylated",
        "bivalent_vs_lys4_only",
        "Lys4-only-methylated vs non-methylated",
    ]
    assert said(tasks["bivalent vs non-methylated"]) == [
        ("GENE1", "bivalent"),
        ("GENE5", "bivalent"),
        ("GENE6", "no_methylation"),
    ]
    assert said(tasks["Lys4-only-methylated vs non-methylated"]) == [
        ("GENE3", "lys4_only"),
        ("GENE4", "lys4_only"),
        ("GENE6", "no_methylation"),
    ]


def test_each_question_about_notch1_is_read_from_the_file_of_its_name(parse):
    network = {"central": [E1], "peripheral": [E2]}
    targets = {"target": [E3], "non-target": [E4]}
    tasks = parse({"n1_target.pickle": targets, "n1_network.pickle": network})
    assert said(tasks["N1 network"]) == [("GENE1", "central"), ("GENE2", "peripheral")]
    assert said(tasks["N1 targets"]) == [("GENE3", "target"), ("GENE4", "non-target")]
    assert tasks["N1 targets"].labels == ("target",)


def test_there_are_seven_tasks_of_six_files():
    assert len(SOURCE.tasks) == 7
    assert len(SOURCE.remotes) == 6
    assert SOURCE.needs_hgnc


def test_an_id_of_two_genes_is_the_first_and_withdrawn_genes_do_not_count(parse, tmp_path):
    rows = [
        ("OLD", "Entry Withdrawn", E1),
        ("FIRST", "Approved", E1),
        ("SECOND", "Approved", E1),
        ("NONE", "Approved", ""),
        ("OTHER", "Approved", E2),
    ]
    complete = hgnc(tmp_path / "other.txt", rows)
    held = {"long_range": [E1], "short_range": [E2]}
    (task,) = parse({"tf_regulatory_range.pickle": held}, Settings(hgnc=complete)).values()
    assert said(task) == [("FIRST", "long_range"), ("OTHER", "short_range")]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"other.pickle": RANGE}, "none of the files of this source, which are dosage_sens"),
        ({"tf_regulatory_range.pickle": {"long_range": [E1]}}, "1 lists of genes .*, expected two"),
        (
            {"tf_regulatory_range.pickle": {"long": [E1], "short": [E2]}},
            "no list 'long_range'; its lists are long, short",
        ),
        ({"tf_regulatory_range.pickle": b"<html>"}, "a web page"),
        ({"tf_regulatory_range.pickle": pickle.dumps(RANGE)[:40]}, "not a pickle, or cut short"),
        ({"tf_regulatory_range.pickle": {"long_range": [E1], "short_range": [1]}}, "BININT1"),
        (
            {"tf_regulatory_range.pickle": {"long_range": [E1], "short_range": [UNKNOWN]}},
            "two classes, found 1",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(parse, files, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse(files)
    assert "\n" not in str(caught.value)


def test_without_hgnc_it_says_what_to_give(parse):
    with pytest.raises(UsageError, match=r"hgnc_complete_set\.txt, with --hgnc FILE"):
        parse({"tf_regulatory_range.pickle": RANGE}, Settings())


def test_another_table_in_place_of_hgnc_is_refused(parse, tmp_path):
    (tmp_path / "wrong.txt").write_text("symbol\tentrez_id\nTP53\t7157\n")
    with pytest.raises(UsageError, match=r"wrong\.txt: no Ensembl id .* 'ensembl_gene_id'"):
        parse({"tf_regulatory_range.pickle": RANGE}, Settings(hgnc=tmp_path / "wrong.txt"))
