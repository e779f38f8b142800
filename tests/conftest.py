"""What all tests share: a cache of their own, and real data where they can be had."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from genomark import datasets
from genomark.errors import DatasetError

# Kernels compile on first use: no single example may be blamed for the wait.
settings.register_profile("genomark", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genomark")

ROOT = Path(__file__).parents[1]
_MIRROR = ROOT.parent / "shared" / "mirror"
# For `sparse_genome`, which tests of several rooms write genomes with.
sys.path.append(str(ROOT / "tests" / "datasets"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that begins empty, shared by the workers of one test run (fits are made once)."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "genomark-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_CACHE", str(folder))
        # Models of tests are often others than their digest says.
        patch.setenv("GENOMARK_PREDICTION_CACHE", "off")
        if "GENOMARK_MIRROR" not in os.environ and _MIRROR.is_dir():
            patch.setenv("GENOMARK_MIRROR", str(_MIRROR))
        yield folder


@pytest.fixture(scope="session")
def real_data(cache: Path) -> Callable[[str, str], Path]:
    """``real_data(dataset, file)``: a real file, or a skip that says why there is none."""

    def find(dataset: str, file: str) -> Path:
        try:
            return datasets.path(dataset, file, progress=False)
        except DatasetError as error:
            pytest.skip(str(error))

    return find


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither mirror, nor cache, nor network: what a stranger on a train has."""
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "no-mirror"))
    # Port 9 (discard) answers nothing: every download fails at once, here and in subprocesses.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
