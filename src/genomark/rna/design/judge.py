"""Who says what a sequence folds into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from genomark.errors import ModelError
from genomark.rna.vienna import EnergyModel


class Judge(Protocol):
    """Folds sequences while they are designed."""

    #: Whether structures are those of lowest energy, so that parts can be judged by themselves.
    by_energy: bool

    def fold(self, sequence: str) -> str:
        """Give the structure."""
        ...

    def fold_closed(self, sequence: str) -> str:
        """Fold, where `by_energy`, so that the first base pairs with the last."""
        ...


class EnergyJudge:
    """ViennaRNA, by the method that was chosen."""

    def __init__(self, model: EnergyModel) -> None:
        self._model = model
        self.by_energy = model.method == "mfe"

    def fold(self, sequence: str) -> str:
        """Give the structure."""
        return self._model.fold(sequence)[0]

    def fold_closed(self, sequence: str) -> str:
        """Fold so that the first base pairs with the last."""
        return self._model.fold_closed(sequence)


class FolderJudge:
    """Any folder: what it says is all that is known.

    Parameters
    ----------
    fold : callable
        From a sequence to its dot-bracket.
    """

    by_energy = False

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

    def fold_closed(self, sequence: str) -> str:
        """Refuse: a folder folds as it does."""
        raise NotImplementedError("parts are judged by energy alone")
