"""A process that connects to no other while it looks at what a stranger sent.

Names in a bundle are a stranger's, and data that are not at hand could be asked for elsewhere.
Nothing that scores submissions does so; this is what holds if something ever would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_EVENTS = frozenset(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"))
_forbidden: list[None] = []


@contextmanager
def no_connections() -> Iterator[None]:
    """Let Python code of this process open none: as on a machine without a network.

    Raises
    ------
    PermissionError
        Where it would.
    """
    _watch()
    _forbidden.append(None)
    try:
        yield
    finally:
        _forbidden.pop()


@cache
def _watch() -> None:
    # What is added stays until the process ends.
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _forbidden and event in _EVENTS:
        raise PermissionError("nothing is fetched for a submission")
