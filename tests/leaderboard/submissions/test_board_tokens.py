"""Tokens: shown once, kept as digests, found, limited and revoked."""

from __future__ import annotations

import contextlib
import hashlib
import sys

import pytest

from genomark.cli import main
from genomark.errors import UsageError
from genomark.leaderboard.submissions.rates import Rates
from genomark.leaderboard.submissions.tokens import (
    add_token,
    holder,
    listed_tokens,
    revoke_token,
)


def test_of_a_token_its_digest_is_kept_and_nothing_else(store, tmp_path):
    token = add_token(store, "Lab A", 7)
    assert len(token) >= 43
    store.database.close()
    kept = b"".join(each.read_bytes() for each in (tmp_path / "store").rglob("*") if each.is_file())
    assert hashlib.sha256(token.encode()).hexdigest().encode() in kept
    for part in (token, token[9:30], token[-20:]):
        assert part.encode() not in kept


def test_who_holds_a_token_is_found(store):
    first, second = add_token(store, "Lab A", 7), add_token(store, "Lab B")
    assert first != second
    assert (holder(store, first).name, holder(store, first).daily) == ("Lab A", 7)
    assert holder(store, second).name == "Lab B"
    for other in ("", first[:-1], first + " ", first.upper(), "\ud800", first + "x" * 300):
        assert holder(store, other) is None


def test_a_revoked_token_stays_known_as_such_and_the_name_is_free(store):
    old = add_token(store, "Lab A")
    with pytest.raises(UsageError, match="'lab a' has a token"):
        add_token(store, "lab a")
    revoke_token(store, "Lab A")
    assert holder(store, old).revoked is not None
    new = add_token(store, "Lab A")
    assert holder(store, new).revoked is None
    assert [each.revoked is None for each in listed_tokens(store)] == [False, True]
    revoke_token(store, "Lab A")
    with pytest.raises(UsageError, match="No token of 'Lab A'"):
        revoke_token(store, "Lab A")


@pytest.mark.parametrize("name", ["", " a", "a" * 65, "<b>", "a\nb", "a/b", "Läb", "..\\x"])
def test_names_are_plain(store, name):
    with pytest.raises(UsageError, match="is no name"):
        add_token(store, name)


def test_tokens_from_the_command_line(store, tmp_path, monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["genomark", "board", "token", *words])
        with contextlib.suppress(SystemExit):
            main()
        return capsys.readouterr()

    place = str(tmp_path / "store")
    made = call("add", place, "--name", "Lab A", "--limit", "3")
    assert holder(store, made.out.strip()).daily == 3
    assert made.out.strip() not in made.err
    assert "Lab A: 3 a day; made 20" in call("list", place).out
    call("revoke", place, "--name", "Lab A")
    shown = call("list", place, "--json").out
    assert '"revoked": "20' in shown
    assert made.out.strip() not in shown


def test_tries_come_back_at_a_steady_rate():
    now = 100.0
    rates = Rates(3, lambda: now)
    assert [rates.take("a") for _ in range(3)] == [0, 0, 0]
    assert rates.take("a") == pytest.approx(20)
    assert rates.take("b") == 0
    now += 20.5
    assert rates.take("a") == 0
    assert rates.take("a") == pytest.approx(19.5)
    for number in range(20_000):
        rates.take(f"address {number}")
    assert len(rates._left) <= 10_000


def test_a_network_of_one_party_is_one_address():
    rates = Rates(2, lambda: 0.0)
    assert [rates.take(f"2001:db8:1:2::{number}") > 0 for number in range(3)] == [0, 0, 1]
    assert rates.take("2001:db8:1:3::1") == 0
    assert rates.take("192.0.2.1") == rates.take("192.0.2.2") == 0
