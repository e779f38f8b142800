"""``genomark serve``: models over HTTP."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from genomark.cli.matcher_option import Matcher
from genomark.cli.serve_distributor import serve_distributor
from genomark.cli.serve_leaderboard import serve_leaderboard
from genomark.cli.serve_matcher import serve_matcher


class Batching(StrEnum):
    """Whether requests that wait are computed as one."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


app = typer.Typer(help="Serve models over HTTP.", no_args_is_help=True)


@app.callback()
def _serve() -> None:
    """Serve models over HTTP."""


@app.command("model")
def serve_model(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="As for genomark run -m.")],
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IP PORT [MATCHER_IP MATCHER_PORT]]",
            help="The start-up form of GAME modules; instead of --host, --port and --matcher.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    name: Annotated[str | None, typer.Option(help="predictor_name in answers.")] = None,
    matcher: Matcher = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask for the bearer token in this file.")
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Largest request body (413 beyond).")
    ] = 200,
    max_sequences: Annotated[
        int, typer.Option(min=1, help="Most sequences in a request (413 beyond).")
    ] = 1_000_000,
    max_bases: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Most megabases in a request (413 beyond).")
    ] = 4_000,
    max_depth: Annotated[
        int, typer.Option(min=3, help="Deepest nesting of a body (400 beyond).")
    ] = 32,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Seconds for one request (503 beyond).")
    ] = 3600.0,
    concurrent: Annotated[int, typer.Option(min=1, help="Requests computed at a time.")] = 2,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait (503 beyond).")] = 64,
    replicas: Annotated[
        int,
        typer.Option(
            min=0, max=256, help="Processes that compute, each with the model; 0: the server's own."
        ),
    ] = 0,
    batching: Annotated[
        Batching,
        typer.Option(help="Compute requests that wait as one; auto: if no bit changes by it."),
    ] = Batching.AUTO,
    max_batch_letters: Annotated[
        int, typer.Option(min=1, help="Most letters of the requests computed as one.")
    ] = 1_000_000,
    max_delay: Annotated[
        float,
        typer.Option(min=0, max=10_000, metavar="MS", help="Milliseconds to wait for clients."),
    ] = 2.0,
    cache_mb: Annotated[
        int, typer.Option(min=0, metavar="MB", help="Answers to keep; 0 keeps none.")
    ] = 64,
) -> None:
    """Serve a model as a GAME Predictor: /predict, /formats, /help.

    Also /health/live, /health/ready, /metrics (Prometheus) and /openapi.json.

    \b
    Examples:
      genomark serve model gc
      genomark serve model kmer:k=6 --port 9000
      genomark serve model py:./my_model.py:predict --token-file token.txt
      genomark serve model gc 127.0.0.1 9000
    """
    from genomark.errors import UsageError
    from genomark.models import load_model
    from genomark.serving import BackendSettings, Limits, read_token, serve_model, serve_replicas

    if where:
        if len(where) not in (2, 4) or not all(each.isdecimal() for each in where[1::2]):
            raise UsageError(
                f"'{' '.join(where)}': expected IP PORT, or IP PORT MATCHER_IP MATCHER_PORT"
            )
        host, port = where[0], int(where[1])
        matcher = f"http://{where[2]}:{where[3]}" if len(where) == 4 else matcher
    serve = (
        partial(serve_replicas, spec, replicas)
        if replicas
        else partial(serve_model, load_model(spec))
    )
    serve(
        host=host,
        port=port,
        name=name,
        matcher=matcher,
        token=read_token(token_file) if token_file else None,
        limits=Limits(
            body_bytes=max_body * 1_000_000,
            sequences=max_sequences,
            bases=max_bases * 1_000_000,
            depth=max_depth,
            seconds=timeout,
            concurrent=concurrent,
            queued=queue,
        ),
        settings=BackendSettings(
            joins={Batching.ON: True, Batching.OFF: False, Batching.AUTO: None}[batching],
            max_letters=max_batch_letters,
            max_delay=max_delay / 1000,
            cache_bytes=cache_mb * 1_000_000,
        ),
    )


app.command("distributor")(serve_distributor)
app.command("leaderboard")(serve_leaderboard)
app.command("matcher")(serve_matcher)
