"""A function of sequences as a GAME Predictor.

The function sees upper-case sequences and gives numbers; everything else the protocol asks for
(flanks, ranges, scales, the echo of each task) is done here, once, for models in process and models
served over HTTP alike. That is why both give identical predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.errors import ModelError
from genomark.models.declaration import Declaration, RangeMode
from genomark.models.tracks import Track
from genomark.models.training_data import UNKNOWN, TrainingData
from genomark.protocol import (
    SCALES,
    Asked,
    BinSpan,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    SoundPoints,
    SoundSequences,
    TaskPrediction,
    asked_sequences,
    covering_bins,
    plain_sequences,
)
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]
Points = NDArray[np.floating[Any]]
Convert = Callable[[Floats], Floats]

#: Letters that a function is handed at once: edits of long sequences are built as they are needed.
_LETTERS = 32 << 20


@dataclass(frozen=True)
class Readout:
    """How one readout is computed.

    Attributes
    ----------
    function : callable
        ``list of str -> values``: for a point one float per sequence, for a track one array
        float64[bins] per sequence, bin 0 at its first base.
    scale : {"log", "linear"}
        Scale of what `function` gives; log is log2.
    convert : callable or None
        To the other scale; None where that is not defined, and the answer then says which scale it
        really has.
    takes_any : bool
        Whether `function` takes any sequence of str for points, and leaves it as it is: what came
        over the wire is then no strings before it looks (`letters_of` does not).
    """

    function: Callable[[Any], Any]
    scale: str
    convert: Convert | None = None
    takes_any: bool = False


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
        Who answers.
    predictor_name : str
        As in the protocol.
    readouts : mapping of str to Readout
        By ``"point"`` and ``"track"``: what it has of them.
    actual : Actual
        What is predicted, whatever is asked for.
    range_mode : {"context", "crop"}
        With a prediction range: see the whole sequence and cut the track, or see the range alone.
        A point is of what is seen.
    bin_size : int
        Bases a value of a track stands for.
    training_data : TrainingData
        `NoTraining`, `TrainingRegions`, `TrainingSequences` or `NamedTraining`; unknown if left
        out.
    batch_invariant : bool
        Whether a sequence is answered with the same bits whatever else is asked at the time. Only
        then may requests be joined, and answers be kept; a function that nobody knows is not
        trusted with it.
    never_waits : bool
        Whether it only computes, with nothing to wait for and no event loop of its own: then a
        server may ask it where others would be kept waiting, as long as it is quick.
    keepable : bool
        Whether `info` tells these answers from all others, in other processes too.
    """

    info: ModelIdentity
    predictor_name: str
    readouts: Mapping[str, Readout]
    actual: Actual = field(default_factory=Actual)
    range_mode: RangeMode = "context"
    bin_size: int = 1
    training_data: TrainingData = UNKNOWN
    batch_invariant: bool = False
    never_waits: bool = False
    keepable: bool = True

    builds_lazily: ClassVar[bool] = True
    #: A function sees no more than sequences.
    ignores_ids: ClassVar[bool] = True

    @property
    def declaration(self) -> Declaration:
        """What this model says of itself."""
        scales = {
            scale
            for readout in self.readouts.values()
            for scale in (SCALES if readout.convert else (readout.scale,))
        }
        known = self.actual.type != "NA"
        track = Track(
            assay=self.actual.type,
            types=(self.actual.type,),
            cell_type=self.actual.cell_type,
            species=self.actual.species,
        )
        return Declaration(
            name=self.predictor_name,
            readouts=tuple(self.readouts),
            scales=tuple(sorted(scales)),
            tracks=(track,) if known else (),
            bin_size=self.bin_size,
            range_mode=self.range_mode,
            description="; ".join(self.info.notes),
            training_data=self.training_data,
        )

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request; tasks that ask for the same are computed once.

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
        plain = plain_sequences(request) if request.readout == "point" else None
        asked = asked_sequences(request) if plain is None else {}
        if not request.prediction_tasks:
            return PredictResponse(self.predictor_name, [])
        computed: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        answers = []
        for task in request.prediction_tasks:
            wanted = (task.type, task.cell_type, task.species)
            if wanted not in computed:
                computed[wanted] = (
                    self._values(request.readout, asked)
                    if plain is None
                    else SoundPoints(plain.ids, self._plain_points(plain))
                )
            answers.append(self._task(task, readout, computed[wanted]))
        is_track = request.readout == "track"
        if is_track and self.bin_size > 1:
            trims = {name: self._span(each).trim_upstream for name, each in asked.items()}
            answers = [msgspec.structs.replace(each, trim_upstream=trims) for each in answers]
        return PredictResponse(
            predictor_name=self.predictor_name,
            prediction_tasks=answers,
            bin_size=self.bin_size if is_track else UNSET,
        )

    def _seen(self, asked: list[Asked]) -> list[str]:
        crop = self.range_mode == "crop"
        return [each.cropped if crop else each.sequence for each in asked]

    def _span(self, asked: Asked) -> BinSpan:
        """Bins of the track that belong to the answer."""
        start = 0 if self.range_mode == "crop" else asked.start
        return covering_bins(start, asked.length, self.bin_size)

    def _plain_points(self, sequences: SoundSequences) -> Points:
        readout = self.readouts["point"]
        if readout.takes_any and sequences.letters <= _LETTERS and len(sequences):
            return _points(readout.function(sequences.texts), sequences.texts, self.info.id)
        texts = sequences.strings
        is_one_batch = bool(texts) and sequences.letters <= _LETTERS
        points = []
        for batch in [slice(None)] if is_one_batch else _batches(list(map(len, texts))):
            seen = texts[batch]
            points.append(_points(readout.function(seen), seen, self.info.id))
        return points[0] if len(points) == 1 else np.concatenate([np.empty(0), *points])

    def _values(self, kind: str, named: Mapping[str, Asked]) -> dict[str, Any]:
        readout = self.readouts[kind]
        crop = self.range_mode == "crop"
        asked = list(named.values())
        values: list[Any] = []
        for batch in _batches([each.length if crop else each.total for each in asked]):
            seen = self._seen(asked[batch])
            answer = readout.function(seen)
            if kind == "point":
                values += _points(answer, seen, self.info.id).tolist()
            else:
                tracks = _tracks(answer, seen, self.info.id, self.bin_size)
                values += self._cut(tracks, asked[batch])
        return dict(zip(named, values, strict=True))

    def _cut(self, tracks: list[Floats], asked: list[Asked]) -> list[Floats]:
        spans = [self._span(each) for each in asked]
        return [track[span.first : span.last] for track, span in zip(tracks, spans, strict=True)]

    def _task(
        self, task: PredictionTask, readout: Readout, values: Mapping[str, Any]
    ) -> TaskPrediction:
        scale = readout.scale
        if task.scale not in (UNSET, scale) and readout.convert is not None:
            scale = str(task.scale)
            values = _converted(values, readout.convert)
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


