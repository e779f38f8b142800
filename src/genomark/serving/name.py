"""`predictor_name`: what a server is called, and which build it is (GAME 1.0, section 9.3)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

from genomark.errors import UsageError

#: There only inside an Apptainer or Singularity container.
_CONTAINER = Path("/.singularity.d")
_PATTERN = re.compile(r"[A-Za-z0-9._-]+")


def checked_name(name: str) -> str:
    """Give a name back if it is safe everywhere; Evaluators make file names of it.

    Raises
    ------
    UsageError
        If it has other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    if not _PATTERN.fullmatch(name):
        raise UsageError(
            f"predictor name {name!r}: expected letters, digits, '.', '_' and '-' only, since "
            "evaluators make file names of it"
        )
    return name


def versioned_name(base: str, container: Path = _CONTAINER) -> str:
    """Add the build: the date a container was built on, or ``dev`` outside of one.

    Parameters
    ----------
    base : str
        Characters that are not safe in a file name become ``-``.
    container : Path
        Where a container keeps its labels.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", base).strip("-") or "genomark"
    return f"{safe}_{_build(container)}"


def _build(container: Path) -> str:
    if not container.is_dir():
        return "dev"
    try:
        labels = json.loads((container / "labels.json").read_text())
        # Such as Friday_28_November_2025_18:6:29_PST.
        parts = str(labels["org.label-schema.build-date"]).split("_")
        built = datetime.strptime("_".join(parts[1:5]), "%d_%B_%Y_%H:%M:%S")
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
    zone = re.sub(r"[^A-Za-z0-9+-]", "", parts[5]) if len(parts) > 5 else ""
    return f"{built:%Y%m%d-%H%M%S}_{zone or 'UNK'}"
