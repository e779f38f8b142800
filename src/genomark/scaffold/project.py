"""A package that is to become an image, as its pyproject.toml tells it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from genomark.atomic import write_whole
from genomark.errors import UsageError, one_line
from genomark.scaffold.genomark_wheel import WHEELS
from genomark.scaffold.package_files import NOBODY
from genomark.scaffold.pins import lock_text, need_of, normalised, pinned_names

LOCK = "requirements.lock"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Project:
    """A folder with a package and its recipes.

    Attributes
    ----------
    folder : Path
    name, version : str
    kind : {"predictor", "embedder", "benchmark"}
        What its container does.
    authors : tuple of str
    dependencies : tuple of str
    """

    folder: Path
    name: str
    version: str
    kind: Literal["predictor", "embedder", "benchmark"]
    authors: tuple[str, ...]
    dependencies: tuple[str, ...]

    @property
    def lock(self) -> Path:
        """The file of pins."""
        return self.folder / LOCK

    @property
    def definition(self) -> Path:
        """The recipe of Apptainer."""
        return self.folder / f"{self.name}.def"

    @property
    def is_unsigned(self) -> bool:
        """Whether nobody has said who the author is."""
        return NOBODY in self.authors

    def write_lock(self) -> None:
        """Pin all it needs to the versions that are installed here.

        Raises
        ------
        UsageError
            If something is not.
        WriteError
            If the file cannot be written; an older one is then left as it was.
        """
        write_whole(self.lock, lock_text(self.dependencies).encode())

    def check_lock(self) -> None:
        """Refuse to build what is not pinned.

        Raises
        ------
        UsageError
            If there is no file of pins, it cannot be read, or one of the dependencies is not in it.
        """
        if not self.lock.is_file():
            raise UsageError(f"{self.lock} is missing: genomark build --lock writes it")
        known = pinned_names(text_of(self.lock))
        wheels = (self.folder / WHEELS).glob("*.whl")
        known |= {normalised(wheel.name.partition("-")[0]) for wheel in wheels}
        missing = [each for each in self.dependencies if need_of(each).name not in known]
        if missing:
            raise UsageError(
                f"{self.lock} does not pin {', '.join(missing)}: genomark build --lock writes it "
                f"anew from this environment, or put wheels into {self.folder / WHEELS}"
            )


def read_project(folder: Path) -> Project:
    """Read what is to be built.

    Raises
    ------
    UsageError
        If there is no package there as `genomark new` writes it, or what it says of itself is of
        another kind than it should be.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise UsageError(
            f"{folder} holds no pyproject.toml; go to the folder of your package, or begin one: "
            "genomark new model my-model"
        )
    try:
        content = tomllib.loads(text_of(path))
    except ValueError as error:
        raise UsageError(f"{path} cannot be read: {one_line(error)}") from error
    project = content.get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise UsageError(f"{path}: no name in [project]")
    authors = _list_of(dict, project, "authors", path)
    return Project(
        folder=folder,
        name=project["name"],
        version=str(project.get("version", "0.0.0")),
        kind=_kind(folder, project, path),
        authors=tuple(str(each["name"]) for each in authors if "name" in each),
        dependencies=tuple(_list_of(str, project, "dependencies", path)),
    )


def text_of(path: Path) -> str:
    """Read a file of a package.

    Raises
    ------
    UsageError
        If it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: expected text as UTF-8 ({error})") from error


def _list_of(kind: type[_T], project: dict[str, Any], key: str, path: Path) -> list[_T]:
    """Give a list of `[project]`, empty where there is none."""
    found = project.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
        noun = "tables" if kind is dict else "texts"
        raise UsageError(f"{path}: expected a list of {noun} as {key} in [project]")
    return found


def _kind(
    folder: Path, project: dict[str, Any], path: Path
) -> Literal["predictor", "embedder", "benchmark"]:
    groups = project.get("entry-points", {})
    if not isinstance(groups, dict):
        raise UsageError(f"{path}: expected a table as entry-points in [project]")
    if "genomark.benchmarks" in groups:
        return "benchmark"
    if "genomark.models" not in groups:
        raise UsageError(
            f"{path} adds neither a model nor a benchmark: expected the entry points "
            "genomark.models or genomark.benchmarks"
        )
    script = folder / "run.sh"
    embeds = script.is_file() and "genomark embed" in text_of(script)
    return "embedder" if embeds else "predictor"
