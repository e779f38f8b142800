"""Running the app: uvicorn on a socket that is open before anything is said of it."""

from __future__ import annotations

import contextlib
import socket
import sys

import uvicorn

from genomark.errors import UsageError
from genomark.models import Model
from genomark.serving.predictor import predictor_app


def serve_model(
    model: Model, *, host: str = "127.0.0.1", port: int = 8000, name: str | None = None
) -> None:
    """Serve a model until interrupted; requests in flight are finished first.

    Parameters
    ----------
    model : Model
    host : str
    port : int
        0 for any that is free; standard error says which.
    name : str, optional
        `predictor_name` in answers.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    app = predictor_app(model, name=name)
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    sys.stderr.write(
        f"Serving {model.info.id} at {address} (Ctrl-C stops). In another terminal:\n"
        f"  genomark run -m {address} -b simulated-enhancers\n"
    )
    sys.stderr.flush()
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    # Ctrl-C is how a server ends, so it is no error.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error}. Choose another with --port, or 0 for any"
        ) from error
