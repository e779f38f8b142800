"""What every benchmark is: items, the requests they make, and the rule that judges the answers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import ModelError
from genomark.models import TrainingSplit
from genomark.protocol import PredictRequest, PredictResponse, TaskPrediction, Unanswered
from genomark.scoring import BenchmarkIdentity, ScoringRule

#: (value, reason): exactly one of them is None.
Answer = tuple[float | None, str | None]


class Benchmark(ABC):
    """A versioned question put to models that predict activity from sequence.

    Attributes
    ----------
    id, version, title : str
        Raise the version when items, truth or scoring change.
    asks : str
        What an item is, in the plural ("variants").
    datasets : tuple of str
        Names in the catalogue; empty where the benchmark needs no data.
    citation : str
        What to cite.
    rule : ScoringRule
        How predictions become numbers.
    """

    id: ClassVar[str]
    version: ClassVar[str]
    title: ClassVar[str]
    asks: ClassVar[str] = "sequences"
    capability: ClassVar[str] = "Predictor"
    datasets: ClassVar[tuple[str, ...]] = ()
    citation: ClassVar[str]
    rule: ClassVar[ScoringRule]

    #: No request holds more items than this, so that a run loses little when it is killed.
    max_request_items: ClassVar[int] = 4096

    @cached_property
    @abstractmethod
    def items(self) -> pl.DataFrame:
        """One row per item.

        Columns `item_id` (unique), `task`, `cluster`, `truth` (Float64), `subcluster` where the
        rule is grouped, and what the benchmark itself needs; rows of one task stand together.

        Raises
        ------
        genomark.errors.DatasetError
            If the data cannot be had.
        """

    @abstractmethod
    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for some items of one task."""

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Turn the answer to `request(items)` into one value per item.

        Returns
        -------
        polars.DataFrame
            Columns `value` (Float64) and `reason` (String): why there is no value.
        """
        task = only_task(response)
        answers = [point_of(task, item) for item in items["item_id"]]
        return answer_frame(answers)

    def sequence_ids(self, items: pl.DataFrame) -> pl.DataFrame:
        """Ids of the sequences that the requests for `items` hold: columns `item_id`, `task`."""
        return items.select("item_id", "task")

    def training_split(self) -> TrainingSplit | None:
        """Labelled sequences to fit on, where the benchmark has them."""
        return None

    @property
    def ceiling(self) -> Mapping[str, float]:
        """Best value any model could reach, by metric, where it is known."""
        return {}

    @cached_property
    def digest(self) -> str:
        """Digest of the question: items, truth, requests' wording and rule."""
        items = self.items
        parts = [digest_of([self.id, self.version, repr(self.rule), self._wording()]).encode()]
        for column in items.columns:
            values = items[column]
            if values.dtype == pl.String:
                parts.append("\n".join(values).encode())
            else:
                parts.append(values.to_numpy().tobytes())
        return digest_of_bytes(parts)

    @property
    def identity(self) -> BenchmarkIdentity:
        """Who asks, as a Result names it."""
        return BenchmarkIdentity(
            id=self.id, version=self.version, digest=self.digest, title=self.title
        )

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Cut the items into what one request holds: one task, `max_request_items` at most."""
        for _, task in self.selected(limit).group_by("task", maintain_order=True):
            yield from task.iter_slices(self.max_request_items)

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or `limit` of them, evenly spaced."""
        items = self.items
        if limit is None or limit >= items.height:
            return items
        return items[np.linspace(0, items.height - 1, limit).round().astype(np.int64)]

    def _wording(self) -> Any:
        """Whatever requests hold beside the items; part of the digest."""
        return None


def point_of(task: TaskPrediction, name: str) -> Answer:
    """Read one point out of an answer: a number, or a list of one.

    Returns
    -------
    value : float or None
    reason : str or None
        Why there is no value.
    """
    if name not in task.predictions:
        error = task.predictions.get("error")
        return None, f"the model refused: {error}" if error else "missing from the answer"
    value = task.predictions[name]
    if isinstance(value, Unanswered):
        return None, value.reason
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = "nothing" if value is None else type(value).__name__
        return None, f"expected a number, got {kind}"
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return (number, None) if math.isfinite(number) else (None, f"the answer is {number}")


def effect_of(task: TaskPrediction, reference: Answer, alternate: Answer) -> Answer:
    """Effect of a variant on a log2 scale from two points.

    Alternate minus reference where the model answered on a log scale, log2(alternate / reference)
    where it answered on a linear one.
    """
    if reference[0] is None:
        return None, f"reference: {reference[1]}"
    if alternate[0] is None:
        return alternate
    if task.scale_prediction_actual == "log":
        effect = alternate[0] - reference[0]
        return (effect, None) if math.isfinite(effect) else (None, f"the effect is {effect}")
    if task.scale_prediction_actual != "linear":
        return None, f"unknown scale '{task.scale_prediction_actual}'"
    if reference[0] <= 0 or alternate[0] <= 0:
        return None, "a linear prediction is not above 0, so its fold change is undefined"
    # The quotient of two finite numbers may not be one.
    return math.log2(alternate[0]) - math.log2(reference[0]), None


def answer_frame(answers: list[Answer]) -> pl.DataFrame:
    """Write answers as columns `value` and `reason`."""
    return pl.DataFrame(answers, schema={"value": pl.Float64, "reason": pl.String}, orient="row")


def only_task(response: PredictResponse) -> TaskPrediction:
    """Give the one task of an answer to a request with one task."""
    if len(response.prediction_tasks) != 1:
        raise ModelError(
            f"asked one task, '{response.predictor_name}' answered {len(response.prediction_tasks)}"
        )
    return response.prediction_tasks[0]
