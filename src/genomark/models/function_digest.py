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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from genomark.digests import digest_of_bytes

#: Digests of what could not be seen, made for this process alone.
_passing: set[str] = set()
#: Attributes of a class that are not its own, or differ from process to process.
_INCIDENTAL = {"__dict__", "__weakref__", "__static_attributes__", "_abc_impl"}


def function_digest(function: Callable[..., Any], version: str) -> str:
    """Digest of a function or callable object.

    It covers the code, the values it closes over or carries, the source files of the functions and
    classes it is made of, and the modules beside those files that they import. What cannot be seen
    (a handle, a device) makes the digest unique, so that no answer is ever taken for that of
    another function.

    Parameters
    ----------
    function : callable
    version : str
        What the user calls the state of whatever a digest cannot see, such as a file of weights.
    """
    look = _Look()
    try:
        parts = [version.encode(), look.at(function)]
    except Exception:  # noqa: BLE001 - whatever cannot be pickled cannot be compared
        unique = digest_of_bytes([version.encode(), uuid.uuid4().bytes])
        _passing.add(unique)
        return unique
    sources: set[Path] = set()
    for file in look.files:
        _add_source(file, sources)
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
        if file and file.endswith(".py") and not _installed(Path(file)):
            self.files.add(Path(file).resolve())


def _importable(thing: type) -> bool:
    found: Any = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing and thing.__module__ != "__main__"


def _installed(file: Path) -> bool:
    """Whether a file belongs to Python or to an installed package, which has a version."""
    return "site-packages" in file.parts or file.is_relative_to(Path(ast.__file__).parent)


def _add_source(file: Path, sources: set[Path]) -> None:
    """Add a file and, again and again, the files beside it that it imports."""
    if file in sources or not file.is_file():
        return
    sources.add(file)
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            names = [node.module or "", *(prefix + alias.name for alias in node.names)]
        for name in names:
            place = file.parent.joinpath(*name.split("."))
            for beside in (place.with_suffix(".py"), place / "__init__.py"):
                if name and beside != file:
                    _add_source(beside, sources)
