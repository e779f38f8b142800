"""What a panel on training data says in words."""

from __future__ import annotations

import msgspec
import pytest
from kept_runs import made

from genomark.results import Results, sections
from genomark.results.leakage_words import (
    badge_of,
    clean_of,
    difference_of,
    row_of,
    share_of,
    training_note,
)
from genomark.results.run_record import Asked, Kept, Question, RunRecord
from genomark.results.run_report import run_report
from genomark.scoring import Leakage, LeakageBin, MetricRow, Result


def row(value: float | None, n: int = 80, reason: str | None = None) -> MetricRow:
    between = None if value is None else (value - 0.05, value + 0.05)
    return MetricRow("pearson", "not seen", value, reason, between, "bootstrap", n, n)


def panel(**changed) -> Leakage:
    found = Leakage(
        training_data=["sequences in train.fasta"],
        digest="d",
        complete=True,
        share=0.2,
        interval=(0.15, 0.25),
        reason_if_null=None,
        n=100,
        n_distinct=100,
        seen=20,
        exact=3,
        identity=0.8,
        coverage=0.5,
        overlap=0.0,
        metric="pearson",
        all=row(0.5, 100),
        clean=row(0.4),
        difference=0.1,
        difference_interval=(0.02, 0.18),
        bins=[
            LeakageBin(0.0, 0.1, 80, 0.4, (0.35, 0.45), None),
            LeakageBin(0.9, 1.0, 20, 0.9, (0.85, 0.95), None),
        ],
    )
    return msgspec.structs.replace(found, **changed)


NOTHING = {
    "share": None,
    "interval": None,
    "reason_if_null": "other assemblies",
    "clean": None,
    "difference": None,
    "difference_interval": None,
    "bins": [],
}


def result(leakage: Leakage | None, told: str = "sequences in train.fasta") -> Result:
    found = made(training_data=told) if told else made()
    return msgspec.structs.replace(found, leakage=leakage)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "20 of 100 items, 20.0 % [15.0, 25.0]"),
        ({"complete": False}, "at least 20 of 100 items, 20.0 % [15.0, 25.0]"),
        (
            {"seen": 0, "share": 0.0, "interval": (0.0, 0.037)},
            "none found among 100 items, 0.0 % [0.0, 3.7]",
        ),
        (NOTHING, "unknown (other assemblies)"),
    ],
)
def test_a_share_is_told_with_its_interval_or_its_reason(changed, said):
    assert share_of(panel(**changed)) == said


def test_a_score_is_told_with_its_items_or_its_reason():
    assert row_of(row(0.4)) == "0.400 [0.350, 0.450] on 80 items"
    assert row_of(row(None, 3, "too few items (3)")) == "undefined (too few items (3))"
    assert row_of(None) == "not computed"


def test_a_difference_is_told_with_its_interval_or_why_it_has_none():
    assert difference_of(panel()) == "0.100 [0.020, 0.180]"
    assert "not drawn together" in difference_of(panel(difference_interval=None))
    assert difference_of(panel(**NOTHING)) == "not known"


@pytest.mark.parametrize(
    ("leakage", "told", "badge"),
    [
        (panel(), "x", "20.0 %"),
        (panel(complete=False), "x", "≥ 20.0 %"),
        (panel(seen=0, share=0.0), "x", "none found"),
        (panel(seen=0, share=0.0, complete=False), "x", "unknown"),
        (panel(**NOTHING), "x", "unknown"),
        (None, "none", "nothing trained on"),
        (None, "", "unknown"),
    ],
)
def test_unknown_is_never_taken_for_none(leakage, told, badge):
    assert badge_of(result(leakage, told)) == badge


def test_a_note_says_what_was_seen_and_what_is_left_of_the_score():
    assert training_note(result(None, "")) is None
    assert training_note(result(None, "none")) is None
    note = training_note(result(panel()))
    assert note == (
        "trained on sequences in train.fasta; seen in training: 20 of 100 items, 20.0 % "
        "[15.0, 25.0]; pearson on what was not seen: 0.400 [0.350, 0.450] on 80 items"
    )
    assert training_note(result(panel(seen=0, share=0.0))).endswith("items, 0.0 % [15.0, 25.0]")


def test_tables_tell_it_below_and_strangers_cannot_break_the_line():
    (section,) = sections(Results([result(panel(), "evil\n\x1b[31mred")]))
    (note,) = [each for each in section.notes if "trained on" in each]
    assert note.startswith("gc: trained on evil [31mred; seen in training: 20 of 100")


def report_of(*results: Result):
    first = results[0]
    question = Question(
        Asked(first.benchmark, None, 0), {each.model.id: Kept(each, None) for each in results}
    )
    return run_report(RunRecord([question], [], []))


def test_a_report_has_a_table_and_a_curve():
    other = msgspec.structs.replace(result(None, ""), model=made(model="cpg").model)
    found = report_of(result(panel()), other)
    assert "Training data" in found.html
    assert "Score and similarity to training data" in found.html
    assert "20 of 100 items, 20.0 % [15.0, 25.0]" in found.html
    assert "| cpg | unknown | unknown |" in found.markdown
    assert any(name.endswith("-leakage") for name in found.drawings)


def test_a_report_of_models_nobody_says_anything_of_has_neither():
    found = report_of(result(None, ""))
    assert "Training data" not in found.html
    assert not any(name.endswith("-leakage") for name in found.drawings)


def test_scores_over_some_of_the_groups_say_of_how_many():
    part = panel(groups=(2, 3))
    assert clean_of(part) == "0.400 [0.350, 0.450] on 80 items, in 2 of 3 groups"
    assert difference_of(part) == "0.100 [0.020, 0.180], in 2 of 3 groups"
    assert difference_of(panel(groups=(2, 3), difference_interval=None)) == (
        "0.100, in 2 of 3 groups, without an interval: the two are not drawn together"
    )
    assert training_note(result(part)).endswith("on 80 items, in 2 of 3 groups")
    for whole in (panel(groups=(3, 3)), panel()):
        assert clean_of(whole) == "0.400 [0.350, 0.450] on 80 items"
        assert difference_of(whole) == "0.100 [0.020, 0.180]"


def test_groups_that_were_seen_whole_or_not_at_all_leave_no_difference_and_say_so():
    apart = panel(groups=(2, 3), difference=None, difference_interval=None)
    assert difference_of(apart) == "not known: no group has both items that were seen and others"
    assert difference_of(panel(**NOTHING)) == "not known"
