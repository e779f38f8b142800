"""What scripts and packages may import, as text: one line a name, parameter, field or method.

``python tests/public_surface.py`` writes it to ``tests/public_api.txt``, which is how a change to
it is accepted.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

import genomark
from genomark import errors

SURFACE = Path(__file__).with_name("public_api.txt")


def promised() -> dict[str, Any]:
    """Every promised object by the path it is imported from."""
    names = {f"genomark.{name}": getattr(genomark, name) for name in genomark.__all__}
    names |= {f"genomark.errors.{name}": each for name, each in _defined_in(errors).items()}
    return dict(sorted(names.items()))


def surface() -> str:
    """Write all that is promised."""
    return "".join(f"{line}\n" for path, each in promised().items() for line in _lines(path, each))


def _defined_in(module: ModuleType) -> dict[str, Any]:
    return {
        name: each
        for name, each in vars(module).items()
        if inspect.isclass(each) and each.__module__ == module.__name__
    }


def _lines(path: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        yield from _class_lines(path, thing)
    elif callable(thing):
        yield from _parameters(path, thing)
    else:
        yield f"{path}: {type(thing).__name__}"


def _class_lines(path: str, cls: type) -> Iterator[str]:
    bases = [each for each in cls.__mro__[1:] if each.__module__.startswith("genomark")]
    others = [each for each in (Exception, abc.ABC, msgspec.Struct) if issubclass(cls, each)]
    known = [each.__name__ for each in (*bases, *others) if not each.__name__.startswith("_")]
    kind = "protocol " if getattr(cls, "_is_protocol", False) else ""
    yield f"{path}: {kind}class({', '.join(known)})"
    if not kind and cls.__init__ is not Exception.__init__:
        yield from _parameters(path, cls)
    for name in sorted(_members(cls)):
        yield from _member(path, cls, name)


def _members(cls: type) -> set[str]:
    found = set()
    for each in cls.__mro__:
        if each.__module__.startswith("genomark"):
            found |= {*vars(each), *inspect.get_annotations(each)}
    return {name for name in found if not name.startswith("_")}


def _member(path: str, cls: type, name: str) -> Iterator[str]:
    thing = inspect.getattr_static(cls, name, None)
    hints = [inspect.get_annotations(each) for each in cls.__mro__]
    hint = next((each[name] for each in hints if name in each), None)
    read = thing.func if isinstance(thing, cached_property) else getattr(thing, "fget", None)
    path = f"{path}.{name}"
    if getattr(read or thing, "__isabstractmethod__", False):
        yield f"{path}: abstract"
    if read is not None:
        yield f"{path}: property, {_text(inspect.signature(read).return_annotation)}"
    elif isinstance(thing, classmethod | staticmethod):
        yield f"{path}: {type(thing).__name__}"
        yield from _parameters(path, thing.__func__)
    elif callable(thing) and not inspect.isclass(thing):
        yield from _parameters(path, thing)
    else:
        yield f"{path}: {type(thing).__name__ if hint is None else _text(hint)}"


def _parameters(path: str, thing: Any) -> Iterator[str]:
    """One line a parameter, so that a change of one is a change of one line."""
    given = inspect.signature(thing)
    if not inspect.isclass(thing):
        yield f"{path}() -> {_text(given.return_annotation)}"
    for place, each in enumerate(given.parameters.values()):
        if each.name in ("self", "cls"):
            continue
        by_name = each.kind is each.KEYWORD_ONLY
        annotated = "" if each.annotation is each.empty else f": {_text(each.annotation)}"
        default = "" if each.default is each.empty else f" = {_shown(each.default)}"
        yield f"{path}({'*' if by_name else place} {each.name}{annotated}{default})"


def _shown(default: Any) -> str:
    """Write a default; what may have an address in it is not told."""
    plain = isinstance(default, str | int | float | tuple | type(None))
    return repr(default) if plain else "..."


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


if __name__ == "__main__":
    SURFACE.write_text(surface())
