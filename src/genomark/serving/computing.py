"""What computes the answers of a server: the model in this process, or processes of its own."""

from __future__ import annotations

from typing import Protocol

from genomark.errors import GenomarkError
from genomark.models import Predictor
from genomark.models.pieces import predict_in_pieces
from genomark.protocol import PredictRequest, PredictResponse


class ReplicaDiedError(GenomarkError):
    """The process that computed a request ended in the middle of it."""


class Computing(Protocol):
    """Answers requests, several at a time, each from a thread of its own that waits for it."""

    @property
    def places(self) -> int:
        """How many it answers at a time."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether it computes in this process."""
        ...

    @property
    def alive(self) -> int:
        """How many processes compute; 0 where none would take a request now."""
        ...

    @property
    def restarts(self) -> int:
        """How many processes were started because another had ended."""
        ...

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request.

        Raises
        ------
        ReplicaDiedError
            If the process that had it ended; the request may be to blame, or not.
        """
        ...

    def close(self) -> None:
        """End all processes; nothing is asked after that."""
        ...


class InProcess:
    """Computes in the server's own process.

    Parameters
    ----------
    model : Predictor
    places : int
        Requests computed at a time.
    """

    is_here = True
    alive = 1
    restarts = 0

    def __init__(self, model: Predictor, places: int) -> None:
        self.places = places
        self._model = model

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request."""
        return predict_in_pieces(self._model, request)

    def close(self) -> None:
        """Do nothing: the process is the server's."""
