"""Real images, made of a Debian that needs no registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

BASE = "localhost/genomark-test-base"

Podman = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Give the environment of a podman that keeps all it has in a folder of its own.

    That the machine has no cgroups or network to give away, and little room for processes, is
    said in podman's own files of settings.
    """
    for program in ("podman", "debootstrap", "runc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    # Paths of sockets in it must be short.
    folder = Path(tempfile.mkdtemp(prefix="gm-", dir="/tmp"))
    storage, settings = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    settings.write_text(
        '[containers]\nnetns = "host"\n'
        'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        f'static_dir = "{folder}/static"\nvolume_path = "{folder}/volumes"\n'
    )
    environment = {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
        "BUILDAH_ISOLATION": "chroot",
    }
    try:
        yield environment
    finally:
        subprocess.run(
            ["podman", "rm", "--all", "--force", "--time", "1"],
            env=environment,
            capture_output=True,
            timeout=300,
            check=False,
        )
        # The driver mounts its folder upon itself, and leaves it so.
        subprocess.run(
            ["umount", folder / "root" / "overlay"], capture_output=True, timeout=60, check=False
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def podman(containers: Mapping[str, str]) -> Podman:
    """``podman("run", ...)``, which must end well unless ``fails=True``."""

    def call(
        *words: str, fails: bool = False, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["podman", *words],
            env=dict(containers),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert fails or done.returncode == 0, done.stderr
        return done

    return call


@pytest.fixture(scope="module")
def base(containers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of an image with Python, or a skip that says why there is none."""
    root = tmp_path_factory.mktemp("debian") / "root"
    log = subprocess.run(
        [
            "debootstrap",
            "--variant=minbase",
            "--include=python3-venv,ca-certificates",
            "bookworm",
            str(root),
        ],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    if log.returncode:
        pytest.skip(f"debootstrap: {log.stdout[-300:]} {log.stderr[-300:]}")
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(
            ["podman", "import", "-", BASE],
            stdin=packed.stdout,
            env=dict(containers),
            capture_output=True,
            timeout=300,
            check=True,
        )
    shutil.rmtree(root, ignore_errors=True)
    return BASE
