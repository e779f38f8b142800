"""Which results stand side by side, which of several attempts counts, and how fast that is read."""

from __future__ import annotations

import sqlite3
import time

import pytest
import sqlalchemy as sa
from stored_results import result_of

from genomark.results.store import Column, Store
from genomark.results.store.entry import ENTRY_FIELDS
from genomark.results.store.tables import results


def test_versions_digests_and_limits_never_share_a_column(store):
    questions = [
        {"version": version, "digest": digest, "limit": limit}
        for version in ("1", "2")
        for digest in ("d", "e")
        for limit in (None, 10)
    ]
    for question in questions:
        store.add(result_of(1, **question))
    counted = store.columns("a/task")
    assert {each.column for each in counted} == {
        Column("a/task", each["version"], each["digest"], each["limit"]) for each in questions
    }
    assert {(each.models, each.results, each.withdrawn) for each in counted} == {(1, 1, 0)}
    for each in counted:
        (entry,) = store.entries(column=each.column)
        assert entry.column == each.column
    # One model in eight columns is no eight attempts.
    assert {each.attempts for each in store.entries()} == {1}


def test_columns_are_listed_from_the_newest_version(store):
    for version in ("9", "10", "1.10", "1.9", "as published", "2", "1.9.1"):
        store.add(result_of(1, version=version))
    store.add(result_of(1, benchmark="A/first"))
    listed = [(each.column.benchmark, each.column.version) for each in store.columns()]
    assert listed == [
        ("A/first", "1"),
        *(("a/task", each) for each in ("10", "9", "2", "1.10", "1.9.1", "1.9", "as published")),
    ]


def test_of_one_version_what_was_added_to_last_comes_first_and_whole_before_limited(store):
    for digest, limit in (("d", None), ("e", None), ("f", 10)):
        store.add(result_of(1, digest=digest, limit=limit))
    store.add(result_of(2, digest="d"))
    listed = [(each.column.digest, each.column.limit) for each in store.columns()]
    assert listed == [("d", None), ("e", None), ("f", 10)]


def test_a_version_of_any_length_is_read_at_once(store):
    for version in ("7" * 700, "7" * 699 + "8"):
        store.add(result_of(1, version=version))
    began = time.process_time()
    assert len(store.columns()) == 2
    assert time.process_time() - began < 1


def test_of_several_attempts_the_newest_counts_and_all_are_told(store):
    first = store.add(result_of(1, model="m"))
    second = store.add(result_of(2, model="m"))
    store.add(result_of(3, model="m"), owner="other")
    store.add(result_of(4, model="n"))
    counts = {(each.owner, each.model_id): each for each in store.entries()}
    assert {who: (each.value, each.attempts) for who, each in counts.items()} == {
        ("", "m"): (0.0002, 2),
        ("other", "m"): (0.0003, 1),
        ("", "n"): (0.0004, 1),
    }
    assert [each.id for each in store.entries(model="m", every=True)][:2] == [first, second]
    (counted,) = store.columns()
    assert (counted.models, counted.results, counted.newest) == (3, 4, 4)


def test_withdrawing_the_newest_brings_the_one_before_and_still_is_an_attempt(store):
    first = store.add(result_of(1, model="m"))
    second = store.add(result_of(2, model="m"))
    store.withdraw(second, "wrong weights")
    (entry,) = store.entries()
    assert (entry.id, entry.attempts) == (first, 2)
    store.withdraw(first, "wrong too")
    assert store.entries() == []
    assert [each.withdrawn for each in store.entries(every=True)] == ["wrong weights", "wrong too"][
        ::-1
    ]
    (counted,) = store.columns()
    assert (counted.models, counted.results, counted.withdrawn) == (0, 2, 2)


def test_adding_a_withdrawn_result_again_does_not_bring_it_back(store):
    id = store.add(result_of(1))
    store.withdraw(id, "wrong")
    assert store.add(result_of(1)) == id
    assert store.entries() == []


def test_entries_of_a_benchmark_or_a_model_alone(store):
    for number, (benchmark, model) in enumerate(
        [("a", "m"), ("a", "n"), ("b", "m"), ("a%", "m"), ("A", "M")]
    ):
        store.add(result_of(number, benchmark=benchmark, model=model))
    assert [each.model_id for each in store.entries(benchmark="a")] == ["m", "n"]
    assert [each.benchmark_id for each in store.entries(model="m")] == ["a", "b", "a%"]
    assert len(store.entries(benchmark="a", model="m")) == 1
    assert [each.number for each in store.entries()] == [1, 2, 3, 4, 5]


@pytest.fixture
def many(tmp_path):
    """5,000 results in 50 columns, put in at once."""
    with Store.open(tmp_path) as store:
        id = store.add(result_of(0))
        like = store.entry(id)
        rows = [
            {
                **{name: getattr(like, name) for name in ENTRY_FIELDS},
                "id": f"{number:032x}",
                "number": number + 1,
                "benchmark_id": f"task {number % 50}",
                "model_id": f"model {number // 50}",
                "predictions": "ab" * 32,
                "items": "cd" * 32,
            }
            for number in range(1, 5001)
        ]
        with store.database.writing() as connection:
            connection.execute(sa.insert(results), rows)
        yield store


def cpu(work, times=7):
    """Best CPU seconds of some goes."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def test_five_thousand_results_are_read_about_as_fast_as_sqlite_hands_them_out(many, tmp_path):
    with sqlite3.connect(tmp_path / "store.sqlite") as plain:
        asked = f"select {', '.join(ENTRY_FIELDS)} from results"
        bare = cpu(lambda: plain.execute(asked).fetchall())
        read = cpu(lambda: many.entries(every=True))
    plain.close()
    assert len(many.entries(every=True)) == 5001
    assert read < 2.5 * bare


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (results.c.benchmark_id == "task 1", "results_column"),
        (results.c.model_id == "model 1", "results_model"),
    ],
)
def test_one_column_and_one_model_are_found_by_an_index(many, asked, index):
    found = sa.select(results.c.id).where(asked)
    text = str(found.compile(compile_kwargs={"literal_binds": True}))
    with many.database.reading() as connection:
        plan = connection.exec_driver_sql(f"explain query plan {text}").all()
    assert any(index in row[-1] for row in plan)
    assert len(many.entries(model="model 1")) == 50
