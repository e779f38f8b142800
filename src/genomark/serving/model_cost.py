"""What a model takes, measured, to know whether it is worth saving."""

from __future__ import annotations

import math
from collections import deque

#: What it takes to look a sequence up, to ask about it, to keep the answer and to hand it out, as
#: measured: seconds a sequence, and a letter of it.
_HANDLING = (3e-6, 1.5e-9)
#: Computations that are looked at; the quickest counts, as all that disturbs one makes it slower.
_LAST = 16


class ModelCost:
    """Seconds that a model takes, by readout."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[tuple[int, float]]] = {}

    def observe(self, readout: str, letters: int, seconds: float) -> None:
        """Take note of a computation."""
        if letters:
            self._seconds.setdefault(readout, deque(maxlen=_LAST)).append((letters, seconds))

    def seconds(self, readout: str, letters: int) -> float:
        """Give what so much takes, by the (upper) median of the last computations.

        Fewer letters may take as long. Infinite as long as little is known.
        """
        seen = tuple(self._seconds.get(readout, ()))
        if len(seen) < _LAST:
            return math.inf
        scaled = sorted(
            [each if letters <= known else each * letters / known for known, each in seen]
        )
        return scaled[_LAST // 2]

    def share(self, readout: str, sequences: int, letters: int) -> float:
        """Give how many times as long the model takes for so much as it takes to handle it.

        Infinite as long as nothing is known.
        """
        # Other threads append meanwhile, which a copy does not mind.
        seen = tuple(self._seconds.get(readout, ()))
        if not seen or not sequences:
            return math.inf
        of_letter = min(seconds / known for known, seconds in seen)
        return of_letter * letters / (_HANDLING[0] * sequences + _HANDLING[1] * letters)
