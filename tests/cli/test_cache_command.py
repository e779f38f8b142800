"""``genomark cache``, and the options of ``genomark run`` that go with it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from genomark.models import cached_predictor
from genomark.models.prediction_cache import FOLDER_VARIABLE

BENCHMARK = "simulated-enhancers"


@pytest.fixture
def filled(genomark_cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of forty answers of one model and twenty of another."""
    monkeypatch.setattr(cached_predictor, "WORTH", 0.0)
    for limit, model in ((20, "gc"), (40, "gc"), (20, "cpg")):
        words = ("-m", model, "-b", BENCHMARK, "--limit", str(limit), "--workers", "1")
        done = genomark_cli("run", *words, "--prediction-cache", "cache")
        assert done.code == 0, done.err
    return tmp_path / "cache"


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_info_tells_what_there_is_of_each_model(genomark_cli, filled: Path):
    done = genomark_cli("cache", "info", "--prediction-cache", "cache")
    assert done.code == 0
    told = rows(done.out)
    assert list(told) == ["model", "gc", "cpg"]
    # Items of forty that are also of twenty were there already.
    answers = {name: int(told[name][1]) for name in ("gc", "cpg")}
    assert answers["cpg"] == 20
    assert 40 <= answers["gc"] <= 60
    assert f"{filled}: 0.00 of 10.00 GB" in done.err.replace("\n", "")


def test_a_run_says_what_was_there(genomark_cli, filled: Path, caplog):
    words = ("-m", "gc", "-b", BENCHMARK, "--limit", "20", "--workers", "1")
    with caplog.at_level(logging.INFO, "genomark"):
        genomark_cli("run", *words, "--out", "another", "--prediction-cache", "cache")
    assert "answers to 20 of 20 sequences were there" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, "genomark"):
        genomark_cli("run", *words, "--out", "third", "--prediction-cache", "off")
    assert "were there" not in caplog.text


def test_verify_finds_what_is_damaged(genomark_cli, filled: Path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(filled))
    done = genomark_cli("cache", "verify")
    assert (done.code, done.out) == (0, "")
    files = sorted(filled.rglob("*.predictions"))
    assert f"{len(files)} files, 0 damaged" in done.err
    files[0].write_bytes(files[0].read_bytes()[:-1])
    done = genomark_cli("cache", "verify")
    assert done.code == 1
    assert done.out == f"damaged {files[0]}\n"
    assert "(damaged)" in genomark_cli("cache", "info").out


def test_clear_removes_one_model_or_all(genomark_cli, filled: Path):
    here = ("--prediction-cache", "cache")
    assert "GB freed" in genomark_cli("cache", "clear", "-m", "gc", *here).err
    assert list(rows(genomark_cli("cache", "info", *here).out)) == ["model", "cpg"]
    done = genomark_cli("cache", "clear", "-m", "gc", *here)
    assert done.code == 2
    assert "has no answers of such a model" in done.err
    assert genomark_cli("cache", "clear", *here).code == 0
    assert not list(filled.rglob("*.predictions"))
    assert genomark_cli("cache", "info", *here).out == ""


def test_clear_tells_in_one_line_what_it_cannot_remove(genomark_cli, filled: Path, monkeypatch):
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    files = sorted(filled.rglob("*.predictions"))
    monkeypatch.setattr(Path, "unlink", refuse)
    for words in ((), ("-m", "gc")):
        done = genomark_cli("cache", "clear", *words, "--prediction-cache", "cache")
        assert done.code not in (0, None)
        assert "cannot be removed (Permission denied), nor can" in " ".join(done.err.split())
        assert "freed" not in done.err
        assert "Traceback" not in done.err
    assert sorted(filled.rglob("*.predictions")) == files


def test_a_cache_that_is_off_is_none(genomark_cli, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    done = genomark_cli("cache", "info")
    assert done.code == 2
    assert "--prediction-cache" in done.err


def test_a_size_that_is_none_is_refused(genomark_cli):
    words = (
        "-m",
        "gc",
        "-b",
        BENCHMARK,
        "--prediction-cache",
        "here",
        "--prediction-cache-gb",
        "0",
    )
    done = genomark_cli("run", *words)
    assert done.code == 2
    assert "above 0 GB" in done.err
