from __future__ import annotations

from pathlib import Path

import pytest

from genomark.datasets.placed import placed
from genomark.errors import DatasetUnavailableError


def test_the_mirror_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    in_cache = tmp_path / "cache" / "datasets" / "encode" / "file.bw"
    in_cache.parent.mkdir(parents=True)
    in_cache.touch()
    assert placed("encode", "file.bw", "a signal") == in_cache

    in_mirror = tmp_path / "mirror" / "encode" / "file.bw"
    in_mirror.parent.mkdir(parents=True)
    in_mirror.touch()
    assert placed("encode", "file.bw", "a signal") == in_mirror


def test_a_mirror_behind_a_url_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))

    with pytest.raises(DatasetUnavailableError) as raised:
        placed("encode", "file.bw", "a signal (https://example.org)")

    said = str(raised.value)
    assert said.startswith("encode/file.bw is not at hand: it is a signal (https://example.org)")
    assert str(tmp_path / "datasets" / "encode" / "file.bw") in said
    assert "\n" not in said
