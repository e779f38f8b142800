"""Exact versions of all that a package needs, as they are installed here.

What the author has tested with is what the image gets. Nothing is resolved anew: the build installs
these and nothing else, and fails where something is missing.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from genomark.errors import UsageError

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?(?P<rest>[^;]*)"
    r"(?:;(?P<marker>.*))?",
    re.DOTALL,
)
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]|['\"]([^'\"]+)['\"]\s*==\s*extra")


@dataclass(frozen=True)
class Need:
    """One requirement of a package.

    Attributes
    ----------
    name : str
        Normalised (PEP 503).
    extras : tuple of str
        Wanted of it.
    marker : str
        Where it is needed; empty for everywhere.
    """

    name: str
    extras: tuple[str, ...] = ()
    marker: str = ""


def normalised(name: str) -> str:
    """Give the one form that names of packages are compared in (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def need_of(requirement: str) -> Need:
    """Read a requirement (PEP 508), but for the versions it allows.

    Raises
    ------
    UsageError
        If it is none.
    """
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise UsageError(f"'{requirement}' is no requirement; expected such as numpy>=2")
    extras = [each.strip() for each in (found["extras"] or "").split(",")]
    return Need(
        normalised(found["name"]),
        tuple(normalised(each) for each in extras if each),
        (found["marker"] or "").strip(),
    )


def needs_of(dist: Distribution, extras: Iterable[str]) -> list[Need]:
    """List what a distribution needs, with the extras that are wanted of it."""
    wanted = set(extras)
    found = []
    for text in _requires(dist):
        need = need_of(text)
        of_extras = {normalised(a or b) for a, b in _EXTRA.findall(need.marker)}
        if of_extras and not of_extras & wanted:
            continue
        # What an extra needs is installed or not: its marker says nothing that is not known then.
        found.append(Need(need.name, need.extras, "" if of_extras else need.marker))
    return found


def _requires(dist: Distribution) -> list[str]:
    """List requirements; of what is edited in place, those that it has today."""
    told = _origin_of(dist) or {}
    where, how = urlsplit(str(told.get("url", ""))), told.get("dir_info")
    declaration = Path(url2pathname(where.path)) / "pyproject.toml"
    if where.scheme == "file" and isinstance(how, dict) and how.get("editable"):
        with contextlib.suppress(OSError, ValueError):
            project = tomllib.loads(declaration.read_text(encoding="utf-8")).get("project", {})
            of_extras = project.get("optional-dependencies", {}).items()
            if "dependencies" in project:
                return [
                    *project["dependencies"],
                    *(f"{text}; extra == '{name}'" for name, texts in of_extras for text in texts),
                ]
    return dist.requires or []


def origin(name: str) -> dict[str, object] | None:
    """Tell where a distribution was installed from, if that was no index (PEP 610)."""
    return _origin_of(distribution(name))


def _origin_of(dist: Distribution) -> dict[str, object] | None:
    text = dist.read_text("direct_url.json")
    found = json.loads(text) if text else None
    return found if isinstance(found, dict) else None


def pinned(requirements: Iterable[str]) -> dict[str, str]:
    """Pin all that some requirements need, directly or not.

    Parameters
    ----------
    requirements : iterable of str
        As of `[project] dependencies`.

    Returns
    -------
    dict of str to str
        A line of a requirements file by normalised name, in the order of the names.

    Raises
    ------
    UsageError
        If something is needed everywhere and not installed here.
    """
    return {name: line for name, (line, _) in _closure(requirements).items()}


def _closure(requirements: Iterable[str]) -> dict[str, tuple[str, Distribution]]:
    waiting = [(need_of(each), "") for each in requirements]
    seen: set[Need] = set()
    markers: dict[str, set[str]] = {}
    dists: dict[str, Distribution] = {}
    while waiting:
        need, via = waiting.pop()
        if need in seen:
            continue
        seen.add(need)
        try:
            dist = dists.get(need.name) or distribution(need.name)
        except PackageNotFoundError:
            if need.marker or via:
                # Of another system, or of an extra that is not all there.
                continue
            raise UsageError(
                f"'{need.name}' is needed and not installed here: pip install -e . first, since "
                "the image gets the versions of this environment"
            ) from None
        dists[need.name] = dist
        markers.setdefault(need.name, set()).add(need.marker)
        waiting += [(each, need.name) for each in needs_of(dist, need.extras)]
    return {name: (_line(dists[name], markers[name]), dists[name]) for name in sorted(dists)}


def _line(dist: Distribution, markers: set[str]) -> str:
    pin = f"{dist.metadata['Name']}=={dist.version}"
    if "" in markers:
        return pin
    return f"{pin} ; {' or '.join(f'({each})' for each in sorted(markers))}"


def lock_text(requirements: Iterable[str]) -> str:
    """Write the file of pins.

    What was installed from a folder or an address is named in a comment: no index has it, so a
    wheel of it goes into ``wheels/``.
    """
    lines = [
        "# Exact versions of all that is needed, as they were installed where this was written:",
        f"# Python {platform.python_version()}. `genomark build --lock` writes it anew.",
    ]
    for line, dist in _closure(requirements).values():
        if _origin_of(dist) is None:
            lines.append(line)
        else:
            lines.append(f"# {line}: not from an index, so its wheel is in wheels/")
    return "\n".join([*lines, ""])


def pinned_names(lock: str) -> set[str]:
    """Give the names of a file of pins."""
    lines = (line.split("#")[0].strip() for line in lock.splitlines())
    return {
        need_of(line.split(" --hash")[0].rstrip("\\ ")).name
        for line in lines
        if line and not line.startswith("-")
    }
