"""Labelled sequences: what a task tells of each, in the form all kinds of tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import UsageError

#: What is told: of a whole sequence, of each of its positions, or of each pair of positions.
Kind = Literal[
    "binary",
    "multi-class",
    "multi-label",
    "regression",
    "token-classes",
    "token-regression",
    "pair-classes",
    "pair-regression",
]
KINDS_OF_SEQUENCES = ("binary", "multi-class", "multi-label", "regression")
KINDS_OF_POSITIONS = ("token-classes", "token-regression")
KINDS_OF_PAIRS = ("pair-classes", "pair-regression")

#: A position of a ``token-classes`` or ``pair-classes`` task of which nothing is told.
UNTOLD = -1

Targets = NDArray[np.float64] | tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class LabelledSequences:
    """Sequences and what is told of them.

    Attributes
    ----------
    kind : str
    labels : tuple of str
        The positive class of a ``binary`` task, the classes of a ``multi-class``,
        ``token-classes`` or ``pair-classes`` one, the labels of a ``multi-label`` one, the
        measured values of the others.
    ids : tuple of str
        Each once.
    sequences : tuple of str
        Upper case, not empty, with T or U as the file has them.
    targets : ndarray of float64, shape (n, n_labels), or tuple of ndarray
        0 or 1, one-hot, or values (NaN: not measured). Of positions, one array a sequence: int16
        of shape (length,) with `UNTOLD` where nothing is told, or float32 of shape
        (length, n_labels) with NaN there. Of pairs, int16 of shape (length, length), or float32 of
        shape (length, length, n_labels).
    groups : tuple of str or None
        What no split may part: a gene, a chromosome.

    Raises
    ------
    UsageError
        If the parts do not belong together.
    """

    kind: Kind
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    sequences: tuple[str, ...]
    targets: Targets
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        n = len(self.sequences)
        for name, part in (("ids", self.ids), ("targets", self.targets), ("groups", self.groups)):
            if part is not None and len(part) != n:
                raise UsageError(f"{len(part):,} {name} for {n:,} sequences")
        if self.kind in KINDS_OF_SEQUENCES:
            expected = (n, len(self.labels))
            if not isinstance(self.targets, np.ndarray) or self.targets.shape != expected:
                raise UsageError(f"The targets of a {self.kind} task must be of shape {expected}")
            return
        for name, sequence, target in zip(self.ids, self.sequences, self.targets, strict=True):
            sides = 2 if self.kind in KINDS_OF_PAIRS else 1
            if target.shape[:sides] != (len(sequence),) * sides:
                raise UsageError(
                    f"'{name}' has {len(sequence):,} positions, and something is told of "
                    f"{target.shape[0]:,}"
                )

    def __len__(self) -> int:
        """Count the sequences."""
        return len(self.sequences)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> LabelledSequences:
        """Make the same of some rows, in the order given."""
        chosen = [int(row) for row in rows]
        if isinstance(self.targets, np.ndarray):
            targets: Targets = self.targets[chosen]
        else:
            targets = tuple(self.targets[row] for row in chosen)
        return LabelledSequences(
            kind=self.kind,
            labels=self.labels,
            ids=tuple(self.ids[row] for row in chosen),
            sequences=tuple(self.sequences[row] for row in chosen),
            targets=targets,
            groups=None if self.groups is None else tuple(self.groups[row] for row in chosen),
        )

    @cached_property
    def digest(self) -> str:
        """Digest of all of it."""
        return digest_of_bytes(
            [
                digest_of([self.kind, self.labels, self.groups]).encode(),
                *(each.encode() for each in self.ids),
                *(each.encode() for each in self.sequences),
                *(np.ascontiguousarray(each).tobytes() for each in self.targets),
            ]
        )


@dataclass(frozen=True)
class TaskSplit:
    """What a model is fitted on to answer a task: nothing of its test file.

    Attributes
    ----------
    task : str
        Id of the task, for messages.
    train, valid : LabelledSequences
        `valid` decides when to stop and between settings, and nothing else.
    select_by : str
        Metric by which `valid` decides, a name of `genomark.scoring`: its direction is declared
        there.
    notes : tuple of str
        How `valid` was come by.
    """

    task: str
    train: LabelledSequences
    valid: LabelledSequences
    select_by: str
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Kind of the task."""
        return self.train.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the task."""
        return self.train.labels

    @cached_property
    def digest(self) -> str:
        """Digest of all of it."""
        return digest_of([self.train.digest, self.valid.digest, self.select_by])
