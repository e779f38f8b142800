"""Effects of variants from models that were trained for no task: by likelihood, or by distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.models.capabilities import Embedder, Scorer
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]


class ZeroShot:
    """How much more, or less, a model expects a variant than its reference.

    Parameters
    ----------
    model : Scorer or Embedder
    effect : {"likelihood", "distance"}
        The log-likelihood (natural logarithm) of the variant less that of the reference; or one
        less the cosine between their vectors, which tells how much a variant changes and not which
        way.
    """

    def __init__(self, model: Scorer | Embedder, effect: str) -> None:
        self._model = model
        self._effect = effect

    @property
    def info(self) -> ModelIdentity:
        """The model's, with what is taken from it."""
        own = self._model.info
        if self.by_likelihood and isinstance(self._model, Scorer):
            kind = "pseudo-log-likelihood" if self._model.likelihood == "masked" else "likelihood"
            note = f"difference of {kind}s; nothing is trained"
        else:
            note = "cosine distance of vectors, which has no sign; nothing is trained"
        return ModelIdentity(
            id=f"{own.id} (zero-shot, {self._effect})",
            version=own.version,
            digest=digest_of([own.digest, "zero-shot", "1", self._effect]),
            notes=[*own.notes, note],
        )

    @property
    def by_likelihood(self) -> bool:
        """Whether effects are differences of likelihoods, which have a sign."""
        return isinstance(self._model, Scorer) and self._effect == "likelihood"

    def effects(
        self,
        references: Sequence[str],
        alternates: Sequence[str],
        progress: Callable[[int], None] = lambda done: None,
    ) -> Floats:
        """Give the effect of each variant, float64[n].

        Parameters
        ----------
        references, alternates : sequence of str
            The sequence without and with the variant. Each distinct sequence is asked once.
        """
        distinct = list(dict.fromkeys([*references, *alternates]))
        place = {sequence: number for number, sequence in enumerate(distinct)}
        before = [place[sequence] for sequence in references]
        after = [place[sequence] for sequence in alternates]
        if isinstance(self._model, Scorer) and self._effect == "likelihood":
            told = self._model.log_likelihoods(distinct, progress)
            return told[after] - told[before]
        assert isinstance(self._model, Embedder)
        vectors = self._model.embed(distinct, progress).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        distances: Floats = 1.0 - (units[before] * units[after]).sum(axis=1)
        return distances


def zero_shot(model: object) -> ZeroShot | None:
    """Make a model that can be asked for effects of a model that can do more, or None.

    Its attribute `effect`, where it has one, chooses; otherwise likelihood goes before distance.
    """
    wanted = getattr(model, "effect", "auto")
    if isinstance(model, Scorer) and wanted in ("auto", "likelihood"):
        return ZeroShot(model, "likelihood")
    if isinstance(model, Embedder) and wanted in ("auto", "distance"):
        return ZeroShot(model, "distance")
    return None
