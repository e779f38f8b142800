"""What models saw in training, on the board: shares, curves, and "unknown" as a state."""

from __future__ import annotations

import msgspec
import pytest
from small_store import add, opened, right
from synthetic_board import made_result

from genomark.leaderboard.benchmark_view import benchmark
from genomark.leaderboard.board import Board
from genomark.leaderboard.details import Details
from genomark.leaderboard.front_view import front
from genomark.leaderboard.links import ServedLinks
from genomark.leaderboard.model_view import model
from genomark.leaderboard.pages import render
from genomark.leaderboard.query import read_query
from genomark.leaderboard.tables import benchmark_table
from genomark.leaderboard.views import Interval, SeenStep
from genomark.scoring import Leakage, LeakageBin, MetricRow

EVIL = "<script>alert(1)</script>\x1b[31m"


def row(value: float | None, n: int) -> MetricRow:
    ends = None if value is None else (value - 0.05, value + 0.05)
    return MetricRow("accuracy", "not seen", value, None if value else "few", ends, "b", n, n)


def panel(**changed) -> Leakage:
    found = Leakage(
        training_data=["sequences in train.fasta"],
        digest="d",
        complete=True,
        share=0.25,
        interval=(0.15, 0.37),
        reason_if_null=None,
        n=60,
        n_distinct=60,
        seen=15,
        exact=2,
        identity=0.8,
        coverage=0.5,
        overlap=0.0,
        metric="accuracy",
        all=row(0.9, 60),
        clean=row(0.7, 45),
        difference=0.2,
        difference_interval=(0.1, 0.3),
        bins=[
            LeakageBin(0.0, 0.1, 45, 0.7, (0.6, 0.8), None),
            LeakageBin(0.5, 0.6, 3, None, None, "too few items (3): 10 are needed"),
            LeakageBin(0.9, 1.0, 12, 1.0, (0.9, 1.0), None),
        ],
    )
    return msgspec.structs.replace(found, **changed)


TOLD = {"training_data": "sequences in train.fasta"}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("leakage")) as store:
        add(store, "b", "memory", right(0.9), leakage=panel(), settings=TOLD)
        add(store, "b", "part", right(0.8), leakage=panel(complete=False), settings=TOLD)
        nothing = panel(seen=0, exact=0, share=0.0, interval=(0.0, 0.06))
        add(store, "b", "clean", right(0.7), leakage=nothing, settings=TOLD)
        half = msgspec.structs.replace(nothing, complete=False)
        add(store, "b", "half", right(0.65), leakage=half, settings=TOLD)
        add(store, "b", "formula", right(0.6), settings={"training_data": "none"})
        add(store, "b", "silent", right(0.5))
        add(store, "untold", "silent", right(0.5))
        yield Board(store)


def ask(board, view, page, slug):
    return view(board, board.snapshot(), slug, read_query(page, []))


def page_of(board, slug):
    view = ask(board, benchmark, "benchmark", slug)
    return view, render("benchmark", view, {}, ServedLinks())


def test_each_model_has_its_share_or_unknown(board):
    view, _ = page_of(board, "b")
    assert {line.model.id: line.score.leakage for line in view.lines} == {
        "memory": 0.25,
        "part": 0.25,
        "clean": 0.0,
        # Nothing was found in the part that is known: that is not nothing.
        "half": "unknown",
        "formula": 0.0,
        "silent": "unknown",
    }


def test_the_twin_tells_all_that_the_page_draws(board):
    view, _ = page_of(board, "b")
    (seen,) = [line.seen for line in view.lines if line.model.id == "memory"]
    assert seen.share == Interval(0.25, 0.15, 0.37)
    assert (seen.items, seen.seen, seen.exact, seen.clean_items) == (60, 15, 2, 45)
    assert seen.difference == Interval(0.2, 0.1, 0.3)
    assert seen.clean.value == 0.7
    assert seen.steps[1] == SeenStep(0.5, 0.6, 3, None, "too few items (3): 10 are needed")
    twin = msgspec.json.decode(msgspec.json.encode(view))
    assert twin["lines"][0]["seen"]["steps"][2]["score"]["value"] == 1.0
    assert benchmark_table(view)["leakage"].to_list() == [0.25, 0.25, 0.0, None, 0.0, None]


