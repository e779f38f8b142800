"""What can become of a chunk that was given to a worker."""

from __future__ import annotations

from typing import Any

from genomark.errors import GenomarkError
from genomark.protocol import (
    GameError,
)


class WorkerFailedError(GenomarkError):
    """A worker gave no answer that could be used.

    Attributes
    ----------
    told : GameError
        What a client is told if no other worker does better.
    reached : bool
        Whether the chunk got as far as the worker, so that it may be the cause.
    answered : bool
        Whether an HTTP answer came back.
    """

    def __init__(self, told: GameError, *, reached: bool = True, answered: bool = True) -> None:
        super().__init__(str(told))
        self.told = told
        self.reached = reached
        self.answered = answered


class WorkerBusyError(GenomarkError):
    """A worker asks to be asked later."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds:.1f} s")
        self.seconds = seconds


class PassedOnError(GameError):
    """An error of a worker in its own words.

    Parameters
    ----------
    status : int
    entries : list of dict
        As in the worker's answer, one single-key object a message.
    """

    def __init__(self, status: int, entries: list[dict[str, Any]]) -> None:
        super().__init__([str(text) for entry in entries for text in entry.values()], status=status)
        self.entries = entries

    def body(self, predictor_name: str) -> dict[str, object]:
        """Give the error as the object that goes over the wire."""
        return {"predictor_name": predictor_name, "error": self.entries}
