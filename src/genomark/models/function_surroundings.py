"""What a function uses beside its own source: values set elsewhere, and installed packages.

Seen are the globals that code names, and the attributes it names of modules; not what it looks up
in another way, nor files it reads.
"""

from __future__ import annotations

import dis
import functools
import importlib.util
import sys
import types
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np

_SCALARS = (bool, int, float, complex, str, bytes)


class Surroundings:
    """Walks from a function or callable object to what its code names.

    Followed are functions and classes of the user's own files, and those of the package that the
    function itself is in.

    Parameters
    ----------
    thing : callable

    Attributes
    ----------
    packages : set of str
        Top-level names of installed modules that are used.
    files : set of Path
        Sources of what was followed.
    """

    def __init__(self, thing: object) -> None:
        self.packages: set[str] = set()
        self.files: set[Path] = set()
        self._home = _top(_entry(thing).__module__)
        self._values: dict[tuple[str, str], bytes] = {}
        #: Globals that the code sets anew: caches and counters, which say nothing of the model.
        self._rebound: set[tuple[str, str]] = set()
        self._seen: set[int] = set()
        self._follow(thing)

    @property
    def values(self) -> list[bytes]:
        """Numbers, texts and arrays that the code reads, with their names, in one order."""
        kept = sorted(place for place in self._values if place not in self._rebound)
        return [part for place in kept for part in (":".join(place).encode(), self._values[place])]

    def _follow(self, thing: Any) -> None:
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if isinstance(thing, types.MethodType):
            # It may ask the other methods of its object.
            self._follow_if_own(type(thing.__self__))
        thing = _entry(thing)
        self._note(sys.modules.get(thing.__module__ or ""))
        if isinstance(thing, type):
            for each in thing.__mro__:
                if self._is_own(each):
                    for value in vars(each).values():
                        self._follow_if_own(getattr(value, "__func__", value))
        elif isinstance(thing, types.FunctionType):
            for cell in thing.__closure__ or ():
                # A cell may still be empty.
                self._follow_if_own(getattr(cell, "cell_contents", None))
            self._read(thing)

    def _follow_if_own(self, thing: object) -> None:
        if isinstance(thing, functools.partial | types.MethodType | types.FunctionType | type):
            if self._is_own(_entry(thing)):
                self._follow(thing)
            else:
                self._note(sys.modules.get(_entry(thing).__module__ or ""))

    def _is_own(self, thing: Any) -> bool:
        module = sys.modules.get(thing.__module__ or "")
        file = getattr(module, "__file__", None)
        if module is None or not file:
            return bool(thing.__module__ == "__main__")
        return not is_installed(Path(file)) or _top(module.__name__) == self._home

    def _read(self, function: types.FunctionType) -> None:
        """Take in what the code of a function names."""
        module = function.__module__ or ""
        attributes: set[str] = set()
        stored: set[str] = set()
        modules: list[types.ModuleType] = []
        for code in _codes(function.__code__):
            for step in dis.get_instructions(code):
                if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                    self._rebound.add((module, step.argval))
                elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                    value = function.__globals__.get(step.argval)
                    if isinstance(value, types.ModuleType):
                        modules.append(value)
                    self._take(module, step.argval, value)
                elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                    attributes.add(step.argval)
                elif step.opname in ("STORE_ATTR", "DELETE_ATTR"):
                    stored.add(step.argval)
        for each in modules:
            self._note(each)
            self._rebound |= {(each.__name__, name) for name in stored}
            for name in attributes & set(vars(each)):
                self._take(each.__name__, name, vars(each)[name])

    def _take(self, module: str, name: str, value: object) -> None:
        written = _written(value)
        if written is not None:
            self._values[module, name] = written
        else:
            self._follow_if_own(value)

    def _note(self, module: types.ModuleType | None) -> None:
        file = getattr(module, "__file__", None)
        if module is None or not file or is_standard(Path(file)):
            return
        if is_installed(Path(file)):
            self.packages.add(_top(module.__name__))
        if file.endswith(".py") and (
            not is_installed(Path(file)) or _top(module.__name__) == self._home
        ):
            self.files.add(Path(file).resolve())


def is_standard(file: Path) -> bool:
    """Whether a file belongs to Python itself."""
    return "site-packages" not in file.parts and file.is_relative_to(Path(dis.__file__).parent)


def is_installed(file: Path) -> bool:
    """Whether a file belongs to Python or to an installed package, which has a version."""
    return "site-packages" in file.parts or is_standard(file)


@functools.cache
def release(package: str) -> str:
    """Give name and version of what installed a top-level module; of none, its name alone."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        # Reads what every installed package says of itself, which takes a third of a second.
        names = sorted(set(packages_distributions().get(package, [])))
    return ", ".join(f"{name} {version(name)}" for name in names) or package


def source_of(package: str) -> Path | None:
    """Find the source of a top-level module without importing it."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    origin = Path(found.origin) if found and found.origin else None
    return origin if origin and origin.suffix == ".py" and origin.is_file() else None


def _entry(thing: Any) -> Any:
    """Give the function or class that holds the code of a callable."""
    if isinstance(thing, functools.partial):
        return _entry(thing.func)
    if isinstance(thing, types.MethodType):
        return _entry(thing.__func__)
    return thing if isinstance(thing, types.FunctionType | type) else type(thing)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _codes(each)


def _written(value: object) -> bytes | None:
    """Write a value that does not change by itself; None for any other."""
    if isinstance(value, _SCALARS) and type(value) in _SCALARS:
        return f"{type(value).__name__} {value!r}".encode()
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        return f"array {value.dtype.str} {value.shape} ".encode() + value.tobytes()
    if type(value) is tuple or type(value) is frozenset:
        parts = [_written(each) for each in value]
        if None in parts:
            return None
        known = [part for part in parts if part is not None]
        ordered = known if type(value) is tuple else sorted(known)
        return b"".join([type(value).__name__.encode(), *(b"(%d)" % len(p) + p for p in ordered)])
    return None


def _top(module: str | None) -> str:
    return (module or "").partition(".")[0]
