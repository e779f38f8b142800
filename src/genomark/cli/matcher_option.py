"""``--matcher``: which Matcher models with many tracks are given."""

from __future__ import annotations

from typing import Annotated

import typer

Matcher = Annotated[
    str | None,
    typer.Option(
        "--matcher",
        metavar="URL|builtin|none",
        help="A GAME Matcher for terms that are no track's, the built-in one, or none: they are "
        "refused. Left out: the built-in one.",
        rich_help_panel="Models with many tracks",
    ),
]
