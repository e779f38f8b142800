"""What makes a sequence that folds into its target better than another that does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.rna.vienna import Ensemble

#: What may be asked for, and what is made small for it.
OBJECTIVES = {
    "distance": "symbols in which the structure differs from the target; nothing beyond it",
    "probability": "of the target among all structures, large",
    "defect": "share of bases that are expected not to be as in the target, small",
    "energy-gap": "energy of the best other structure above the target's, large",
    "gc": "share of G and C, near to the number after the =",
}
DEFAULT_OBJECTIVE = "probability"
#: Orders of magnitude of the probability, and kcal/mol of the gap, that weigh as much as all GC.
_DECADES, _KCAL = 10.0, 4.0
_LEAST = 1e-300


@dataclass(frozen=True)
class Objective:
    """One of `OBJECTIVES`; `value` is what `gc` is to be."""

    name: str
    value: float = 0.0

    @classmethod
    def read(cls, text: str) -> Objective:
        """Read ``probability`` or ``gc=0.5``.

        Raises
        ------
        UsageError
            If it is none.
        """
        name, equals, number = text.partition("=")
        known = ", ".join(each if each != "gc" else "gc=0.5" for each in OBJECTIVES)
        if name not in OBJECTIVES or bool(equals) != (name == "gc"):
            raise UsageError(f"objective '{text}': expected one of {known}")
        if not equals:
            return cls(name)
        try:
            value = float(number)
        except ValueError:
            value = np.nan
        if not 0.0 <= value <= 1.0:
            raise UsageError(f"objective '{text}': expected a share from 0 to 1, as in gc=0.5")
        return cls(name, value)

    def __str__(self) -> str:
        return f"{self.name}={self.value:g}" if self.name == "gc" else self.name


@dataclass(frozen=True)
class Measures:
    """What is known of a sequence beside its structure.

    Attributes
    ----------
    mfe : float
        Free energy of its structure, kcal/mol.
    probability : float
        Of the target among all structures.
    ensemble_defect : float
        Expected share of bases that are not as in the target, 0 to 1.
    gc : float
        Share of G and C.
    energy_gap : float
        Energy of the best structure but the target above the target's, kcal/mol, 4 at most.
    """

    mfe: float
    probability: float
    ensemble_defect: float
    gc: float
    energy_gap: float


class Measurer(Protocol):
    """What measures are computed with, as `genomark.rna.vienna.EnergyModel` does."""

    def energy(self, sequence: str, structure: str) -> float:
        """Give the free energy of a structure."""
        ...

    def energy_gap(self, sequence: str, structure: str) -> float:
        """Give how far the best other structure lies above one."""
        ...

    def ensemble(self, sequence: str, structure: str) -> Ensemble:
        """Give what all structures tell of one."""
        ...


class Scale:
    """Measures sequences by objectives.

    Parameters
    ----------
    target : str
        Structure.
    model : Measurer
    objectives : sequence of Objective
    """

    def __init__(self, target: str, model: Measurer, objectives: Sequence[Objective]) -> None:
        self._target = target
        self._model = model
        self._objectives = [each for each in objectives if each.name != "distance"]
        self._of_ensemble = any(each.name in ("probability", "defect") for each in self._objectives)

    def __len__(self) -> int:
        return len(self._objectives)

    def losses(self, sequence: str) -> tuple[NDArray[np.float64], Ensemble | None]:
        """Give what each objective makes small, float64[n], all about 0 to 1; and the ensemble."""
        ensemble = self._model.ensemble(sequence, self._target) if self._of_ensemble else None
        return np.array(
            [self._loss(each, sequence, ensemble) for each in self._objectives]
        ), ensemble

    def _loss(self, objective: Objective, sequence: str, ensemble: Ensemble | None) -> float:
        if objective.name == "gc":
            return abs(gc_share(sequence) - objective.value)
        if objective.name == "energy-gap":
            return -self._model.energy_gap(sequence, self._target) / _KCAL
        assert ensemble is not None
        if objective.name == "probability":
            return -math.log10(max(ensemble.probability, _LEAST)) / _DECADES
        return ensemble.defect


def measures(sequence: str, structure: str, target: str, model: Measurer) -> Measures:
    """Measure a sequence that folds into `structure`."""
    ensemble = model.ensemble(sequence, target)
    return Measures(
        mfe=model.energy(sequence, structure),
        probability=ensemble.probability,
        ensemble_defect=ensemble.defect,
        gc=gc_share(sequence),
        energy_gap=model.energy_gap(sequence, target),
    )


def gc_share(sequence: str) -> float:
    """Give the share of G and C."""
    return (sequence.count("G") + sequence.count("C")) / len(sequence)
