"""The files of a new package, from templates: written all, or not at all."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, get_args

import jinja2

from genomark import __version__
from genomark.errors import UsageError, WriteError
from genomark.scaffold.package_name import check_new_name, module_of
from genomark.scaffold.pins import lock_text

#: What a new model can be asked.
Capability = Literal["predictor", "tracks", "embedder"]
Kind = Literal["predictor", "tracks", "embedder", "benchmark"]

#: Stands where nobody said who the author is.
NOBODY = "Your Name"
#: Stands for the module in names of templates.
_MODULE = "MODULE"
_NAME = "NAME"
#: Tools look for files of these names, and would take the templates for such.
_DOTTED = {"gitignore": ".gitignore", "dockerignore": ".dockerignore"}
#: What would end a string in any of the files that name an author.
_UNSAFE = re.compile(r"[\"'\\$`<>{}\x00-\x1f\x7f]")
_DESCRIPTIONS: dict[str, str] = {
    "predictor": "A model that predicts one number a sequence",
    "tracks": "A model that predicts a track along each sequence",
    "embedder": "A model that turns sequences into vectors",
    "benchmark": "A benchmark of models that predict activity from sequence",
}


@dataclass(frozen=True)
class NewPackage:
    """What a new package is to be.

    Attributes
    ----------
    name : str
        Of the package, of the model or benchmark in it, and of its image.
    kind : {"predictor", "tracks", "embedder", "benchmark"}
    author : str, optional
        Left out: as git knows it.
    """

    name: str
    kind: Kind
    author: str | None = None


def write_package(package: NewPackage, into: Path) -> Path:
    """Write the package into the folder `into`/`name`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        If the name is none, or taken, or there is something in the folder.
    WriteError
        If it cannot be written; nothing is left behind.
    """
    check_new_name(package.name)
    target = into / package.name
    if target.is_symlink() or (target.exists() and not _is_empty_folder(target)):
        raise UsageError(
            f"{target} is there already and not an empty folder; choose another name, or --into"
        )
    texts = _rendered(package)
    beside: Path | None = None
    try:
        into.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=into, prefix=f".{package.name}-"))
        for name, text in texts.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if path.suffix == ".sh":
                path.chmod(path.stat().st_mode | 0o111)
        beside.chmod(into.stat().st_mode & 0o777)
        # Takes the place of an empty folder, and of nothing else.
        beside.rename(target)
    except OSError as error:
        raise WriteError(
            f"Cannot write {target}: {error.strerror or error}. Nothing was left half-written"
        ) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return target


def _is_empty_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not any(path.iterdir())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _rendered(package: NewPackage) -> dict[str, str]:
    """Give the text of each file by its path."""
    author = package.author if package.author is not None else _author_of_git()
    if not author.strip() or _UNSAFE.search(author):
        raise UsageError(
            f"author {author!r}: expected one line without quotes, braces, '$', '<', '>' and '\\'"
        )
    known = {
        "name": package.name,
        "module": module_of(package.name),
        "class_name": "".join(word.capitalize() for word in package.name.split("-")),
        "kind": package.kind,
        "author": author.strip(),
        "description": _DESCRIPTIONS[package.kind],
        "genomark_version": __version__,
        "python": ".".join(map(str, sys.version_info[:2])),
        "base": f"python:{platform.python_version()}-slim",
    }
    root = files("genomark.scaffold").joinpath("templates")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    texts = {}
    for part in ("shared", package.kind):
        for path, template in _files_of(root.joinpath(part)):
            name = path.replace(_MODULE, known["module"]).replace(_NAME, package.name)
            name = _DOTTED.get(name, name)
            text = template.read_text(encoding="utf-8")
            if name.endswith(".jinja"):
                name = name.removesuffix(".jinja")
                text = environment.from_string(text).render(known)
            texts[name] = text
    texts["requirements.lock"] = lock_text(
        tomllib.loads(texts["pyproject.toml"])["project"]["dependencies"]
    )
    return texts


def _files_of(folder: Traversable, before: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            found += _files_of(each, f"{before}{each.name}/")
        else:
            found.append((f"{before}{each.name}", each))
    return found


def _author_of_git() -> str:
    git = shutil.which("git")
    if git is None:
        return NOBODY
    try:
        said = subprocess.run(
            [git, "config", "--get", "user.name"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError, ValueError):
        return NOBODY
    return NOBODY if not said or _UNSAFE.search(said) else said


CAPABILITIES: tuple[str, ...] = get_args(Capability)
