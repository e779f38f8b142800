"""Declarations as TOML text, in the form in which people edit them.

The standard library reads TOML and does not write it. What is written here is what declarations
are made of: strings, numbers, lists of these, tables, and lists of tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 100


def toml_text(declaration: Mapping[str, Any]) -> str:
    """Write a declaration as TOML.

    Parameters
    ----------
    declaration : mapping
        Of what TOML knows; keys are bare words, and values are never None. Lists of mappings
        become ``[[key]]``, mappings ``[key]``, and both come after everything else. Inside these
        a mapping is an inline table.

    Returns
    -------
    str
        What `tomllib.loads` reads as `declaration`.
    """
    plain = {key: value for key, value in declaration.items() if not _is_section(value)}
    lines = [f"{key} = {_value(value, key)}" for key, value in plain.items()]
    for key, value in declaration.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *_body(value)]
        elif _is_section(value):
            for each in value:
                lines += ["", f"[[{key}]]", *_body(each)]
    return "\n".join(lines).strip() + "\n"


def _body(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value, key)}" for key, value in table.items()]


def _is_section(value: object) -> bool:
    return isinstance(value, Mapping) or (_is_list(value) and isinstance(value[0], Mapping))  # type: ignore[index]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0


def _value(value: object, key: str = "") -> str:
    if isinstance(value, str):
        # JSON escapes what TOML wants escaped, but for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, Sequence):
        parts = [_value(each) for each in value]
        line = "[" + ", ".join(parts) + "]"
        if len(key) + len(" = ") + len(line) <= _WIDTH:
            return line
        return "[\n" + "".join(f"  {part},\n" for part in parts) + "]"
    return repr(value)
