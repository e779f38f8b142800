"""What `kmer` and `motif` share: a ridge on sequence features, fitted once per training split."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.lentimpra import training_table
from genomark.digests import digest_of
from genomark.models.capabilities import TrainingSplit
from genomark.models.ridge import LinearFit, fit_once, fit_ridge
from genomark.models.sequence_function import Actual, Readout, SequencePredictor
from genomark.models.training_data import NoTraining, TrainingData
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]

#: Tracks have a value every so many bases, of a window as long as the lentiMPRA sequences; bp.
_BIN_SIZE = 10
_HALF_WINDOW = 115
#: Bounds the windows of a long sequence that are held at once.
_WINDOWS_AT_ONCE = 4096


class RidgeTrainable(ABC):
    """A Trainable: ridge regression on features of the sequence.

    Subclasses give the features for fitting and a `predict_points` that agrees with them, and may
    be quicker.
    """

    #: Raise it when predictions change, so that no old fit or answer is taken for a new one.
    version = "3"
    training_data: TrainingData = NoTraining()
    name: str
    #: What the default fit and the features need.
    datasets: tuple[str, ...]

    @property
    @abstractmethod
    def settings(self) -> dict[str, object]:
        """What the features depend on, for the id and the digest."""

    @abstractmethod
    def features(self, sequences: list[str]) -> Floats:
        """Features, float64[n, n_features]."""

    @abstractmethod
    def predict_points(self, fit: LinearFit, sequences: list[str]) -> Floats:
        """``intercept + features @ weights``, the same to the last bit in any batch."""

    @property
    @abstractmethod
    def id(self) -> str:
        """Spec string, as tables show it."""

    @property
    def info(self) -> ModelIdentity:
        """Identity of the recipe, not yet of a fit."""
        return ModelIdentity(
            id=self.id, version=self.version, digest=digest_of([self.id, self.version])
        )

    def default_split(self) -> TrainingSplit:
        """K562 lentiMPRA, train and valid samples, less the elements of the test sample."""
        table, dropped = training_table()
        return TrainingSplit(
            name="lentimpra_k562_sample train + valid",
            sequences=table["seq"].to_list(),
            values=table["mean_value"].to_numpy(),
            groups=table["element"].to_list(),
            dropped=dropped,
        )

    def identity(self, split: TrainingSplit) -> ModelIdentity:
        """Identity of the fit on `split`."""
        note = f"fitted on {split.name} ({len(split.sequences):,} sequences"
        if split.dropped:
            note += f"; {split.dropped} dropped, their element is in the test set"
        return ModelIdentity(
            id=self.id,
            version=self.version,
            digest=self._digest(split.digest),
            notes=[f"{note})"],
        )

    def fit(self, split: TrainingSplit) -> SequencePredictor:
        """Fit on `split`, or load the fit made before."""
        info = self.identity(split)
        fit = fit_once(
            info.digest,
            lambda: fit_ridge(self.features(split.sequences), split.values, split.groups),
        )
        return SequencePredictor(
            info=info,
            predictor_name=f"genomark-{self.name}",
            readouts={
                "point": Readout(
                    lambda sequences: self.predict_points(fit, sequences), "log", np.exp2
                ),
                "track": Readout(
                    lambda sequences: self.predict_tracks(fit, sequences), "log", np.exp2
                ),
            },
            actual=Actual(type="expression", cell_type="K562", species="homo_sapiens"),
            bin_size=_BIN_SIZE,
            batch_invariant=True,
            never_waits=True,
        )

    def predict_tracks(self, fit: LinearFit, sequences: list[str]) -> list[Floats]:
        """Slide a window of the length that was fitted on: each bin has the point of its window.

        Windows are centred on their bin, and cut at the ends of the sequence.

        Returns
        -------
        list of ndarray of float64, shape (bins of 10 bp,)
        """
        return [self._track(fit, sequence) for sequence in sequences]

    def _track(self, fit: LinearFit, sequence: str) -> Floats:
        centres = range(_BIN_SIZE // 2, len(sequence) + _BIN_SIZE // 2, _BIN_SIZE)
        track = np.empty(len(centres))
        for first in range(0, len(centres), _WINDOWS_AT_ONCE):
            windows = [
                sequence[max(0, centre - _HALF_WINDOW) : centre + _HALF_WINDOW]
                for centre in centres[first : first + _WINDOWS_AT_ONCE]
            ]
            track[first : first + len(windows)] = self.predict_points(fit, windows)
        return track

    def _digest(self, split: str) -> str:
        return digest_of([self.name, self.version, self.settings, split])
