"""What is run in a sandbox, found without running it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.isolation.installation import (
    hidden_places,
    installed_places,
    is_installed_place,
    private_places,
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
