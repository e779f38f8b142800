"""How many requests may be under way at a server that does not say how many it can bear.

Additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP finds its rate. Pure: it is
told what happened, and what time it is.
"""

from __future__ import annotations

#: What remains of the window after a sign of overload.
_CUT = 0.5
#: A window that was not filled has shown nothing about a larger one.
_FILLED = 0.8
#: Rounds it takes to come back to a size that was too large: at first, and at most.
_ROUNDS, _MOST_ROUNDS = 4, 64


class Window:
    """An adaptive limit on requests in flight.

    Parameters
    ----------
    start : int
        Limit to begin with.
    maximum : int
        Limit that is never exceeded.

    Attributes
    ----------
    size : float
        Between 1 and `maximum`; its whole part is the limit.
    opens_at : float
        Time before which nothing may be sent.

    Notes
    -----
    Until the first sign of overload each answer adds one to the window, which doubles it in a round
    trip; after it, each adds ``1 / limit``, which is one a round trip. An overload halves it, but
    once only for all requests that were already under way when it was last halved: they met the
    same crowd. The limit that met it is remembered, and each time it does so again it takes twice
    as many round trips to come back to it: else a server that bears one request at a time would
    refuse every second one.
    """

    def __init__(self, start: int = 2, maximum: int = 8) -> None:
        if not 1 <= start <= maximum:
            raise ValueError(f"expected 1 <= start <= maximum, got {start} and {maximum}")
        self.size = float(start)
        self.opens_at = 0.0
        self._maximum = maximum
        self._generation = 0
        self._ceiling = 0
        self._rounds = _ROUNDS

    @property
    def limit(self) -> int:
        """How many requests may be in flight."""
        return int(self.size)

    @property
    def generation(self) -> int:
        """What a request that is sent now is to be remembered with."""
        return self._generation

    def admits(self, in_flight: int, now: float) -> bool:
        """Whether another request may be sent."""
        return in_flight < self.limit and now >= self.opens_at

    def answered(self, in_flight: int) -> None:
        """Take note of an answer.

        Parameters
        ----------
        in_flight : int
            Requests under way when it came, this one included.
        """
        if in_flight >= _FILLED * self.limit:
            self.size = min(float(self._maximum), self.size + self._step())
            if self.limit > self._ceiling:
                # It bears more than it did.
                self._ceiling, self._rounds = 0, _ROUNDS

    def overloaded(self, generation: int, until: float = 0.0) -> None:
        """Take note of a sign that the server has too much to do.

        Parameters
        ----------
        generation : int
            Of the request that met it.
        until : float
            Time before which the server wants to be left alone.
        """
        self.opens_at = max(self.opens_at, until)
        if generation == self._generation:
            again = self.limit == self._ceiling
            self._rounds = min(_MOST_ROUNDS, 2 * self._rounds) if again else _ROUNDS
            self._ceiling = self.limit
            self.size = max(1.0, self.size * _CUT)
            self._generation += 1

    def _step(self) -> float:
        if self._generation == 0:
            return 1.0
        step = 1.0 / self.limit
        if not self._ceiling or int(self.size + step) < self._ceiling:
            return step
        return step / self._rounds
