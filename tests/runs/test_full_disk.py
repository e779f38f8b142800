"""Disks that are full, fail or refuse: one clear line, nothing half-written, and it goes on."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy import Toy, count_a

import genomark
from genomark.errors import WriteError
from genomark.models import as_model
from genomark.scoring import ModelIdentity


class Counting:
    def __init__(self) -> None:
        self.info = ModelIdentity(id="counting", version="1", digest="counting")
        self.asked: list[str] = []
        self._model = as_model(count_a)

    def predict(self, request):
        self.asked += request.sequences
        return self._model.predict(request)


def run(out: Path, model: Counting):
    return genomark.run([model], Toy(), out=out, progress=False)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for kind in ("shards", "predictions")
        for file in sorted((folder / kind).rglob("*"))
    }


def half_written(folder: Path) -> list[Path]:
    return [*folder.rglob("*.tmp"), *(folder / "claims").glob("*")]


class Disk:
    """Refuses the n-th sync and all after it, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
        self._number, self._code, self._fsync = number, code, os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor: int) -> None:
        self._number -= 1
        if self._number < 0:
            raise OSError(self._code, os.strerror(self._code))
        self._fsync(descriptor)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(folder, Counting()), files(folder)


REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EIO: "Input/output error",
    errno.EROFS: "Read-only file system",
}


@pytest.mark.parametrize(
    ("number", "code"),
    [*((number, errno.ENOSPC) for number in range(14)), *((5, code) for code in REASONS)],
)
def test_a_run_whose_disk_fails_stops_with_one_line_and_goes_on_later(
    tmp_path, monkeypatch, undisturbed, number, code
):
    first = Counting()
    with monkeypatch.context() as patch:
        Disk(patch, number, code)
        with pytest.raises(WriteError) as caught:
            run(tmp_path, first)
    said = str(caught.value)
    assert said.startswith(f"Cannot write {tmp_path}")
    assert REASONS[code] in said
    assert said.endswith("What was finished is kept: the same command goes on from there")
    assert half_written(tmp_path) == []
    second = Counting()
    results = run(tmp_path, second)
    assert results.results[0].metrics == undisturbed[0].results[0].metrics
    assert files(tmp_path) == undisturbed[1]
    # No more than the request that was under way is asked again.
    assert len(first.asked) + len(second.asked) <= 12 + 4


def test_a_folder_that_stops_taking_files_is_told(tmp_path):
    run(tmp_path, Counting())
    for file in (tmp_path / "shards").iterdir():
        file.unlink()
    (tmp_path / "shards").rmdir()
    (tmp_path / "shards").write_text("in the way")
    (tmp_path / "journal.backup").unlink()
    with pytest.raises(WriteError, match=r"Cannot write .*shards/.*goes on from there"):
        genomark.run([Counting()], Toy(), out=tmp_path, progress=False, fresh=True)


#: Files end at so many bytes: first the shards are refused, then the journal.
_LIMITED = """
import resource, sys
import genomark.cli
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
genomark.cli.main()
"""


@pytest.mark.parametrize("limit", [1_000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_the_command_says_so_in_one_line_and_ends_with_1(tmp_path, limit):
    words = ["run", "-m", "gc", "-b", "simulated-enhancers", "--limit", "200", "--workers", "1"]
    child = subprocess.run(
        [sys.executable, "-B", "-c", _LIMITED, str(limit), *words, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "GENOMARK_PREDICTION_CACHE": "off"},
    )
    assert child.returncode == 1
    lines = [line for line in child.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert str(tmp_path / "out") in lines[0]
    assert "Traceback" not in child.stderr
    assert half_written(tmp_path / "out") == []
    options = {"limit": 200, "progress": False}
    after = genomark.run("gc", "simulated-enhancers", out=tmp_path / "out", **options)
    whole = genomark.run("gc", "simulated-enhancers", out=tmp_path / "whole", **options)
    assert after.results[0].metrics == whole.results[0].metrics
    assert files(tmp_path / "out") == files(tmp_path / "whole")
