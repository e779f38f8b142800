"""Who says what a sequence folds into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from genomark.errors import ModelError
from genomark.rna.vienna import EnergyModel


class Judge(Protocol):
    """Folds sequences while they are designed."""

    @property
    def fold_closed(self) -> Callable[[str], str] | None:
        """Folds so that the first base pairs with the last, and lets parts be judged alone.

        None where structures are not those of lowest energy.
        """
        ...

    def fold(self, sequence: str) -> str:
        """Give the structure."""
        ...


class EnergyJudge:
    """ViennaRNA, by the method that was chosen."""

    def __init__(self, model: EnergyModel) -> None:
        self._model = model
        self.fold_closed = model.fold_closed if model.method == "mfe" else None

    def fold(self, sequence: str) -> str:
        """Give the structure."""
        return self._model.fold(sequence)[0]


class FolderJudge:
    """Any folder: what it says is all that is known.

    Parameters
    ----------
    fold : callable
        From a sequence to its dot-bracket.
    """

    fold_closed = None

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold

    def fold(self, sequence: str) -> str:
        """Give the structure.

        Raises
        ------
        ModelError
            If it is not one of the sequence.
        """
        structure = self._fold(sequence)
        if len(structure) != len(sequence):
            raise ModelError(
                f"the folder gives {len(structure):,} symbols for {len(sequence):,} bases; "
                "expected one for each"
            )
        return structure
