"""How often one address may ask, counted in memory that does not grow."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

#: Addresses that are remembered; of more, those heard from least lately are forgotten.
_REMEMBERED = 10_000


class Rates:
    """A bucket of tries for each address, filled again at a steady rate.

    Parameters
    ----------
    per_minute : int
        How many at once, and how many within a minute.
    clock : callable
        Gives seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._rate = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Count a try.

        Returns
        -------
        float
            0 if it may go on; otherwise the seconds until one may.
        """
        now = self._clock()
        left, at = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - at) * self._rate)
        allowed = left >= 1
        self._left[address] = (left - allowed, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate
