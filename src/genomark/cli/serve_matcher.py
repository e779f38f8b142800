"""``genomark serve matcher``: the right choice for a term, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genomark.cli.llm_option import KnowledgeFiles, Llm, asked_matcher


def serve_matcher(
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IP PORT]",
            help="The start-up form of GAME modules; instead of --host and --port.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    knowledge: KnowledgeFiles = None,
    llm: Llm = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask for the bearer token in this file.")
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Largest request body (413 beyond).")
    ] = 16,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Seconds for one request (503 beyond).")
    ] = 100.0,
    concurrent: Annotated[int, typer.Option(min=1, help="Requests matched at a time.")] = 4,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait (503 beyond).")] = 64,
) -> None:
    """Serve a GAME Matcher: POST /match gives the choice that means a term, or NULL.

    /match?explain=1 also says how sure it is, and why. Also /health/live, /health/ready, /metrics
    (Prometheus) and /openapi.json.

    \b
    Examples:
      genomark serve matcher
      genomark serve matcher 127.0.0.1 9000
      genomark serve matcher --knowledge cl.obo --knowledge cellosaurus.txt.gz
      genomark serve matcher --llm ollama:http://127.0.0.1:11434,model=gemma3:12b
    """
    import msgspec

    from genomark.errors import UsageError
    from genomark.serving import read_token
    from genomark.serving.matcher_app import LIMITS, serve_matcher

    if where:
        if len(where) != 2 or not where[1].isdecimal():
            raise UsageError(f"'{' '.join(where)}': expected IP PORT")
        host, port = where[0], int(where[1])
    serve_matcher(
        asked_matcher(llm, knowledge),
        host=host,
        port=port,
        token=read_token(token_file) if token_file else None,
        limits=msgspec.structs.replace(
            LIMITS,
            body_bytes=max_body * 1_000_000,
            seconds=timeout,
            concurrent=concurrent,
            queued=queue,
        ),
    )
