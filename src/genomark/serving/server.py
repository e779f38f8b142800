"""Running an app: uvicorn on a socket that is open before anything is said of it."""

from __future__ import annotations

import contextlib
import gc
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from genomark.errors import UsageError
from genomark.models import Model
from genomark.serving.backend import BackendSettings
from genomark.serving.limits import Limits
from genomark.serving.predictor import predictor_app, served_app
from genomark.serving.quick_protocol import QuickProtocol
from genomark.serving.replicas import Replicas
from genomark.serving.served_model import with_matcher_asked_for

#: Requests in flight are given so long when the server is stopped.
_SHUTDOWN_SECONDS = 60
#: Idle connections are kept so long; clients that work in between ask again on the same one.
_KEEP_ALIVE_SECONDS = 75


def serve_model(
    model: Model,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str | None = None,
    limits: Limits | None = None,
    token: str | None = None,
    matcher: str | None = None,
    settings: BackendSettings | None = None,
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
    limits : Limits, optional
    token : str, optional
        Asked for as a bearer token.
    matcher : str, optional
        For terms that the model does not know as they are: URL of a GAME Matcher, which need not
        be there yet; ``builtin``; ``none`` to refuse them. Left out: the built-in one.
    settings : BackendSettings, optional
        How requests are joined, and how many answers are kept.

    Raises
    ------
    UsageError
        If the address cannot be listened on, or that of the Matcher is none.
    """
    with listen(host, port) as listener:
        given = with_matcher_asked_for(model, matcher)
        app = predictor_app(given, name=name, limits=limits, token=token, settings=settings)
        _run_predictor(app, listener, model.info.id)


def serve_replicas(
    spec: str,
    replicas: int,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str | None = None,
    limits: Limits | None = None,
    token: str | None = None,
    matcher: str | None = None,
    settings: BackendSettings | None = None,
) -> None:
    """Serve a model that is computed by processes of its own; see `serve_model`.

    Parameters
    ----------
    spec : str
        What each process makes its model of.
    replicas : int
        Processes, 1 or more; one that ends is started again.
    host, port, name, limits, token, matcher, settings
        As for `serve_model`.

    Raises
    ------
    UsageError
        If the address cannot be listened on, or that of the Matcher is none.
    GenomarkError
        If the model cannot be made.
    """
    limits = limits or Limits()
    with listen(host, port) as listener:
        computing = Replicas(spec, matcher, replicas, limits.seconds)
        try:
            app = served_app(
                computing.served,
                computing,
                name=name,
                limits=limits,
                token=token,
                settings=settings or BackendSettings(),
            )
            _run_predictor(app, listener, computing.served.info.id)
        finally:
            computing.close()


def _run_predictor(app: Starlette, listener: socket.socket, model: str) -> None:
    # What is loaded by now stays: a collector that went over it again would keep requests waiting.
    gc.freeze()
    address = address_of(listener)
    run_app(
        app,
        listener,
        f"Serving {model} at {address} (Ctrl-C stops). In another terminal:\n"
        f"  genomark run -m {address} -b simulated-enhancers\n",
        protocol=QuickProtocol,
    )


def run_app(
    app: Starlette,
    listener: socket.socket,
    message: str,
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
) -> None:
    """Say `message` on standard error and serve until interrupted.

    Parameters
    ----------
    app : starlette.applications.Starlette
    listener : socket.socket
        From `listen`.
    message : str
    protocol : type, optional
        What a connection is spoken with.
    """
    sys.stderr.write(message)
    sys.stderr.flush()
    config = uvicorn.Config(
        app,
        http=protocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    # Ctrl-C is how a server ends, so it is no error.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to listen on.

    Raises
    ------
    UsageError
        If the address is taken or none of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error}. Choose another with --port, or 0 for any"
        ) from error


def address_of(listener: socket.socket) -> str:
    """Give the URL that a listening socket answers on."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def read_token(file: Path) -> str:
    """Read a bearer token from a file; it is never shown or logged.

    Raises
    ------
    UsageError
        If the file cannot be read, or is empty.
    """
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"Cannot read the token file {file}: {reason}") from error
    if not token:
        raise UsageError(f"The token file {file} is empty")
    return token
