"""How often one address may ask, counted in memory that does not grow."""

from __future__ import annotations

import ipaddress
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
        now, address = self._clock(), _network(address)
        left, at = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - at) * self._rate)
        allowed = left >= 1
        self._left[address] = (left - allowed, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate


def _network(address: str) -> str:
    """Give what one party has: of IPv6 that are 64 bits of addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return (
        str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64))) if parsed.version == 6 else address
    )
