"""How genomark itself gets into an image.

A released version comes from the index, pinned as all else. One that was installed from a folder or
an address is in no index: a wheel of it is made and put beside the sources of the package.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from genomark.errors import GenomarkError, UsageError, one_line
from genomark.scaffold.pins import origin

#: Folder of wheels that no index has, beside the Containerfile.
WHEELS = "wheels"
_NAME = re.compile(r"genomark-[^-]+(-[^-]+){3,4}\.whl")
_SECONDS = 600


class WheelError(GenomarkError):
    """No wheel could be made of the genomark that is installed here."""


def place_genomark(folder: Path, given: Path | None) -> Path | None:
    """Put the wheel of genomark into the wheels of a package, where one is needed.

    Parameters
    ----------
    folder : Path
        Of the package.
    given : Path, optional
        A wheel to take; left out, one is made where genomark comes from no index.

    Returns
    -------
    Path or None
        The wheel that the image gets; None where it gets a released version.

    Raises
    ------
    UsageError
        If what was given is no wheel of genomark, or there can be no folder of wheels.
    WheelError
        If none could be made.
    """
    wheels = folder / WHEELS
    try:
        wheels.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{wheels}: expected a folder ({error.strerror})") from error
    if given is not None:
        if not given.is_file() or not _NAME.fullmatch(given.name):
            raise UsageError(f"{given}: expected a wheel of genomark, genomark-VERSION-...-any.whl")
        return _placed(given, wheels)
    source = _source()
    if source is None:
        return next(iter(sorted(wheels.glob("genomark-*.whl"))), None)
    with tempfile.TemporaryDirectory() as made:
        _make(source, Path(made))
        found = list(Path(made).glob("genomark-*.whl"))
        if len(found) != 1:
            raise WheelError(f"no wheel came of {source}; give one with --genomark WHEEL")
        return _placed(found[0], wheels)


def _placed(wheel: Path, wheels: Path) -> Path:
    target = wheels / wheel.name
    for other in wheels.glob("genomark-*.whl"):
        if other.resolve() != wheel.resolve():
            other.unlink()
    if target.resolve() != wheel.resolve():
        shutil.copyfile(wheel, target)
    return target


def _source() -> str | None:
    """Tell what pip makes a wheel of; None where an index has it."""
    told: dict[str, Any] | None = origin("genomark")
    if told is None:
        return None
    url = str(told.get("url", ""))
    version = told.get("vcs_info")
    if isinstance(version, dict):
        return f"genomark @ {version.get('vcs')}+{url}@{version.get('commit_id')}"
    return url if url.startswith("file:") else f"genomark @ {url}"


def _make(source: str, into: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        str(into),
        source,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WheelError(f"no wheel of genomark ({error}); give one with --genomark") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = next((line for line in said if "rror" in line or "No module" in line), "pip failed")
        raise WheelError(
            f"no wheel could be made of {source} ({one_line(why)}); give one with --genomark WHEEL"
        )
