"""A process that computes for a server, seen from within: it makes the model, then answers."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading

from genomark.models import Predictor, load_model
from genomark.models.pieces import predict_in_pieces
from genomark.protocol import PredictResponse
from genomark.serving.replica_messages import (
    Answered,
    Asked,
    Channel,
    ClosedError,
    Failed,
    ModelLoaded,
    ModelRecipe,
    request_of,
)
from genomark.serving.served_model import predictor_of, served_model, with_matcher_asked_for


def main() -> None:
    """Serve one server; arguments are the descriptors of the channel and of the lifeline."""
    # Ctrl-C is for the server, which lets what it was asked end first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end, lifeline = (socket.socket(fileno=int(each)) for each in sys.argv[1:3])
    threading.Thread(target=_end_with, args=[lifeline], daemon=True).start()
    channel = Channel(end)
    try:
        model = made_model(channel)
        if model is not None:
            # What is loaded by now stays: the collector need not go over it again.
            gc.freeze()
            answer_all(channel, model)
    except ClosedError:
        # Nobody is left to wait until libraries have put everything away.
        sys.stdout.flush()
        os._exit(0)


def made_model(channel: Channel) -> Predictor | None:
    """Make the model that the server names, and tell the server of it, or why there is none.

    Raises
    ------
    ClosedError
    """
    recipe, _ = channel.receive()
    assert isinstance(recipe, ModelRecipe)
    sys.path[:] = recipe.path
    try:
        model = predictor_of(with_matcher_asked_for(load_model(recipe.spec), recipe.matcher))
        loaded = ModelLoaded(served_model(model))
    # A model is foreign code: the server is told whatever it raises.
    except BaseException as error:  # noqa: BLE001
        channel.send(Failed.of(error))
        return None
    channel.send(loaded)
    return model


def answer_all(channel: Channel, model: Predictor) -> None:
    """Answer requests, one after the other, until the server is gone.

    Raises
    ------
    ClosedError
    """
    while True:
        asked, body = channel.receive(keep=True)
        assert isinstance(asked, Asked)
        try:
            message: Answered | Failed = Answered(_answer(model, asked, body))
            channel.send(message)
        except ClosedError:
            raise
        # Whatever a model raises ends the request, and not the process.
        except BaseException as error:  # noqa: BLE001
            channel.send(Failed.of(error))


def _answer(model: Predictor, asked: Asked, body: memoryview) -> PredictResponse:
    answer = predict_in_pieces(model, request_of(asked, body))
    if not isinstance(answer, PredictResponse):
        raise TypeError(f"the model answered a {type(answer).__name__}, not a PredictResponse")
    return answer


def _end_with(lifeline: socket.socket) -> None:
    """End this process when the server's end of the lifeline is gone, however that came about."""
    lifeline.recv(1)
    os._exit(0)


if __name__ == "__main__":
    main()
