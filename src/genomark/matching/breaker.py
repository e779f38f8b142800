"""Leave a service alone that has failed time and again, and try it now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from genomark.errors import RemoteModelError


class OpenBreakerError(RemoteModelError):
    """The service was not asked, as it has failed too often just before."""


class CircuitBreaker:
    """Opens after failures in a row; then one call at a time finds out whether to close again.

    Threads may share one.

    Parameters
    ----------
    counted : type of Exception
        What a failure is. Any other exception passes through and tells nothing of the service.
    failures : int
        In a row, that open it.
    pause : float
        Seconds it stays open before one call is let through.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(
        self,
        counted: type[Exception],
        *,
        failures: int = 3,
        pause: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted = counted
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._last = ""
        self._opened = 0.0
        self._is_probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Watch over one call, which is made inside.

        Raises
        ------
        OpenBreakerError
            At once, if the call is not to be made.
        """
        is_probe = self._enter()
        try:
            yield
        except self._counted as error:
            self._failed(error)
            raise
        else:
            with self._lock:
                self._failures = 0
        finally:
            if is_probe:
                with self._lock:
                    self._is_probing = False

    def _enter(self) -> bool:
        with self._lock:
            if self._failures < self._most:
                return False
            left = self._opened + self._pause - self._clock()
            if left > 0 or self._is_probing:
                wait = f"for another {left:.0f} s" if left > 0 else "while one call tries it"
                raise OpenBreakerError(
                    f"left alone {wait} after {self._failures} failures in a row, the last: "
                    f"{self._last}"
                )
            self._is_probing = True
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._failures += 1
            self._last = str(error)
            if self._failures >= self._most:
                self._opened = self._clock()
