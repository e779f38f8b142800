"""Libraries that not everybody has: each comes with an extra of genomark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from genomark.errors import UsageError, one_line

#: Modules that pip knows by another name.
_CALLED = {"RNA": "ViennaRNA", "google.protobuf": "protobuf", "vl_convert": "vl-convert-python"}


def import_extra(what: str, module: str, extra: str) -> ModuleType:
    """Import a library that comes with an extra.

    Parameters
    ----------
    what : str
        What needs it, for the message.
    module : str
        Perhaps with dots.
    extra : str
        Of genomark, that brings the library.

    Raises
    ------
    UsageError
        If the library is not installed, or cannot be imported; then the message says why.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        absent = isinstance(error, ModuleNotFoundError) and error.name in (library, module)
        reason = "" if absent else f" ({one_line(error)})"
        raise _lacking(what, [f"{_called(library)}{reason}"], [extra]) from error


def require_extras(what: str, libraries: Mapping[str, str]) -> None:
    """Refuse where libraries are not installed, and import none of them.

    Parameters
    ----------
    what : str
        What needs them, for the message.
    libraries : mapping of str to str
        The extra by the module, perhaps with dots.

    Raises
    ------
    UsageError
        Names all that are lacking.
    """
    absent = [library for library in libraries if not _is_installed(library)]
    if absent:
        raise _lacking(what, map(_called, absent), {libraries[library] for library in absent})


def _called(library: str) -> str:
    return _CALLED.get(library, library)


def _lacking(what: str, libraries: Iterable[str], extras: Iterable[str]) -> UsageError:
    install = f"pip install 'genomark[{','.join(sorted(extras))}]'"
    return UsageError(f"{what} needs {', '.join(libraries)}: {install}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    # The package that the module is in is not there either.
    except ModuleNotFoundError:
        return False
