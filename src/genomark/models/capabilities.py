"""What a model can be asked: each capability is one small protocol.

A model is anything with an `info` and the method of at least one capability. Nothing has to be
inherited from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.digests import digest_of_bytes
from genomark.models.genes.table import GeneTable
from genomark.protocol import PredictRequest, PredictResponse
from genomark.scoring import ModelIdentity


class Model(Protocol):
    """Something that can be asked."""

    @property
    def info(self) -> ModelIdentity:
        """Who answers: id, version, a digest of all its answers depend on, notes for tables."""
        ...


@runtime_checkable
class Predictor(Model, Protocol):
    """Sequence to activity."""

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a GAME request.

        Raises
        ------
        genomark.protocol.GameError
            If the request cannot be answered as a whole.
        """
        ...


@runtime_checkable
class ItemPredictor(Model, Protocol):
    """Answers by item, not by sequence: a file of predictions, or a control.

    It bypasses every cache keyed by sequence, since two items may share a sequence and differ in
    their answer.
    """

    #: True for a model that is handed the answers (and says so wherever it is shown).
    reads_answers: bool

    def predict_items(self, benchmark: str, items: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Answer some items of a benchmark.

        Parameters
        ----------
        benchmark : str
            Id of the benchmark.
        items : polars.DataFrame
            Columns `item_id` and `task`; also `truth` where `reads_answers`.
        seed : int
            Of the run.

        Returns
        -------
        polars.DataFrame
            Columns `value` (Float64) and `reason` (String), one row per item, in order.
        """
        ...


@runtime_checkable
class GeneEmbedder(Model, Protocol):
    """Genes, or other named entities, to vectors."""

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give the vectors of those of `names` that the model knows.

        Parameters
        ----------
        names : sequence of str
            Gene symbols, or ids of another kind.
        kind : str
            ``"symbol"``, or the name of the entity column (``"diseaseId"``).

        Returns
        -------
        GeneTable
            May hold more names than asked for: a table read from a file is given whole, always as
            the same object, so that what is computed from it once serves every task.

        Raises
        ------
        genomark.errors.CapabilityError
            If the model knows nothing of entities of this kind.
        """
        ...


class TrainingSplit:
    """Labelled sequences to fit on.

    Parameters
    ----------
    name : str
        What tables call it, such as ``"lentimpra_k562_sample train + valid"``.
    sequences : list of str
        Upper case.
    values : ndarray of float64, shape (n,)
        Measured activity, log scale.
    groups : list of str
        Group of each sequence; folds never part a group.
    dropped : int
        Sequences left out because their element is in a test set.
    """

    def __init__(
        self,
        name: str,
        sequences: list[str],
        values: NDArray[np.float64],
        groups: list[str],
        dropped: int = 0,
    ) -> None:
        self.name = name
        self.sequences = sequences
        self.values = np.asarray(values, dtype=np.float64)
        self.groups = groups
        self.dropped = dropped
        self.digest = digest_of_bytes(
            [*(s.encode() for s in sequences), *(g.encode() for g in groups), self.values.tobytes()]
        )


@runtime_checkable
class Trainable(Model, Protocol):
    """Makes a Predictor from a training split; the fit is part of the Predictor's identity."""

    def default_split(self) -> TrainingSplit:
        """Give the split for benchmarks that have none."""
        ...

    def identity(self, split: TrainingSplit) -> ModelIdentity:
        """Say who the Predictor fitted on `split` would be, without fitting."""
        ...

    def fit(self, split: TrainingSplit) -> Predictor:
        """Fit, or load the same fit made before."""
        ...
