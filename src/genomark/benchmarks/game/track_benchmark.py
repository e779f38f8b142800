"""Benchmarks whose answers are tracks or matrices: asked region by region, kept as they came."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.matched_terms import matched_terms
from genomark.benchmarks.predictor_benchmark import only_task
from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError
from genomark.models import ItemPredictor, Model, Predictor, Trainable, TrainingSplit
from genomark.protocol import (
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    Unanswered,
    covering_bins,
)
from genomark.scoring import ModelIdentity

#: Of predictions: what was answered, row by row where it is a matrix, and how its bins lie.
ARRAY_COLUMNS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.String,
    "task": pl.String,
    "value": pl.List(pl.Float32),
    "reason": pl.String,
    "bin_size": pl.Int32,
    "trim_upstream": pl.Int32,
}


class TrackBenchmark(Benchmark):
    """A question to which the answer is an array a region.

    Predictions keep each track or matrix at the model's own resolution, with `bin_size` and
    `trim_upstream`, so that every number can be computed again.

    Attributes
    ----------
    readout : str
        ``"track"`` or ``"interaction_matrix"``.
    wording : PredictionTask
        What is asked of every region. An answer on another scale than the one asked for is
        refused: the protocol does not tell the base of logarithms.
    """

    capability = "Predictor"
    divisible = True
    asks = "regions"
    readout: ClassVar[str] = "track"
    wording: ClassVar[PredictionTask]

    #: No request holds more bases than this, unless it holds one region.
    max_request_bases: ClassVar[int] = 8_000_000

    @cached_property
    @abstractmethod
    def items(self) -> pl.DataFrame:
        """One row a region.

        Columns `item_id` (unique, telling nothing of the region), `length` (bp), `cluster`, and
        what the benchmark itself needs.

        Raises
        ------
        genomark.errors.DatasetError
            If the data, the truth among them, cannot be had.
        """

    @abstractmethod
    def sequences(self, items: pl.DataFrame) -> list[str]:
        """Read the sequences of some items."""

    def truths(self, items: pl.DataFrame) -> Sequence[NDArray[np.float64]] | None:
        """Give what was measured of some items, base by base or cell by cell; None if nothing."""
        return None

    @cached_property
    def digest(self) -> str:
        """Digest of the question: items, truth and wording."""
        items = self.items
        parts = [digest_of([self.id, self.version, self.wording, self._fingerprint()]).encode()]
        for column in items.columns:
            values = items[column]
            if values.dtype == pl.String:
                parts.append("\n".join(values).encode())
            else:
                parts.append(values.to_numpy().tobytes())
        return digest_of_bytes(parts)

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Cut the items into what one request holds, `max_request_bases` at most."""
        chosen = self.selected(limit)
        first = bases = 0
        for row, length in enumerate(chosen["length"]):
            if row > first and bases + length > self.max_request_bases:
                yield chosen[first:row]
                first, bases = row, 0
            bases += length
        if chosen.height:
            yield chosen[first:]

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or `limit` of them, evenly spaced."""
        items = self.items
        if limit is None or limit >= items.height:
            return items
        return items[np.linspace(0, items.height - 1, limit).round().astype(np.int64)]

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the whole of each region."""
        return PredictRequest(
            readout=self.readout,
            prediction_tasks=[self.wording],
            sequences=dict(zip(items["item_id"], self.sequences(items), strict=True)),
        )

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Say who would answer; a model that says which readouts it has must have this one."""
        split = None
        if isinstance(model, Trainable):
            split = model.default_split()
            info = model.identity(split)
        elif isinstance(model, Predictor) or (
            isinstance(model, ItemPredictor) and model.reads_answers and self._has_truth
        ):
            info = model.info
        else:
            raise CapabilityError(
                f"'{model.info.id}' cannot be asked: '{self.id}' needs a Predictor that answers "
                f"'{self.readout}'"
            )
        declared = getattr(model, "declaration", None)
        if declared is not None and self.readout not in declared.readouts:
            raise CapabilityError(
                f"'{info.id}' cannot be asked: '{self.id}' wants '{self.readout}', and it has "
                f"{', '.join(declared.readouts)}"
            )
        return info, split

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Make the request, ask, and keep what came."""
        if isinstance(model, Predictor):
            request = self.request(part)
            response = model.predict(request)
            if asking.keep is not None:
                asking.keep(response)
            asking.tell(matched_terms(model, request, response))
            return self.read(part, response)
        truths = self.truths(part)
        if truths is None:
            raise CapabilityError(f"'{model.info.id}' cannot predict")
        return _frame(part, self.wording.name, [(truth, None, 1, 0) for truth in truths])

    def unanswered(self, part: pl.DataFrame, reason: str) -> pl.DataFrame:
        """Give rows without an array."""
        return _frame(part, self.wording.name, [(None, reason, 1, 0)] * part.height)

    def read(self, items: pl.DataFrame, response: PredictResponse) -> pl.DataFrame:
        """Turn the answer to `request(items)` into one array an item; `ARRAY_COLUMNS`."""
        task = only_task(response)
        told = 1 if response.bin_size is UNSET else response.bin_size
        wrong_scale = self._wrong_scale(task)
        trims = task.trim_upstream or {}
        answers: list[_Answer] = []
        for name, length in items.select("item_id", "length").iter_rows():
            values, reason = _array_of(task, name)
            trim = trims.get(name, 0)
            if values is not None:
                reason = wrong_scale or self._misfit(values, length, told, trim)
            answers.append((None if reason else values, reason, told, trim))
        return _frame(items, self.wording.name, answers)

    def _wrong_scale(self, task: TaskPrediction) -> str | None:
        wanted, actual = self.wording.scale, task.scale_prediction_actual
        if wanted is UNSET or wanted == actual:
            return None
        return f"asked for scale '{wanted}', answered on '{actual}'"

    def _misfit(
        self, values: NDArray[np.floating], length: int, bin_size: int, trim: int
    ) -> str | None:
        """Say why an array is not one of this region."""
        if bin_size < 1 or not 0 <= trim < bin_size:
            return f"trim_upstream {trim} does not go with bins of {bin_size} bp"
        span = covering_bins(trim, length, bin_size)
        if values.shape != (span.last - span.first,):
            shape = f"{values.size:,}" if values.ndim == 1 else str(values.shape)
            # As a client of servers words it: they are counted together.
            return f"{shape} bins where {span.last - span.first:,} expected"
        return None

    @property
    def _has_truth(self) -> bool:
        return self.truths(self.items.head(0)) is not None

    def _fingerprint(self) -> Any:
        """Whatever tells the truth apart from another one; part of the digest."""
        return None


