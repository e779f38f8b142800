"""A store at one moment: columns, their names, and what is read again."""

import threading

import pytest
from small_store import add, opened, right

from genomark.benchmarks import SUITES
from genomark.leaderboard.board import Board


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path) as store:
        yield store


def columns(store):
    return Board(store).snapshot().columns


def test_an_empty_store_is_an_empty_board(store):
    snapshot = Board(store).snapshot()
    assert (snapshot.columns, snapshot.models, snapshot.results) == ({}, {}, 0)
    assert snapshot.updated is None
    assert snapshot.suites() == {}


def test_the_newest_version_has_the_plain_name(store):
    for version in ("9", "10", "2"):
        add(store, "gue/h3", "m", right(0.6), version=version)
    found = columns(store)
    assert [(each.view.version, each.view.newest) for each in found.values()] == [
        ("10", True),
        ("9", False),
        ("2", False),
    ]
    assert next(iter(found)) == "gue.h3"
    assert all(slug.startswith("gue.h3@") for slug in list(found)[1:])


def test_versions_digests_and_limits_never_share_a_column(store):
    add(store, "b", "m", right(0.6))
    add(store, "b", "m", right(0.7), digest="0" * 32)
    add(store, "b", "m", right(0.8), settings={"limit": 5})
    add(store, "b", "m", right(0.9), version="0")
    found = columns(store)
    assert len(found) == 4
    assert [each.view.models for each in found.values()] == [1] * 4
    limited = [each for each in found.values() if each.view.limit == 5]
    assert len(limited) == 1
    assert not limited[0].view.newest


def test_a_version_that_a_stranger_made_up_is_not_the_newest(store):
    add(store, "b", "m", right(0.6), version="3")
    add(store, "b", "m", 1.0, version="99", owner="eve", standing="self-reported")
    found = columns(store)
    assert found["b"].view.version == "3"
    assert sum(each.view.newest for each in found.values()) == 1
    # Where there is nothing else, it shows.
    add(store, "c", "m", 1.0, version="99", owner="eve", standing="self-reported")
    assert columns(store)["c"].view.version == "99"


def test_a_title_is_that_of_what_was_verified(store):
    add(store, "b", "m", 1.0, owner="eve", standing="self-reported", title="zzz")
    add(store, "b", "m", right(0.6), title="As it is")
    assert columns(store)["b"].view.title == "As it is"


def test_suites_are_those_of_genomark_and_all_others_are_other(store):
    ids = ["simulated-enhancers", "gue/emp.h3", "rgb/mrna:fits=2", "unheard-of", "tasks:x#y"]
    for id in ids:
        add(store, id, "m", right(0.6))
    snapshot = Board(store).snapshot()
    known = {name: [each.view.id for each in found] for name, found in snapshot.suites().items()}
    expected = {
        name: [id for id in ids if id.partition(":")[0] in members]
        for name, members in SUITES.items()
    }
    named = {name: found for name, found in expected.items() if found}
    rest = sorted(set(ids) - {id for found in named.values() for id in found})
    assert known == {**named, "other": rest}
    assert {"quickstart", "rgb"} < set(known)
    assert {each.view.suite for each in snapshot.newest} <= set(known)


def test_models_of_two_owners_are_two(store):
    add(store, "b", "m", right(0.6))
    add(store, "b", "m", right(0.7), owner="alice")
    snapshot = Board(store).snapshot()
    assert snapshot.models["", "m"].slug == "m"
    other = snapshot.models["alice", "m"].slug
    assert other.startswith("m~")
    assert snapshot.model_of(other) == ("alice", "m")
    assert snapshot.model_of("nobody") is None


def test_attempts_are_counted_and_the_newest_stands(store):
    for share in (0.9, 0.8, 0.5):
        add(store, "b", "m", right(share))
    (entry,) = columns(store)["b"].scores.entries
    assert (entry.attempts, entry.value) == (3, 0.5)


def test_what_is_withdrawn_is_gone_and_its_attempt_still_counts(store):
    add(store, "b", "m", right(0.6))
    newer = add(store, "b", "m", right(0.7))
    only = add(store, "c", "n", right(0.7))
    store.withdraw(newer, "a mistake")
    store.withdraw(only, "a mistake")
    snapshot = Board(store).snapshot()
    assert list(snapshot.columns) == ["b"]
    (entry,) = snapshot.columns["b"].scores.entries
    assert (entry.value, entry.attempts) == (0.6, 2)
    assert list(snapshot.models) == [("", "m")]
    assert snapshot.results == 1


