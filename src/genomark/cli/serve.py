"""``genomark serve``: models over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Serve models over HTTP.", no_args_is_help=True)


@app.callback()
def _serve() -> None:
    """Serve models over HTTP."""


@app.command("model")
def serve_model(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="As for genomark run -m.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    name: Annotated[str | None, typer.Option(help="predictor_name in answers.")] = None,
) -> None:
    """Serve a model as a GAME Predictor: /formats, /help and /predict.

    \b
    Examples:
      genomark serve model gc
      genomark serve model kmer:k=6 --port 9000
      genomark serve model py:./my_model.py:predict
    """
    import genomark

    genomark.serve(spec, host=host, port=port, name=name)
