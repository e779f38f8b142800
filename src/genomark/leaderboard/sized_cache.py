"""A cache that holds so many bytes, and forgets what was not asked for the longest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SizedCache(Generic[T]):
    """Values by key, for many threads.

    Parameters
    ----------
    most : int
        Bytes of all values; one that is larger is not kept.
    size : callable
        Bytes of a value.
    """

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most, self._size = most, size
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """Give a value, if it is kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: T) -> T:
        """Keep a value, and give it."""
        size = self._size(value)
        if size > self._most:
            return value
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += size - (before[1] if before else 0)
            self._kept[key] = value, size
            while self._bytes > self._most:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed
        return value

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give a value, made if it is not kept; two threads may both make it."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found
