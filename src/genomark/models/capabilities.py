"""What a model can be asked: each capability is one small protocol.

A model is anything with an `info` and the method of at least one capability. Nothing has to be
inherited from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.digests import digest_of_bytes
from genomark.models.genes.table import GeneTable
from genomark.protocol import PredictRequest, PredictResponse
from genomark.scoring import ModelIdentity
from genomark.sequences import Kind, TaskSplit


class Model(Protocol):
    """Something that can be asked."""

    @property
    def info(self) -> ModelIdentity:
        """Who answers: id, version, a digest of all its answers depend on, notes for tables."""
        ...


@runtime_checkable
class Predictor(Model, Protocol):
    """Sequence to activity.

    With a true attribute `batch_invariant` one says that what it answers to a sequence depends, to
    the last bit, on nothing but that sequence with its flanks and range, and on the readout, types,
    cell types, species and scales asked for. With a false `keepable`, that its answers must not be
    kept under its digest: they may be others tomorrow, or are about ids and not about sequences.
    """

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
        """Fit, or load the same fit made before.

        Parameters
        ----------
        split : TrainingSplit
            What to learn from; nothing else of a benchmark is told.
        """
        ...


#: Answers to the sequences of a task: one array for all, or one a sequence where something is
#: told of its positions.
Answers = NDArray[np.floating] | Sequence[NDArray[np.floating]]


@runtime_checkable
class Embedder(Model, Protocol):
    """Sequences to vectors."""

    def embed(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        """Give one vector a sequence, float32[n, n_dimensions].

        The vector of a sequence depends on nothing but the sequence: not on the batch it is in,
        nor on the order. `progress` takes how many more sequences are done.
        """
        ...

    def embed_positions(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[NDArray[np.float32]]:
        """Give one vector a base, float32[length, n_dimensions] for each sequence.

        A base gets the vector of the token it is in. `sequences` and `progress` as of `embed`.
        """
        ...


@runtime_checkable
class Scorer(Model, Protocol):
    """Sequences to log-likelihoods."""

    #: ``causal`` (log-likelihood) or ``masked`` (pseudo-log-likelihood).
    likelihood: Literal["causal", "masked"]

    def log_likelihoods(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float64]:
        """Sum the natural logarithms of each token's probability, float64[n].

        Parameters
        ----------
        sequences : sequence of str
            Upper case.
        progress : callable
            Takes how many more sequences are done.
        """
        ...


@dataclass(frozen=True)
class Fold:
    """What a Folder says of a sequence.

    Attributes
    ----------
    structure : str
        Dot-bracket, as long as the sequence; pairs that cross those written ``()`` stand in
        other brackets (`genomark.rna.structure`).
    energy : float or None
        Free energy, kcal/mol, where the model knows such.
    """

    structure: str
    energy: float | None = None


@runtime_checkable
class Folder(Model, Protocol):
    """RNA to secondary structure."""

    def fold(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[Fold]:
        """Fold sequences of A, C, G, U (a T is read as U) and N, each by itself.

        A structure depends on nothing but its sequence. `progress` takes how many more are done.

        Raises
        ------
        genomark.errors.UsageError
            If a sequence has other letters.
        """
        ...


@runtime_checkable
class Designer(Model, Protocol):
    """Secondary structure to RNA."""

    def design(self, structure: str, seconds: float, seed: int) -> Sequence[str]:
        """Find sequences that fold into a structure.

        Parameters
        ----------
        structure : str
            Dot-bracket of nested pairs.
        seconds : float
            Of one core, after which the best so far is expected.
        seed : int

        Returns
        -------
        sequence of str
            Of A, C, G and U, as long as the structure; the best first.
        """
        ...


@dataclass(frozen=True)
class TermAnswer:
    """What a TermMatcher says of a term.

    Attributes
    ----------
    choice : str or None
        The choice that means the same, as the list has it; None where none does.
    confidence : float or None
        The more, the surer, of an answer of none too; None where the matcher does not tell.
    calls : int or None
        Of a language model; None where nobody knows.
    fault : str
        Why there is no answer, in one line, such as a language model that is out of reach; empty
        where there is one.
    notes : tuple of str
        What went wrong on the way to an answer.
    """

    choice: str | None
    confidence: float | None = None
    calls: int | None = None
    fault: str = ""
    notes: tuple[str, ...] = ()


@runtime_checkable
class TermMatcher(Model, Protocol):
    """A biological term to the name in a list that means the same."""

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Find the one of `choices` that means `term`, or say that none does.

        Parameters
        ----------
        category : {"cell_type", "binding_molecule", "species"}
        term : str
        choices : sequence of str
        """
        ...


@dataclass(frozen=True)
class Fitting:
    """How a model is fitted to a task.

    Attributes
    ----------
    seed : int
        Of the fit: initial weights, order of the sequences, dropout.
    threads : int
        For what computes in this process; no answer depends on it.
    workspace : Path or None
        A folder for checkpoints, from which a fit that was killed goes on.
    tell : callable
        Takes one line on how far the fit has come, now and then.
    """

    seed: int = 0
    threads: int = 1
    workspace: Path | None = None
    tell: Callable[[str], None] = field(default=lambda line: None)


class FittedTask(Protocol):
    """A model that answers one task."""

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences.

        Returns
        -------
        ndarray of float, shape (n, n_labels), or list of such
            Decision values of ``binary`` and ``multi-label`` tasks (above 0 says yes),
            probabilities of classes, or values. Of positions, one array of shape
            (length, n_labels) a sequence, of pairs (length, length, n_labels).
        """
        ...

    @property
    def report(self) -> Mapping[str, Any]:
        """What a Result should tell of the fit: epochs, settings chosen, `notes`."""
        ...


@runtime_checkable
class TaskTrainable(Model, Protocol):
    """Makes a model that answers a task on labelled sequences."""

    #: Whether another seed gives another fit; if not, one fit is enough.
    varies_with_seed: bool

    def check_task(self, kind: Kind) -> None:
        """Refuse a kind of task.

        Raises
        ------
        genomark.errors.CapabilityError
            If this model cannot answer tasks of that kind.
        """
        ...

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedTask:
        """Fit: the same split and seed give the same answers.

        Parameters
        ----------
        split : TaskSplit
            What to learn from, and to stop by.
        fitting : Fitting
            Seed, threads, and a folder for checkpoints.
        """
        ...
