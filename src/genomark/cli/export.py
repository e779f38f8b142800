"""``genomark export``: the leaderboard as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    folder: Annotated[
        Path,
        typer.Option(
            "--static",
            metavar="DIR",
            help="Folder to write: new, empty, or an older export, which is replaced.",
        ),
    ],
    place: Annotated[
        str,
        typer.Option(
            "--store", metavar="PLACE", help="The store: a folder, or a postgresql:// URL."
        ),
    ],
) -> None:
    """Write the whole leaderboard as files that need no server.

    Any host can serve the folder, and a browser opens its index.html from the disk.

    \b
    Example:
      genomark export --static ./site --store ./store
    """
    from genomark.bars import Bar, bar, interactive
    from genomark.cli.terminal import status
    from genomark.leaderboard.export import export_static
    from genomark.results.store import Store

    drawn: list[Bar] = []

    def show(done: int, total: int, name: str) -> None:
        if not drawn and interactive():
            drawn.append(bar(total, "items"))
        for each in drawn:
            each.show(done, name)

    try:
        with Store.open(place, create=False) as store:
            written = export_static(store, folder, show)
    finally:
        for each in drawn:
            each.close()
    status(f"Wrote {written:,} files; open {folder / 'index.html'}")
