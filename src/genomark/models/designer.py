"""``rna-design``: sequences that fold into a structure, by the search of `genomark.rna.design`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.errors import CapabilityError
from genomark.models.capabilities import Folder, Model
from genomark.models.vienna import Vienna
from genomark.rna.design.designing import Designing, Question
from genomark.rna.design.energies import energy_table
from genomark.rna.design.front import non_dominated_sort
from genomark.rna.design.objectives import DEFAULT_OBJECTIVE, Objective
from genomark.rna.design.start import Propose
from genomark.rna.design.target import Target
from genomark.rna.vienna import FoldSettings
from genomark.scoring import ModelIdentity

#: Raise it when designs change, so that no old answer is taken for a new one.
_VERSION = "1"


class _SpecModel:
    """A model by its spec, loaded once in each process that asks it."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self._loaded: Model | None = None

    def __getstate__(self) -> dict[str, str | None]:
        return {"spec": self.spec, "_loaded": None}

    @property
    def model(self) -> Model:
        if self._loaded is None:
            # The registry knows all models, this one among them.
            from genomark.models.registry import load_model

            self._loaded = load_model(self.spec)
        return self._loaded


class _SpecFold(_SpecModel):
    """Fold one sequence with any Folder."""

    def __call__(self, sequence: str) -> str:
        assert isinstance(self.model, Folder)
        return self.model.fold([sequence])[0].structure


class _SpecPropose(_SpecModel):
    """Ask a masked language model what it expects where there is an N."""

    def __call__(self, sequence: str) -> NDArray[np.floating]:
        expected: NDArray[np.floating] = self.model.letter_probabilities(sequence)  # type: ignore[attr-defined]
        return expected


def design_question(
    folder: str = "vienna",
    model: str = "",
    objectives: Sequence[str] = (DEFAULT_OBJECTIVE,),
    seconds: float = 60.0,
    seed: int = 0,
    count: int = 1,
) -> Question:
    """Say what designs are asked for, by specs of models.

    Parameters
    ----------
    folder : str
        Spec of the Folder that judges.
    model : str
        Spec of a masked language model that proposes; empty for none.
    objectives : sequence of str
        As `genomark.rna.design.objectives.Objective.read` takes them.
    seconds, seed, count
        As of `Question`.

    Raises
    ------
    UsageError
        If a spec or an objective is not well formed.
    CapabilityError
        If `folder` does not fold, or `model` tells no probabilities of letters.
    """
    settings, fold = _judge(folder)
    read = tuple(map(Objective.read, objectives))
    # What is missing is told before a search, not after it.
    energy_table(settings)
    if len(read) > 1:
        non_dominated_sort()
    return Question(
        seconds=seconds,
        seed=seed,
        count=count,
        settings=settings,
        objectives=read,
        fold=fold,
        propose=_proposer(model) if model else None,
    )


def _judge(spec: str) -> tuple[FoldSettings, Callable[[str], str] | None]:
    """Give ViennaRNA's settings, and how to fold where something else does."""
    fold = _SpecFold(spec)
    if isinstance(fold.model, Vienna):
        return fold.model.settings, None
    if not isinstance(fold.model, Folder):
        raise CapabilityError(f"'{spec}' does not fold RNA; one that does: vienna")
    return FoldSettings(), fold


def _proposer(spec: str) -> Propose:
    propose = _SpecPropose(spec)
    if not hasattr(propose.model, "letter_probabilities"):
        raise CapabilityError(
            f"'{spec}' tells no probabilities of hidden letters; expected a masked language model, "
            "such as hf:FOLDER"
        )
    return propose


class RnaDesigner:
    """Design by folding, learning from wrong folds, and repair.

    Parameters
    ----------
    folder, model : str
        As of `design_question`.
    objective : str
        What is made better once the structure is right.
    """

    def __init__(
        self, folder: str = "vienna", model: str = "", objective: str = DEFAULT_OBJECTIVE
    ) -> None:
        self._settings = {"folder": folder, "model": model, "objective": objective}
        self._question = design_question(folder, model, [objective])

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by all settings, and by those of the models it asks."""
        usual = {"folder": "vienna", "model": "", "objective": DEFAULT_OBJECTIVE}
        changed = ",".join(f"{k}={v}" for k, v in self._settings.items() if v != usual[k])
        asked = {
            name: _SpecModel(self._settings[name]).model.info.digest
            for name in ("folder", "model")
            if self._settings[name]
        }
        return ModelIdentity(
            id=f"rna-design:{changed}" if changed else "rna-design",
            version=_VERSION,
            digest=digest_of([_VERSION, self._settings, asked]),
        )

    def design(self, structure: str, seconds: float, seed: int) -> list[str]:
        """Find sequences for a structure, the best first.

        Raises
        ------
        UsageError
            If no sequence can fold into it.
        """
        question = Question(
            seconds=seconds,
            seed=seed,
            settings=self._question.settings,
            objectives=self._question.objectives,
            fold=self._question.fold,
            propose=self._question.propose,
        )
        designing = Designing([Target(structure)], question)
        for _ in designing.steps():
            pass
        (progress,) = designing.progress
        return [each.sequence for each in progress.designs]
