"""Each page of the board in each of its forms: HTML, and its twins as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import polars as pl

from genomark.leaderboard.benchmark_view import benchmark, pairs
from genomark.leaderboard.board import Board
from genomark.leaderboard.compare_view import compare
from genomark.leaderboard.front_view import front
from genomark.leaderboard.item_view import item, items, items_table
from genomark.leaderboard.links import Links
from genomark.leaderboard.model_view import model
from genomark.leaderboard.query import Query, read_query
from genomark.leaderboard.snapshot import Snapshot
from genomark.leaderboard.suite_view import suite
from genomark.leaderboard.tables import (
    benchmark_table,
    model_table,
    pairs_table,
    scores_table,
    written,
)

Form = Literal["html", "json", "csv", "parquet"]
MEDIA_TYPES: Mapping[Form, str] = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
#: Parameters of an address by name, each perhaps several times.
Parameters = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Attributes
    ----------
    view : callable
        Makes the view from board, snapshot, slug and query; None where there is no such page.
    table : callable or None
        Makes a table of the view.
    whole : callable or None
        Instead of `table`: makes the parquet twin from board, snapshot and slug.
    page : bool
        Whether there is HTML.
    """

    view: Callable[[Board, Snapshot, str, Query], Any]
    table: Callable[[Any], pl.DataFrame] | None = None
    whole: Callable[[Board, Snapshot, str], pl.DataFrame | None] | None = None
    page: bool = True

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms that there are."""
        tables: tuple[Form, ...] = ("csv", "parquet") if self.table else ()
        whole: tuple[Form, ...] = ("parquet",) if self.whole else ()
        return (*(("html",) if self.page else ()), "json", *tables, *whole)


KINDS: Mapping[str, Kind] = {
    "front": Kind(lambda board, now, slug, query: front(board, now, query), scores_table),
    "suite": Kind(suite, scores_table),
    "benchmark": Kind(benchmark, benchmark_table),
    "pairs": Kind(pairs, pairs_table, page=False),
    "model": Kind(model, model_table),
    "compare": Kind(lambda board, now, slug, query: compare(board, now, query)),
    "items": Kind(items, whole=items_table),
    "item": Kind(item),
}


def made(
    kind: str,
    form: Form,
    board: Board,
    snapshot: Snapshot,
    slug: str,
    given: Parameters,
    links: Links,
) -> bytes | None:
    """Write a page in one of its forms; None if there is no such page.

    Parameters
    ----------
    kind : str
        One of `KINDS`, or ``statistics``.
    form : {"html", "json", "csv", "parquet"}
        One that the kind has.
    board : Board
    snapshot : Snapshot
    slug : str
        Of what the page shows; empty where there is one such page.
    given : mapping of str to sequence of str
        Parameters of the address, as they came.
    links : Links
        For addresses on the page.

    Raises
    ------
    UsageError
        If the parameters ask for what cannot be.
    """
    asked = read_query(kind, [(name, each) for name, all_ in given.items() for each in all_])
    if kind == "statistics":
        return page(kind, None, snapshot, given, links)
    known = KINDS[kind]
    if form == "parquet" and known.whole is not None:
        table = known.whole(board, snapshot, slug)
        return None if table is None else written(table, form)
    view = known.view(board, snapshot, slug, asked)
    if view is None:
        return None
    if form == "json":
        return msgspec.json.encode(view)
    if form == "html":
        return page(kind, view, snapshot, given, links)
    assert known.table is not None
    return written(known.table(view), form)


def page(
    kind: str,
    view: msgspec.Struct | None,
    snapshot: Snapshot,
    given: Parameters,
    links: Links,
) -> bytes:
    """Draw a page of what a view tells, as UTF-8."""
    # Templates are needed by pages alone, and take a while to load.
    from genomark.leaderboard.pages import render

    kept = {name: [each for each in values if each] for name, values in given.items()}
    asked = {name: values for name, values in kept.items() if values}
    text = render(kind, view, asked, links, updated=snapshot.updated)
    # Half a surrogate pair is text in Python, and none in UTF-8.
    return text.encode("utf-8", "replace")


@cache
def static_files() -> Mapping[str, bytes]:
    """Read what pages need beside themselves, by name: styles and scripts."""
    root = resources.files("genomark.leaderboard") / "static"
    found: dict[str, bytes] = {}
    waiting = [("", root)] if root.is_dir() else []
    while waiting:
        prefix, folder = waiting.pop()
        for each in folder.iterdir():
            if each.is_dir():
                waiting.append((f"{prefix}{each.name}/", each))
            else:
                found[f"{prefix}{each.name}"] = each.read_bytes()
    return found
