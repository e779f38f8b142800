from __future__ import annotations

import msgspec
import pytest
from kept_runs import made, pair, question

from genomark.results import Failed
from genomark.results.run_record import RunRecord
from genomark.results.run_view import run_view
from genomark.scoring import Cost, FailureCount, ModelIdentity


def view_of(*questions, failed=(), older=0):
    return run_view(RunRecord(list(questions), [], list(failed), older))


def rows(table):
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_what_all_results_share_is_told_once_and_what_differs_side_by_side():
    one, two = made(), made(model="cpg", finished="2026-03-01T00:00:00+00:00")
    two.environment["python"] = "3.12.1"
    told = dict(view_of(question(one, two)).told)
    assert told["python"] == "3.11.7; 3.12.1"
    assert told["packages"] == "genomark 0.1.0, torch 2.6.0+cpu"
    assert told["seed"] == "0"
    assert told["limit"] == "none"
    assert told["finished"] == "2026-03-01T00:00:00+00:00"
    assert told["CPU time of all answers"] == "2.0 s"


def test_cost_is_summed_over_benchmarks_and_memory_is_the_largest():
    costs = Cost(1.5, 0.5, 3 * 10**8, 2 * 10**6, 0), Cost(1200.0, 700.0, 10**8, 10**6, 0)
    results = [
        msgspec.structs.replace(made(name), cost=cost)
        for name, cost in zip(("kircher2019", "lentimpra-k562"), costs, strict=True)
    ]
    (model,) = rows(view_of(*map(question, results)).models)
    assert model["benchmarks"] == "2"
    assert (model["CPU time"], model["wall time"]) == ("11.7 min", "20.0 min")
    assert (model["memory"], model["sent"]) == ("300 MB", "3.0 MB")


def test_a_model_with_another_digest_is_another_line():
    changed = ModelIdentity("gc", "2", "n" * 32)
    results = [made("kircher2019"), msgspec.structs.replace(made("lentimpra-k562"), model=changed)]
    found = rows(view_of(*map(question, results)).models)
    assert [(each["model"], each["version"]) for each in found] == [("gc", "1"), ("gc", "2")]


def test_benchmarks_are_told_with_what_was_asked():
    view = view_of(question(made(seed=4, limit=1500), made(model="cpg", seed=4, limit=1500)))
    (benchmark,) = rows(view.benchmarks)
    assert benchmark["digest"] == "b" * 32
    assert (benchmark["seed"], benchmark["limit"], benchmark["models"]) == ("4", "1,500", "2")
    assert view.questions[0].title == "simulated-enhancers 1, 1,500 items asked for"


def test_pairs_are_those_of_the_table_the_better_first():
    asked = question(
        made(model="low", value=0.1, interval=(0.0, 0.2)),
        made(model="high", value=0.6, interval=(0.5, 0.7)),
        made(model="middle", value=0.5, interval=(0.4, 0.6)),
        comparisons=[
            pair("low", "high", -0.5),
            pair("low", "middle", -0.4),
            pair("high", "middle", 0.05),
        ],
    )
    (view,) = view_of(asked).questions
    found = rows(view.pairs)
    assert [each["pair"] for each in found] == ["high − middle", "high − low", "middle − low"]
    assert [each["verdict"] for each in found] == ["tied", "high is better", "middle is better"]
    assert found[1]["difference"] == "0.500 [0.400, 0.600]"
    assert found[1]["better in"] == "10.0 %"
    assert [line.rank for line in view.section.lines] == ["1", "1", "3"]


def test_the_best_possible_value_is_marked_and_controls_are_quiet():
    asked = question(
        made(ceiling={"pearson": 0.85}), made(model="control:random", ceiling={"pearson": 0.85})
    )
    (view,) = view_of(asked).questions
    svg = view.drawings["scores"].svg
    assert "<title>best possible: 0.85</title>" in svg
    assert svg.count('fill="#888888"') == 1


def test_undefined_scores_have_no_point_and_a_reason():
    (view,) = view_of(question(made(value=None))).questions
    assert "scores" not in view.drawings
    assert any("pearson is undefined: constant" in note for note in view.notes)


def test_what_is_not_in_it_is_said():
    asked = question(made(failed=[FailureCount("no answer", 7)]), made(model="cpg"))
    view = view_of(asked, older=2, failed=[Failed("b", "m", "down")])
    told = "\n".join(view.questions[0].notes)
    assert "7 of 100 items without an answer: no answer" in told
    assert "no paired differences are at hand" in told
    assert "answers are not shown of gc, cpg: no predictions are kept" in told
    assert view.notes == ["2 older results of the same models are left out."]
    assert view.left_out == ["failed b × m: down"]


def test_values_are_told_to_the_last_digit():
    value = 0.1 + 0.2
    (row,) = rows(view_of(question(made(value=value, answers="d" * 32))).digests)
    assert float(row["value"]) == value
    assert row["digest of predictions"] == "d" * 32
    (undefined,) = rows(view_of(question(made(value=None))).digests)
    assert undefined["value"] == "undefined"


@pytest.mark.parametrize("count", [1, 3])
def test_a_suite_needs_two_benchmarks(count):
    names = ("kircher2019", "lentimpra-k562", "simulated-enhancers")[:count]
    view = view_of(*(question(made(name), made(name, "cpg", 0.4)) for name in names))
    assert [each.suite for each in view.across] == (["quickstart"] if count > 1 else [])
    for each in view.across:
        assert rows(each.table)[0] == {
            "model": "gc",
            "mean rank": "1.00 [1.00, 1.00]",
            "win rate": "100 %",
            "benchmarks": "3 of 3",
        }


def test_who_takes_no_part_in_ranks_is_said():
    asked = [
        question(made(name), made(name, "cpg", 0.4), made(name, "control:random", 0.0))
        for name in ("kircher2019", "lentimpra-k562")
    ]
    (suite,) = view_of(*asked).across
    assert [each["model"] for each in rows(suite.table)] == ["gc", "cpg"]
    assert suite.notes[-1].endswith("take no part in ranks, win rates and tests: control:random.")
    (usual,) = view_of(*(question(*each.results[:2]) for each in asked)).across
    assert not any("take no part" in note for note in usual.notes)
