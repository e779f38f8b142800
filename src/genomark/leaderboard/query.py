"""What the address of a page may ask: to sort, to filter, to choose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from genomark.errors import UsageError, one_line

STANDINGS = ("verified", "self-reported", "published")
#: Models on the page that compares.
MOST_COMPARED = 5
_LONGEST = 1000
_LINES = ("sort", "order", "standing", "search")
#: What each page may be asked.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "front": (*_LINES, "suite"),
    "suite": _LINES,
    "benchmark": (*_LINES, "metric"),
    "pairs": ("standing",),
    "model": ("sort", "order", "standing", "suite"),
    "compare": ("models", "benchmark"),
    "items": ("search", "start"),
    "item": ("item",),
}
#: What lines of each page may be sorted by, the first if nothing is asked; on pages with many
#: columns the slug of a column, too.
SORTS: Mapping[str, tuple[str, ...]] = {
    "front": ("rank", "model", "wins", "scaled", "columns"),
    "suite": ("rank", "model", "wins", "scaled", "columns"),
    "benchmark": ("rank", "model", "value", "cost", "added", "attempts", "standing"),
    "model": ("suite", "benchmark", "rank", "place", "value", "cost"),
}


class Query(msgspec.Struct, frozen=True):
    """What was asked of a page; empty where nothing was.

    Attributes
    ----------
    sort : str
    descending : bool or None
        None for the order that suits what is sorted by.
    standing : str or None
    search, suite, metric, benchmark, item : str
    models : tuple of str
        Slugs.
    start : int
        First item to list, from 0.
    """

    sort: str = ""
    descending: bool | None = None
    standing: str | None = None
    search: str = ""
    suite: str = ""
    metric: str = ""
    benchmark: str = ""
    item: str = ""
    models: tuple[str, ...] = ()
    start: int = 0


def read_query(page: str, given: Iterable[tuple[str, str]]) -> Query:
    """Read the parameters of an address; those that are empty count as left out.

    Parameters
    ----------
    page : str
    given : iterable of (str, str)
        Names and values, decoded.

    Raises
    ------
    UsageError
        For a name that the page does not know, a name given twice, or a value that cannot be.
    """
    allowed = ALLOWED.get(page, ())
    found: dict[str, Any] = {}
    for name, value in given:
        if name not in allowed:
            known = f"it knows {', '.join(allowed)}" if allowed else "it knows none"
            raise UsageError(f"this page knows no parameter '{one_line(name)}'; {known}")
        if len(value) > _LONGEST:
            raise UsageError(f"{name} has {len(value):,} letters; expected {_LONGEST:,} at most")
        if name == "models":
            found.setdefault(name, []).extend(filter(None, [value]))
        elif name in found:
            raise UsageError(f"{name} is given twice; expected once")
        elif value:
            found[name] = value
    return _checked(found)


def _checked(found: dict[str, Any]) -> Query:
    if "order" in found:
        found["descending"] = _one_of("order", found.pop("order"), ("asc", "desc")) == "desc"
    if "standing" in found:
        _one_of("standing", found["standing"], STANDINGS)
    if "start" in found:
        text = found["start"]
        # As many digits as any number of items has; int() alone takes more than digits.
        if not (text.isascii() and text.isdecimal() and len(text) <= 12):
            raise UsageError(f"start is '{one_line(text)}'; expected a number of 0 or more")
        found["start"] = int(text)
    models = tuple(dict.fromkeys(found.pop("models", ())))
    if len(models) > MOST_COMPARED:
        raise UsageError(f"{len(models)} models to compare; expected {MOST_COMPARED} at most")
    return Query(models=models, **found)


def sort_of(page: str, query: Query, more: Iterable[str] = ()) -> str:
    """Say what lines are sorted by.

    Raises
    ------
    UsageError
        If the page cannot sort by what is asked for.
    """
    known = SORTS[page]
    if query.sort in more:
        return query.sort
    return _one_of("sort", query.sort or known[0], known)


def _one_of(name: str, value: str, known: Iterable[str]) -> str:
    choices = tuple(known)
    if value not in choices:
        raise UsageError(f"{name} is '{one_line(value)}'; expected {', '.join(choices)}")
    return value