def test_nothing_is_read_twice_while_nothing_changes(store):
    add(store, "b", "m", right(0.6))
    board = Board(store)
    first = board.snapshot()
    assert board.snapshot() is first


def test_a_change_makes_a_new_snapshot_of_which_only_changed_columns_are_new(store):
    add(store, "b", "m", right(0.6))
    add(store, "c", "m", right(0.6))
    board = Board(store)
    before = board.snapshot()
    add(store, "b", "n", right(0.7))
    after = board.snapshot()
    assert after is not before
    assert after.generation > before.generation
    assert after.columns["c"].scores is before.columns["c"].scores
    assert after.columns["b"].scores is not before.columns["b"].scores
    # Who still reads the old one sees it as it was.
    assert len(before.columns["b"].scores.entries) == 1
    assert len(after.columns["b"].scores.entries) == 2


def test_a_result_that_becomes_verified_is_read_again(store):
    add(store, "b", "m", right(0.6), standing="self-reported", replicates=False)
    board = Board(store)
    assert board.snapshot().columns["b"].scores.entries[0].standing == "self-reported"
    add(store, "b", "m", right(0.6), standing="verified")
    assert board.snapshot().columns["b"].scores.entries[0].standing == "verified"


def test_who_asks_while_another_reads_is_given_the_old_one(store, monkeypatch):
    add(store, "b", "m", right(0.6))
    board = Board(store)
    before = board.snapshot()
    add(store, "b", "n", right(0.7))
    reads, goes_on = threading.Event(), threading.Event()
    entries = store.entries

    def slow(**how):
        reads.set()
        assert goes_on.wait(30)
        return entries(**how)

    monkeypatch.setattr(store, "entries", slow)
    found = []
    reader = threading.Thread(target=lambda: found.append(board.snapshot()))
    reader.start()
    assert reads.wait(30)
    assert board.snapshot() is before
    goes_on.set()
    reader.join(30)
    assert found[0].generation > before.generation
    assert board.snapshot() is found[0]


def test_what_is_made_of_a_snapshot_is_made_once(store):
    snapshot = Board(store).snapshot()
    made = []
    for _ in range(3):
        assert snapshot.once("key", lambda: made.append(1) or [7]) == [7]
    assert made == [1]


def standing(snapshot, slug="b"):
    return [
        (each.value, each.standing, each.attempts) for each in snapshot.columns[slug].scores.entries
    ]


def test_a_later_claim_hides_nothing_verified_where_that_is_asked_for(store):
    add(store, "b", "m", 0.5, owner="eve")
    add(store, "b", "m", 0.6, owner="eve")
    add(store, "b", "m", 0.9, owner="eve", standing="self-reported")
    add(store, "b", "n", 0.7)
    add(store, "c", "n", 0.7)
    snapshot = Board(store).snapshot()
    assert standing(snapshot) == [(0.9, "self-reported", 3), (0.7, "verified", 1)]
    verified = snapshot.within("verified")
    # Of two that were verified the newer one, in the order of what now stands.
    assert standing(verified) == [(0.7, "verified", 1), (0.6, "verified", 3)]
    assert verified.columns["b"].models == {("", "n"): 0, ("eve", "m"): 1}
    assert [each.view.slug for each in verified.newest] == ["b", "c"]
    assert verified.columns["c"] is snapshot.columns["c"]
    assert verified is snapshot.within("verified")
    for other in (None, "self-reported", "published"):
        assert snapshot.within(other) is snapshot


def test_what_was_withdrawn_does_not_come_back_with_its_standing(store):
    first = add(store, "b", "m", 0.5)
    add(store, "b", "m", 0.9, standing="self-reported")
    store.withdraw(first, "wrong data")
    snapshot = Board(store).snapshot()
    assert snapshot.within("verified") is snapshot


def test_what_a_column_is_named_after_stays_whichever_standing_is_asked_for(store):
    add(store, "b", "m", 0.5, owner="eve", standing="self-reported", title="claimed", metric="mse")
    add(store, "b", "m", 0.9, owner="eve", title="As it is")
    column = Board(store).snapshot().within("self-reported").columns["b"]
    assert (column.view.title, column.scores.metric) == ("As it is", "accuracy")
    assert not column.scores.ranked.any()
