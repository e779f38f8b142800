"""Functions that are compiled to machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile with numba; the machine code is kept on disk between processes.

    A kernel lets go of the interpreter's lock while it runs, and divides by zero as NumPy does.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
