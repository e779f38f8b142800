"""The settings of pip, for a build that is to find packages where this environment does.

They may hold passwords, so a build gets them as a secret that is there while pip runs and in no
layer of the image.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What concerns where packages come from, and nothing of where they go.
_KEPT = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "cert",
    "proxy",
    "timeout",
    "retries",
)
_OTHER_NAMES = {"default-timeout": "timeout"}
#: Commands whose own settings hold for an installation; the later goes before the earlier.
_SECTIONS = ("global", "install", ":env:")
#: What pip takes for the certificates where its own setting is not there.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: Those that may name folders.
_PLACES = ("find-links", "index-url", "extra-index-url")
#: Where a build sees the certificates, and the folders.
CERTIFICATES = "/run/pip.pem"
_FOLDERS = "/run/pip"
_SECONDS = 60


@dataclass(frozen=True)
class PipSettings:
    """What a build has to know.

    Attributes
    ----------
    values : dict of str to str
        By key of the section ``[global]``.
    certificates : Path or None
        File of certificates.
    folders : tuple of Path
        Folders of this machine that packages come from.
    """

    values: dict[str, str] = field(default_factory=dict)
    certificates: Path | None = None
    folders: tuple[Path, ...] = ()

    def mounts(self) -> dict[Path, str]:
        """Give the place where a build sees each folder: an image tells nothing of this machine."""
        return {folder: f"{_FOLDERS}/{number}" for number, folder in enumerate(self.folders)}

    def text(self, certificates: str = CERTIFICATES, *, sees_folders: bool = False) -> str:
        """Write them as a file of pip's, for a build that has all this at other places.

        Parameters
        ----------
        certificates : str
            Where it has them.
        sees_folders : bool
            Whether it has the folders, where `mounts` says; if not they are left out.
        """
        mounts = self.mounts() if sees_folders else {}
        values = {}
        for key, value in self.values.items():
            words = [_moved(word, mounts) for word in value.split()] if key in _PLACES else [value]
            if kept := [word for word in words if word]:
                values[key] = " ".join(kept)
        if self.certificates is not None:
            values["cert"] = certificates
        lines = [f"{key} = {value}" for key, value in values.items()]
        return "\n".join(["[global]", *lines, ""])


def pip_settings() -> PipSettings:
    """Read the settings that pip has here: its files, and the environment."""
    sections = _listed()
    values: dict[str, str] = {}
    for section in _SECTIONS:
        for key, value in sections.get(section, {}).items():
            name = _OTHER_NAMES.get(key, key)
            if name in _KEPT and value.strip():
                # Some have several values, a line each.
                values[name] = " ".join(value.split())
    bundle = values.pop("cert", None) or next(
        (os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), None
    )
    certificates = Path(bundle) if bundle and Path(bundle).is_file() else None
    return PipSettings(values, certificates, _folders(values))


def _listed() -> dict[str, dict[str, str]]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    sections: dict[str, dict[str, str]] = {}
    for line in said.splitlines():
        name, equals, quoted = line.partition("=")
        section, dot, key = name.rpartition(".")
        if not equals or not dot:
            continue
        try:
            sections.setdefault(section, {})[key] = str(ast.literal_eval(quoted))
        except (ValueError, SyntaxError):
            continue
    return sections


def _folders(values: dict[str, str]) -> tuple[Path, ...]:
    words = [word for key in _PLACES for word in values.get(key, "").split()]
    paths = [path for word in words if (path := _path_of(word)) is not None and path.exists()]
    return tuple(dict.fromkeys(_shared(path) for path in paths))


def _path_of(word: str) -> Path | None:
    """Give the path that a word names; None where it is an address."""
    address = urlsplit(word)
    if address.scheme == "file":
        return Path(unquote(address.path))
    return Path(word).absolute() if not address.scheme else None


def _shared(path: Path) -> Path:
    """Give what has to be there: the pages of an index name files that lie beside them."""
    return path.parent if path.name == "simple" else path


def _moved(word: str, mounts: dict[Path, str]) -> str:
    """Name a folder as a build sees it; empty where it does not."""
    path = _path_of(word)
    if path is None:
        return word
    folder = mounts.get(_shared(path))
    if folder is None:
        return ""
    place = f"{folder}/simple" if path.name == "simple" else folder
    return f"file://{place}" if word.startswith("file:") else place