def _batches(lengths: Sequence[int]) -> Iterator[slice]:
    """Cut sequences, in their order, into what is seen at once."""
    if sum(lengths) <= _LETTERS:
        if lengths:
            yield slice(0, len(lengths))
        return
    first = letters = 0
    for place, length in enumerate(lengths):
        if place > first and letters + length > _LETTERS:
            yield slice(first, place)
            first, letters = place, 0
        letters += length
    yield slice(first, len(lengths))


def _points(answer: Any, sequences: Sequence[str], model: str) -> Points:
    try:
        # A copy: what a function gave may be its own, and be written over.
        is_single = isinstance(answer, np.ndarray) and answer.dtype == np.float32
        values: Points = np.array(answer, dtype=np.float32 if is_single else np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"Model '{model}' gave something other than numbers: {error}") from error
    if values.shape == (len(sequences), 1):
        values = values[:, 0]
    if values.shape != (len(sequences),):
        raise ModelError(
            f"Model '{model}' gave values of shape {values.shape} for {len(sequences)} sequences; "
            f"expected ({len(sequences)},), one number per sequence"
        )
    return values


def _tracks(answer: Any, sequences: list[str], model: str, bin_size: int) -> list[Floats]:
    try:
        tracks = [np.asarray(track, dtype=np.float64) for track in answer]
    except (TypeError, ValueError) as error:
        raise ModelError(f"Model '{model}' gave something other than numbers: {error}") from error
    expected = [(covering_bins(0, len(sequence), bin_size).last,) for sequence in sequences]
    if [track.shape for track in tracks] != expected:
        raise ModelError(
            f"Model '{model}' did not give one value per {bin_size} bp of each sequence"
        )
    return tracks


def _converted(values: Mapping[str, Any], convert: Convert) -> Mapping[str, Any]:
    if isinstance(values, SoundPoints):
        # A copy: another task may have asked for the same on the other scale.
        return SoundPoints(values.ids, convert(values.numbers.copy()))
    native = list(values.values())
    if native and isinstance(native[0], np.ndarray):
        return {name: convert(track) for name, track in values.items()}
    points = convert(np.array(native, dtype=np.float64)).tolist()
    return dict(zip(values, points, strict=True))
