"""The option ``--store`` of commands that have results to keep, and how they tell what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genomark.bars import Bar
    from genomark.results import Results
    from genomark.results.store.receiving import Found

#: Seconds before anything is drawn, and between lines where nobody watches.
_BEFORE_SHOWN, _BETWEEN_LINES = 2.0, 10.0

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PLACE",
        help="Also keep them in this store: a folder, or postgresql://USER@HOST/DATABASE.",
    ),
]


def keep_published(place: str | None, results: Results) -> None:
    """Add figures of others to a store, if one is named."""
    from genomark.results.store.receiving import published

    if place is not None:
        keep(place, published(results))


def keep(place: str, found: Sequence[Found], owner: str = "", threads: int = 1) -> bool:
    """Add results to a store, and say what became of them; give whether none was refused."""
    from genomark.cli.terminal import console, status
    from genomark.errors import one_line
    from genomark.results.store import Store
    from genomark.results.store.receiving import receive

    counts: dict[str, int] = {}
    with Store.open(place) as store:
        before = store.generation
        with following(len(found), "results") as show:
            for done, each in enumerate(
                receive(store, found, owner=owner, threads=threads), start=1
            ):
                show(done, len(found))
                counts[each.standing] = counts.get(each.standing, 0) + 1
                if each.reason is not None:
                    console().print(
                        one_line(f"{each.standing} {each.benchmark} × {each.model}: {each.reason}"),
                        markup=False,
                        soft_wrap=True,
                    )
        told = ", ".join(f"{number:,} {standing}" for standing, number in counts.items())
        status(f"{told or 'nothing'}; {store.generation - before:,} new in {store.name}")
    return "refused" not in counts


@contextmanager
def following(total: int, what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something has come if it takes longer than two seconds."""
    from genomark.bars import bar, interactive
    from genomark.cli.terminal import status

    began = last = time.monotonic()
    drawn: Bar | None = None

    def show(done: int, of: int) -> None:
        nonlocal drawn, last
        now = time.monotonic()
        if now - began < _BEFORE_SHOWN:
            return
        if interactive():
            drawn = drawn or bar(of, "items")
            drawn.show(done, what)
        elif now - last > _BETWEEN_LINES:
            last = now
            status(f"{done:,} of {of:,} {what}")

    try:
        yield show
    finally:
        if drawn is not None:
            drawn.close()