def test_the_front_page_tells_the_same_shares(board):
    view = front(board, board.snapshot(), read_query("front", []))
    place = [column.id for column in view.columns].index("b")
    found = {line.model.id: line.scores[place].leakage for line in view.lines}
    assert (found["memory"], found["clean"], found["silent"]) == (0.25, 0.0, "unknown")


def test_the_page_has_a_table_and_a_curve(board):
    _, page = page_of(board, "b")
    assert '<h2 id="leakage">' in page
    for told in ("25.0 % seen", "≥ 25.0 % seen", "none found", "nothing trained on", "unknown"):
        assert told in page
    assert "15 of 60, [15.0, 37.0] %" in page
    assert "0.200 [0.100, 0.300]" in page
    assert "Of 1 more models nobody declares" in page
    assert 'aria-label="accuracy by similarity to training data: memory, part"' in page


def test_where_nobody_declares_anything_the_page_says_so(board):
    _, page = page_of(board, "untold")
    assert "Nobody declares what any of these models was trained on" in page
    assert "similarity to training data" not in page


def test_the_page_of_a_model_has_its_own(board):
    slug = next(
        line.model.slug for line in page_of(board, "b")[0].lines if line.model.id == "memory"
    )
    view = ask(board, model, "model", slug)
    assert view.training_data == "sequences in train.fasta"
    assert [each.score.leakage for each in view.scores] == [0.25]
    page = render("model", view, {}, ServedLinks())
    assert '<h2 id="leakage">' in page
    assert "similarity to training data" in page


def test_a_model_that_saw_nothing_known_has_no_curve(board):
    slug = next(
        line.model.slug for line in page_of(board, "b")[0].lines if line.model.id == "silent"
    )
    page = render("model", ask(board, model, "model", slug), {}, ServedLinks())
    assert '<h2 id="leakage">' not in page


def test_the_page_on_statistics_says_how(board):
    page = render("statistics", None, {}, ServedLinks())
    assert "unknown is not none" in page
    assert "Wilson" in page


# --- Documents of strangers. ---


def detail(tmp_path, leakage: Leakage, **settings):
    with opened(tmp_path) as store:
        id = store.add(made_result("b", "accuracy", "m", 0.5, leakage=leakage, settings=settings))
        return Details(store).of([id])[0]


@pytest.mark.parametrize("share", [None, 1.5, -0.1])
def test_a_share_that_is_none_is_unknown(tmp_path, share):
    assert detail(tmp_path, panel(share=share)).leakage is None


def test_of_a_long_document_no_more_is_shown_than_there_is_room_for(tmp_path):
    bins = [LeakageBin(k / 1000, (k + 1) / 1000, 1, 0.5, None, None) for k in range(1000)]
    long = panel(bins=bins, training_data=["x" * 9999] * 999)
    found = detail(tmp_path, long).leakage
    assert len(found.steps) == 20
    assert len(found.training_data) == 20
    assert len(found.training_data[0]) < 600


def test_steps_and_scores_that_could_not_be_are_left_out(tmp_path):
    bins = [
        LeakageBin(-1.0, 0.5, 1, 0.5, None, None),
        LeakageBin(0.5, 0.4, 1, 0.5, None, None),
        LeakageBin(0.1, 0.2, 1, 1e300, (0.0, 1.0), None),
        LeakageBin(0.2, 0.3, 1, 0.5, (1.0, 0.0), None),
        LeakageBin(0.3, 0.4, 1, 0.5, (-1e300, 1e300), None),
    ]
    steps = detail(tmp_path, panel(bins=bins, difference=-1e300)).leakage.steps
    assert [each.score for each in steps] == [None, Interval(0.5), Interval(0.5)]


def test_text_of_a_stranger_stays_text(tmp_path):
    with opened(tmp_path) as store:
        bad = panel(
            training_data=[EVIL],
            metric=EVIL,
            bins=[LeakageBin(0.0, 0.1, 3, 0.5, None, EVIL)],
            complete=False,
        )
        add(store, "b", EVIL, right(0.5), leakage=bad, settings={"training_data": EVIL})
        board = Board(store)
        view, page = page_of(board, "b")
        slug = view.lines[0].model.slug
        other = render("model", ask(board, model, "model", slug), {}, ServedLinks())
    for each in (page, other):
        assert "<script>alert" not in each
        assert "\x1b" not in each
