"""What a sandbox has of this machine: Python, installed packages, the system's libraries."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from genomark import errors
from genomark.datasets.location import cache_root
from genomark.plug_ins import OWN

#: Of the system itself; a link stays a link.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
#: Files by which programs find libraries and the time; and where Nix has all of its packages.
_SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/nix/store",
)
_PACKAGES = ("site-packages", "dist-packages")
#: The room of genomark that holds answers to its own questions, and nothing that a model needs.
_ANSWERS = "benchmarks"
_BENCHMARKS = "genomark.benchmarks"
#: Folders of data; a mirror may also be a URL.
_FOLDERS = ("GENOMARK_CACHE", "GENOMARK_MIRROR", "GENOMARK_PREDICTION_CACHE", "HF_HOME")


def holds(folder: Path, place: Path) -> bool:
    """Whether a place is a folder or somewhere in it."""
    return place.is_relative_to(folder)


@cache
def installed_places() -> tuple[Path, ...]:
    """Give the folders and files of Python and of all that is installed for it."""
    found = [Path("/usr"), *map(Path, _SETTINGS)]
    for prefix in dict.fromkeys([sys.prefix, sys.exec_prefix, sys.base_prefix]):
        found += [Path(prefix) / name for name in ("lib", "lib64", "pyvenv.cfg")]
    found += [link.parent for link in _links(Path(sys.executable))]
    if site.ENABLE_USER_SITE:
        found.append(Path(site.getusersitepackages()))
    found += [Path(each) for each in sys.path if Path(each).name in _PACKAGES]
    found += map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
    found.append(Path(errors.__file__).parent)
    there = dict.fromkeys(place.absolute() for each in found for place in (each, each.resolve()))
    kept: list[Path] = []
    for place in sorted(there):
        if place.exists() and not any(holds(other, place) for other in kept):
            kept.append(place)
    return tuple(kept)


def is_installed_place(path: Path) -> bool:
    """Whether a sandbox has a path without anybody's doing."""
    return any(holds(place, path.absolute()) for place in installed_places())


def library_path() -> list[Path]:
    """Give the folders that Python is told of beside its own, and the one that genomark is in."""
    told = [Path(each).absolute() for each in os.environ.get("PYTHONPATH", "").split(":") if each]
    own = Path(errors.__file__).absolute().parent.parent
    return [*(each for each in told if each != own and is_installed_place(each)), own]


def system_links() -> Iterator[tuple[str, Path]]:
    """Give those parts of the system that are links, with where to; all others are folders."""
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield name, path.readlink()


def system_folders() -> Iterator[Path]:
    """Give the other parts of the system."""
    for name in _SYSTEM:
        path = Path(name)
        if path.is_dir() and not path.is_symlink():
            yield path


def private_places() -> list[Path]:
    """Give what no model is to see: data, caches, the folder one works in, the home folder."""
    chosen = [each for name in _FOLDERS if (each := os.environ.get(name)) and "://" not in each]
    places = [Path.cwd(), cache_root(), *map(Path, chosen)]
    # A user of a container may have none.
    with suppress(RuntimeError):
        places.append(Path.home())
    return list(dict.fromkeys(place.expanduser().resolve() for place in places))


def hidden_places(model: str = "") -> list[Path]:
    """Give what lies within `installed_places` and is no part of an installation.

    Those are data and caches that somebody keeps there, genomark's own answers, and packages that
    bring benchmarks, for which they may bring answers.

    Parameters
    ----------
    model : str
        The package that the model itself is of: it is left as it is.
    """
    own = Path(errors.__file__).resolve().parent
    hidden = [own / _ANSWERS]
    hidden += [place for place in private_places() if is_installed_place(place)]
    for package in distributions():
        if _brings_benchmarks(package) and package.metadata["Name"] not in (OWN, model):
            hidden += [place for place in _top_level(package) if is_installed_place(place)]
    places = dict.fromkeys(place for place in hidden if place.exists())
    return [
        place
        for place in places
        # A home folder may be the one that Python is installed in.
        if not any(holds(place, other) for other in installed_places())
    ]


def _brings_benchmarks(package: Distribution) -> bool:
    return _BENCHMARKS in (package.read_text("entry_points.txt") or "")


def _top_level(package: Distribution) -> set[Path]:
    found = set()
    for file in package.files or ():
        first = file.parts[0]
        if first not in ("..", "/") and not first.endswith((".dist-info", ".pth")):
            found.add(Path(str(package.locate_file(first))))
    return found


def _links(path: Path) -> Iterator[Path]:
    """Give a path and, one after the other, what it leads to."""
    yield path
    for _ in range(40):
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()
        yield path
