"""From a package to an image."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genomark.errors import GenomarkError, UsageError
from genomark.scaffold.engines import (
    Engine,
    Recipe,
    build_command,
    find_engine,
    unseen_folders,
    write_secrets,
)
from genomark.scaffold.genomark_wheel import place_genomark
from genomark.scaffold.pip_settings import pip_settings
from genomark.scaffold.project import Project, read_project, text_of

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")


class BuildError(GenomarkError):
    """An image could not be built."""


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes
    ----------
    engine : str, optional
        Left out: the first that is there.
    tag : str, optional
        Name of the image, or of Apptainer its file; left out, by name and version of the package.
    base : str, optional
        Other base image than the recipe names.
    genomark : Path, optional
        Wheel of genomark to put in.
    lock : bool
        Whether to pin anew what is installed here.
    more : sequence of str
        For the engine, as they are.
    """

    engine: str | None = None
    tag: str | None = None
    base: str | None = None
    genomark: Path | None = None
    lock: bool = False
    more: Sequence[str] = ()


@dataclass(frozen=True)
class Image:
    """What was built.

    Attributes
    ----------
    engine : Engine
    target : str
        Its name, or its file.
    project : Project
    megabytes : float or None
        Its size, where the engine tells.
    """

    engine: Engine
    target: str
    project: Project
    megabytes: float | None


def build_image(folder: Path, options: BuildOptions, tell: Callable[[str], None]) -> Image:
    """Build the image of a package; what the engine says goes to standard output and error.

    Parameters
    ----------
    folder : Path
        Of a package as `genomark new` writes it.
    options : BuildOptions
    tell : callable
        Takes one line on what is done next.

    Raises
    ------
    UsageError
        If there is no engine, no package, or something is not pinned.
    BuildError
        If the engine fails.
    """
    project = read_project(folder.resolve())
    engine = find_engine(options.engine)
    recipe_file = project.definition if engine.makes_files else _containerfile(project)
    if not recipe_file.is_file():
        raise UsageError(f"{recipe_file} is missing; genomark new writes one")
    for each in (options.base, options.tag if not engine.makes_files else None):
        if each is not None and not _REFERENCE.fullmatch(each):
            raise UsageError(f"'{each}' is no name of an image; expected such as name:tag")
    if options.lock:
        project.write_lock()
        tell(f"Pinned the versions that are installed here in {project.lock}")
    wheel = place_genomark(project.folder, options.genomark)
    if wheel is not None:
        tell(f"genomark comes from {wheel.relative_to(project.folder)}")
    project.check_lock()
    if project.is_unsigned:
        tell("Nobody is named as author: say who, in pyproject.toml and the two recipes")
    target = options.tag or _usual_target(engine, project)
    with tempfile.TemporaryDirectory(prefix="genomark-build-") as name:
        _build(engine, project, recipe_file, options, target, Path(name), tell)
    return Image(engine, target, project, _megabytes(engine, project, target))


def _build(
    engine: Engine,
    project: Project,
    recipe_file: Path,
    options: BuildOptions,
    target: str,
    temporary: Path,
    tell: Callable[[str], None],
) -> None:
    settings = pip_settings()
    if hidden := unseen_folders(engine, settings):
        names = ", ".join(map(str, hidden))
        tell(
            f"{engine.name} cannot see {names}, which pip looks into here: put wheels into wheels/"
        )
    secrets = temporary / "secrets"
    secrets.mkdir(mode=0o700)
    write_secrets(engine, settings, secrets)
    if engine.makes_files and options.base is not None:
        recipe_file = _with_base(recipe_file, options.base, temporary)
    recipe = Recipe(
        file=recipe_file,
        target=target,
        version=project.version,
        created=_now(),
        base=options.base,
        secrets=secrets,
        more=options.more,
    )
    tell(f"Building {target} with {engine.name}")
    done = subprocess.run(
        build_command(engine, recipe, settings), cwd=project.folder, check=False
    ).returncode
    if done:
        raise BuildError(
            f"{engine.name} could not build {target} (it ended with {done}); what it said is above"
        )


def _containerfile(project: Project) -> Path:
    return project.folder / "Containerfile"


def _usual_target(engine: Engine, project: Project) -> str:
    if engine.makes_files:
        return f"{project.name}.sif"
    return f"{project.name}:{re.sub(r'[^A-Za-z0-9._-]', '-', project.version)}"


def _with_base(definition: Path, base: str, temporary: Path) -> Path:
    text = re.sub(r"(?m)^From:.*$", f"From: {base}", text_of(definition))
    changed = temporary / definition.name
    changed.write_text(text, encoding="utf-8")
    return changed


def _now() -> str:
    """Give the time that the image is said to be made at (SOURCE_DATE_EPOCH, where it is set)."""
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(stated), UTC) if stated.isdecimal() else datetime.now(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _megabytes(engine: Engine, project: Project, target: str) -> float | None:
    if engine.makes_files:
        file = project.folder / target
        return file.stat().st_size / 1e6 if file.is_file() else None
    command = [engine.program, "image", "inspect", "--format", "{{.Size}}", target]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return int(said) / 1e6 if said.isdecimal() else None
