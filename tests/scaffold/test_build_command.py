"""``genomark build``: what each engine is told, with engines that only write it down."""

import errno
import os
import shutil
import sys

import pytest
from new_packages import written

from genomark import cli
from genomark.scaffold import image
from genomark.scaffold.pip_settings import PipSettings

WHEEL = "genomark-0.1.0-py3-none-any.whl"

#: Writes down its arguments and what it was given in secret; says what an image weighs.
STUB = """#!/bin/sh
if [ "$1" = image ]; then echo 123000000; exit 0; fi
[ "$1" = build ] && echo "building..."
pwd > "$NOTES/folder"
for each in "$@"; do
    echo "$each" >> "$NOTES/arguments"
    case $each in
        id=*,src=*) name=${each%%,*}; /bin/cat "${each#*,src=}" > "$NOTES/${name#id=}" ;;
        *:/mnt) /bin/cat "${each%:/mnt}/pip.conf" > "$NOTES/pip.conf" ;;
        *.def) /bin/cat "$each" > "$NOTES/definition" ;;
        *.sif) echo "an image" > "$each" ;;
    esac
done
exit ${ENDS:-0}
"""


@pytest.fixture
def engines(monkeypatch, tmp_path):
    """``engines("podman")`` are all there are; gives the folder of their notes."""
    notes, programs = tmp_path / "notes", tmp_path / "programs"
    notes.mkdir()
    programs.mkdir()
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764353189")
    settings = PipSettings({"index-url": "https://user:secret@index.example/simple"})
    monkeypatch.setattr(image, "pip_settings", lambda: settings)

    def install(*names):
        for name in names:
            (programs / name).write_text(STUB)
            (programs / name).chmod(0o755)
        return notes

    return install


@pytest.fixture
def package(tmp_path):
    """A new model; the wheel of genomark is none that anybody would install."""
    (tmp_path / WHEEL).write_text("a wheel")
    return written("predictor", tmp_path)


@pytest.fixture
def build(monkeypatch, capfd, tmp_path):
    def call(*words, wheel=True):
        given = ("--genomark", tmp_path / WHEEL) if wheel else ()
        monkeypatch.setattr(sys, "argv", ["genomark", "build", *map(str, (*given, *words))])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capfd.readouterr()

    return call


def noted(notes, name="arguments"):
    return (notes / name).read_text().splitlines()


def test_podman_builds_with_the_settings_of_pip_as_a_secret(engines, package, build):
    notes = engines("podman", "docker", "apptainer")
    code, out, err = build(package, "--base", "python:3.12-slim", "--", "--network=host")
    assert code == 0, err
    words = noted(notes)
    assert words[:5] == [
        *("build", "--file", str(package / "Containerfile"), "--tag"),
        "fresh-predictor:0.1.0",
    ]
    arguments = {words[i + 1] for i, word in enumerate(words) if word == "--build-arg"}
    assert arguments == {"VERSION=0.1.0", "CREATED=2025-11-28T18:06:29Z", "BASE=python:3.12-slim"}
    assert words[-2:] == ["--network=host", "."]
    assert noted(notes, "folder") == [str(package)]
    assert "index-url = https://user:secret@index.example/simple" in noted(notes, "pip.conf")
    assert not any("secret@" in word for word in words)
    assert (package / "wheels" / WHEEL).read_text() == "a wheel"
    assert "building..." in out
    assert "Built fresh-predictor:0.1.0 (123 MB)" in err
    assert [line.strip() for line in out.splitlines()[-2:]] == [
        "podman run --rm --read-only -p 127.0.0.1:5000:5000 fresh-predictor:0.1.0 0.0.0.0 5000",
        "genomark check http://127.0.0.1:5000",
    ]


def test_a_secret_is_gone_when_the_build_has_ended(engines, package, build):
    notes = engines("podman")
    for ends in ("0", "3"):
        os.environ["ENDS"] = ends
        build(package)
    del os.environ["ENDS"]
    sources = [word.split("src=")[1] for word in noted(notes) if word.startswith("id=pip.conf")]
    assert len(sources) == 2
    assert not any(os.path.exists(source) for source in sources)  # noqa: PTH110


