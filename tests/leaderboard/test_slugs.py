"""Slugs: safe in any address and file system, and never two of a name."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.leaderboard import slugs as slugs_module
from genomark.leaderboard.slugs import ENDINGS, slug_of, slugs_of, version_slug

SAFE = re.compile(r"[a-z0-9][a-z0-9.-]*(~[0-9a-f]{10})?")
ANYTHING = st.text(st.characters(codec=None), max_size=200)
NEAR = st.text("ab/.-~@", max_size=6)


@pytest.mark.parametrize(
    ("id", "slug"),
    [
        ("kircher2019", "kircher2019"),
        ("gue/h3", "gue.h3"),
        ("a-b/c-d", "a-b.c-d"),
        ("gue/emp.h3", "gue-emp-h3~"),
        ("A", "a~"),
        ("a/b/c", "a-b-c~"),
        ("control:random", "control-random~"),
        ("../../etc/passwd", "etc-passwd~"),
        ("<script>alert(1)</script>", "script-alert-1-script~"),
        ("日本", "x~"),
        ("", "x~"),
        ("-a", "a~"),
        ("x/json", "x-json~"),
        ("x/html", "x-html~"),
    ],
)
def test_a_plain_id_stays_as_it_is_and_any_other_is_cleaned(id, slug):
    made = slug_of(id)
    assert made == slug or re.fullmatch(re.escape(slug) + "[0-9a-f]{10}", made)
    assert ("~" in made) == slug.endswith("~")


@given(ANYTHING, ANYTHING)
@settings(max_examples=300, deadline=None)
def test_a_slug_is_safe_in_an_address_and_a_file_system(id, owner):
    made = slug_of(id, owner)
    assert SAFE.fullmatch(made)
    assert len(made) <= 100
    assert made not in (".", "..")
    assert made.rpartition(".")[2] not in ENDINGS
    assert bool(owner) <= ("~" in made)


@given(st.lists(st.tuples(st.one_of(ANYTHING, NEAR), st.one_of(ANYTHING, NEAR)), unique=True))
@settings(max_examples=300, deadline=None)
def test_no_two_names_share_a_slug(names):
    made = slugs_of(names)
    assert len(set(made.values())) == len(names)
    assert all(made[owner, id] == slug_of(id, owner) for owner, id in names)


@given(st.tuples(ANYTHING, ANYTHING), st.tuples(ANYTHING, ANYTHING))
def test_owner_and_id_cannot_be_moved_into_each_other(one, other):
    # "ab" of "c" is not "a" of "bc", whatever the letters.
    joined = (one[0] + one[1], other[0])
    if joined != one:
        assert slug_of(one[1], one[0] or "x") != slug_of(joined[1], joined[0] or "y")


def test_who_meets_a_digest_on_purpose_gets_a_longer_one(monkeypatch):
    real = slugs_module._digest
    monkeypatch.setattr(slugs_module, "_digest", lambda *parts: "0" * 10 + real(*parts)[10:])
    made = slugs_of([("", "A!"), ("", "A?"), ("eve", "A!"), ("", "A!")])
    assert made["", "A!"] == "a~0000000000"
    assert len(set(made.values())) == 3
    assert all(len(each) in (12, 66) for each in made.values())


def test_a_long_plain_id_does_not_make_a_long_name():
    assert slug_of("a" * 100) == "a" * 100
    assert slug_of("a" * 101).startswith("a" * 48 + "~")
    assert len(slug_of("b" * 50_000)) == 59


def test_versions_and_limits_have_names_of_their_own():
    names = {
        version_slug("b", version, digest, limit)
        for version in ("1", "2")
        for digest in ("aa", "ab")
        for limit in (None, 1, 2)
    }
    assert len(names) == 12
    assert all(re.fullmatch("b@[0-9a-f]{8}", each) for each in names)
    assert version_slug("b", "1", "21", None) != version_slug("b", "12", "1", None)
    assert len(version_slug("b", "1", "a", None, digits=64)) == 66
