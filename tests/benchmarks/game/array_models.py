"""Small models whose answers are arrays, for tests of benchmarks that ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from genomark.protocol import PredictRequest, PredictResponse, TaskPrediction
from genomark.scoring import ModelIdentity


@dataclass
class ArrayModel:
    """Answers each sequence by a function of it; an answer may be left out by giving None.

    Attributes
    ----------
    function : callable
        Of the upper-case sequence.
    bin_size : int
        Where it is not 0.
    trim : int
        Of every sequence, where it is not 0.
    scale : str
        The actual one.
    """

    function: Callable[[str], Any]
    name: str = "array-model"
    bin_size: int = 0
    trim: int = 0
    scale: str = "linear"
    requests: list[PredictRequest] = field(default_factory=list)

    @property
    def info(self) -> ModelIdentity:
        return ModelIdentity(id=self.name, version="1", digest=f"digest-{self.name}")

    def predict(self, request: PredictRequest) -> PredictResponse:
        self.requests.append(request)
        (task,) = request.prediction_tasks
        answers = {name: self.function(each) for name, each in request.sequences.items()}
        answers = {name: answer for name, answer in answers.items() if answer is not None}
        return PredictResponse(
            predictor_name=self.name,
            prediction_tasks=[
                TaskPrediction(
                    name=task.name,
                    type_requested=task.type,
                    type_actual=[task.type],
                    cell_type_requested=task.cell_type,
                    cell_type_actual=task.cell_type,
                    species_requested=task.species,
                    species_actual=task.species,
                    scale_prediction_requested=None if task.scale is UNSET else task.scale,
                    scale_prediction_actual=self.scale,
                    predictions=answers,
                    trim_upstream=dict.fromkeys(answers, self.trim) if self.trim else UNSET,
                )
            ],
            bin_size=self.bin_size or UNSET,
        )
