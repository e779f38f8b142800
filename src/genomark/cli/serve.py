"""``genomark serve``: models over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genomark.cli.matcher_option import Matcher
from genomark.cli.serve_distributor import serve_distributor
from genomark.cli.serve_leaderboard import serve_leaderboard
from genomark.cli.serve_matcher import serve_matcher

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
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait (503 beyond).")] = 16,
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
    from genomark.serving import Limits, read_token, serve_model

    if where:
        if len(where) not in (2, 4) or not all(each.isdecimal() for each in where[1::2]):
            raise UsageError(
                f"'{' '.join(where)}': expected IP PORT, or IP PORT MATCHER_IP MATCHER_PORT"
            )
        host, port = where[0], int(where[1])
        matcher = f"http://{where[2]}:{where[3]}" if len(where) == 4 else matcher
    serve_model(
        load_model(spec),
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
    )


app.command("distributor")(serve_distributor)
app.command("leaderboard")(serve_leaderboard)
app.command("matcher")(serve_matcher)