def test_docker_is_told_of_proxies_by_name(engines, package, build, monkeypatch):
    notes = engines("docker")
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    code, out, err = build(package)
    assert code == 0, err
    words = noted(notes)
    assert words[words.index("https_proxy") - 1] == "--build-arg"
    assert not any("proxy.example" in word for word in words)
    assert "docker run --rm --read-only" in out


def test_apptainer_makes_a_file_of_its_own_recipe(engines, package, build):
    notes = engines("apptainer")
    code, out, err = build(package)
    assert code == 0, err
    words = noted(notes)
    assert words[:3] == ["build", "--force", "--bind"]
    assert words[3].endswith(":/mnt")
    assert words[4:] == ["fresh-predictor.sif", str(package / "fresh-predictor.def")]
    assert noted(notes, "folder") == [str(package)]
    assert "index-url = https://user:secret@index.example/simple" in noted(notes, "pip.conf")
    assert (package / "fresh-predictor.sif").is_file()
    assert "apptainer run --containall fresh-predictor.sif 0.0.0.0 5000" in out


def test_apptainer_takes_another_base_in_a_copy_of_the_recipe(engines, package, build):
    notes = engines("singularity")
    code, _, err = build(package, "--base", "python:3.12-slim", "--tag", "other.sif")
    assert code == 0, err
    definition = (notes / "definition").read_text()
    assert definition.count("From: python:3.12-slim\n") == 2
    original = (package / "fresh-predictor.def").read_text()
    assert "python:3.12-slim" not in original
    assert definition.count("\n") == original.count("\n")
    assert "other.sif" in noted(notes)


def test_a_build_of_a_benchmark_says_how_game_runs_it(engines, tmp_path, build):
    engines("podman", "apptainer")
    (tmp_path / WHEEL).write_text("a wheel")
    folder = written("benchmark", tmp_path)
    _, out, _ = build(folder)
    assert "-v ./out:/predictions fresh-benchmark:0.1.0 127.0.0.1 5000 /predictions" in out
    _, out, _ = build(folder, "--engine", "apptainer")
    assert "run --containall -B ./out:/predictions fresh-benchmark.sif HOST PORT" in out


def test_an_older_wheel_of_genomark_goes(engines, package, build):
    engines("podman")
    (package / "wheels" / "genomark-0.0.9-py3-none-any.whl").write_text("old")
    (package / "wheels" / "other-1-py3-none-any.whl").write_text("other")
    assert build(package)[0] == 0
    names = {path.name for path in (package / "wheels").glob("*.whl")}
    assert names == {WHEEL, "other-1-py3-none-any.whl"}


def test_what_is_not_pinned_is_not_built(engines, package, build):
    notes = engines("podman")
    project = package / "pyproject.toml"
    project.write_text(
        project.read_text().replace('"numpy>=2.0"', '"numpy>=2.0", "scipy", "jax>1"')
    )
    lock = package / "requirements.lock"
    code, _, err = build(package)
    assert code == 2
    assert "does not pin jax>1: genomark build --lock" in err
    assert not (notes / "arguments").exists()
    code, _, err = build(package, "--lock")
    assert code == 2
    assert "'jax' is needed and not installed here" in err
    project.write_text(project.read_text().replace(', "jax>1"', ', "loky"'))
    lock.write_text("numpy==1\n")
    code, _, err = build(package, "--lock")
    assert code == 0, err
    assert "loky==" in lock.read_text()
    lock.unlink()
    assert "requirements.lock is missing" in build(package)[2]


@pytest.mark.parametrize(
    ("words", "there", "said"),
    [
        ((), (), "Neither podman, docker nor apptainer is installed here"),
        (("--engine", "podman"), ("docker",), "podman is not installed here, or not on PATH"),
        (("--base", "--privileged"), ("podman",), "is no name of an image"),
        (("--tag", "a b"), ("podman",), "is no name of an image"),
    ],
)
def test_what_cannot_be_built_is_one_line(engines, package, build, words, there, said):
    notes = engines(*there)
    code, _, err = build(package, *words)
    assert code == 2
    assert said in err.splitlines()[-1]
    assert not (notes / "arguments").exists()


