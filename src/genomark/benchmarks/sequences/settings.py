"""Settings as they stand after the colon of a name: ``KEY=VALUE,KEY=VALUE``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from genomark.errors import UsageError

Options = TypeVar("Options", bound=msgspec.Struct)


def settings_of(name: str, text: str) -> dict[str, str]:
    """Read settings.

    Parameters
    ----------
    name : str
        Whose they are, for messages.
    text : str

    Raises
    ------
    UsageError
        If a part is not ``KEY=VALUE``.
    """
    settings: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"'{name}': expected KEY=VALUE after the colon, found '{part}'")
        settings[key] = value.replace("%2C", ",").replace("%25", "%")
    return settings


def settings_text(settings: Mapping[str, object]) -> str:
    """Write settings, a comma within a value as %2C."""
    return ",".join(f"{name}={_quoted(value)}" for name, value in settings.items())


def _quoted(value: object) -> str:
    return str(value).replace("%", "%25").replace(",", "%2C")


def options_of(name: str, settings: Mapping[str, str], kind: type[Options]) -> Options:
    """Make options of settings.

    Raises
    ------
    UsageError
        If one is not known, or its value is none that it takes.
    """
    try:
        return msgspec.convert(dict(settings), kind, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(f"{each}=" for each in kind.__struct_fields__)
        raise UsageError(f"'{name}': {error}; it takes {known}") from error
