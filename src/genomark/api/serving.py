"""A model behind HTTP, from Python."""

from __future__ import annotations

from genomark.runs.order import ModelLike, one_model


def serve(
    model: ModelLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str | None = None,
    matcher: str | None = None,
) -> None:
    """Serve a model, or a plain function, as a GAME Predictor until interrupted.

    Parameters
    ----------
    model : str, function or model
        As for `run`.
    host : str
        Address to listen on; the default takes connections from this machine alone.
    port : int
        Port to listen on; 0 for any that is free.
    name : str, optional
        `predictor_name` in answers.
    matcher : str, optional
        As for `run`.

    Examples
    --------
    >>> import genomark
    >>> genomark.serve(lambda sequences: [len(s) for s in sequences])  # doctest: +SKIP
    """
    from genomark.serving import serve_model

    serve_model(one_model(model), host=host, port=port, name=name, matcher=matcher)
