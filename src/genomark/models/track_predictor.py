"""A model with many tracks and a fixed input as a GAME Predictor.

The model itself is one function: windows of one length in, bins of chosen tracks out. Everything
else is done here: which tracks a task asks for, windows over sequences of any length, ranges,
means over bins and tracks, scales, and an error for each task that cannot be answered, beside the
answers of those that can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, TypeGuard

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.digests import digest_of
from genomark.errors import ModelError
from genomark.models.capabilities import Model
from genomark.models.declaration import Declaration
from genomark.models.tracks import (
    Matcher,
    MatcherError,
    NoTrackError,
    Selection,
    TermMatch,
    check_task,
    select,
)
from genomark.models.windows import Geometry, Layout
from genomark.protocol import (
    Asked,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    UpstreamDependencyError,
    asked_sequences,
)
from genomark.scoring import ModelIdentity

Floats = NDArray[np.float64]
#: Of each sequence: its id, its windows, its mean track.
Tracks = list[tuple[str, Layout, Floats]]

#: Windows given to the model at once, and numbers it gives for them: fewer windows, if need be.
_BATCH, _BATCH_VALUES = 64, 1 << 24
#: Keeps the logarithm of an empty track finite.
_EPSILON = 1e-9

_NO_MATCHER = "N/A"
#: Begins what an identity says of them.
_NOTE = "terms that are no track's are"


@dataclass
class TrackPredictor:
    """A Predictor made of one function of windows.

    Attributes
    ----------
    info : ModelIdentity
    declaration : Declaration
        With tracks, `input_length`, `output_length` and `bin_size`.
    function : callable
        ``(windows, tracks) -> values``: windows of `input_length` upper-case letters and the
        indices of the tracks wanted, in order, to float[n_windows, n_tracks, n_bins] on a linear
        scale.
    matcher : Matcher or None
        Asked for terms that match no track exactly.
    batch_invariant : bool
        As for `SequencePredictor`: a network's last bits mostly depend on the windows beside.
    """

    info: ModelIdentity
    declaration: Declaration
    function: Callable[[list[str], tuple[int, ...]], Any]
    matcher: Matcher | None = None
    batch_invariant: bool = False

    builds_lazily: ClassVar[bool] = True

    def __post_init__(self) -> None:
        declared = self.declaration
        if declared.input_length is None or declared.output_length is None or not declared.tracks:
            raise ValueError("a TrackPredictor declares tracks, input_length and output_length")
        self._geometry = Geometry(declared.input_length, declared.output_length, declared.bin_size)

    @property
    def predictor_name(self) -> str:
        """As in the protocol."""
        return self.declaration.name

    def with_matcher(self, matcher: Matcher, url: str = "") -> TrackPredictor:
        """Give the same model with this Matcher; answers then depend on that one too.

        Parameters
        ----------
        matcher : Matcher
            Whose version says which answers it gives.
        url : str
            Of a Matcher elsewhere, which need not give its version another name when it changes.
        """
        version = matcher.version
        told = f"{_NOTE} matched by {version}{f' at {url}' if url else ''}"
        identity = self._identity([version, url] if url else [version], told)
        return replace(self, matcher=matcher, info=identity)

    def without_matcher(self) -> TrackPredictor:
        """Give the same model without a Matcher: it knows its tracks' own terms."""
        if self.matcher is None:
            return self
        return replace(self, matcher=None, info=self._identity([_NO_MATCHER], f"{_NOTE} refused"))

    def _identity(self, answers_on: list[str], told: str) -> ModelIdentity:
        others = [note for note in self.info.notes if not note.startswith(_NOTE)]
        digest = digest_of([self.info.digest, *answers_on])
        return msgspec.structs.replace(self.info, digest=digest, notes=[*others, told])

    def matches(self, task: PredictionTask) -> tuple[TermMatch, ...]:
        """Give what the Matcher says of the terms of a task that are no track's as they are.

        Raises
        ------
        MatcherError
            If it cannot be asked.
        """
        try:
            return select(task, self.declaration.tracks, self.matcher).matched
        except NoTrackError as error:
            return error.matched

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request; all its tasks are of one pass of the model over the windows.

        Raises
        ------
        PredictionFailedError
            For a readout, type or species that the model does not have.
        UpstreamDependencyError
            If no task could be answered because the Matcher could not be asked.
        ModelError
            If the function gives something of another shape.
        """
        if request.readout not in self.declaration.readouts:
            raise PredictionFailedError(
                f"{self.predictor_name} cannot process '{request.readout}' readout type."
            )
        for task in request.prediction_tasks:
            check_task(task, self.declaration.tracks)
        asked = asked_sequences(request)
        selections = [self._selected(task) for task in request.prediction_tasks]
        failed = [each for each in selections if isinstance(each, MatcherError)]
        if failed and len(failed) == len(selections):
            raise UpstreamDependencyError(str(failed[0]))
        found = [each for each in selections if isinstance(each, Selection)]
        tracks = self._tracks(list(dict.fromkeys(each.indices for each in found)), asked)
        consulted = any(
            each.asked_matcher for each in selections if not isinstance(each, MatcherError)
        )
        return PredictResponse(
            predictor_name=self.predictor_name,
            prediction_tasks=[
                self._answer(task, request.readout, selection, tracks[selection.indices])
                if isinstance(selection, Selection)
                else _refused(task, str(selection))
                for task, selection in zip(request.prediction_tasks, selections, strict=True)
            ],
            bin_size=self.declaration.bin_size,
            matcher_version=self.matcher.version if self.matcher and consulted else _NO_MATCHER,
        )

    def _selected(self, task: PredictionTask) -> Selection | NoTrackError | MatcherError:
        try:
            return select(task, self.declaration.tracks, self.matcher)
        except (NoTrackError, MatcherError) as error:
            return error

    def _answer(
        self, task: PredictionTask, readout: str, selection: Selection, tracks: Tracks
    ) -> TaskPrediction:
        scale = "linear" if task.scale is UNSET else str(task.scale)
        predictions: dict[str, Any] = {}
        trims: dict[str, int] = {}
        for name, layout, track in tracks:
            if readout == "point":
                predictions[name] = _scaled(track.mean(), scale)
            else:
                predictions[name] = _scaled(track, scale)
                trims[name] = layout.trim_upstream
        aggregation = selection.aggregation
        if readout == "point":
            aggregation = {"bins": "mean", **aggregation}
        return TaskPrediction(
            name=task.name,
            type_requested=task.type,
            type_actual=list(selection.assays),
            cell_type_requested=task.cell_type,
            cell_type_actual=selection.cell_type,
            species_requested=task.species,
            species_actual=selection.species,
            scale_prediction_requested=None if task.scale is UNSET else task.scale,
            scale_prediction_actual=scale,
            predictions=predictions,
            aggregation=aggregation or UNSET,
            trim_upstream=trims if readout == "track" else UNSET,
        )

    def _tracks(
        self, selections: list[tuple[int, ...]], asked: dict[str, Asked]
    ) -> dict[tuple[int, ...], Tracks]:
        """Give the mean tracks of all sequences, by selection; windows are batched together."""
        if not selections:
            return {}
        layouts = {
            name: self._geometry.layout(each.start, each.length) for name, each in asked.items()
        }
        windows = (
            window
            for name, each in asked.items()
            for window in self._geometry.cut(each.sequence, layouts[name])
        )
        outputs = self._outputs(windows, selections)
        found: dict[tuple[int, ...], Tracks] = {selection: [] for selection in selections}
        for name, layout in layouts.items():
            parts = [next(outputs) for _ in layout.windows]
            for place, selection in enumerate(selections):
                track = self._geometry.join([part[place] for part in parts], layout)
                found[selection].append((name, layout, track))
        return found

    def _outputs(
        self, windows: Iterator[str], selections: list[tuple[int, ...]]
    ) -> Iterator[list[Floats]]:
        """Give the mean tracks of each window, one a selection."""
        # Nearly all of the work of a network is the same for all tracks.
        wanted = tuple(sorted(set().union(*selections)))
        chosen = [np.searchsorted(wanted, selection) for selection in selections]
        most = max(1, min(_BATCH, _BATCH_VALUES // (len(wanted) * self._geometry.n_bins)))
        while batch := list(islice(windows, most)):
            values = np.asarray(self.function(batch, wanted), dtype=np.float64)
            expected = (len(batch), len(wanted), self._geometry.n_bins)
            if values.shape != expected:
                raise ModelError(
                    f"Model '{self.info.id}' gave values of shape {values.shape}; expected "
                    f"{expected}: windows, tracks, bins"
                )
            means = [values[:, places].mean(axis=1) for places in chosen]
            yield from map(list, zip(*means, strict=True))


def lacks_matcher(model: Model) -> TypeGuard[TrackPredictor]:
    """Whether a model could use a Matcher, and has none."""
    return isinstance(model, TrackPredictor) and model.matcher is None


def _scaled(values: Any, scale: str) -> Any:
    scaled = np.log2(np.maximum(values, 0.0) + _EPSILON) if scale == "log" else values
    return scaled if isinstance(scaled, np.ndarray) else float(scaled)


def _refused(task: PredictionTask, reason: str) -> TaskPrediction:
    """One task that cannot be answered, as GAME says it inside a 200 (section 3.5)."""
    return TaskPrediction(
        name=task.name,
        type_requested=task.type,
        type_actual=["N/A"],
        cell_type_requested=task.cell_type,
        cell_type_actual="N/A",
        species_requested=task.species,
        species_actual=task.species.lower(),
        scale_prediction_requested=None if task.scale is UNSET else task.scale,
        scale_prediction_actual="N/A",
        predictions={"error": reason},
    )
