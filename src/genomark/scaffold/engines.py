"""Programs that make images: which is there, and how each is told what to build."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genomark.errors import UsageError
from genomark.scaffold.pip_settings import CERTIFICATES, PipSettings

#: In the order in which one is looked for.
ENGINES = ("podman", "docker", "apptainer", "singularity")
#: Those that make one file of an image, from a recipe of their own.
_FILES = ("apptainer", "singularity")
#: Where a recipe of Apptainer finds the settings of pip.
_MOUNT = "/mnt"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Engine:
    """A program that makes images.

    Attributes
    ----------
    name : str
        Of `ENGINES`.
    program : str
        Its path.
    """

    name: str
    program: str

    @property
    def makes_files(self) -> bool:
        """Whether an image is a file."""
        return self.name in _FILES


@dataclass(frozen=True)
class Recipe:
    """What is to be built.

    Attributes
    ----------
    file : Path
        Containerfile, or the recipe of Apptainer.
    target : str
        Name of the image, or its file.
    version, created : str
        What the image says of itself; `created` in ISO 8601.
    base : str or None
        Other base than the recipe names; of Apptainer, `file` names it already.
    secrets : Path
        A folder that holds ``pip.conf``, and ``pip.pem`` where there are certificates.
    more : sequence of str
        For the engine, as they are.
    """

    file: Path
    target: str
    version: str
    created: str
    base: str | None
    secrets: Path
    more: Sequence[str] = ()


def find_engine(wanted: str | None) -> Engine:
    """Find the engine that is wanted, or the first there is.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    for name in [wanted] if wanted else ENGINES:
        program = shutil.which(name)
        if program:
            return Engine(name, program)
    if wanted:
        raise UsageError(f"{wanted} is not installed here, or not on PATH")
    raise UsageError(
        "Neither podman, docker nor apptainer is installed here: install one (on Debian and "
        "Ubuntu: apt-get install podman), or build where there is one; the folder is all it takes"
    )


def build_command(engine: Engine, recipe: Recipe, settings: PipSettings) -> list[str]:
    """Give the command that builds; it runs in the folder of the package."""
    if engine.makes_files:
        bound = ["--bind", f"{recipe.secrets}:{_MOUNT}"]
        how = [*bound, *recipe.more]
        # An older file is replaced without a question that nobody would answer.
        return [engine.program, "build", "--force", *how, recipe.target, str(recipe.file)]
    words = [engine.program, "build", "--file", str(recipe.file), "--tag", recipe.target]
    arguments = {"VERSION": recipe.version, "CREATED": recipe.created}
    if recipe.base is not None:
        arguments["BASE"] = recipe.base
    for name, value in arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    if engine.name == "docker":
        # As podman does by itself. Only named: the value stays out of lists of processes.
        for name in _PROXIES:
            words += ["--build-arg", name] if os.environ.get(name) else []
    for name in ("pip.conf", "pip.pem"):
        if (recipe.secrets / name).is_file():
            words += ["--secret", f"id={name},src={recipe.secrets / name}"]
    if engine.name == "podman":
        for folder, place in settings.mounts().items():
            words += ["--volume", f"{folder}:{place}:ro"]
    return [*words, *recipe.more, "."]


def unseen_folders(engine: Engine, settings: PipSettings) -> tuple[Path, ...]:
    """Give the folders of wheels that a build by this engine cannot see."""
    return () if engine.name == "podman" else settings.folders


def write_secrets(engine: Engine, settings: PipSettings, folder: Path) -> None:
    """Write the settings of pip where `build_command` expects them."""
    place = f"{_MOUNT}/pip.pem" if engine.makes_files else CERTIFICATES
    if settings.certificates is not None:
        shutil.copyfile(settings.certificates, folder / "pip.pem")
    text = settings.text(place, sees_folders=not unseen_folders(engine, settings))
    (folder / "pip.conf").write_text(text, encoding="utf-8")
