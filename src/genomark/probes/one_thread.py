"""One BLAS thread, for as long as anybody needs it.

More threads cut sums elsewhere, and so change last digits. The limit is one of the process: two
fits side by side must not lift it for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_held = 0
_limit: threadpool_limits | None = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread until the last that asked for it has left."""
    global _held, _limit
    with _lock:
        _held += 1
        if _held == 1:
            _limit = threadpool_limits(limits=1)
    try:
        yield
    finally:
        with _lock:
            _held -= 1
            if _held == 0 and _limit is not None:
                _limit.restore_original_limits()
                _limit = None
