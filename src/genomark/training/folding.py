"""Structures out of fits that tell of the symbols of positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from genomark.models import FittedTask, Fold
from genomark.models.folding import fold_each
from genomark.rna.decoding import SYMBOLS, nested_structure
from genomark.sequences import Kind


@runtime_checkable
class _FoldsItself(Protocol):
    """A fit that knows of pairs, not of symbols alone."""

    def fold(self, sequences: Sequence[str], progress: Callable[[int], None]) -> list[Fold]: ...


def tells_structures(kind: Kind, labels: Sequence[str]) -> bool:
    """Say whether a task is one of structures: ``(``, ``)`` and ``.`` at each position."""
    return kind == "token-classes" and sorted(labels) == sorted(SYMBOLS)


def fold_by(
    fitted: FittedTask,
    labels: Sequence[str],
    sequences: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> list[Fold]:
    """Fold by a fit: as it does itself, or else the best structure of the symbols it tells.

    Parameters
    ----------
    fitted : FittedTask
        Of a task that `tells_structures`.
    labels : sequence of str
        Of the task.
    sequences : sequence of str
        As of `fold_each`.
    progress : callable
        Takes how many more are done.

    Raises
    ------
    UsageError
        If a sequence is not of A, C, G, U, T and N.
    """
    if isinstance(fitted, _FoldsItself):
        return fitted.fold(sequences, progress)

    def fold(read: str) -> str:
        (symbols,) = fitted.answers([read])
        return nested_structure(np.asarray(symbols), read, labels)

    return fold_each(sequences, fold, progress)
