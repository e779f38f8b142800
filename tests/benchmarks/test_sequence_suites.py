"""The suites of tasks on labelled sequences, and what was published of groups of them."""

from __future__ import annotations

from statistics import mean

import pytest

from genomark.benchmarks.sequences.declared import read_shipped
from genomark.benchmarks.sequences.published import PublishedTable, TableRow, published_scores
from genomark.benchmarks.sequences.suites import sequence_suite, sequence_suites
from genomark.errors import UnknownNameError


def published(suite: str, model: str, group: str) -> dict[str, float]:
    scores = sequence_suite(suite).published
    return {s.metric: s.value for s in scores if (s.model, s.group) == (model, group)}


def test_suites_have_as_many_tasks_as_their_papers_and_indices_list():
    counts = {name: len(ids) for name, ids in sequence_suites().items()}
    assert counts == {
        "beacon": 13,
        "gb": 9,
        "guanine": 9,
        "gue": 28,
        "pgb": 31,
        "rgb": 10,
        "rna": 2,
    }


def test_groups_follow_from_the_ids():
    sizes = {group: len(ids) for group, ids in sequence_suite("pgb").groups.items()}
    assert sizes == {
        "chromatin_access": 7,
        "gene_exp": 5,
        "lncrna": 6,
        "poly_a": 6,
        "pro_seq": 1,
        "promoter_strength": 2,
        "splicing": 2,
        "terminator_strength": 2,
    }
    assert {group: len(ids) for group, ids in sequence_suite("gue").groups.items()} == {
        "emp": 10,
        "mouse": 5,
        "human_tf": 5,
        "promoter": 3,
        "core_promoter": 3,
        "splice": 1,
        "virus": 1,
    }
    assert sequence_suite("gb").groups == {}


def test_every_suite_says_what_it_is_and_names_its_groups():
    for name in sequence_suites():
        suite = sequence_suite(name)
        assert suite.title
        assert suite.description
        assert set(suite.group_titles) == set(suite.groups)
        assert {score.group for score in suite.published} <= set(suite.groups)
        assert set(suite.ids) >= {task for ids in suite.groups.values() for task in ids}


def test_an_unknown_suite_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'pgb'"):
        sequence_suite("pgbs")


def test_group_rows_are_the_means_of_the_log_whose_sets_are_published_one_by_one():
    # Two sources of the same runs: the spreadsheet's group rows, and the log of each set.
    for group, published_mean, tolerance in (
        ("promoter_strength", 1.81, 0.01),
        ("terminator_strength", 0.38, 0.01),
        ("splicing", 0.9445, 0.0005),
        ("lncrna", 0.6199, 0.0005),
    ):
        values = []
        for task in sequence_suite("pgb").groups[group]:
            (score,) = published_scores(read_shipped(task).published)
            values.append(score.value)
        assert mean(values) == pytest.approx(published_mean, abs=tolerance), group
        (row,) = published("pgb", "RNABERT", group).values()
        assert row == published_mean


def test_published_figures_keep_their_value_and_get_the_name_of_what_they_are():
    assert published("pgb", "OmniGenome-186M", "poly_a") == {"f1_macro": 0.8687}
    assert published("pgb", "OmniGenome-186M", "promoter_strength") == {"mse": 0.65}
    assert published("pgb", "OmniGenome-186M", "gene_exp") == {"mean_mse": 14.76}
    pooled = {"f1_macro_pooled_published": 0.6688}
    assert published("pgb", "OmniGenome-186M", "chromatin_access") == pooled
    assert published("pgb", "DNABERT-2", "poly_a") == {"f1_macro": 0.4135}
    assert published("gue", "DNABERT-2", "emp") == {"f1_macro": 0.7585}
    assert published("pgb", "OmniGenome", "gene_exp") == {"mean_mse": 14.71}


def test_a_figure_that_is_published_three_times_differently_says_so():
    virus = [score for score in sequence_suite("gue").published if score.group == "virus"]
    assert {score.value for score in virus if "OmniGenome" in score.model} == {0.6472, 0.7472}
    assert all(any("0.6441" in caveat for caveat in score.caveats) for score in virus)


def test_caveats_tell_what_a_bag_of_5_mers_does_on_plants():
    for group in ("poly_a", "splicing"):
        for task in sequence_suite("pgb").groups[group]:
            text = " ".join(read_shipped(task).caveats)
            assert "5-mers" in text
            assert "0.45 to 0.60" in text


def test_rows_keep_what_is_told_of_their_table():
    row = TableRow(model="m", metric="mcc", value=0.5)
    other = TableRow(model="m", metric="mcc", value=0.4, label="a", corrected="0.3 was printed")
    table = PublishedTable(source="s", scores=(row, other), scale="times 100", caveats=("c",))
    score, corrected = published_scores([table])
    assert (score.model, score.source, score.scale) == ("m", "s", "times 100")
    assert (score.caveats, score.group) == (("c",), None)
    assert (score.label, score.corrected) == (None, None)
    assert (corrected.label, corrected.corrected) == ("a", "0.3 was printed")
