"""Variants of GUANinE: which of two alleles is harmful, from the sequences with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.guanine.guanine_benchmark import GuanineBenchmark, Stage, point_values
from genomark.benchmarks.guanine.split_rows import SplitRows
from genomark.digests import digest_of
from genomark.errors import CapabilityError
from genomark.models import Fitting, ItemPredictor, Model, Predictor, TrainingSplit
from genomark.models.zero_shot import ZeroShot, zero_shot
from genomark.protocol import PredictionTask
from genomark.scoring import ModelIdentity
from genomark.sequences import TaskSplit
from genomark.training.variant_pairs import VariantTrainable, as_variant_trainable

Floats = NDArray[np.float64]

_READOUT = PredictionTask("effect", "accessibility", "all", "homo_sapiens")


class GuanineVariantBenchmark(GuanineBenchmark):
    """What a model tells of variants.

    Where there is a train split, what has features of a sequence is fitted to those of both
    alleles. Without one, or with ``train=none``, models tell what they know: how much less likely
    the variant is, how far its vector lies, by how much a prediction changes.
    """

    capability = "Embedder, Scorer or Predictor"

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take what can be fitted to pairs of alleles, or tells effects as it is."""
        if isinstance(model, ItemPredictor):
            return super().identify(model)
        fitted, untrained = self._fitted(model), self._untrained(model)
        if fitted is not None:
            return fitted.info, None
        if untrained is not None:
            return untrained.info, None
        if isinstance(model, Predictor):
            return self._named(model), None
        raise CapabilityError(
            f"'{model.info.id}' has no features of sequences to fit to pairs of alleles, and tells "
            f"no effects: '{self.id}' needs an {self.capability}"
        )

    def learned(self, model: Model, limit: int | None = None) -> TaskSplit | None:
        """Give the sequences with the variants, of what is fitted to pairs of alleles."""
        if isinstance(model, ItemPredictor) or self._fitted(model) is None:
            return None
        return self.task.split()

    def _fitted(self, model: Model) -> VariantTrainable | None:
        if self.task.no_split is not None:
            return None
        try:
            return as_variant_trainable(model)
        except CapabilityError:
            return None

    def _untrained(self, model: Model) -> ZeroShot | None:
        return zero_shot(model)

    def _named(self, model: Predictor) -> ModelIdentity:
        own = model.info
        return ModelIdentity(
            id=own.id,
            version=own.version,
            digest=digest_of([own.digest, "variants", self.asking.effect]),
            notes=[*own.notes, f"{self.asking.effect} of two alleles; nothing is fitted"],
        )

    def _predicts_as_it_is(self, model: Model) -> bool:
        return False

    def _learned(self, model: Model, stage: Stage, rows: SplitRows, asking: Asking) -> Any:
        """Answer with decision values: the higher, the likelier harmful."""
        assert rows.references is not None
        references, alternates = rows.references, rows.labelled.sequences
        trainable = self._fitted(model)
        if trainable is not None:
            if not self._needed(stage, trainable):
                return None
            _, train, valid = self.task.stage(*stage.part)
            assert train.references is not None
            assert valid.references is not None
            fitted = trainable.fit_pairs(
                train.references,
                train.labelled,
                valid.references,
                valid.labelled,
                Fitting(stage.fit, asking.threads, asking.workspace, asking.progress),
            )
            asking.progress("answering")
            asking.tell({self._called(stage): dict(fitted.report)})
            return fitted.answers(references, alternates)
        if stage is not self._stages[0]:
            return None
        return self._effects(model, references, alternates, asking)[:, np.newaxis]

    def _effects(
        self, model: Model, references: Sequence[str], alternates: Sequence[str], asking: Asking
    ) -> Floats:
        untrained = self._untrained(model)
        if untrained is not None:
            total, done = len({*references, *alternates}), 0

            def progress(more: int) -> None:
                nonlocal done
                done += more
                asking.progress(f"{done:,} of {total:,} sequences")

            effects = untrained.effects(references, alternates, progress)
            # What makes a sequence less likely is likelier to harm; a distance has no sign.
            return -effects if untrained.by_likelihood else effects
        assert isinstance(model, Predictor)
        before = point_values(model, _READOUT, references, asking.progress)
        if self.asking.effect == "reference":
            return before
        after = point_values(model, _READOUT, alternates, asking.progress)
        return np.abs(after - before)
