"""Views as pages of HTML.

Templates see views, a few drawings, and `Links` for every address. Everything that is written is
escaped, and what cannot be printed is replaced: names came from strangers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import genomark
from genomark.errors import UsageError
from genomark.leaderboard import views, wording
from genomark.leaderboard.controls import Place
from genomark.leaderboard.links import Links
from genomark.leaderboard.page_contents import (
    benchmark_contents,
    compare_contents,
    front_contents,
    item_contents,
    items_contents,
    model_contents,
    statistics_contents,
    suite_contents,
)
from genomark.leaderboard.query import MOST_COMPARED, STANDINGS

_WRITERS: Mapping[str, Callable[..., str]] = {
    name: getattr(wording, name)
    for name in (
        *("figure", "between", "with_interval", "ranks", "percent", "p_value", "seconds"),
        *("size", "leakage", "shares", "day", "called", "titled", "headed"),
    )
}


class _Page(NamedTuple):
    """What a page is made of: its view's type, drawings, and twins as data."""

    view: type | None
    contents: Callable[[Any, Place], dict[str, Any]] = lambda view, place: {}
    twins: tuple[str, ...] = ()


_TABLE = ("json", "csv", "parquet")
_PAGES: Mapping[str, _Page] = {
    "front": _Page(views.Front, lambda view, _: front_contents(view), _TABLE),
    "suite": _Page(views.Suite, suite_contents, _TABLE),
    "benchmark": _Page(views.Benchmark, benchmark_contents, _TABLE),
    "model": _Page(views.Model, lambda view, _: model_contents(view), _TABLE),
    "compare": _Page(views.Compare, compare_contents, ("json",)),
    "items": _Page(views.Items, lambda view, _: items_contents(view), ("json",)),
    "item": _Page(views.Item, lambda view, _: item_contents(view), ("json",)),
    "submit": _Page(views.Submit),
    "submission": _Page(views.Submission, twins=("json",)),
    "statistics": _Page(None, lambda view, _: statistics_contents()),
    "error": _Page(views.Problem),
}


def render(
    page: str,
    view: msgspec.Struct | None,
    query: Mapping[str, Sequence[str]],
    links: Links,
    *,
    updated: str | None = None,
) -> str:
    """Draw a page.

    Parameters
    ----------
    page : str
        ``front``, ``suite``, ``benchmark``, ``model``, ``compare``, ``items``, ``item``,
        ``submit``, ``submission``, ``statistics`` or ``error``.
    view : Struct
        Of `genomark.leaderboard.views`, by the name of the page (``Problem`` for ``error``); None
        for ``statistics``. It is sorted and filtered already as the query asks.
    query : mapping of str to sequence of str
        Parameters of the address, checked; links on the page keep them.
    links : Links
    updated : str, optional
        When the results that are shown were last added to (ISO 8601).

    Returns
    -------
    str
        HTML. It needs no script or style but files of `static`.

    Raises
    ------
    UsageError
        For a page that there is none of, or the view of another.
    """
    known = _PAGES.get(page)
    if known is None:
        raise UsageError(f"page '{page}': expected one of {', '.join(_PAGES)}")
    if not isinstance(view, known.view or type(None)):
        raise UsageError(
            f"page '{page}' of a {type(view).__name__}: expected a "
            f"{known.view.__name__ if known.view else 'None'}"
        )
    place = Place(links, page, _slug(view), query)
    return (
        _environment()
        .get_template(f"{page}.html")
        .render(
            view=view,
            place=place,
            links=links,
            url=links.url,
            # Without a server nobody makes data of models that a reader chooses.
            twins=known.twins if links.served or page != "compare" else (),
            updated=updated,
            **known.contents(view, place),
        )
    )


def _slug(view: msgspec.Struct | None) -> str:
    if isinstance(view, views.Suite):
        return view.slug
    if isinstance(view, views.Benchmark | views.Items | views.Item):
        return view.column.slug
    if isinstance(view, views.Model):
        return view.model.slug
    return view.id if isinstance(view, views.Submission) else ""


@cache
def _environment() -> Environment:
    """Make what templates are read by, once: they are compiled at their first use."""
    environment = Environment(
        loader=PackageLoader("genomark.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(_WRITERS)
    environment.globals.update(
        version=genomark.__version__, standings=STANDINGS, most_compared=MOST_COMPARED
    )
    return environment


def _legible(value: object) -> object:
    """Replace what cannot be printed; markup is made here, from text that was legible."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return wording.legible(value)
    return value
