"""``genomark serve leaderboard``: a store of results as pages, and as data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from starlette.routing import Route


def serve_leaderboard(
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help="Of the store: a folder, or a postgresql:// URL."),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Seconds for one request (503 beyond).")
    ] = 30.0,
    concurrent: Annotated[int, typer.Option(min=1, help="Pages made at a time.")] = 4,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait (503 beyond).")] = 256,
    submissions: Annotated[
        bool,
        typer.Option("--submissions", help="Take predictions of whoever has a token, and score."),
    ] = False,
    incoming: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where submissions wait. Left out: PLACE/incoming."),
    ] = None,
    board: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --submissions: a board with hidden labels."),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Of that board.")] = None,
) -> None:
    """Show a store of results: suites, benchmarks, models, pairs and single items.

    With --submissions predictions are received from whoever has a token (genomark board token add),
    scored in a process of their own, and added as verified; those of a board with hidden labels
    are told as its Ladder tells them.

    Every page is also data: /index.json, /benchmarks/NAME.csv, /models/NAME.parquet. What is added
    to the store shows with the next request. Also /health/live, /health/ready, /metrics
    (Prometheus) and /openapi.json.

    \b
    Examples:
      genomark serve leaderboard ./store
      genomark serve leaderboard postgresql://board@db/results?files=/srv/board --port 9000
      genomark serve leaderboard ./store --submissions --board ./board --key keys/board.key
    """
    from contextlib import ExitStack

    import msgspec

    from genomark.errors import UsageError
    from genomark.leaderboard.app import LIMITS, serve_leaderboard
    from genomark.results.store import Store

    if (board is None) != (key is None) or (not submissions and (board or incoming)):
        raise UsageError("--board DIR and --key FILE belong together, and to --submissions")

    limits = msgspec.structs.replace(LIMITS, seconds=timeout, concurrent=concurrent, queued=queue)
    with Store.open(place, create=False) as store, ExitStack() as stack:
        routes: list[Route] = []
        if submissions:
            from genomark.leaderboard.submissions.scorer import Hosting
            from genomark.leaderboard.submissions.service import submissions as taken

            hosting = Hosting(str(board), str(key)) if board and key else None
            routes = stack.enter_context(taken(store, place, incoming=incoming, hosting=hosting))
        serve_leaderboard(store, host=host, port=port, limits=limits, submissions=routes)
