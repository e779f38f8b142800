"""What is run in a sandbox, found without running it."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genomark.errors import ModelError, UsageError
from genomark.models.isolation import installation
from genomark.models.isolation.installation import (
    folders_of_libraries,
    hidden_places,
    installed_places,
    is_installed_place,
    private_places,
    python_links,
)
from genomark.models.isolation.payload import Payload, payload_of_file, payload_of_module

Write = Callable[..., Path]
_SPEC = "py:./model.py:f"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(name, text)``: a file of the model, in a folder of its own."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def taken(file: Path) -> Payload:
    return payload_of_file(_SPEC, file, "f")


def test_a_folder_of_its_own_is_there_as_a_whole(write: Write) -> None:
    write("weights.bin", "1 2 3")
    payload = taken(write("model.py", "raise SystemExit('it was run')"))
    assert payload.inner == "py:/model/model.py:f"
    assert payload.folders == ((write("x", "").parent, "/model"),)
    assert not payload.files


def test_the_digest_is_of_the_bytes_of_all_files(write: Write) -> None:
    file = write("model.py", "import helper")
    digests = [taken(file).digest]
    for name, text in (("helper.py", "a = 1"), ("helper.py", "a = 2"), ("data/w.bin", "x")):
        write(name, text)
        digests.append(taken(file).digest)
    file.write_text("import helper  # changed")
    digests.append(taken(file).digest)
    assert len(set(digests)) == 5
    file.write_text("import helper")
    assert taken(file).digest == digests[3]


def test_where_the_folder_lies_does_not_matter(write: Write, tmp_path: Path) -> None:
    file = write("model.py", "a = 1")
    other = tmp_path / "elsewhere" / "model.py"
    other.parent.mkdir()
    other.write_text("a = 1")
    assert taken(file).digest == taken(other).digest
    assert payload_of_file(_SPEC, file, "g").digest != taken(file).digest


def test_what_python_writes_and_what_begins_with_a_dot_is_hidden(write: Write) -> None:
    file = write("model.py", "a = 1")
    before = taken(file)
    for name in ("__pycache__/model.cpython-311.pyc", ".git/config", "part/.venv/x"):
        write(name, "planted")
    after = taken(file)
    assert after.digest == before.digest
    assert after.hidden == ("/model/.git", "/model/__pycache__", "/model/part/.venv")


def test_in_the_folder_one_works_in_there_are_the_file_and_what_it_imports(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("model.py", "import helper\nimport numpy")
    write("helper.py", "from part import inner")
    write("part/__init__.py", "")
    write("part/inner.py", "a = 1")
    write("results/labels.csv", "1")
    write("other.py", "raise ValueError")
    monkeypatch.chdir(file.parent)
    payload = taken(Path("model.py"))
    assert not payload.folders
    assert [place for place, _ in payload.files] == [
        "/model/helper.py",
        "/model/model.py",
        "/model/part/__init__.py",
        "/model/part/inner.py",
    ]
    assert "put the model in a folder of its own" in payload.hint


@pytest.mark.parametrize("name", ["GENOMARK_CACHE", "GENOMARK_MIRROR", "HOME"])
def test_so_it_is_in_a_folder_that_holds_data_or_a_home(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = write("model.py", "a = 1")
    (file.parent / "deep").mkdir()
    assert taken(file).folders
    monkeypatch.setenv(name, str(file.parent / "deep"))
    assert not taken(file).folders


def test_a_link_is_a_link_and_nothing_behind_it(write: Write, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("1")
    file = write("model.py", "a = 1")
    (file.parent / "link").symlink_to(secret)
    before = taken(file).digest
    secret.write_text("2")
    assert taken(file).digest == before
    (file.parent / "link").unlink()
    (file.parent / "link").symlink_to("/etc/passwd")
    assert taken(file).digest != before


@pytest.mark.skipif(os.geteuid() != 0, reason="only of root a sandbox is another user")
def test_root_is_told_of_files_that_nobody_else_may_read(write: Write) -> None:
    file = write("model.py", "a = 1")
    write("weights.bin", "1").chmod(0o600)
    with pytest.raises(UsageError, match=r"weights\.bin.*chmod -R a\+rX"):
        taken(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No file"):
        taken(tmp_path / "none.py")


def test_a_module_outside_of_the_installation_is_handed_over(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("strangers_package/__init__.py", "raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(file.parent.parent)
    spec = "py:strangers_package.deep:f"
    payload = payload_of_module(spec, "strangers_package.deep", spec, is_installed_place)
    assert payload.folders == ((file.parent, "/model/strangers_package"),)
    file.write_text("a = 2")
    changed = payload_of_module(spec, "strangers_package.deep", spec, is_installed_place)
    assert changed.digest != payload.digest


def test_an_installed_module_is_there_anyway() -> None:
    payload = payload_of_module("py:numpy:x", "numpy", "py:numpy:x", is_installed_place)
    assert payload.folders == ()
    import numpy as np

    assert payload.version == np.__version__


def test_no_private_place_is_a_part_of_the_installation() -> None:
    hidden = hidden_places()
    for place in private_places():
        within = [each for each in installed_places() if place.is_relative_to(each)]
        assert not within or place in hidden


def test_a_cache_inside_the_installation_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    cache = Path(np.__file__).resolve().parent / "lib"
    assert cache not in hidden_places()
    monkeypatch.setenv("GENOMARK_CACHE", str(cache))
    assert cache in hidden_places()


def test_what_is_neither_file_nor_folder_nor_link_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("model.py", "a = 1")
    monkeypatch.chdir(file.parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("agent.sock")
        monkeypatch.chdir("/")
        with pytest.raises(ModelError, match=r"agent\.sock' is neither a file nor") as caught:
            taken(file)
    assert "\n" not in str(caught.value)
    (file.parent / "agent.sock").unlink()
    os.mkfifo(file.parent / "pipe")
    with pytest.raises(ModelError, match="pipe' is neither"):
        taken(file)


def test_a_folder_without_end_is_refused_before_it_is_read(write: Write) -> None:
    file = write("model.py", "a = 1")
    with (file.parent / "sparse.bin").open("wb") as sparse:
        sparse.truncate(8 << 40)
    with pytest.raises(ModelError, match="more than 100 GB"):
        taken(file)


def test_folders_of_passing_files_are_private() -> None:
    places = private_places()
    for place in ("/tmp", "/var/tmp", tempfile.gettempdir()):
        assert Path(place).resolve() in places


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder of installed packages."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    installation.installed_places.cache_clear()
    yield folder
    installation.installed_places.cache_clear()


def install(folder: Path, name: str, points: bytes, record: bytes | None = None) -> Path:
    module, about = folder / name, folder / f"{name}-1.0.dist-info"
    module.mkdir()
    about.mkdir()
    (module / "labels.csv").write_text("1")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_bytes(points)
    if record is not None:
        (about / "RECORD").write_bytes(record)
    return module


def test_packages_with_suites_alone_are_hidden_too(packages: Path) -> None:
    points = b"[genomark.suites]\ntheirs = only_suites:THEIRS\n"
    module = install(packages, "only_suites", points, b"only_suites/labels.csv,,\n")
    models = install(packages, "only_models", b"[genomark.models]\nm = only_models:make\n")
    assert module in hidden_places()
    assert module not in hidden_places("only_suites")
    assert models not in hidden_places()


def test_so_are_packages_without_a_list_of_their_files(packages: Path) -> None:
    points = b"[genomark.benchmarks]\ntheirs = listless_module.deep:Theirs [extra]\n"
    install(packages, "listless", points)
    (packages / "listless_module.py").write_text("")
    assert packages / "listless_module.py" in hidden_places()


@pytest.mark.parametrize("record", [None, b"broken_labels/labels.csv,,\n", b"\xff\xfe,,\n"])
def test_a_package_that_cannot_be_read_is_hidden_and_stops_nothing(
    packages: Path, record: bytes | None
) -> None:
    broken = install(packages, "broken_labels", b"\xff\xfe[genomark.benchmarks]", record)
    points = b"[genomark.benchmarks]\ntheirs = whole_labels:Theirs\n"
    whole = install(packages, "whole_labels", points)
    assert {broken, whole} <= set(hidden_places())


def test_libraries_are_looked_for_where_no_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home / "conda" / "lib", home / "cache", work / "results"):
        folder.mkdir(parents=True)
    # Where the temporary folder is not: all of these are in it.
    monkeypatch.setattr(
        installation, "private_places", lambda: [home, home / "cache", work.resolve()]
    )
    monkeypatch.setenv("HOME", str(home))
    told = [home, home / "conda" / "lib", home / "cache", work, work / "results", tmp_path]
    relative = [".", "results", ""]
    monkeypatch.setenv("LD_LIBRARY_PATH", ":".join([*map(str, told), *relative]))
    assert folders_of_libraries() == [home / "conda" / "lib"]


def test_of_a_link_to_python_there_is_the_link_and_not_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path(sys.executable).resolve()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "secret.txt").write_text("1")
    (tmp_path / "bin" / "python3").symlink_to(real)
    (tmp_path / "bin" / "python").symlink_to("python3")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    installation.installed_places.cache_clear()
    try:
        assert not is_installed_place(tmp_path / "bin" / "secret.txt")
        assert is_installed_place(real)
        assert list(python_links()) == [
            (tmp_path / "bin" / "python", Path("python3")),
            (tmp_path / "bin" / "python3", real),
        ]
    finally:
        installation.installed_places.cache_clear()
