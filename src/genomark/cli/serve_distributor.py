"""``genomark serve distributor``: many Predictors as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve_distributor(
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL", help="GAME Predictors, http://HOST:PORT."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Worker pool as YAML, as the GAME distributor reads it.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    in_flight: Annotated[int, typer.Option(min=1, help="Chunks a worker has at once.")] = 2,
    chunk_items: Annotated[int, typer.Option(min=1, help="Sequences in a chunk, at most.")] = 512,
    chunk_bases: Annotated[
        int, typer.Option(min=1, help="Bases in a chunk, at most; one sequence may have more.")
    ] = 4_000_000,
    chunk_seconds: Annotated[
        float,
        typer.Option(
            min=0.001, metavar="S", help="A worker that takes longer for a chunk has failed."
        ),
    ] = 1800.0,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The bearer token that the workers, and this, ask for."),
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Largest request body (413 beyond).")
    ] = 2000,
) -> None:
    """Serve many GAME Predictors as one: a request is shared out by load.

    Workers are seen at /workers. One that dies loses nothing: others take its share.

    \b
    Examples:
      genomark serve distributor http://127.0.0.1:8001 http://127.0.0.1:8002
      genomark serve distributor --config distributor_config.yaml --port 9000
    """
    import msgspec

    from genomark.serving.distributor import LIMITS, serve_distributor
    from genomark.serving.pool import PoolLimits
    from genomark.serving.pool_config import read_config
    from genomark.serving.server import read_token

    everywhere = [*(urls or []), *(read_config(config) if config else [])]
    serve_distributor(
        everywhere,
        host=host,
        port=port,
        limits=msgspec.structs.replace(LIMITS, body_bytes=max_body * 1_000_000),
        pool_limits=PoolLimits(
            in_flight=in_flight,
            chunk_items=chunk_items,
            chunk_bases=chunk_bases,
            chunk_seconds=chunk_seconds,
        ),
        token=read_token(token_file) if token_file else None,
    )
