"""In-silico mutagenesis: what every substitution does to the answer of a model.

After Zhou and Troyanskaya 2015, Nature Methods 12:931 (in silico saturated mutagenesis): each base
is replaced by each of the three others, one at a time, and the answer is compared with that to the
sequence as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError, UsageError

Floats = NDArray[np.float64]
#: What is explained: sequences to one number each, float[n], or to several, float[n, n_outputs].
Function = Callable[[list[str]], NDArray[np.floating]]
#: Takes answers to mutants, float64[n] or [n, n_outputs], and that to their sequence.
Compare = Callable[[Floats, Floats], Floats]

#: Columns of effects; of RNA the last is U.
BASES = "ACGT"
_REFERENCE, _DELETION = -1, 4
#: Bound what is held of mutants at a time: how many, and their letters.
_MUTANTS, _LETTERS = 4096, 1 << 22


@dataclass(frozen=True, eq=False)
class Mutagenesis:
    """Effects of the substitutions of one sequence.

    Attributes
    ----------
    sequence : str
        Upper case.
    positions : ndarray of int64, shape (n_positions,)
        Those that were asked for, from 0, each once and in order.
    reference : ndarray of float64, shape () or (n_outputs,)
        Answer to the sequence as it is.
    effects : ndarray of float64, shape (length, 4) or (length, 4, n_outputs)
        By position and new base: A, C, G and T (of RNA, U). 0 for the base that is there; NaN at
        positions that were not asked for and where there is no single base (N).
    deletions : ndarray of float64, shape (length,) or (length, n_outputs), or None
        Effects of leaving a base out, NaN likewise; None if they were not asked for.
    """

    sequence: str
    positions: NDArray[np.int64]
    reference: Floats
    effects: Floats
    deletions: Floats | None = None

    @property
    def importance(self) -> Floats:
        """Minus the mean effect of the three substitutions of a base, shape (length[, n_outputs]).

        Above 0 where the answer falls when the base is replaced: what is there lifts it. NaN where
        `effects` are.
        """
        # The base that is there adds nothing to the sum, so there are three.
        importance: Floats = 0.0 - self.effects.sum(axis=1) / 3.0
        return importance


def difference(mutants: Floats, reference: Floats) -> Floats:
    """Give the answers to mutants less that to their sequence."""
    return mutants - reference


def cosine_less_one(mutants: Floats, reference: Floats) -> Floats:
    """Give the cosine between vectors of mutants and of their sequence, less 1.

    Parameters
    ----------
    mutants : ndarray of float64, shape (n, width)
    reference : ndarray of float64, shape (width,)

    Returns
    -------
    ndarray of float64, shape (n,)
        Minus the cosine distance: 0 where nothing changes, and the further below the more does.
        The cosine with a vector of zeros is 0.
    """
    lengths = np.linalg.norm(mutants, axis=1) * np.linalg.norm(reference)
    products = (mutants * reference).sum(axis=1)
    cosines: Floats = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return cosines - 1.0


def mutagenesis(
    function: Function,
    sequence: str,
    *,
    positions: Sequence[int] | None = None,
    compare: Compare = difference,
    deletions: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Mutagenesis:
    """Replace each base of one sequence; parameters and errors as of `mutageneses`."""
    (made,) = mutageneses(
        function,
        [sequence],
        positions=positions,
        compare=compare,
        deletions=deletions,
        progress=progress,
    )
    return made


def mutageneses(
    function: Function,
    sequences: Sequence[str],
    *,
    positions: Sequence[int] | None = None,
    compare: Compare = difference,
    deletions: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Mutagenesis]:
    """Replace each base of some sequences by each other.

    Mutants of several sequences are asked together, some thousand at a time, each sequence as it
    is before its mutants.

    Parameters
    ----------
    function : callable
        Upper-case sequences to numbers, one or several each. Of bases and U instead of T where the
        sequence has U.
    sequences : sequence of str
    positions : sequence of int, optional
        From 0; all if left out.
    compare : callable
        What an effect is, such as `difference` and `cosine_less_one`.
    deletions : bool
        Whether to leave each base out, too. The only base of a sequence is never left out.
    progress : callable
        Takes how many more questions (see `count_questions`) are answered.

    Yields
    ------
    Mutagenesis
        One a sequence, in order.

    Raises
    ------
    UsageError
        If a sequence is empty or has no such position.
    ModelError
        If the function gives something other than finite numbers, as many a sequence each time.
    """
    sequences = [sequence.upper() for sequence in sequences]
    where = [_positions(sequence, positions) for sequence in sequences]
    table: _Table | None = None
    shape: tuple[int, ...] | None = None
    for batch in _batches(_questions(sequences, where, deletions)):
        values = _answers(function, batch, shape)
        shape = values.shape[1:]
        for place, group in groupby(range(len(batch)), key=lambda row: batch[row].place):
            rows = list(group)
            if batch[rows[0]].kind == _REFERENCE:
                if table is not None:
                    yield table.made(deletions)
                table = _Table(sequences[place], where[place], values[rows[0]], compare)
                rows = rows[1:]
            if table is not None and rows:
                table.add([batch[row] for row in rows], values[rows])
        progress(len(batch))
    if table is not None:
        yield table.made(deletions)


def count_questions(
    sequences: Sequence[str], positions: Sequence[int] | None = None, *, deletions: bool = False
) -> int:
    """Count the sequences that a function would be asked, those as they are among them."""
    total = 0
    for sequence in sequences:
        asked = _positions(sequence.upper(), positions)
        bases = sum(_column(sequence[position].upper()) >= 0 for position in asked.tolist())
        total += 1 + bases * (3 + (deletions and len(sequence) > 1))
    return total


class _Question(NamedTuple):
    """A sequence to ask: `kind` is the column of the new base, or one of the numbers above."""

    place: int
    position: int
    kind: int
    text: str


class _Table:
    """Effects of one sequence as they come in."""

    def __init__(
        self, sequence: str, positions: NDArray[np.int64], answer: Floats, compare: Compare
    ) -> None:
        self._sequence = sequence
        self._positions = positions
        self._answer = answer
        self._compare = compare
        shape = compare(answer[None], answer).shape[1:]
        self._effects = np.full((len(sequence), 5, *shape), np.nan)
        for position in positions.tolist():
            if (own := _column(sequence[position])) >= 0:
                self._effects[position, own] = 0.0

    def add(self, questions: Sequence[_Question], values: Floats) -> None:
        places = [question.position for question in questions]
        kinds = [question.kind for question in questions]
        self._effects[places, kinds] = self._compare(values, self._answer)

    def made(self, deletions: bool) -> Mutagenesis:
        return Mutagenesis(
            sequence=self._sequence,
            positions=self._positions,
            reference=self._answer,
            effects=self._effects[:, :4],
            deletions=self._effects[:, _DELETION] if deletions else None,
        )


def _positions(sequence: str, positions: Sequence[int] | None) -> NDArray[np.int64]:
    if not sequence:
        raise UsageError("A sequence is empty; expected at least one base")
    if positions is None:
        return np.arange(len(sequence), dtype=np.int64)
    asked = np.unique(np.asarray(positions, dtype=np.int64))
    outside = asked[(asked < 0) | (asked >= len(sequence))]
    if outside.size:
        raise UsageError(
            f"Position {outside[0]:,} (from 0) was asked for in a sequence of {len(sequence):,} "
            f"bases, '{sequence[:12]}...'"
        )
    return asked


def _column(letter: str) -> int:
    """Column of a base; -1 for a letter that is no single one."""
    return BASES.find("T" if letter == "U" else letter)


def _questions(
    sequences: Sequence[str], where: Sequence[NDArray[np.int64]], deletions: bool
) -> Iterator[_Question]:
    for place, sequence in enumerate(sequences):
        yield _Question(place, 0, _REFERENCE, sequence)
        letters = "ACGU" if "U" in sequence and "T" not in sequence else BASES
        for position in where[place].tolist():
            own = _column(sequence[position])
            if own < 0:
                continue
            before, after = sequence[:position], sequence[position + 1 :]
            for kind, letter in enumerate(letters):
                if kind != own:
                    yield _Question(place, position, kind, f"{before}{letter}{after}")
            if deletions and len(sequence) > 1:
                yield _Question(place, position, _DELETION, before + after)


def _batches(questions: Iterator[_Question]) -> Iterator[list[_Question]]:
    batch: list[_Question] = []
    letters = 0
    for question in questions:
        if batch and (len(batch) == _MUTANTS or letters + len(question.text) > _LETTERS):
            yield batch
            batch, letters = [], 0
        batch.append(question)
        letters += len(question.text)
    if batch:
        yield batch


def _answers(
    function: Function, batch: Sequence[_Question], shape: tuple[int, ...] | None
) -> Floats:
    """Ask, and check the answer; `shape` is that of an answer to one sequence before, if any."""
    values = np.asarray(function([question.text for question in batch]), dtype=np.float64)
    if values.ndim not in (1, 2) or values.shape[0] != len(batch):
        raise ModelError(
            f"Asked {len(batch):,} sequences, the model answered with an array of shape "
            f"{values.shape}; expected one number, or one row, a sequence"
        )
    if shape is not None and values.shape[1:] != shape:
        raise ModelError(
            f"The model gave arrays of shape {shape} and then of {values.shape[1:]} a sequence"
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values.reshape(len(batch), -1)).all(axis=1)))
        raise ModelError(
            f"The answer to '{batch[row].text[:40]}' is not finite; nothing can be compared with it"
        )
    return values
