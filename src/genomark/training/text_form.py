"""How a task is written as text: a class is a word, a label a prefix of the sequence.

A text-to-text model (Raffel et al. 2020) has no head of a task. It reads a sequence, after a prefix
that tells what is asked where there are several things to ask, and its first word is the class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.sequences import Kind, LabelledSequences

if TYPE_CHECKING:
    from torch import nn

#: Kinds of tasks whose answers are classes of whole sequences.
KINDS: tuple[Kind, ...] = ("regression", "binary", "multi-class")
#: Words of T5 that stand for no text: in pretraining, for what was left out.
_SENTINEL = re.compile(r"<extra_id_(\d+)>")

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class TaskClasses:
    """What a task can be answered.

    Attributes
    ----------
    task : str
        For messages.
    kind : str
        One of `KINDS`.
    n_labels : int
        Labels that are asked for one by one; 1 for all but ``regression``.
    classes : tuple of int
        Rising: measured classes, 0 and 1, or the places of the classes among the labels.
    """

    task: str
    kind: Kind
    n_labels: int
    classes: tuple[int, ...]

    @classmethod
    def of(cls, task: str, train: LabelledSequences) -> TaskClasses:
        """Read the classes off a training part.

        Raises
        ------
        UsageError
            If a measured value is not whole, or a label has none.
        """
        if train.kind != "regression":
            n = 2 if train.kind == "binary" else len(train.labels)
            return cls(task, train.kind, 1, tuple(range(n)))
        values = np.asarray(train.targets, dtype=np.float64)
        for column, label in enumerate(train.labels):
            told = values[~np.isnan(values[:, column]), column]
            if not told.size:
                raise UsageError(f"Task '{task}': nothing is told of '{label}' in training")
            if (broken := np.flatnonzero(told != np.round(told))).size:
                raise UsageError(
                    f"Task '{task}': '{label}' has the value {told[broken[0]]:g}; a text-to-text "
                    "model answers with a word a class and expects whole numbers; bin the values"
                )
        seen = np.unique(values[~np.isnan(values)])
        return cls(task, train.kind, len(train.labels), tuple(int(each) for each in seen))


@dataclass(frozen=True)
class TextForm:
    """A task in the words of a model.

    Attributes
    ----------
    asked : TaskClasses
    words : tuple of int
        Ids of the words that say classes.
    places : tuple of int
        Of the class that each word says among the classes. A model that is fitted has a word a
        class, in their order; what is published may have several for one.
    prefixes : tuple of tuple of int
        Ids that come before a sequence, for each label.
    """

    asked: TaskClasses
    words: tuple[int, ...]
    places: tuple[int, ...]
    prefixes: tuple[tuple[int, ...], ...]


class T5Source(Protocol):
    """A T5 before it is asked for a task."""

    @property
    def published(self) -> bool:
        """Whether it was trained for the task, so that nothing is fitted."""
        ...

    @property
    def pad_id(self) -> int:
        """Fills up a batch."""
        ...

    @property
    def digest(self) -> str:
        """Of all that a fit starts from."""
        ...

    def form(self, asked: TaskClasses) -> TextForm:
        """Write a task in its words."""
        ...

    def encode(self, sequences: Sequence[str]) -> list[Ids]:
        """Cut sequences into words, the one for an end last; nothing is cut off."""
        ...

    def network(self, form: TextForm) -> nn.Module:
        """Make the encoder and decoder, afresh."""
        ...


def numbers_in(tokenizer: Any, classes: Sequence[int], width: int) -> tuple[tuple[int, ...], ...]:
    """Find the words of a vocabulary that are read as classes.

    Parameters
    ----------
    tokenizer : object
        Of transformers.
    classes : sequence of int
    width : int
        Words that the model tells the probability of; those with higher ids are out of reach.

    Returns
    -------
    tuple of tuple of int
        Ids of each class, rising; none for a class that no single word says.
    """
    place = {str(each): at for at, each in enumerate(classes)}
    found: list[list[int]] = [[] for _ in classes]
    for token in range(min(len(tokenizer), width)):
        at = place.get(tokenizer.decode([token]).strip())
        if at is not None:
            found[at].append(token)
    return tuple(tuple(each) for each in found)


def sentinels_in(tokenizer: Any, width: int) -> list[int]:
    """List the words that stand for no text, ``<extra_id_0>`` first; at most `width` is an id."""
    named = {
        int(match[1]): token
        for word, token in tokenizer.get_vocab().items()
        if (match := _SENTINEL.fullmatch(word)) and token < width
    }
    return [named[number] for number in sorted(named)]
