"""A board that is read while results come in: nothing is half there, and nothing is lost."""

import threading

import msgspec
import pytest
from small_store import add, opened, right
from test_leaderboard_app import ask

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.board import Board
from genomark.leaderboard.front_view import front
from genomark.leaderboard.lines import leaders
from genomark.leaderboard.query import Query
from genomark.leaderboard.views import Benchmark, Front
from genomark.results.store import Store


def test_readers_see_whole_boards_while_a_writer_adds(tmp_path):
    n = 12
    with opened(tmp_path) as store:
        add(store, "b", "first", right(0.5))
        board = Board(store)
        seen, faults, done = [], [], threading.Event()

        def read():
            try:
                while not done.is_set():
                    view = front(board, board.snapshot(), Query())
                    told = [each.scores[0] for each in view.lines]
                    assert all(score is not None for score in told)
                    assert len(told) == view.results == view.columns[0].models
                    seen.append(view.results)
            # Whatever it is, it is shown by the test and not lost with the thread.
            except BaseException as error:  # noqa: BLE001
                faults.append(error)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for each in readers:
            each.start()
        with Store.open(tmp_path / "store") as writer:
            for number in range(n):
                add(writer, "b", f"m{number}", right(0.3 + number / 30, seed=number))
        done.set()
        for each in readers:
            each.join(60)
        assert faults == []
        assert front(board, board.snapshot(), Query()).results == n + 1
        assert set(seen) <= set(range(1, n + 2))


def test_every_attempt_that_was_added_is_on_the_next_page(tmp_path):
    with opened(tmp_path) as store:
        app = leaderboard_app(store)
        for number in range(6):
            add(store, "b", "m", right(0.3 + number / 10))
            view = msgspec.json.decode(ask(app, "/benchmarks/b.json").content, type=Benchmark)
            (line,) = view.lines
            assert line.score.attempts == number + 1
            assert line.score.value == pytest.approx(right(0.3 + number / 10).mean())


def test_a_withdrawn_result_leaves_pages_and_ranks(tmp_path):
    with opened(tmp_path) as store:
        app = leaderboard_app(store)
        best = add(store, "b", "best", right(0.95, seed=1))
        add(store, "b", "good", right(0.5, seed=2))
        before = msgspec.json.decode(ask(app, "/index.json").content, type=Front)
        assert [each.scores[0].rank_first for each in before.lines] == [1, 2]
        store.withdraw(best, "wrong data")
        after = msgspec.json.decode(ask(app, "/index.json").content, type=Front)
        assert [each.model.id for each in after.lines] == ["good"]
        assert after.lines[0].scores[0].rank_first == 1
        assert ask(app, "/models/best").status_code == 404
        # Its document is still there: what was said was said.
        assert ask(app, f"/results/{best}").status_code == 200


def test_a_board_that_was_empty_fills_up(tmp_path):
    with opened(tmp_path) as store:
        app = leaderboard_app(store)
        for path in ("/", "/index.csv", "/compare"):
            assert ask(app, path).status_code == 200
        assert ask(app, "/suites/other").status_code == 404
        add(store, "b", "m", right(0.5))
        assert ask(app, "/suites/other").status_code == 200


def test_two_apps_over_one_store_tell_the_same(tmp_path):
    with opened(tmp_path) as store, Store.open(tmp_path / "store") as other:
        add(store, "b", "m", right(0.5))
        one, two = leaderboard_app(store), leaderboard_app(other)
        for path in ("/index.json", "/benchmarks/b", "/models/m"):
            first, second = ask(one, path), ask(two, path)
            assert first.content == second.content
            # So that either of them can answer who asked the other before.
            assert first.headers["etag"] == second.headers["etag"]


class TestLeaders:
    """Who leads a suite: all that none is shown to be better than."""

    @staticmethod
    def of(store):
        snapshot = Board(store).snapshot()
        from genomark.leaderboard.across import Across

        return {id for _, id in leaders(snapshot.newest, Across(snapshot.newest))}

    def test_on_one_benchmark_they_are_those_of_rank_one(self, tmp_path):
        with opened(tmp_path) as store:
            for id, share, seed in (("a", 0.9, 1), ("b", 0.88, 2), ("c", 0.2, 3)):
                add(store, "task", id, right(share, seed=seed))
            add(store, "task", "control:oracle", right(1.0))
            assert self.of(store) == {"a", "b"}

    def test_on_few_benchmarks_nobody_leads_as_nobody_can_be_shown_to_be_behind(self, tmp_path):
        with opened(tmp_path) as store:
            for task in range(3):
                for id, share in (("a", 0.9), ("b", 0.2)):
                    add(store, f"task{task}", id, right(share, seed=task))
            # Three signs that agree have a probability of one in four.
            assert self.of(store) == set()

    def test_on_many_who_always_loses_does_not_lead(self, tmp_path):
        with opened(tmp_path) as store:
            for task in range(8):
                for id, share in (("a", 0.9), ("b", 0.2)):
                    add(store, f"task{task}", id, right(share - task / 100, seed=task))
            assert self.of(store) == {"a"}

    def test_where_nothing_ranks_nobody_leads(self, tmp_path):
        with opened(tmp_path) as store:
            add(store, "task", "paper", 0.9, settings={"source": "x"})
            assert self.of(store) == set()
