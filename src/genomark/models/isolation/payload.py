"""What is run in a sandbox: which files, under which digest, and where the sandbox has them.

All of it is found from outside, without running a line: what code says of itself decides nothing.
"""

from __future__ import annotations

import importlib.util
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from genomark.digests import digest_of, digest_of_file
from genomark.errors import ModelError, UsageError
from genomark.models.function_digest import UNSTATED, packages_beside, sources_beside
from genomark.models.function_surroundings import is_standard, release
from genomark.models.isolation.installation import holds, private_places

#: Where a sandbox has the model's own files.
PLACE = "/model"
#: Raised whenever a sandbox lets code compute something else than before.
_RULES = "1"
#: So many files are handed over one by one.
_MOST_FILES = 200
#: Of a larger package what it imports is not looked up: its own bytes have to do.
_MOST_PARSED = 300
#: Of all its files; reading so much takes some ten minutes.
_MOST_BYTES = 100 << 30
_PYTHON = ".py"

#: Digests of files by what changes with them.
_known: dict[tuple[str, int, int, int], str] = {}


@dataclass(frozen=True)
class Payload:
    """The code of one model.

    Attributes
    ----------
    spec : str
        As the user wrote it, without ``isolated:``: the id of the model.
    inner : str
        The same as the sandbox has to write it.
    digest : str
        Of the bytes of the files below, or of the package they are in, and of names and versions
        of the packages these import.
    version : str
        Of the package; ``"1"`` of a file.
    folders : tuple of (Path, str)
        That the sandbox may read, and where it has them.
    files : tuple of (str, bytes)
        Where the sandbox has them: the very bytes of the digest.
    hidden : tuple of str
        Places within `folders` that the sandbox finds empty.
    hint : str
        For who misses a file.
    """

    spec: str
    inner: str
    digest: str
    version: str = UNSTATED
    folders: tuple[tuple[Path, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    hidden: tuple[str, ...] = ()
    hint: str = ""


@dataclass
class _Tree:
    """What is in a folder: names with digests, and what is left out."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    closed: Path | None = None
    left: int = _MOST_BYTES

    def sources(self, folder: Path) -> list[Path]:
        """Files of Python, but not of packages so large that looking at them takes seconds."""
        found = [folder / name for name, _ in self.entries if name.endswith(_PYTHON)]
        return found if len(found) <= _MOST_PARSED else []


def payload_of_file(spec: str, file: Path, name: str) -> Payload:
    """Take ``py:./file.py:object``.

    A folder of the model's own is there as a whole. Where the file lies in the folder that one
    works in, or in any other that holds more than the model, there are the file and the files
    beside it that it imports.

    Raises
    ------
    UsageError
        If there is no such file, or the sandbox could not read it.
    ModelError
        If its folder holds what no sandbox is to have.
    """
    if not file.is_file():
        raise UsageError(f"No file '{file}'. A path in py:./file.py:object is relative to here.")
    file = file.resolve()
    folder = file.parent
    inner = f"py:{PLACE}/{file.name}:{name}"
    if not any(holds(folder, place) for place in private_places()):
        tree = _checked(_tree(folder), folder)
        hidden = tuple(f"{PLACE}/{each}" for each in tree.hidden)
        digest = _digest([inner, tree.entries], tree.sources(folder))
        return Payload(spec, inner, digest, folders=((folder, PLACE),), hidden=hidden)
    sources = sorted(sources_beside(file))
    if len(sources) > _MOST_FILES:
        raise UsageError(
            f"'{spec}': it imports {len(sources)} files beside it, which are {_MOST_FILES} at most "
            "in a folder that holds more than the model; put the model in a folder of its own"
        )
    contents = [(str(each.relative_to(folder)), each.read_bytes()) for each in sources]
    told = [(place, digest_of(content.hex())) for place, content in contents]
    return Payload(
        spec,
        inner,
        _digest([inner, told], sources),
        files=tuple((f"{PLACE}/{place}", content) for place, content in contents),
        hint=(
            f"of the folder {folder} it sees only {file.name} and the files beside it that it "
            "imports, since the folder holds more than the model; put the model in a folder of its "
            "own, and all of that is there"
        ),
    )


def payload_of_module(
    spec: str, module: str, inner: str, is_there: Callable[[Path], bool], package: str = ""
) -> Payload:
    """Take ``py:package.module:object``, or the name of a plug-in.

    Parameters
    ----------
    spec, module, inner : str
    is_there : callable
        Whether the sandbox has a path anyway, as part of the installation of Python.
    package : str
        That offers it as a plug-in.

    Raises
    ------
    UsageError
        If there is no such module, or its package lies in several folders.
    """
    top = module.partition(".")[0]
    found = importlib.util.find_spec(top)
    if found is None:
        raise UsageError(f"No module named '{module}'. Is its package installed here?")
    places = [Path(each) for each in found.submodule_search_locations or ()]
    if not places and found.has_location and found.origin:
        places = [Path(found.origin)]
    told: list[object] = []
    sources: list[Path] = []
    folders: list[tuple[Path, str]] = []
    files: list[tuple[str, bytes]] = []
    hidden: list[str] = []
    for place in places:
        if place.is_dir():
            tree = _tree(place) if is_there(place) else _checked(_tree(place), place)
            told.append([top, tree.entries])
            sources += tree.sources(place)
            if not is_there(place):
                folders.append((place, f"{PLACE}/{top}"))
                hidden += [f"{PLACE}/{top}/{each}" for each in tree.hidden]
        elif not is_standard(place):
            told.append([place.name, _file_digest(place)])
            sources += [place] if place.suffix == _PYTHON else []
            if not is_there(place):
                files.append((f"{PLACE}/{place.name}", place.read_bytes()))
    if len(folders) > 1:
        raise UsageError(
            f"'{spec}': the package '{top}' lies in {len(folders)} folders, which a sandbox cannot "
            "put together; install it as one"
        )
    if package:
        folders += [(each, f"{PLACE}/{each.name}") for each in _metadata(package, is_there)]
    return Payload(
        spec,
        inner,
        _digest([inner, told], sources),
        version=_version(package or top),
        folders=tuple(folders),
        files=tuple(files),
        hidden=tuple(hidden),
    )


def _metadata(package: str, is_there: Callable[[Path], bool]) -> Iterator[Path]:
    """Find the folder by which Python knows that a package is installed."""
    place = getattr(distribution(package), "_path", None)
    if isinstance(place, Path) and place.is_dir() and not is_there(place):
        yield place


def _version(package: str) -> str:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return UNSTATED


def _digest(told: object, sources: Iterable[Path]) -> str:
    names = {package for source in sources for package in packages_beside(source)}
    releases = sorted(release(name) for name in names)
    return digest_of(["isolated", _RULES, told, releases])


def _tree(folder: Path) -> _Tree:
    """Look at all that is in a folder but for what begins with a dot and what Python writes."""
    tree = _Tree()
    for where, folders, files in os.walk(folder):
        here = Path(where)
        own = here.relative_to(folder)
        _note_closed(tree, here, 0o005)
        for name in list(folders):
            if (here / name).is_symlink():
                files.append(name)
                folders.remove(name)
            elif name.startswith(".") or name == "__pycache__":
                tree.hidden.append(str(own / name))
                folders.remove(name)
        for name in files:
            path = here / name
            if path.is_symlink():
                # It leads nowhere but to what the sandbox has.
                tree.entries.append((str(own / name), f"link to {path.readlink()}"))
            elif path.is_file():
                tree.left -= path.stat().st_size
                if tree.left < 0:
                    raise ModelError(
                        f"{folder} holds more than {_MOST_BYTES >> 30} GB, which is too much to "
                        "look at; put the model in a folder of its own"
                    )
                _note_closed(tree, path, 0o004)
                tree.entries.append((str(own / name), _file_digest(path)))
            else:
                # Who listens at a socket can be asked through it, whatever is read-only.
                raise ModelError(
                    f"'{path}' is neither a file nor a folder nor a link (but a socket, pipe or "
                    "device), and a sandbox is to have none; remove it"
                )
    tree.entries.sort()
    tree.hidden.sort()
    return tree


def _note_closed(tree: _Tree, path: Path, needed: int) -> None:
    if tree.closed is None and stat.S_IMODE(path.stat().st_mode) & needed != needed:
        tree.closed = path


def _checked(tree: _Tree, folder: Path) -> _Tree:
    # Started by root, a sandbox is another user, who owns nothing.
    if os.geteuid() == 0 and tree.closed is not None:
        raise UsageError(
            f"'{tree.closed}' may not be read by others, and a model that root isolates is run by "
            f"a user who owns nothing: chmod -R a+rX {folder}"
        )
    return tree


def _file_digest(path: Path) -> str:
    about = path.stat()
    key = (str(path), about.st_size, about.st_mtime_ns, about.st_ino)
    if key not in _known:
        _known[key] = digest_of_file(path)
    return _known[key]
