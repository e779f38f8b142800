"""Stores in a folder and in a PostgreSQL of the tests' own."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from genomark.results.store import Store


@dataclass(frozen=True)
class Place:
    """Where a store is, and where its files are."""

    place: str
    files: Path
    kind: str

    def open(self, **options) -> Store:
        return Store.open(self.place, self.files, **options)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return None if initdb is None else Path(initdb).parent


def _user() -> str | None:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a server on 127.0.0.1, without a database's name."""
    programs, user = _programs(), _user()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # Not in pytest's folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="genomark-pg-", dir="/tmp"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def call(*words: str) -> None:
        done = subprocess.run(
            [programs / words[0], *words[1:]],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = str(folder / "data"), str(folder / "log")
    # Nothing here cuts the power: to sync would only take time.
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
    try:
        call(
            "initdb",
            "-D",
            data,
            "-U",
            "genomark",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        call("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield f"postgresql://genomark@127.0.0.1:{port}"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_database(server: str) -> Callable[[], str]:
    """``new_database()``: the URL of an empty one."""
    import psycopg

    numbers = itertools.count()

    def make() -> str:
        name = f"store_{os.getpid()}_{next(numbers)}_{os.urandom(4).hex()}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return f"{server}/{name}"

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store that is not there yet, in SQLite and in PostgreSQL."""
    files = tmp_path / "store"
    if request.param == "sqlite":
        return Place(str(files), files, "sqlite")
    return Place(request.getfixturevalue("new_database")(), files, "postgres")


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with place.open() as opened:
        yield opened
