"""Whom a board lets in: keys that are vouched for, their names, and strangers as one."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import numpy as np
import pytest

from genomark.errors import UsageError
from genomark.results.submission import Limits, board, rules

pytestmark = pytest.mark.usefixtures("quick_decoding")


def reason(world, *values, **options):
    receipt = world.open().receive(world.bundle(*values, **options))
    assert not receipt.accepted
    assert receipt.released is None
    return receipt.reason


def test_who_is_not_invited_is_refused_before_anything_is_decoded(world, monkeypatch):
    def never(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(board, "decode_predictions", never)
    assert reason(world, world.noisy(0.7), key="stranger") == (
        f"this board is by invitation, and the key {world.key('stranger').public} was not "
        "invited; tell it to whoever keeps the board (genomark board admit)"
    )


def test_who_is_invited_is_received(world):
    world.open().admit(world.key("stranger").public)
    assert world.open().receive(world.bundle(world.noisy(0.7), key="stranger")).accepted
    assert world.key("stranger").public in world.open().status().invited


def test_a_name_that_was_given_to_a_key_cannot_be_taken(world):
    """Whoever sees a bundle on its way may be first; names given beforehand are safe."""
    world.open().admit(world.key().public, ["Mine", "Mine (large)"])
    for name in ("Mine", "mine", "MINE (LARGE)"):
        taken = reason(world, world.noisy(0.7), name, key="thief")
        assert taken.startswith(f"the model name '{name}' belongs to another key")
    assert world.open().receive(world.bundle(world.noisy(0.7), "Mine")).accepted


def test_a_key_that_was_given_names_uses_no_other(world):
    world.open().admit(world.key().public, ["B", "A"])
    assert reason(world, world.noisy(0.7), "C") == (
        "the key was invited with the names A, B; 'C' is none of them"
    )
    # More may be given; what was given stays.
    world.open().admit(world.key().public, ["C"])
    world.open().admit(world.key().public)
    for name in "ABC":
        assert world.open().receive(world.bundle(world.noisy(0.7), name)).accepted
    assert "'D' is none of them" in reason(world, world.noisy(0.7), "D")


@pytest.mark.parametrize(
    ("key", "names", "expected"),
    [
        ("abc", [], "'abc' is no public key: expected 64 hexadecimal digits"),
        ("A" * 64, [], "is no public key"),
        (None, ["fine", "bad\nname"], "is no name of a model: expected up to 100 ASCII letters"),
        (None, ["fine", "theirs"], "The name 'theirs' belongs to the key "),
    ],
)
def test_an_invitation_that_cannot_be_given_changes_nothing(world, key, names, expected):
    world.open().receive(world.bundle(world.noisy(0.7), "theirs", key="other"))
    invited = world.open().status().invited
    with pytest.raises(UsageError, match=expected):
        world.open().admit(key or world.key("stranger").public, names)
    assert world.open().status().invited == invited
    assert world.open().receive(world.bundle(world.noisy(0.7), "fine")).accepted


@pytest.fixture
def open_world(new_world):
    made = new_world(limits=Limits(open_to_all=True))
    made.make()
    return made


def test_strangers_climb_as_one(open_world):
    world = open_world
    opened = world.open()
    first = opened.receive(world.bundle(world.noisy(0.7), "s1", key="s1"))
    assert first.improved
    for number in range(2, 6):
        values = world.noisy(0.7, number)
        receipt = opened.receive(world.bundle(values, f"s{number}", key=f"s{number}"))
        assert (receipt.accepted, receipt.improved, receipt.released) == (True, False, None)
    # Who is vouched for has a Ladder of their own.
    mine = opened.receive(world.bundle(world.noisy(0.7, 9)))
    assert mine.improved
    better = opened.receive(world.bundle(world.noisy(0.1), "s9", key="s9"))
    assert better.improved
    status = world.open().status()
    assert status.open_to_all
    assert {each.model: each.invited for each in status.benchmarks[0].models} == {
        **{f"s{number}": False for number in (1, 2, 3, 4, 5, 9)},
        "model": True,
    }


def test_only_so_many_bundles_of_a_key_are_decoded_in_vain(new_world):
    world = new_world(limits=Limits(100, 100))
    world.make()
    constant = np.ones(len(world.ids))
    for _ in range(rules.REFUSALS_OF_KEY):
        assert "are all the same" in reason(world, constant)
    begun, world.now = world.now, world.now + timedelta(minutes=59)
    expected = (
        f"{rules.REFUSALS_OF_KEY} bundles of this key were refused within an hour, as these "
        "predictions are not what is asked; the next is looked at after 2026-03-01T13:00:00Z"
    )
    # Refused at the door, which costs nothing and is not counted.
    for _ in range(3):
        assert reason(world, world.noisy(0.7)) == expected
    assert world.open().receive(world.bundle(world.noisy(0.7), "theirs", key="other")).accepted
    world.now = begun + timedelta(minutes=60)
    assert world.open().receive(world.bundle(world.noisy(0.7))).accepted


def test_what_is_refused_without_being_decoded_is_not_counted(world):
    for _ in range(rules.REFUSALS_OF_KEY + 1):
        assert "is version 1 here" in reason(world, world.noisy(0.7), version="2")
    assert world.open().receive(world.bundle(world.noisy(0.7))).accepted


def test_at_the_end_it_is_told_how_many_models_a_key_had(world):
    opened = world.open()
    for name, key in (("a", "mine"), ("b", "mine"), ("c", "mine"), ("d", "other")):
        opened.receive(world.bundle(world.noisy(0.7, ord(name)), name, key=key))
    final = opened.freeze("guanine/cons30")
    assert {each.model: each.models_of_key for each in final.models} == {
        "a": 3,
        "b": 3,
        "c": 3,
        "d": 1,
    }


def test_where_a_key_stands_is_written_whether_or_not_it_climbs(world):
    """So that what is done for a submission does not depend on its score."""

    def sealed():
        with sqlite3.connect(world.board_folder / "board.sqlite") as database:
            return database.execute("select sealed from rungs").fetchone()[0]

    world.open().receive(world.bundle(world.noisy(0.3)))
    before = sealed()
    receipt = world.open().receive(world.bundle(world.noisy(3.0)))
    assert not receipt.improved
    assert sealed() != before
    assert len(sealed()) == len(before)
