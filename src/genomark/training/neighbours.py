"""`kmer-knn`: the mean of what is told of the sequences with the most similar k-mers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.errors import ModelError, UsageError
from genomark.models import FittedTask, Fitting
from genomark.probes import one_thread
from genomark.sequences import Kind, TaskSplit
from genomark.training.fit_parts import FitParts
from genomark.training.gapped_words import Features, Floats, GappedWords, Integers
from genomark.training.word_models import (
    Strands,
    ToldRows,
    Tried,
    WordModel,
    agreement,
    as_lists,
    best_of,
    fill_table,
    kmers,
    told_groups,
)

#: Tried where the number of neighbours is to be chosen.
NEIGHBOURS = (1, 5, 15, 50, 150, 500)
#: Sequences that decide between them, evenly spaced; more take long and tell no more.
_DECIDING = 20_000

#: Sequences that are asked, and sequences that are looked through, at a time.
_ASKED, _SEEN = 256, 4096
#: Whole numbers up to here are exact in float32.
_EXACT = float(1 << 24)


class KmerKnn(WordModel):
    """Nearest neighbours by the cosine between counts of k-mers.

    Products of counts are whole numbers and therefore exact: what is equally near is told, and no
    answer depends on how the work is parted. Of sequences that are equally near, the first in the
    training part goes first.

    Parameters
    ----------
    k : int
        Length of the words, 1 to 7.
    neighbours : int or "valid"
        How many; by default that of `NEIGHBOURS` with the best mean Spearman correlation or AUROC
        on the validation part. Where fewer sequences are told of, all of them.
    strands : {"merged", "single"}
        Whether a word and its reverse complement count as one.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    name = "kmer-knn"
    kinds = ("binary", "multi-class", "multi-label", "regression")

    def __init__(
        self,
        k: int = 5,
        neighbours: int | Literal["valid"] = "valid",
        strands: Strands = "merged",
    ) -> None:
        words = kmers(self.name, k, strands)
        if neighbours != "valid" and neighbours < 1:
            raise UsageError(
                f"{self.name}: neighbours must be 1 or more, or 'valid', not {neighbours}"
            )
        told = f"{self.name}:k={k}"
        told += "" if neighbours == "valid" else f",neighbours={neighbours}"
        told += "" if strands == "merged" else f",strands={strands}"
        super().__init__(told, words)
        self._neighbours = neighbours

    def fit_rows(self, rows: ToldRows, fitting: Fitting) -> FittedNeighbours:
        """Choose how many neighbours; those of answers are of both parts.

        The neighbours for a label are among the rows of which it is told.
        """
        counts = _small_counts(self.words, rows.sequences, fitting.tell)
        neighbours, tried = self._choose(rows, counts, fitting)
        report = {
            "rows": len(rows.sequences),
            "features": self.words.width,
            "neighbours": neighbours,
            "tried": as_lists(tried),
        }
        return FittedNeighbours(
            self.words, rows.kind, counts, rows.targets, neighbours, report, fitting
        )

    def _choose(self, rows: ToldRows, counts: NDArray[Any], fitting: Fitting) -> tuple[int, Tried]:
        if self._neighbours != "valid":
            return self._neighbours, [(self._neighbours, None)]
        fitting.tell("neighbours of the validation part")
        found: dict[int, list[float]] = {each: [] for each in NEIGHBOURS}
        for labels, told in told_groups(rows.targets):
            train, valid = rows.parted(told)
            valid = valid[:: -(-len(valid) // _DECIDING) or 1]
            table = _Table(counts, train)
            nearest = table.nearest(
                counts[valid].astype(np.float32), max(NEIGHBOURS), fitting.threads
            )
            for number in labels:
                for each in NEIGHBOURS:
                    answers = _means(rows.targets[:, number], nearest[:, :each])
                    value = agreement(rows.kind, answers, rows.targets[valid, number])
                    found[each] += [] if value is None else [value]
        tried: Tried = [
            (each, float(np.mean(values)) if values else None) for each, values in found.items()
        ]
        return int(best_of(tried)), tried

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take counts and targets of all sequences, and how many neighbours there are."""
        fit = cast(FittedNeighbours, fitted)
        arrays = {"counts": fit.counts, "targets": fit.targets}
        facts = {"neighbours": fit.neighbours}
        return FitParts(split.kind, split.labels, arrays, facts, fit.report)

    def restored(self, parts: FitParts) -> FittedNeighbours:
        """Put the sequences back."""
        try:
            return FittedNeighbours(
                *(self.words, parts.kind, parts.arrays["counts"], parts.arrays["targets"]),
                int(parts.facts["neighbours"]),
                parts.report,
            )
        except KeyError as error:
            raise ModelError(f"saved neighbours have {error.args[0]}; here is none") from error


def kmer5_knn() -> KmerKnn:
    """Give `KmerKnn` as it is by default, under the name of a published baseline: 5-mers."""
    model = KmerKnn()
    model.id = "kmer5-knn"
    return model


@dataclass(frozen=True)
class FittedNeighbours:
    """Sequences, as counts of words, and what is told of them.

    Attributes
    ----------
    words : GappedWords
    kind : str
    counts : ndarray of unsigned int, shape (n, n_words)
    targets : ndarray of float64, shape (n, n_labels)
        NaN: not told.
    neighbours : int
    report : mapping
    fitting : Fitting
        Threads to compute with, and where to tell how far it has come.
    """

    words: GappedWords
    kind: Kind
    counts: NDArray[Any]
    targets: Floats
    neighbours: int
    report: Mapping[str, Any]
    fitting: Fitting = field(default_factory=Fitting)

    def answers(self, sequences: Sequence[str]) -> Floats:
        """Means over neighbours, float64[n, n_labels]; of yes and no, shares less a half."""
        answers = np.empty((len(sequences), self.targets.shape[1]))
        groups = [(labels, _Table(self.counts, told)) for labels, told in told_groups(self.targets)]
        for start in range(0, len(sequences), _SEEN):
            asked = self.words.counts(sequences[start : start + _SEEN])
            for labels, table in groups:
                nearest = table.nearest(asked, self.neighbours, self.fitting.threads)
                for number in labels:
                    means = _means(self.targets[:, number], nearest)
                    answers[start : start + len(asked), number] = means
            done = start + len(asked)
            self.fitting.tell(f"neighbours of {done:,} of {len(sequences):,} sequences")
        return answers - 0.5 if self.kind in ("binary", "multi-label") else answers


class _Table:
    """Rows that neighbours are looked for among.

    Parameters
    ----------
    counts : ndarray of unsigned int, shape (n, n_words)
    rows : ndarray of int64
        Of these rows of it.
    """

    def __init__(self, counts: NDArray[Any], rows: Integers) -> None:
        self._counts = counts
        self._rows = rows
        squares = [_squares(each.astype(np.float32)) for each in self._blocks()]
        # What has no words is like nothing, and divides nothing by zero.
        self._squares = np.maximum(np.concatenate([*squares, np.zeros(0)]), 1.0)
        self._longest = float(np.sqrt(self._squares.max(initial=0.0)))

    def nearest(self, asked: Features, neighbours: int, threads: int) -> Integers:
        """Give the rows nearest to each that is asked, the nearest first, int64[n, neighbours].

        There are fewer columns where there are fewer rows.
        """
        width = min(neighbours, self._rows.size)
        found = np.empty((len(asked), width), np.int64)

        def look(start: int) -> None:
            found[start : start + _ASKED] = self._nearest(asked[start : start + _ASKED], width)

        with one_thread(), ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
            for _ in pool.map(look, range(0, len(asked), _ASKED)):
                pass
        return self._rows[found]

    def _nearest(self, asked: Features, width: int) -> Integers:
        cosines = np.full((len(asked), width), -np.inf)
        found = np.zeros((len(asked), width), np.int64)
        most = self._longest * float(np.sqrt(_squares(asked).max(initial=0.0)))
        exact: type[np.floating[Any]] = np.float32 if most < _EXACT else np.float64
        searched = asked.astype(exact)
        start = 0
        for block in self._blocks():
            products = searched @ block.astype(exact).T
            _keep_nearest(products, self._squares[start:], start, cosines, found)
            start += len(block)
        return found

    def _blocks(self) -> Iterator[NDArray[Any]]:
        for start in range(0, self._rows.size, _SEEN):
            yield self._counts[self._rows[start : start + _SEEN]]


def _means(told: Floats, nearest: Integers) -> Floats:
    """Mean over the neighbours of each, which is the same to the last bit in any order."""
    means: Floats = told[np.sort(nearest, axis=1)].mean(axis=1)
    return means


def _small_counts(
    words: GappedWords, sequences: Sequence[str], tell: Callable[[str], None]
) -> NDArray[Any]:
    """Count words in the smallest whole numbers that will do."""
    longest = max(map(len, sequences), default=0)
    counts = np.empty((len(sequences), words.width), np.min_scalar_type(longest))
    fill_table(counts, words.counts, sequences, tell)
    return counts


def _squares(counts: Features) -> Floats:
    squares: Floats = np.einsum("ij,ij->i", counts, counts, dtype=np.float64)
    return squares


@kernel
def _keep_nearest(
    products: np.ndarray,
    squares: np.ndarray,
    first: int,
    cosines: np.ndarray,
    found: np.ndarray,
) -> None:
    """Sort rows into lists that are as long as they were; of equals the row that came first.

    `products` are those of what is asked (rows) and of a block (columns) whose rows are numbered
    from `first`; `squares` are the squared lengths of these. Lists are in descending order of the
    squared cosine times what is the same for all: a quotient of whole numbers, so that equal
    cosines are equal.
    """
    last = cosines.shape[1] - 1
    for asked in range(products.shape[0]):
        for row in range(products.shape[1]):
            product = np.float64(products[asked, row])
            cosine = product * product / squares[row]
            if not cosine > cosines[asked, last]:
                continue
            place = last
            while place > 0 and cosine > cosines[asked, place - 1]:
                cosines[asked, place] = cosines[asked, place - 1]
                found[asked, place] = found[asked, place - 1]
                place -= 1
            cosines[asked, place] = cosine
            found[asked, place] = first + row
