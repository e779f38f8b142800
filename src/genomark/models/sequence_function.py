"""A function of sequences as a GAME Predictor.

The function sees upper-case sequences and gives numbers; everything else the protocol asks for
(flanks, ranges, scales, the echo of each task) is done here, once, for models in process and models
served over HTTP alike. That is why both give identical predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.errors import ModelError
from genomark.protocol import (
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    prepared_sequences,
)
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]
Convert = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Readout:
    """How one readout is computed.

    Attributes
    ----------
    function : callable
        ``list of str -> values``: for a point one float per sequence, for a track one array
        float64[length] per sequence.
    scale : {"log", "linear"}
        Scale of what `function` gives; log is log2.
    convert : callable or None
        To the other scale; None where that is not defined, and the answer then says which scale it
        really has.
    """

    function: Callable[[list[str]], Any]
    scale: str
    convert: Convert | None = None


@dataclass(frozen=True)
class Actual:
    """What a model really predicts, whatever was asked ("NA": it does not depend on it)."""

    type: str = "NA"
    cell_type: str = "NA"
    species: str = "NA"


@dataclass(frozen=True)
class SequencePredictor:
    """A Predictor made of functions of sequences.

    Attributes
    ----------
    info : ModelIdentity
    predictor_name : str
        As in the protocol.
    readouts : mapping of str to Readout
    actual : Actual
    """

    info: ModelIdentity
    predictor_name: str
    readouts: Mapping[str, Readout]
    actual: Actual = field(default_factory=Actual)

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request; identical tasks are computed once.

        Raises
        ------
        PredictionFailedError
            For a readout this model does not have, or sequences it cannot read.
        ModelError
            If the function gives something other than one value per sequence.
        """
        readout = self.readouts.get(request.readout)
        if readout is None:
            raise PredictionFailedError(
                f"{self.predictor_name} cannot process '{request.readout}' readout type."
            )
        if not request.prediction_tasks:
            return PredictResponse(self.predictor_name, [])
        sequences = prepared_sequences(request)
        values = self._values(request.readout, readout, list(sequences.values()))
        return PredictResponse(
            predictor_name=self.predictor_name,
            prediction_tasks=[
                self._task(task, readout, dict(zip(sequences, values, strict=True)))
                for task in request.prediction_tasks
            ],
            bin_size=1 if request.readout == "track" else UNSET,
        )

    def _values(self, name: str, readout: Readout, sequences: list[str]) -> Sequence[Any]:
        if not sequences:
            return []
        answer = readout.function(sequences)
        if name == "point":
            return _points(answer, sequences, self.info.id)
        return _tracks(answer, sequences, self.info.id)

    def _task(
        self, task: PredictionTask, readout: Readout, values: dict[str, Any]
    ) -> TaskPrediction:
        scale = readout.scale
        if task.scale not in (UNSET, scale) and readout.convert is not None:
            scale = str(task.scale)
            keys, native = list(values), list(values.values())
            values = dict(zip(keys, _converted(native, readout.convert), strict=True))
        return TaskPrediction(
            name=task.name,
            type_requested=task.type,
            type_actual=[self.actual.type],
            cell_type_requested=task.cell_type,
            cell_type_actual=self.actual.cell_type,
            species_requested=task.species,
            species_actual=self.actual.species,
            scale_prediction_requested=None if task.scale is UNSET else task.scale,
            scale_prediction_actual=scale,
            predictions=values,
        )


def _points(answer: Any, sequences: list[str], model: str) -> list[float]:
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"Model '{model}' gave something other than numbers: {error}") from error
    if values.shape == (len(sequences), 1):
        values = values[:, 0]
    if values.shape != (len(sequences),):
        raise ModelError(
            f"Model '{model}' gave values of shape {values.shape} for {len(sequences)} sequences; "
            f"expected ({len(sequences)},), one number per sequence"
        )
    points: list[float] = values.tolist()
    return points


def _tracks(answer: Any, sequences: list[str], model: str) -> list[Floats]:
    tracks = [np.asarray(track, dtype=np.float64) for track in answer]
    if [track.shape for track in tracks] != [(len(sequence),) for sequence in sequences]:
        raise ModelError(f"Model '{model}' did not give one value per base of each sequence")
    return tracks


def _converted(values: list[Any], convert: Convert) -> list[Any]:
    if values and isinstance(values[0], np.ndarray):
        return [convert(track) for track in values]
    points: list[float] = convert(np.array(values, dtype=np.float64)).tolist()
    return points
