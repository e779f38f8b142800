"""What installed packages add to genomark by entry points, and whose it is.

A package is a stranger's: whatever is wrong with what it offers is told in one line, and neither
stands in the way of what others offer nor depends on the order in which packages are found.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distribution, distributions
from pathlib import Path
from typing import Any

from genomark.errors import GenomarkError, UsageError, one_line

#: The distribution that genomark is itself.
OWN = "genomark"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,99}")
_VALUE = re.compile(r"[\w.]+\s*:\s*[\w.]+\s*(\[.*\])?")

logger = logging.getLogger("genomark.plug_ins")


@dataclass(frozen=True)
class PlugIn:
    """One thing that a package offers under a name.

    Attributes
    ----------
    name : str
        As users type it; without letters that cannot be printed.
    value : str
        Where it is: ``package.module:object``.
    group : str
        Entry-point group, such as ``genomark.models``.
    distribution, version : str
        The package, as pip calls it.
    fault : str
        Why it cannot be used, in one line; empty where it may be tried.
    is_hidden : bool
        Whether genomark's own thing of this name is used instead.
    """

    name: str
    value: str
    group: str
    distribution: str = "an unknown package"
    version: str = ""
    fault: str = ""
    is_hidden: bool = False

    @property
    def is_own(self) -> bool:
        """Whether genomark ships it."""
        return self.distribution == OWN

    @property
    def origin(self) -> str:
        """The package and its version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def place(self) -> str:
        """Where the object is, and in which package."""
        return self.value if self.is_own else f"{self.origin}, {self.value}"

    def load(self) -> Any:
        """Import the object.

        Raises
        ------
        UsageError
            If it cannot be used.
        BaseException
            Whatever importing it raises; see `contained`.
        """
        noun = _noun(self.group)
        if self.fault:
            raise UsageError(f"{noun.capitalize()} '{self.name}' cannot be used: {self.fault}")
        with self.quiet():
            return EntryPoint(self.name, self.value, self.group).load()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Let nothing that a stranger prints mix with what genomark prints."""
        if self.is_own:
            yield
            return
        with contextlib.redirect_stdout(sys.stderr):
            yield


def plug_ins(group: str, is_taken: Callable[[str], bool]) -> list[PlugIn]:
    """Find all that installed packages offer in a group; nothing is imported.

    Parameters
    ----------
    group : str
    is_taken : callable
        Whether genomark has something of a name that is no entry point of its own.

    Returns
    -------
    list of PlugIn
        By name; of one name genomark's own first.
    """
    found = _found(group, tuple((place, _changed(place)) for place in sys.path))
    own = {each.name for each in found if each.is_own}
    return [
        each if each.is_own else _judged(each, each.name in own or is_taken(each.name), found)
        for each in found
    ]


def by_name(found: Sequence[PlugIn]) -> dict[str, PlugIn]:
    """Give those that a name stands for: genomark's own before any other."""
    return {each.name: each for each in reversed(found) if not each.is_hidden}


def tell_hidden(found: Sequence[PlugIn], name: str) -> None:
    """Tell who else offers what is about to be used under a name."""
    for each in found:
        if each.is_hidden and each.name == name:
            _tell_once(
                f"{each.origin} offers a {_noun(each.group)} '{name}' too; genomark's own is used"
            )


@contextlib.contextmanager
def contained(kind: type[GenomarkError], before: str = "") -> Iterator[None]:
    """Turn whatever foreign code raises into an error of genomark's own, of one line.

    That of a Ctrl-C passes, and so does one like it that foreign code raises by itself: nothing
    tells them apart.

    Parameters
    ----------
    kind : type of GenomarkError
    before : str
        What the line begins with; the reason follows.
    """
    try:
        yield
    except (GenomarkError, KeyboardInterrupt):
        raise
    # Not all that is raised is an Exception: CancelledError, GeneratorExit, what skips a test.
    except BaseException as error:
        raise kind(f"{before}{reason(error)}") from error


def reason(error: BaseException) -> str:
    """Say in one line what foreign code raised."""
    try:
        said = one_line(error)
    # An error is foreign code too.
    except Exception:  # noqa: BLE001
        said = ""
    if isinstance(error, SystemExit):
        return f"it ended Python (SystemExit: {said})"
    return said or type(error).__name__


def _judged(plug_in: PlugIn, is_taken: bool, found: Sequence[PlugIn]) -> PlugIn:
    """Say whether a stranger's offer can be used."""
    noun = _noun(plug_in.group)
    if is_taken:
        return replace(
            plug_in, is_hidden=True, fault=f"genomark has a {noun} of this name, which is used"
        )
    rivals = [each.place for each in found if each.name == plug_in.name]
    if len(rivals) > 1:
        offers = " and ".join(f"({each})" for each in rivals)
        fault = f"{len(rivals)} packages offer a {noun} of this name: {offers}. Uninstall others"
        return replace(plug_in, fault=fault)
    if not _NAME.fullmatch(plug_in.name):
        fault = "a name is made of letters, digits and . _ + / - and begins with one of the first"
        return replace(plug_in, fault=f"{fault} ({plug_in.origin})")
    if not _VALUE.fullmatch(plug_in.value):
        fault = f"expected package.module:object, not '{plug_in.value}'"
        return replace(plug_in, fault=f"{fault} ({plug_in.origin})")
    return plug_in


# A run looks up every model and benchmark.
@functools.lru_cache(maxsize=8)
def _found(group: str, places: tuple[tuple[str, int], ...]) -> tuple[PlugIn, ...]:
    """Find what is offered, once for folders of packages as they are."""
    return tuple(
        sorted(set(_offers(group)), key=lambda each: (each.name, not each.is_own, each.place))
    )


def _changed(place: str) -> int:
    """When a folder got or lost a package."""
    try:
        return Path(place or ".").stat().st_mtime_ns
    except OSError:
        return 0


def _offers(group: str) -> Iterator[PlugIn]:
    for package in distributions():
        try:
            text = package.read_text("entry_points.txt")
            # Most packages offer nothing, and what they are called takes long to read.
            if text and group in text and _is_first(package, text):
                yield from _offers_of(package, group)
        # A package that is half there, or not written as it should be, hides no other.
        except Exception as error:  # noqa: BLE001
            _tell_once(f"{_label(package)}: what it adds is left out ({reason(error)})")


def _offers_of(package: Distribution, group: str) -> list[PlugIn]:
    name, version = one_line(package.metadata["Name"]), one_line(package.version)
    return [
        PlugIn(one_line(each.name), one_line(each.value), group, name, version)
        for each in package.entry_points
        if each.group == group
    ]


def _is_first(package: Distribution, text: str) -> bool:
    """Whether Python would import this one, where two of a name are on its path."""
    first = distribution(package.metadata["Name"])
    return first.version == package.version and first.read_text("entry_points.txt") == text


def _label(package: Distribution) -> str:
    """Name a package of which the metadata may be missing."""
    return one_line(getattr(package, "_path", package))


def _noun(group: str) -> str:
    return group.rpartition(".")[2].removesuffix("s")


@functools.cache
def _tell_once(line: str) -> None:
    # A line for who types: workers, which load the same, show no information.
    logger.info(line)
