"""Rows of submissions: first come, first scored; what one process claims no other can end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from genomark.errors import UsageError
from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.tokens import add_token, listed_tokens, revoke_token
from genomark.leaderboard.submissions.waiting_list import (
    KnownError,
    RevokedError,
    Row,
    SpentError,
    WaitingList,
    now,
)
from genomark.results.store.tables import submissions


@pytest.fixture
def waiting(store):
    add_token(store, "Lab A", 5)
    return WaitingList(store.database)


@pytest.fixture
def token(store, waiting):
    return listed_tokens(store)[0]


def row_of(number, received=None, **told):
    given = {"token": "Lab A", "bundle": f"{number:064x}", "benchmark": "b", "model": "m"}
    return Row(id=f"{number:032x}", received=received or now(), **{**given, **told})


def test_who_waits_longest_is_next(waiting, token):
    for number in (3, 1, 2):
        waiting.admit(row_of(number), token)
    claimed = [waiting.claim() for _ in range(4)]
    assert [each and each.id for each in claimed] == [f"{n:032x}" for n in (3, 1, 2)] + [None]
    assert {each.state for each in claimed[:3]} == {"scoring"}
    assert waiting.ids("waiting") == []
    assert len(waiting.ids()) == 3


def test_two_that_claim_at_once_have_different_ones(waiting, token):
    for number in range(5):
        waiting.admit(row_of(number), token)
    with ThreadPoolExecutor(5) as pool:
        claimed = list(pool.map(lambda _: waiting.claim().id, range(5)))
    assert len(set(claimed)) == 5


def test_who_comes_back_late_changes_nothing(waiting, token):
    waiting.admit(row_of(1), token)
    first = waiting.claim()
    assert waiting.settle(first, "waiting")
    second = waiting.claim()
    assert (first.tries, second.tries) == (1, 2)
    assert not waiting.settle(first, "failed", reason="late")
    assert waiting.settle(second, "scored", verdict="r 0.5", result="f" * 32)
    assert not waiting.settle(second, "failed", reason="twice")
    view = waiting.get(first.id).view()
    assert (view.state, view.verdict, view.result) == ("scored", "r 0.5", "f" * 32)
    assert json.loads(msgspec.json.encode(view))["received"][10:11] == "T"


def test_what_is_told_is_one_line(waiting, token):
    waiting.admit(row_of(1), token)
    waiting.settle(waiting.claim(), "refused", reason="a\x1b[31m\nb" + "x" * 9000)
    reason = waiting.get(f"{1:032x}").reason
    assert reason.isprintable()
    assert len(reason) < 600


def test_the_same_bundle_is_admitted_once_by_however_many(waiting, token):
    def admit(number):
        try:
            waiting.admit(row_of(number, bundle="a" * 64), token)
        except KnownError:
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(admit, range(4))) == 1


def test_a_nonce_is_known_once_its_signature_was_verified(waiting, token):
    waiting.admit(row_of(1), token)
    signed = {"key": "k", "nonce": "n"}
    waiting.known("b" * 64, "k", "n", "Lab A")
    assert waiting.verified(waiting.claim(), **signed, card="card") is None
    with pytest.raises(KnownError) as told:
        waiting.known("b" * 64, "k", "n", "Lab A")
    assert told.value.id == f"{1:032x}"
    with pytest.raises(KnownError) as told:
        waiting.known("b" * 64, "k", "n", "Lab B")
    assert told.value.id is None
    waiting.admit(row_of(2), token)
    assert waiting.verified(waiting.claim(), **signed, card="x").id == f"{1:032x}"
    assert waiting.get(f"{1:032x}").card == "card"


def test_submissions_of_a_day_are_counted(store, waiting, token):
    for number in range(5):
        waiting.admit(row_of(number), token)
    with pytest.raises(SpentError) as told:
        waiting.admit(row_of(9), token)
    assert told.value.seconds == pytest.approx(86_400, abs=60)
    # A day after the first there is one again.
    before = (datetime.now(UTC) - timedelta(days=1, seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with store.database.writing() as connection:
        first = sa.update(submissions).where(submissions.c.id == f"{0:032x}")
        connection.execute(first.values(received=before))
    waiting.admit(row_of(9), token)
    with pytest.raises(SpentError):
        waiting.check(token)


def test_a_token_that_is_revoked_meanwhile_admits_nothing(store, waiting, token):
    waiting.check(token)
    revoke_token(store, "Lab A")
    with pytest.raises(RevokedError):
        waiting.admit(row_of(1), token)
    assert waiting.ids() == []


@pytest.mark.parametrize("id", ["", "../x", "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "\n"])
def test_no_file_is_found_by_what_is_no_id(tmp_path, id):
    with pytest.raises(UsageError, match="32 hexadecimal digits"):
        Incoming(tmp_path / "incoming").path(id)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="submissions cannot be kept"):
        Incoming(tmp_path / "file" / "incoming")
