"""The worker pool as GAME's Distributor reads it: YAML (GAME 1.0, section 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from genomark.errors import UsageError, one_line
from genomark.serving.pool import worker_address

#: What a distributor reads, and what it can put together from parts.

_CONFIG_BYTES = 16 << 20


def read_config(path: Path) -> list[str]:
    """Read the worker pool of a GAME distributor.

    Parameters
    ----------
    path : Path
        YAML with `base_url_template`, which holds ``{pred_ip}`` and ``{pred_port}``, and
        `predictor_pool`, a list of objects with these two keys (GAME 1.0, section 8).

    Returns
    -------
    list of str
        The URLs, in the order of the file.

    Raises
    ------
    UsageError
        If there is no such file, or it holds something else.
    """
    try:
        with path.open("rb") as file:
            raw = yaml.safe_load(file.read(_CONFIG_BYTES))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    # Bytes that are no text, and nesting deeper than the stack, are no YAML either.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not YAML ({one_line(error)})") from error
    template, entries = (
        (raw.get("base_url_template"), raw.get("predictor_pool"))
        if isinstance(raw, dict)
        else (None, None)
    )
    if not isinstance(template, str):
        raise UsageError(
            f"{path}: expected the key base_url_template with a text such as "
            "http://{pred_ip}:{pred_port}"
        )
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path}: expected the key predictor_pool with a list of workers")
    return [_filled(path, template, index, entry) for index, entry in enumerate(entries)]


def _filled(path: Path, template: str, index: int, entry: Any) -> str:
    where = f"{path}: predictor_pool[{index}]"
    url = template
    for key in ("pred_ip", "pred_port"):
        value = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            raise UsageError(f"{where}: expected {key}, a text")
        url = url.replace(f"{{{key}}}", str(value))
    try:
        return worker_address(url)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
