"""A package that is to become an image, as its pyproject.toml tells it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genomark.errors import UsageError
from genomark.scaffold.genomark_wheel import WHEELS
from genomark.scaffold.package_files import NOBODY
from genomark.scaffold.pins import lock_text, need_of, normalised, pinned_names

LOCK = "requirements.lock"


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
        """
        self.lock.write_text(lock_text(self.dependencies), encoding="utf-8")

    def check_lock(self) -> None:
        """Refuse to build what is not pinned.

        Raises
        ------
        UsageError
            If there is no file of pins, or one of the dependencies is not in it.
        """
        if not self.lock.is_file():
            raise UsageError(f"{self.lock} is missing: genomark build --lock writes it")
        known = pinned_names(self.lock.read_text(encoding="utf-8"))
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
        If there is no package there as `genomark new` writes it.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise UsageError(
            f"{folder} holds no pyproject.toml; go to the folder of your package, or begin one: "
            "genomark new model my-model"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    project = content.get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise UsageError(f"{path}: no name in [project]")
    authors = [each for each in project.get("authors", []) if isinstance(each, dict)]
    return Project(
        folder=folder,
        name=project["name"],
        version=str(project.get("version", "0.0.0")),
        kind=_kind(folder, project, path),
        authors=tuple(str(each["name"]) for each in authors if "name" in each),
        dependencies=tuple(map(str, project.get("dependencies", []))),
    )


def _kind(
    folder: Path, project: dict[str, Any], path: Path
) -> Literal["predictor", "embedder", "benchmark"]:
    groups = project.get("entry-points", {})
    if "genomark.benchmarks" in groups:
        return "benchmark"
    if "genomark.models" not in groups:
        raise UsageError(
            f"{path} adds neither a model nor a benchmark: expected the entry points "
            "genomark.models or genomark.benchmarks"
        )
    script = folder / "run.sh"
    embeds = script.is_file() and "genomark embed" in script.read_text(encoding="utf-8")
    return "embedder" if embeds else "predictor"
