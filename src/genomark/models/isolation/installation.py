"""What a sandbox has of this machine: Python, installed packages, the system's libraries."""

from __future__ import annotations

import os
import site
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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
#: What packages offer that may bring answers.
_WITH_ANSWERS = ("genomark.benchmarks", "genomark.suites")
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
    found.append(Path(sys.executable).resolve())
    if site.ENABLE_USER_SITE:
        found.append(Path(site.getusersitepackages()))
    found += [Path(each) for each in sys.path if Path(each).name in _PACKAGES]
    found += folders_of_libraries()
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


def folders_of_libraries() -> list[Path]:
    """Give those of ``LD_LIBRARY_PATH``, but for relative ones and those that hold or are data."""
    home = _home()
    private = [place for place in private_places() if place not in (home, Path("/"))]
    found = []
    for each in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        path = Path(each)
        within = any(holds(place, path.resolve()) for place in private)
        if path.is_absolute() and not within and not _holds_any(path.resolve(), private_places()):
            found.append(path)
    return found


def python_links() -> Iterator[tuple[Path, Path]]:
    """Give the links that lead to Python, with where to; not those of the system."""
    for path in _links(Path(sys.executable).absolute()):
        within = any(holds(Path(each), path) for each in _SYSTEM)
        if path.is_symlink() and not within and not is_installed_place(path):
            yield path, path.readlink()


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
    # Others keep what they are at in there, and sockets by which they can be asked.
    places += map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp"))
    home = _home()
    if home is not None:
        places.append(home)
    return list(dict.fromkeys(place.expanduser().resolve() for place in places))


def _home() -> Path | None:
    # A user of a container may have none.
    with suppress(RuntimeError):
        return Path.home().resolve()
    return None


def _holds_any(folder: Path, places: Iterable[Path]) -> bool:
    return any(holds(folder, place) for place in places)


def hidden_places(model: str = "") -> list[Path]:
    """Give what lies within `installed_places` and is no part of an installation.

    Those are data and caches that somebody keeps there, genomark's own answers, and packages that
    bring benchmarks or suites, for which they may bring answers. So may one that cannot be read.

    Parameters
    ----------
    model : str
        The package that the model itself is of: it is left as it is.
    """
    own = Path(errors.__file__).resolve().parent
    hidden = [own / _ANSWERS]
    hidden += [place for place in private_places() if is_installed_place(place)]
    for package in distributions():
        hidden += [place for place in _answers_of(package, model) if is_installed_place(place)]
    libraries = folders_of_libraries()
    needed = [place for place in installed_places() if place not in libraries]
    return [
        place
        for place in dict.fromkeys(each for each in hidden if each.exists())
        # A home folder may be the one that Python is installed in.
        if not _holds_any(place, needed)
    ]


def _answers_of(package: Distribution, model: str) -> set[Path]:
    """Give what a package brings if there may be answers in it."""
    try:
        told = package.read_text("entry_points.txt") or ""
        if not any(group in told for group in _WITH_ANSWERS):
            return set()
        if package.metadata["Name"] in (OWN, model):
            return set()
        offered = [each for each in package.entry_points if each.group in _WITH_ANSWERS]
        return _top_level(package, [each.value for each in offered])
    # A stranger's package may be broken in any way, and no other is to suffer for it.
    except Exception:  # noqa: BLE001
        return _top_level(package, [])


def _top_level(package: Distribution, offered: Sequence[str]) -> set[Path]:
    """Give the modules of a package: those in its list of files, and those of what it offers."""
    names = {each.partition(":")[0].partition(".")[0].strip() for each in offered}
    about = getattr(package, "_path", None)
    if not offered and isinstance(about, Path):
        # It is called as its module is, as a rule.
        names.add(about.name.partition("-")[0])
    # A list of files may be as broken as the rest.
    with suppress(Exception):
        names |= {file.parts[0] for file in package.files or ()}
    names = {each for each in names if each not in ("", "..", "/")}
    found = {
        Path(str(package.locate_file(each)))
        for name in names
        if not name.endswith((".dist-info", ".egg-info", ".pth"))
        for each in (name, f"{name}.py")
    }
    return {place for place in found if place.exists()}


def _links(path: Path) -> Iterator[Path]:
    """Give a path and, one after the other, what it leads to."""
    yield path
    for _ in range(40):
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()
        yield path
