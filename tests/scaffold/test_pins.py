"""Pins: what a package needs, as it is installed here."""

import json
from importlib.metadata import distribution, version

import pytest

from genomark.errors import UsageError
from genomark.scaffold.pins import (
    Need,
    lock_text,
    need_of,
    normalised,
    pinned,
    pinned_names,
)


@pytest.fixture
def offered(monkeypatch, tmp_path):
    """``offered(name, version, requires, direct_url)``: an installed distribution."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name, number, *requires, url=None):
        folder = tmp_path / f"{name.replace('-', '_')}-{number}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        (folder / "METADATA").write_text("\n".join([*lines, ""]))
        if url is not None:
            (folder / "direct_url.json").write_text(json.dumps(url))

    return install


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("numpy", Need("numpy")),
        ("Ruamel.Yaml_X>=1,<2", Need("ruamel-yaml-x")),
        ("uvicorn[standard, Other_One]>=0.1", Need("uvicorn", ("standard", "other-one"))),
        (
            "uvloop (>=0.21) ; sys_platform != 'win32'",
            Need("uvloop", (), "sys_platform != 'win32'"),
        ),
        ("a @ https://x/a.whl ; python_version<'4'", Need("a", (), "python_version<'4'")),
    ],
)
def test_requirements_are_read(text, need):
    assert need_of(text) == need


def test_what_is_no_requirement_is_refused():
    with pytest.raises(UsageError, match="is no requirement"):
        need_of("<2")


def test_all_that_genomark_needs_is_pinned_as_it_is_installed():
    lock = lock_text(["genomark"])
    pins = dict(
        line.split(" ;")[0].split("==") for line in lock.splitlines() if line and line[0] != "#"
    )
    for name in ("numpy", "polars", "numba", "scipy", "uvicorn", "msgspec", "zstandard"):
        assert pins[name] == version(name)
    # Needed by what is needed, and not by extras.
    assert "llvmlite" in pins
    assert not {"mypy", "torch", "pytest"} & set(pins)
    # All of them know each other: nothing is left for a resolver.
    for name in pins:
        for text in distribution(name).requires or []:
            if ";" not in text:
                assert need_of(text).name in {normalised(each) for each in pins}


def test_extras_and_markers_are_followed(offered):
    offered("top-one", "1", "left[fast]>=2", "right; sys_platform == 'win32'", "gone; extra == 'x'")
    offered("left", "2.1+cpu", "swift; extra == 'fast'", "slow; extra == 'slow'")
    offered("right", "3")
    offered("swift", "4", "right; python_version < '3'")
    offered("slow", "5")
    offered("gone", "6")
    assert pinned(["top-one"]) == {
        "left": "left==2.1+cpu",
        "right": "right==3 ; (python_version < '3') or (sys_platform == 'win32')",
        "swift": "swift==4",
        "top-one": "top-one==1",
    }


def test_circles_end(offered):
    offered("one", "1", "two")
    offered("two", "1", "one")
    assert list(pinned(["one"])) == ["one", "two"]


def test_what_is_not_installed_cannot_be_pinned():
    with pytest.raises(UsageError, match="'nowhere-to-be-found' is needed and not installed here"):
        pinned(["nowhere-to-be-found>=1"])


def test_what_comes_from_no_index_is_named_in_a_comment(offered):
    offered("mine", "1", url={"url": "file:///somewhere/secret", "dir_info": {}})
    lock = lock_text(["mine"])
    assert "# mine==1: not from an index, so its wheel is in wheels/" in lock
    assert "secret" not in lock
    assert pinned_names(lock) == set()


def test_what_is_edited_in_place_needs_what_it_needs_today(offered, tmp_path):
    """Its metadata are those of the day it was installed."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "mine"\ndependencies = ["new>=1"]\n'
        '[project.optional-dependencies]\nmore = ["other"]\n'
    )
    offered("new", "1")
    offered("old", "1")
    offered("other", "1")
    offered("mine", "1", "old", url={"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    assert list(pinned(["mine"])) == ["mine", "new"]
    assert list(pinned(["mine[more]"])) == ["mine", "new", "other"]


def test_pins_with_digests_are_read_too():
    lock = "# a comment\nA.B==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nc==2 ; x\n"
    assert pinned_names(lock) == {"a-b", "c"}
