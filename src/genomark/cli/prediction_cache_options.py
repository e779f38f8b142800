"""The options of commands that compute predictions: where those are kept for other runs."""

from __future__ import annotations

from typing import Annotated

import typer

PredictionCache = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|off",
        help="Where answers are kept that other runs may ask for again. Left out: the cache "
        "folder.",
    ),
]

PredictionCacheGb = Annotated[
    float | None, typer.Option(metavar="GB", help="Its size. Left out: 10.")
]
