"""Packages as `genomark new` writes them, and as pip would have installed them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from genomark.scaffold import Kind, NewPackage, write_package


def written(kind: Kind, into: Path, name: str | None = None) -> Path:
    """Write a package of a kind, called ``fresh-KIND`` if no name is given."""
    return write_package(NewPackage(name or f"fresh-{kind}", kind, "A. Author"), into)


def installed(folder: Path) -> Path:
    """Put beside the sources what an installer would, and give their folder."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    told = folder / "src" / f"{name.replace('-', '_')}-{version}.dist-info"
    told.mkdir()
    told.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    told.joinpath("entry_points.txt").write_text("\n".join([*lines, ""]))
    return folder / "src"
