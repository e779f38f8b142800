"""What of a document a page shows: a stranger's may hold anything."""

import pytest
from small_store import add, opened, right
from synthetic_board import made_result

from genomark.errors import UsageError
from genomark.leaderboard.details import Details
from genomark.leaderboard.views import Interval
from genomark.results.store import Store


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path) as store:
        yield store


def detail(store: Store, **more):
    id = store.add(made_result("b", "accuracy", "m", 0.5, **more))
    return Details(store).of([id])[0]


def test_further_headlines_come_with_their_intervals(store):
    found = detail(store)
    assert found.others == {"pearson": Interval(0.5, 0.4, 0.6)}
    assert found.notes == ["made up"]
    assert found.environment == {"python": "3.12"}
    assert found.training_data == "unknown"


def test_headlines_without_a_row_are_left_out(store):
    found = detail(store, settings={"headline": ["accuracy", "gone", 7, *map(str, range(50_000))]})
    assert found.others == {}


@pytest.mark.parametrize(
    ("settings", "ceiling"),
    [
        ({"ceiling": {"accuracy": 0.9}}, {"accuracy": 0.9}),
        ({"ceiling": {"accuracy": "high", "x": True, "y": 1}}, {"y": 1.0}),
        ({"ceiling": {"x": 10**400, "y": float("inf"), "z": 1}}, {"z": 1.0}),
        ({"ceiling": [1, 2]}, {}),
        ({"ceiling": None}, {}),
        ({"training_data": 3}, {}),
    ],
)
def test_settings_that_are_something_else_are_left_out(store, settings, ceiling):
    found = detail(store, settings=settings)
    assert found.ceiling == ceiling
    assert found.training_data == "unknown"


def test_an_environment_of_anything_is_lines_of_text(store):
    found = detail(store, environment={"a\nb": ["x", {"y": None}], "long": "z" * 9999})
    assert set(found.environment) == {"a b", "long"}
    assert len(found.environment["long"]) < 600


def test_why_a_value_is_missing_is_told(store):
    id = store.add(made_result("b", "accuracy", "m", None))
    assert Details(store).of([id])[0].reasons == {"accuracy": "constant"}


def test_details_come_in_the_order_asked_for_and_are_read_once(store, monkeypatch):
    ids = [add(store, "b", f"m{number}", right(0.5)) for number in range(3)]
    details = Details(store)
    first = details.of(ids)
    monkeypatch.setattr(store, "results", lambda asked: pytest.fail("read again"))
    assert details.of(ids[::-1]) == first[::-1]
    assert details.of([]) == []


def test_a_result_that_is_not_there_is_refused(store):
    with pytest.raises(UsageError, match="No result"):
        Details(store).of(["0" * 32])