#: Array or reason, bin size, trim.
_Answer = tuple[NDArray[np.floating] | None, str | None, int, int]


def _array_of(
    task: TaskPrediction, name: str
) -> tuple[NDArray[np.float32], None] | tuple[None, str]:
    if name not in task.predictions:
        error = task.predictions.get("error")
        return None, f"the model refused: {error}" if error else "missing from the answer"
    value = task.predictions[name]
    if isinstance(value, Unanswered):
        return None, value.reason
    if isinstance(value, int | float) and not isinstance(value, bool):
        # What Enformer and Borzoi squeeze to a scalar is a track of one bin.
        value = [value]
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        return None, f"expected an array of numbers, got {type(value).__name__}"
    wrong = int((~np.isfinite(array)).sum())
    if wrong:
        return None, f"{wrong:,} of {array.size:,} values are not finite"
    return array, None


def _frame(items: pl.DataFrame, task: str, answers: Sequence[_Answer]) -> pl.DataFrame:
    arrays, reasons, bin_sizes, trims = zip(*answers, strict=True) if answers else ([],) * 4
    return pl.DataFrame(
        {
            "item_id": items["item_id"],
            "task": [task] * items.height,
            "value": _lists(arrays),
            "reason": pl.Series(reasons, dtype=pl.String),
            "bin_size": pl.Series(bin_sizes, dtype=pl.Int32),
            "trim_upstream": pl.Series(trims, dtype=pl.Int32),
        },
        schema=ARRAY_COLUMNS,
    )


def _lists(arrays: Sequence[NDArray[np.floating] | None]) -> pl.Series:
    """Write one list a row, rows of matrices one after the other."""
    kind = pl.List(pl.Float32)
    rows = [
        pl.Series([None], dtype=kind)
        if array is None
        # Of the array as a whole: a list of arrays would be read number by number.
        else pl.Series(np.asarray(array, np.float32).ravel()).implode()
        for array in arrays
    ]
    return pl.concat([pl.Series(dtype=kind), *rows])
