"""``genomark submit --url``: from a run to a line on a leaderboard."""

from __future__ import annotations

import contextlib
import json
import re

import httpx
import pytest

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.submissions.service import submissions
from genomark.results.store import Store
from listening import listening


def got(url):
    """A page; machines that test are slow."""
    return httpx.get(url, timeout=60)


@contextlib.contextmanager
def serving(place):
    """A leaderboard that takes submissions and scores them; gives its URL."""
    with (
        Store.open(place) as store,
        submissions(store, str(place)) as routes,
        listening(leaderboard_app(store, submissions=routes)) as url,
    ):
        yield url


@pytest.fixture
def packed(genomark_cli, tmp_path, monkeypatch):
    """A run, and what there is beside it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "card.md").write_text("# GC content\n")
    made = genomark_cli("run", "-m", "gc", "-b", "simulated-enhancers", "--out", "run")
    assert made.code == 0, made.err
    token = genomark_cli("board", "token", "add", "store", "--name", "Lab A")
    (tmp_path / "token").write_text(token.out)
    return ("submit", "run", "--card", "card.md", "--name", "GC", "--token-file", "token")


def test_from_a_run_to_a_line_on_the_board(genomark_cli, packed, tmp_path):
    with serving(tmp_path / "store") as url:
        sent = genomark_cli(*packed, "--url", url)
        assert sent.code == 0, sent.err + sent.out
        (file,) = (tmp_path / "run" / "results").rglob("*.json")
        row = json.loads(file.read_bytes())["metrics"][0]
        low, high = row["interval"]
        assert sent.out.strip() == (
            f"scored: pearson {row['value']:.4g} [{low:.4g}, {high:.4g}] on 1,000 items; "
            "rank 1 of 1"
        )
        page = re.search(r"its page is (\S+)", sent.err)[1]
        assert page.startswith(f"{url}/submissions/")
        shown = got(page)
        assert "Scored." in shown.text
        assert f"pearson {row['value']:.4g}" in shown.text
        (line,) = got(f"{url}/benchmarks/simulated-enhancers.json").json()["lines"]
        assert line["model"] | {"slug": ""} == {"slug": "", "id": "GC", "owner": "Lab A"}
        assert line["score"]["standing"] == "verified"
        form = got(f"{url}/submit").text
        assert 'href="/benchmarks/simulated-enhancers"' in form
        assert "<code>kircher2019</code>" in form

        left = genomark_cli(*packed, "--url", url, "--no-wait")
        assert (left.code, left.out) == (0, "")
        (tmp_path / "token").write_text("genomark_forged\n")
        refused = genomark_cli(*packed, "--url", url)
        assert refused.code == 2
        assert "No such token" in refused.err
        assert refused.err.strip().splitlines()[-1].startswith("error: ")
        assert "forged" not in refused.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--url", "http://board.example"), "can be read on the way"),
        ((), "--url URL and --token-file FILE belong together"),
    ],
)
def test_nothing_is_packed_where_nothing_can_be_sent(
    genomark_cli, tmp_path, monkeypatch, words, message
):
    (tmp_path / "token").write_text("genomark_t\n")
    given = ("submit", "run", "--card", "card.md", "--name", "GC", "--token-file", "token")
    refused = genomark_cli(*given, *words)
    assert refused.code == 2
    assert message in refused.err
    assert not (tmp_path / "bundle.zip").exists()


@pytest.mark.parametrize(
    "words", [("--submissions", "--board", "b"), ("--key", "k"), ("--incoming", "i")]
)
def test_what_belongs_to_submissions_comes_with_them(genomark_cli, words):
    refused = genomark_cli("serve", "leaderboard", "store", *words)
    assert refused.code == 2
    assert "belong together, and to --submissions" in refused.err


def test_a_store_that_is_no_folder_needs_one_for_what_waits(genomark_cli, tmp_path):
    from genomark.errors import UsageError

    with (
        Store.open(tmp_path / "store") as store,
        pytest.raises(UsageError, match="name one in which submissions wait"),
        submissions(store, "postgresql://board@db/results"),
    ):
        pass
