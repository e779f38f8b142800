"""What a function of the user's own is, as a digest: its code, what it holds, and its source.

Pickling is used one way only, to see what there is to see; nothing is ever unpickled. A pickle is
not the same in every process, so what varies (the order of a set, the random name of a class that
cannot be imported) is written in a way of our own.
"""

from __future__ import annotations

import ast
import io
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from genomark.digests import digest_of_bytes
from genomark.models.function_surroundings import (
    Surroundings,
    is_installed,
    release,
    source_of,
)

#: Digests of what could not be seen, made for this process alone.
_passing: set[str] = set()
#: Attributes of a class that are not its own, or differ from process to process.
_INCIDENTAL = {"__dict__", "__weakref__", "__static_attributes__", "_abc_impl"}


#: What counts as the version of a function that states none.
UNSTATED = "1"


def function_digest(function: Callable[..., Any], version: str | None = None) -> str:
    """Digest of a function or callable object.

    It covers the code, the values it closes over or carries, the source files of the functions and
    classes it is made of, and the modules beside those files that they import. With a version it
    covers more: numbers, texts and arrays that its code reads as globals, the source of the package
    it is in, and name and version of each installed package that these files import. What cannot be
    seen (a handle, a device) makes the digest unique, so that no answer is ever taken for that of
    another function.

    Parameters
    ----------
    function : callable
    version : str, optional
        What the user calls the state of whatever a digest cannot see, such as a file of weights.
    """
    look = _Look()
    try:
        parts = [(UNSTATED if version is None else version).encode(), look.at(function)]
        around = None if version is None else Surroundings(function)
    except Exception:  # noqa: BLE001 - whatever cannot be pickled cannot be compared
        unique = digest_of_bytes([(version or "").encode(), uuid.uuid4().bytes])
        _passing.add(unique)
        return unique
    sources: set[Path] = set()
    for file in look.files:
        _add_source(file, sources)
    if around is not None:
        parts += [b"around", *around.values, *_releases(around, sources)]
    return digest_of_bytes([*parts, *sorted(file.read_bytes() for file in sources)])


def is_passing(digest: str) -> bool:
    """Whether a digest was made unique, since there was something that could not be seen."""
    return digest in _passing


class _Look:
    """Writes things as bytes, and notes the files their functions and classes come from."""

    def __init__(self) -> None:
        self.files: set[Path] = set()
        self._classes: dict[type, int] = {}

    def at(self, thing: object) -> bytes:
        buffer = io.BytesIO()
        pickler = cloudpickle.Pickler(buffer)
        pickler.persistent_id = self._described
        pickler.dump(thing)
        return buffer.getvalue()

    def _described(self, thing: object) -> object:
        """Give what stands for a thing in the pickle; None for the thing as pickle has it."""
        if isinstance(thing, set | frozenset):
            return ["set", sorted(self.at(each) for each in thing)]
        if isinstance(thing, type | types.FunctionType):
            self._note(thing.__module__)
        if isinstance(thing, type) and not _importable(thing):
            if thing in self._classes:
                return ["class", self._classes[thing]]
            self._classes[thing] = len(self._classes)
            own = {name: value for name, value in vars(thing).items() if name not in _INCIDENTAL}
            return ["class", thing.__qualname__, thing.__bases__, own]
        return None

    def _note(self, module: str | None) -> None:
        file = getattr(sys.modules.get(module or ""), "__file__", None)
        if file and file.endswith(".py") and not is_installed(Path(file)):
            self.files.add(Path(file).resolve())


def _importable(thing: type) -> bool:
    found: Any = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing and thing.__module__ != "__main__"


def _releases(around: Surroundings, sources: set[Path]) -> list[bytes]:
    """Name the installed packages that are used; sources of what has no version are added."""
    for file in around.files:
        _add_source(file, sources)
    named: dict[str, str] = {}
    looked_at: set[Path] = set()
    while True:
        waiting = set(around.packages).union(*map(packages_beside, sources - looked_at)) - set(
            named
        )
        if not waiting:
            return [name.encode() for name in sorted(named.values())]
        looked_at |= sources
        around.packages.update(waiting)
        for package in waiting:
            named[package] = release(package)
            source = source_of(package) if named[package] == package else None
            if source is not None:
                _add_source(source, sources)


def sources_beside(file: Path) -> set[Path]:
    """Give a file and, again and again, the files beside it that it imports."""
    sources: set[Path] = set()
    _add_source(file, sources)
    return sources


def packages_beside(file: Path) -> set[str]:
    """Give top-level names that a file imports, but for those of Python and those beside it."""
    tops = {name.partition(".")[0] for name in _imports(file, absolute=True)}
    return {
        top
        for top in tops - sys.stdlib_module_names
        if not (file.parent / f"{top}.py").is_file() and not (file.parent / top).is_dir()
    }


def _add_source(file: Path, sources: set[Path]) -> None:
    """Add a file and, again and again, the files beside it that it imports."""
    if file in sources or not file.is_file():
        return
    sources.add(file)
    if file.parent.name == "site-packages":
        # Beside it are the packages of others.
        return
    for name in _imports(file):
        place = file.parent.joinpath(*name.split("."))
        for beside in (place.with_suffix(".py"), place / "__init__.py"):
            if beside != file:
                _add_source(beside, sources)


def _imports(file: Path, *, absolute: bool = False) -> Iterator[str]:
    """Give the names that a file imports, wherever in it; without dots before them."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not (absolute and node.level):
            if node.module:
                yield node.module
            prefix = f"{node.module}." if node.module else ""
            yield from (prefix + alias.name for alias in node.names)
