"""``genomark new``: what is written works, and what cannot be is refused with nothing left."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from new_packages import installed, written

from genomark import cli
from genomark.errors import UsageError, WriteError
from genomark.scaffold import NewPackage, write_package
from genomark.scaffold.package_name import check_new_name

KINDS = ("predictor", "tracks", "embedder", "benchmark")


def call(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["genomark", *map(str, words)])
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, *capsys.readouterr()


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return {kind: written(kind, folder) for kind in KINDS}


def test_the_tests_of_new_packages_pass(packages):
    """All at once, in one process that finds them as if they were installed."""
    sources = [str(installed(folder)) for folder in packages.values()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sources)}
    tests = [str(folder / "tests") for folder in packages.values()]
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov")
    done = subprocess.run(
        [*command, "--import-mode=importlib", "--rootdir", str(packages["tracks"]), *tests],
        env=environment,
        cwd=packages["tracks"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"\b2[0-9] passed", done.stdout), done.stdout[-500:]


@pytest.mark.parametrize("kind", KINDS)
def test_new_code_is_formatted_and_without_faults(packages, kind):
    for words in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "."],
            cwd=packages[kind],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_left_unfilled(packages, kind):
    names = {str(path.relative_to(packages[kind])) for path in packages[kind].rglob("*")}
    module = f"fresh_{kind}"
    assert {
        *("README.md", "pyproject.toml", "requirements.lock", "run.sh", "Containerfile"),
        *(f"fresh-{kind}.def", ".gitignore", ".dockerignore", "wheels/README.md"),
        f"src/{module}/__init__.py",
    } <= names
    for path in packages[kind].rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert not re.search(r"\{\{|\{%|MODULE|\bNAME\.def|localhost", text), path
            # Each line but those of data can be read without turning the page.
            assert path.suffix in (".csv", ".lock") or max(map(len, text.splitlines())) <= 120


def test_a_package_says_who_made_it_and_what_it_needs(packages):
    project = tomllib.loads((packages["benchmark"] / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": "A. Author"}]
    points = project["entry-points"]["genomark.benchmarks"]
    assert points == {"fresh-benchmark": "fresh_benchmark.benchmark:FreshBenchmark"}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("My-Model", "such as 'my-model'"),
        ("my_model", "such as 'my-model'"),
        ("2nd-model", "such as 'nd-model'"),
        ("a--b", "single hyphens"),
        ("a-", "single hyphens"),
        ("", "such as 'my-model'"),
        ("../evil", "such as 'evil'"),
        ("a/b", "such as 'a-b'"),
        ("modèle", "lower-case letters"),
        ("my-model\n", "lower-case letters"),
        ("x" * 61, "60 at most"),
        ("class", "is a word of Python"),
        ("match", "is a word of Python"),
        ("json", "is a module of Python"),
        ("gc", "is a module of Python"),
        ("kmer", "is the name of a model of genomark"),
        ("kircher2019", "is the name of a benchmark of genomark"),
        ("quickstart", "is the name of a suite"),
        ("file", "begins a model spec of another kind"),
        ("hf", "begins a model spec of another kind"),
        ("numpy", "would hide the module 'numpy'"),
        ("conftest", "'conftest' is what another part of the package is called; choose another"),
        *((name, "another part of the package") for name in ("data", "setup", "src", "tests")),
        ("wheels", "another part of the package"),
        ("test-model", "another part of the package"),
        ("test-benchmark", "another part of the package"),
        ("tests-of-mine", None),
        ("import-linter", None),
        ("my-model", None),
    ],
)
def test_a_name_is_good_everywhere_and_still_free(name, part):
    if part is None:
        check_new_name(name)
        return
    with pytest.raises(UsageError) as refused:
        check_new_name(name)
    assert part in str(refused.value)
    assert len(str(refused.value)) < 300


def test_what_is_there_is_left_as_it_is(monkeypatch, capsys, tmp_path):
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-model" / "precious").write_text("1")
    code, out, err = call(monkeypatch, capsys, "new", "model", "my-model", "--into", tmp_path)
    assert (code, out) == (2, "")
    assert "not an empty folder" in err
    assert len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["my-model", "precious"]


@pytest.mark.parametrize("there", ["file", "link"])
def test_the_place_of_a_file_or_link_is_not_taken(tmp_path, there):
    place, elsewhere = tmp_path / "fresh-predictor", tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.symlink_to(elsewhere) if there == "link" else place.write_text("1")
    with pytest.raises(UsageError, match="not an empty folder"):
        written("predictor", tmp_path)
    assert not any(elsewhere.iterdir())


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "fresh-predictor").mkdir()
    folder = written("predictor", tmp_path)
    assert (folder / "pyproject.toml").is_file()
    assert (folder / "run.sh").stat().st_mode & 0o111 == 0o111
    assert folder.stat().st_mode & 0o777 == tmp_path.stat().st_mode & 0o777


def test_a_disk_that_fails_leaves_nothing(monkeypatch, tmp_path):
    whole, count = Path.write_text, 0

    def full(self, *words, **more):
        nonlocal count
        count += 1
        if count > 5:
            raise OSError(28, "No space left on device")
        return whole(self, *words, **more)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(WriteError, match="No space left on device"):
        written("benchmark", tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="Cannot write"):
        written("predictor", tmp_path / "file")


@pytest.mark.parametrize("author", ["", " ", 'a"b', "a\nFROM evil", "$(id)", "a\\", "{{ x }}"])
def test_an_author_ends_no_string(tmp_path, author):
    with pytest.raises(UsageError, match="expected one line without quotes"):
        write_package(NewPackage("my-model", "predictor", author), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "author"), [("Ada L.", "Ada L."), ('"; rm', "Your Name"), ("", "Your Name")]
)
def test_git_knows_the_author(monkeypatch, tmp_path, said, author):
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\necho '{said}'\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent))
    folder = write_package(NewPackage("my-model", "predictor"), tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": author}]


def test_the_command_says_what_to_type_next(monkeypatch, capsys, tmp_path):
    words = ("new", "model", "my-model", "--capability", "tracks", "--into", tmp_path / "a b")
    code, out, err = call(monkeypatch, capsys, *words, "--author", "A. Author")
    assert code == 0
    assert f"Wrote {tmp_path / 'a b' / 'my-model'}" in err
    assert [line.strip() for line in out.splitlines()] == [
        f"cd '{tmp_path / 'a b' / 'my-model'}'",
        'pip install -e ".[test]"',
        "pytest",
        "genomark run -m my-model -m gc -b simulated-enhancers",
        "genomark build",
    ]
    assert "BIN_SIZE" in (tmp_path / "a b/my-model/src/my_model/model.py").read_text()
