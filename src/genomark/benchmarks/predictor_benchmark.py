"""Benchmarks of Predictors: items, the requests they make, and the rule that judges the answers."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.matched_terms import matched_terms
from genomark.benchmarks.predictor_scores import PredictorScores
from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError, ModelError
from genomark.models import ItemPredictor, Model, Predictor, Trainable, TrainingSplit
from genomark.models.pieces import predict_in_pieces
from genomark.models.zero_shot import ZeroShot, zero_shot
from genomark.protocol import PredictRequest, PredictResponse, TaskPrediction, Unanswered
from genomark.scoring import PREDICTION_COLUMNS, MetricRow, ModelIdentity, ScoringRule
from genomark.spans import span

#: (value, reason): exactly one of them is None.
Answer = tuple[float | None, str | None]


class PredictorBenchmark(Benchmark):
    """A question put to models that predict activity from sequence.

    Attributes
    ----------
    rule : ScoringRule
        How predictions become numbers.
    """

    capability = "Predictor"
    divisible = True
    rule: ScoringRule

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
        """Ask for some items of one task.

        Parameters
        ----------
        items : polars.DataFrame
            Rows of `items`, at most `max_request_items`.
        """

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Turn the answer to `request(items)` into one value per item.

        Parameters
        ----------
        items : polars.DataFrame
            Those that were asked for.
        response : PredictResponse
            What a Predictor said; nothing of it has been looked at.

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

    def variants(self, items: pl.DataFrame) -> tuple[list[str], list[str]] | None:
        """Sequences without and with the variant that each item is; None where items are not."""
        return None

    def training_split(self) -> TrainingSplit | None:
        """Labelled sequences to fit on, where the benchmark has them."""
        return None

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
    def headlines(self) -> tuple[str, ...]:
        """Names of the rows a table shows."""
        return self.rule.headlines

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

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Say who would answer; let a model that knows what it can answer look at the questions."""
        split = None
        if isinstance(model, Trainable):
            split = self.training_split() or model.default_split()
            info = model.identity(split)
        elif isinstance(model, Predictor | ItemPredictor):
            info = model.info
        elif (untrained := self._zero_shot(model)) is not None:
            return untrained.info, None
        else:
            raise CapabilityError(
                f"'{model.info.id}' cannot be asked: '{self.id}' needs a {self.capability}"
            )
        check = getattr(model, "check", None)
        if check is not None and isinstance(model, ItemPredictor):
            check(self.id, self.items.select("item_id", "task"))
        elif check is not None:
            check(self.id, self.sequence_ids(self.items))
        return info, split

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Make the request, ask, and read the answer."""
        if isinstance(model, ItemPredictor):
            columns = ["item_id", "task", *(["truth"] if model.reads_answers else [])]
            answers = model.predict_items(self.id, part.select(columns), asking.seed)
        elif isinstance(model, Predictor):
            with span("data"):
                request = self.request(part)
            response = predict_in_pieces(model, request)
            with span("data"):
                if asking.keep is not None:
                    asking.keep(response)
                asking.tell(matched_terms(model, request, response))
                answers = self.read(part, response)
        else:
            answers = self._effects(model, part, asking)
        if answers.height != part.height:
            raise ModelError(f"{answers.height} answers for {part.height} items")
        return part.select("item_id", "task").hstack(answers).select(*PREDICTION_COLUMNS)

    def _zero_shot(self, model: Model) -> ZeroShot | None:
        """Let models that predict nothing tell what they can of variants."""
        return zero_shot(model) if self.variants(self.items.head(0)) is not None else None

    def _effects(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        untrained, variants = self._zero_shot(model), self.variants(part)
        if untrained is None or variants is None:
            raise CapabilityError(f"'{model.info.id}' cannot predict")
        references, alternates = variants
        total = len({*references, *alternates})
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            asking.progress(f"{done:,} of {total:,} sequences")

        effects = untrained.effects(references, alternates, progress)
        return answer_frame(
            [
                (float(effect), None) if math.isfinite(effect) else (None, f"effect is {effect}")
                for effect in effects
            ]
        )

    def scored(self, predictions: Path, limit: int | None) -> PredictorScores:
        """Set predictions beside the truth, in the order of the items."""
        columns = ["item_id", "task", "cluster"]
        if self.rule.grouped:
            columns.append("subcluster")
        answered = _beside(self.selected(limit), pl.read_parquet(predictions))
        return PredictorScores(
            answered.select(*columns, "truth", "value", "reason"),
            self.rule,
            lambda: self.published(answered),
        )

    def published(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Compute the metrics that a peer publishes, as its own evaluator does.

        They stand beside the rows of the rule and rank nobody.

        Parameters
        ----------
        frame : polars.DataFrame
            The items that were asked, with all their columns, and `value` (null where there is no
            answer) and `reason`.
        """
        return []

    def _wording(self) -> Any:
        """Whatever requests hold beside the items; part of the digest."""
        return None


def _beside(items: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Set `value` and `reason` beside items, whatever the order of the predictions."""
    names = ["item_id", "task"]
    # A run writes them in the order of the items: nothing then has to be looked up.
    if predictions.height == items.height and all(
        (predictions[name] == items[name]).all() for name in names
    ):
        return items.with_columns(predictions["value"], predictions["reason"])
    return items.join(
        predictions.select(*names, "value", "reason"),
        on=names,
        how="left",
        maintain_order="left",
        validate="1:1",
    )


def point_of(task: TaskPrediction, name: str) -> Answer:
    """Read one point out of an answer: a number, or a list of one.

    Parameters
    ----------
    task : TaskPrediction
    name : str
        Id of the sequence.

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

    Parameters
    ----------
    task : TaskPrediction
        Says on which scale.
    reference, alternate : tuple of value and reason
        As `point_of` gives them.
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
    """Write answers as columns `value` and `reason`.

    Parameters
    ----------
    answers : list of tuple of value and reason
        As `point_of` and `effect_of` give them, one an item.
    """
    return pl.DataFrame(answers, schema={"value": pl.Float64, "reason": pl.String}, orient="row")


def only_task(response: PredictResponse) -> TaskPrediction:
    """Give the one task of an answer to a request with one task.

    Parameters
    ----------
    response : PredictResponse

    Raises
    ------
    ModelError
        If there are more, or none.
    """
    if len(response.prediction_tasks) != 1:
        raise ModelError(
            f"asked one task, '{response.predictor_name}' answered {len(response.prediction_tasks)}"
        )
    return response.prediction_tasks[0]
