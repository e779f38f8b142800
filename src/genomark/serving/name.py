"""`predictor_name`: what a server is called, and which build it is (GAME 1.0, section 9.3)."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

from genomark.errors import UsageError

#: There only inside an Apptainer or Singularity container.
_CONTAINER = Path("/.singularity.d")
#: Written when other images are built, as `genomark new` has it.
_IMAGE = Path("/etc/genomark-image.json")
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


def versioned_name(base: str, container: Path = _CONTAINER, image: Path = _IMAGE) -> str:
    """Add the build: the date a container was built on, or ``dev`` outside of one.

    Parameters
    ----------
    base : str
        Characters that are not safe in a file name become ``-``.
    container : Path
        Where a container of Apptainer keeps its labels.
    image : Path
        Where others keep ``org.opencontainers.image.created``.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", base).strip("-") or "genomark"
    # An image that Apptainer has made its own is of the date of that.
    if container.is_dir():
        return f"{safe}_{_build_of_apptainer(container / 'labels.json')}"
    return f"{safe}_{_build_of_image(image) if image.is_file() else 'dev'}"


def _build_of_apptainer(file: Path) -> str:
    try:
        labels = json.loads(file.read_text())
        # Such as Friday_28_November_2025_18:6:29_PST.
        parts = str(labels["org.label-schema.build-date"]).split("_")
        built = datetime.strptime("_".join(parts[1:5]), "%d_%B_%Y_%H:%M:%S")
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
    return _worded(built, parts[5] if len(parts) > 5 else "")


def _build_of_image(file: Path) -> str:
    try:
        # Such as 2025-11-28T18:06:29Z.
        told = json.loads(file.read_text())["org.opencontainers.image.created"]
        built = datetime.fromisoformat(told)
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
    return _worded(built, "UTC" if built.utcoffset() == timedelta(0) else f"{built:%z}")


def _worded(built: datetime, zone: str) -> str:
    return f"{built:%Y%m%d-%H%M%S}_{re.sub(r'[^A-Za-z0-9+-]', '', zone) or 'UNK'}"
