"""What an isolated model declares, as it may be passed on."""

from __future__ import annotations

from typing import Any

import msgspec

from genomark.errors import ModelError, one_line
from genomark.models.declaration import Declaration
from genomark.models.isolation.messages import Told


def declared(told: Told) -> Declaration | None:
    """Read a declaration, its texts cut to one line each; None where there is none.

    Raises
    ------
    ModelError
        If it is none.
    """
    if not told.declaration:
        return None
    try:
        declaration = msgspec.msgpack.decode(told.declaration, type=Declaration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"an isolated model declares what it is not: {one_line(error)}") from error
    cleaned: Declaration = msgspec.convert(_clean(msgspec.to_builtins(declaration)), Declaration)
    return cleaned


def _clean(thing: Any) -> Any:
    if isinstance(thing, str):
        return one_line(thing)
    if isinstance(thing, dict):
        return {key: _clean(value) for key, value in thing.items()}
    return [_clean(each) for each in thing] if isinstance(thing, list | tuple) else thing
