"""Folding of one sequence after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genomark.models.capabilities import Fold
from genomark.rna.vienna import rna_sequence


def fold_each(
    sequences: Sequence[str], fold: Callable[[str], str], progress: Callable[[int], None]
) -> list[Fold]:
    """Fold each sequence by itself, so that its structure does not hang on those beside it.

    Parameters
    ----------
    sequences : sequence of str
    fold : callable
        From RNA in upper case, T read as U, to its dot-bracket.
    progress : callable
        Takes how many more are done.

    Raises
    ------
    UsageError
        If a sequence is empty, too long, or not of A, C, G, U, T and N.
    """
    found = []
    for row, sequence in enumerate(sequences):
        found.append(Fold(fold(rna_sequence(sequence, f"sequence {row + 1}"))))
        progress(1)
    return found