def test_an_engine_that_fails_is_told_with_its_number(engines, package, build, monkeypatch):
    engines("podman")
    monkeypatch.setenv("ENDS", "125")
    code, _, err = build(package)
    assert code == 1
    assert (
        "podman could not build fresh-predictor:0.1.0 (it ended with 125)" in err.splitlines()[-1]
    )


def test_a_folder_without_a_package_is_one_line(engines, build, tmp_path):
    engines("podman")
    code, _, err = build(tmp_path)
    assert code == 2
    assert "holds no pyproject.toml" in err
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert "adds neither a model nor a benchmark" in build(tmp_path)[2]
    (tmp_path / "pyproject.toml").write_text("no TOML")
    assert "pyproject.toml cannot be read" in build(tmp_path)[2]
    (tmp_path / "pyproject.toml").write_text("")
    assert "no name in [project]" in build(tmp_path)[2]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("authors = 5", "expected a list of tables as authors in [project]"),
        ('authors = ["A. Author"]', "expected a list of tables as authors in [project]"),
        ("dependencies = 5", "expected a list of texts as dependencies in [project]"),
        ("dependencies = [5]", "expected a list of texts as dependencies in [project]"),
        ('dependencies = "numpy"', "expected a list of texts as dependencies in [project]"),
        ("entry-points = 5", "expected a table as entry-points in [project]"),
    ],
)
def test_a_project_of_another_kind_is_one_line(engines, build, tmp_path, wrong, said):
    notes = engines("podman")
    path = tmp_path / "pyproject.toml"
    points = "" if "entry" in wrong else '[project.entry-points."genomark.models"]\nx = "x:make"\n'
    path.write_text(f"[project]\nname = 'x'\n{wrong}\n{points}")
    code, _, err = build(tmp_path)
    assert (code, err) == (2, f"error: {path}: {said}\n")
    assert not (notes / "arguments").exists()


@pytest.mark.parametrize(
    ("name", "engine", "words"),
    [
        ("run.sh", "podman", ()),
        ("pyproject.toml", "podman", ()),
        ("requirements.lock", "podman", ()),
        ("fresh-predictor.def", "apptainer", ("--base", "python:3.12-slim")),
    ],
)
def test_a_file_that_is_no_text_is_one_line(engines, package, build, name, engine, words):
    notes = engines(engine)
    (package / name).write_bytes(b"\xff\xfe genomark embed")
    code, _, err = build(package, *words)
    assert code == 2
    assert err.splitlines()[-1].startswith(
        f"error: {package / name} cannot be read: expected text as UTF-8 ("
    )
    assert not (notes / "arguments").exists()


def test_a_file_where_wheels_should_be_is_one_line(engines, package, build):
    engines("podman")
    shutil.rmtree(package / "wheels")
    (package / "wheels").write_text("no folder")
    code, _, err = build(package)
    assert (code, err) == (
        2,
        f"error: {package / 'wheels'}: expected a folder (File exists)\n",
    )


def test_pins_are_replaced_whole_or_not_at_all(engines, package, build, monkeypatch):
    engines("podman")
    lock = package / "requirements.lock"
    before = lock.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = build(package, "--lock")
    assert code == 1
    assert err.splitlines()[-1] == (
        f"error: Cannot write {lock}: the disk is full. Nothing was left half-written"
    )
    assert lock.read_bytes() == before
    assert not list(package.glob("*.tmp"))


def test_only_a_wheel_of_genomark_is_taken_for_one(engines, package, build, tmp_path):
    engines("podman")
    for name in ("numpy-1-py3-none-any.whl", "nowhere.whl"):
        code, _, err = build(package, "--genomark", tmp_path / name, wheel=False)
        assert code == 2
        assert "expected a wheel of genomark" in err


def test_options_of_the_engine_may_come_without_a_folder(engines, package, build, monkeypatch):
    notes = engines("podman")
    monkeypatch.chdir(package)
    code, _, err = build("--", "--network=host", "--pull=never")
    assert code == 0, err
    assert noted(notes)[-3:] == ["--network=host", "--pull=never", "."]
