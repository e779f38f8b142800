"""What is written after ``--matcher``, and what workers are told."""

from __future__ import annotations

import pytest

from genomark.errors import UsageError
from genomark.models import matcher_client
from genomark.models.matcher_setting import MatcherSetting
from genomark.models.tracks import MatcherError


@pytest.mark.parametrize(
    ("written", "name", "url"),
    [
        (None, "", None),
        ("builtin", "builtin", None),
        ("none", "none", None),
        ("http://127.0.0.1:8100", "http://127.0.0.1:8100", "http://127.0.0.1:8100"),
        ("https://matcher.example/a/", "https://matcher.example/a", "https://matcher.example/a"),
    ],
)
def test_two_words_and_addresses_are_read(written, name, url):
    setting = MatcherSetting.of(written)
    assert (setting.name, setting.url, setting.version) == (name, url, "")


@pytest.mark.parametrize("written", ["", "None", "127.0.0.1:8100", "ftp://a", "file:a"])
def test_anything_else_is_refused_with_what_was_expected(written):
    with pytest.raises(UsageError) as caught:
        MatcherSetting.of(written)
    assert str(caught.value) == (
        f"Matcher '{written}': expected http://HOST:PORT, builtin, or none for terms that are "
        "those of the model"
    )


def test_a_matcher_behind_a_url_is_asked_who_it_is_once(monkeypatch):
    asked = []

    class Client:
        def __init__(self, url):
            self.url = url

        def ask_version(self):
            asked.append(self.url)
            return "Matcher_dev"

    monkeypatch.setattr(matcher_client, "MatcherClient", Client)
    settled = MatcherSetting.of("http://127.0.0.1:8100/").settled()
    assert settled == MatcherSetting("http://127.0.0.1:8100", "Matcher_dev")
    assert settled.settled() is settled
    assert asked == ["http://127.0.0.1:8100"]
    for written in (None, "builtin", "none"):
        assert MatcherSetting.of(written).settled() == MatcherSetting.of(written)
    assert len(asked) == 1


def test_nobody_there_is_told():
    with pytest.raises(MatcherError, match=r"Failed to connect to .*127\.0\.0\.1:9"):
        MatcherSetting.of("http://127.0.0.1:9").settled()
