from __future__ import annotations

import msgspec
import pytest
from kept_runs import document, made, pair, question

import genomark
from genomark.errors import UsageError
from genomark.results import Failed, Skipped
from genomark.results.answers_at_hand import NO_PREDICTIONS, answers_at_hand, compared
from genomark.results.run_record import read_run, titles


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder and a document of one run."""
    root = tmp_path_factory.mktemp("record")
    results = genomark.run(
        ["gc", "cpg", "control:oracle"],
        "simulated-enhancers",
        out=root / "out",
        limit=200,
        workers=1,
        progress=False,
    )
    results.save(root / "r.json")
    return root, results


def test_a_result_in_a_document_and_in_a_folder_is_one_with_its_predictions(ran):
    root, results = ran
    for sources in ([root / "r.json", root / "out"], [root / "out", root / "r.json"]):
        record = read_run(sources)
        (question,) = record.questions
        assert sorted(question.kept) == ["control:oracle", "cpg", "gc"]
        assert all(each.predictions.is_file() for each in question.kept.values())
        assert len(question.comparisons) == len(results.comparisons) == 3
        assert record.older == 0
        assert question.name == "simulated-enhancers 1, 200 items asked for"


def test_differences_from_a_folder_are_those_that_the_run_told(ran):
    root, results = ran
    (question,) = read_run([root / "out"]).questions
    assert question.comparisons == []
    told = {frozenset((each.model_a, each.model_b)): each for each in results.comparisons}
    found = compared(question, answers_at_hand(question))
    assert len(found) == 3
    for each in found:
        known = told[frozenset((each.model_a, each.model_b))]
        assert abs(each.difference) == pytest.approx(abs(known.difference), rel=1e-12)
        assert sorted(map(abs, each.interval)) == pytest.approx(sorted(map(abs, known.interval)))


def test_predictions_that_are_not_those_of_the_result_are_not_shown(ran):
    root, _ = ran
    (question,) = read_run([root / "out"]).questions
    gc = question.kept["gc"]
    question.kept["gc"] = gc._replace(predictions=question.kept["cpg"].predictions)
    found = answers_at_hand(question)
    assert "gc" not in found.scored
    assert found.reasons == {"gc": "its file of predictions is not that of the result"}


def test_of_a_document_alone_nothing_is_at_hand(ran):
    root, _ = ran
    (question,) = read_run([root / "r.json"]).questions
    found = answers_at_hand(question)
    assert found.benchmark is None
    assert set(found.reasons.values()) == {NO_PREDICTIONS}


def test_a_benchmark_of_another_digest_is_not_scored_here(ran):
    root, _ = ran
    (question,) = read_run([root / "out"]).questions
    for model, each in question.kept.items():
        other = msgspec.structs.replace(each.result.benchmark, digest="0" * 32)
        result = msgspec.structs.replace(each.result, benchmark=other)
        question.kept[model] = each._replace(result=result)
    found = answers_at_hand(question)
    assert found.scored == {}
    assert all("another digest" in reason for reason in found.reasons.values())


def test_what_was_asked_otherwise_is_another_question(tmp_path):
    results = [
        made(),
        made(version="2"),
        made(digest="c" * 32),
        made(limit=10),
        made(seed=1),
    ]
    record = read_run([document(tmp_path / "r.json", *results)])
    assert len(record.questions) == 5
    assert record.older == 0


def test_the_later_of_two_results_stays_and_comparisons_of_the_older_go(tmp_path):
    old = document(
        tmp_path / "old.json",
        *(made(model="gc"), made(model="cpg")),
        comparisons=[pair("gc", "cpg", 0.2)],
    )
    later = made(model="gc", value=0.7, finished="2026-02-01T00:00:00+00:00")
    new = document(tmp_path / "new.json", later)
    record = read_run([old, new])
    (question,) = record.questions
    assert question.kept["gc"].result.metric("pearson").value == 0.7
    assert question.comparisons == []
    assert record.older == 1
    (backwards,) = read_run([new, old]).questions
    assert backwards.kept["gc"].result.metric("pearson").value == 0.7
    assert backwards.comparisons == []


def test_comparisons_of_the_later_document_stand_whichever_is_read_first(tmp_path):
    sources = [
        document(
            tmp_path / f"{month}.json",
            *(
                made(model=model, value=month / 10, finished=f"2026-0{month}-01T00:00:00+00:00")
                for model in ("gc", "cpg")
            ),
            comparisons=[pair("gc", "cpg", month / 10)],
        )
        for month in (1, 2)
    ]
    for order in (sources, sources[::-1]):
        (found,) = read_run(order).questions
        assert [each.difference for each in found.comparisons] == [0.2]


def test_seed_and_digest_are_told_where_nothing_else_tells_questions_apart():
    plain = "simulated-enhancers 1"
    one, other = question(made()), question(made(seed=7))
    assert titles([one]) == [plain]
    assert titles([one, question(made(version="2"))]) == [plain, "simulated-enhancers 2"]
    assert titles([one, other]) == [f"{plain}, seed 0", f"{plain}, seed 7"]
    changed = question(made(digest="c" * 32))
    assert titles([one, changed]) == [f"{plain}, digest bbbbbbbb", f"{plain}, digest cccccccc"]


def test_what_was_skipped_and_failed_is_kept_once(tmp_path):
    told = {"skipped": [Skipped("b", "no data")], "failed": [Failed("b", "m", "down")]}
    sources = [document(tmp_path / f"{name}.json", **told) for name in "ab"]
    record = read_run(sources)
    assert (len(record.questions), len(record.skipped), len(record.failed)) == (0, 1, 1)
    with pytest.raises(UsageError, match="no results to report on"):
        read_run([document(tmp_path / "c.json")])
