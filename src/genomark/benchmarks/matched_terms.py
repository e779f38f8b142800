"""What a Result tells of terms that a Matcher had to find the tracks for."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from genomark.models.capabilities import Model
from genomark.models.tracks import TermMatch
from genomark.protocol import PredictRequest, PredictResponse, TaskPrediction

#: How Predictors write that no Matcher was asked.
_NOT_ASKED = ("", "NA", "N/A", "None")


def matched_terms(
    model: Model, request: PredictRequest, response: PredictResponse
) -> dict[str, Any]:
    """Tell what was asked, what was answered instead, how sure that is, and who said so.

    Parameters
    ----------
    model : Model
        Which tells confidences if it matches terms in this process.
    request : PredictRequest
    response : PredictResponse

    Returns
    -------
    dict
        One entry a task, ``"tracks of NAME"``: `matcher_version`, `type_actual` and, of each
        term, `category`, `requested`, `actual` and `confidence` (None if the Matcher does not
        tell). Empty where no Matcher was asked.
    """
    version = response.matcher_version
    if version is UNSET or version in _NOT_ASKED:
        return {}
    told = {}
    for asked, task in zip(request.prediction_tasks, response.prediction_tasks, strict=False):
        # Of a TrackPredictor, be it asked through a cache or not.
        matches = getattr(model, "matches", None)
        terms = _differing(task) if matches is None else matches(asked)
        if terms:
            told[f"tracks of {asked.name}"] = {
                "matcher_version": version,
                "type_actual": list(task.type_actual),
                "terms": [msgspec.to_builtins(each) for each in terms],
            }
    return told


def _differing(task: TaskPrediction) -> list[TermMatch]:
    """Terms of which a Predictor behind a URL has another, as far as it says."""
    requested, actual = task.cell_type_requested, task.cell_type_actual
    if requested.casefold() == actual.casefold():
        return []
    return [TermMatch("cell_type", requested, None if actual in _NOT_ASKED else actual, None)]
