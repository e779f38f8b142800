"""`gkm`: ridge regression on gapped k-mers, words with bases that do not matter."""

from __future__ import annotations

import numpy as np
import scipy

from genomark.errors import UsageError
from genomark.models import Fitting
from genomark.probes import one_thread
from genomark.training.gapped_words import (
    Features,
    Floats,
    GappedWords,
    Integers,
    gapped_width,
)
from genomark.training.linear import Choice
from genomark.training.word_models import (
    FittedWords,
    LinearWordModel,
    Strands,
    ToldRows,
    Tried,
    agreement,
    best_of,
    told_groups,
)

#: Tried where `alpha` is to be chosen, the strongest penalty first.
ALPHAS = tuple(10.0 ** (power / 2) for power in range(8, -3, -1))

_LONGEST = 12
#: A matrix of the products of so many words is 1.2 GB, and there are three of them at times.
_MOST_WORDS = 12_000
_AT_ONCE = 1024
#: Sequences that differ in nothing but rounding have nothing to weigh.
_CONSTANT = 1e-6


class Gkm(LinearWordModel):
    """Ridge on shares of gapped words: `k` bases within `l`, wherever the gaps are.

    Shares are centred. The penalty is `alpha` times their mean squared length, so that it depends
    neither on how many words there are nor on how long sequences are. Yes and no are 1 and -1.

    Parameters
    ----------
    l : int
        Bases that a word spans, at most; up to 12.
    k : int
        Bases of a word, 1 to `l`.
    strands : {"merged", "single"}
        Whether a word and its reverse complement count as one.
    alpha : float or "valid"
        Strength of L2; by default that of `ALPHAS` with the best Spearman correlation or AUROC on
        the validation part.

    Raises
    ------
    UsageError
        If a setting is out of range, or there are more than 12,000 words.
    """

    name = "gkm"

    def __init__(
        self,
        l: int = 8,  # noqa: E741  (as in the literature)
        k: int = 4,
        strands: Strands = "merged",
        alpha: Choice = "valid",
    ) -> None:
        if not 1 <= l <= _LONGEST:
            raise UsageError(f"{self.name}: l must be from 1 to {_LONGEST}, not {l}")
        if not 1 <= k <= l:
            raise UsageError(f"{self.name}: k must be from 1 to l={l}, not {k}")
        width = gapped_width(l, k) // (2 if strands == "merged" else 1)
        if width > _MOST_WORDS:
            raise UsageError(
                f"{self.name}: l={l},k={k} makes {width:,} words; expected {_MOST_WORDS:,} or fewer"
            )
        if alpha != "valid" and not 0 < alpha < np.inf:
            raise UsageError(f"{self.name}: alpha must be above 0, or 'valid', not {alpha}")
        told = f"{self.name}:l={l},k={k}"
        told += "" if strands == "merged" else f",strands={strands}"
        told += "" if alpha == "valid" else f",alpha={alpha:g}"
        super().__init__(told, GappedWords(l, k, merged=strands == "merged"))
        self._alpha = alpha

    def fit_rows(self, rows: ToldRows, fitting: Fitting) -> FittedWords:
        """Choose `alpha` for each label, and fit; sequences are read in passing, none are left out.

        A label is learned from the rows of which it is told.
        """
        n_labels = len(rows.labels)
        weights, intercepts = np.zeros((n_labels, self.words.width)), np.zeros(n_labels)
        tried: dict[str, Tried] = {}
        chosen = np.zeros(n_labels)
        for labels, told in told_groups(rows.targets):
            train, valid = rows.parted(told)
            moments = _Moments(self.words.width, len(labels))
            self._add(moments, rows, labels, train, fitting)
            found = self._choose(moments, rows, labels, valid, fitting)
            self._add(moments, rows, labels, valid, fitting)
            for column, (label, each) in enumerate(zip(labels, found, strict=True)):
                tried[rows.labels[label]] = each
                chosen[label] = best_of(each)
                solved = moments.solve(chosen[label])
                weights[label], intercepts[label] = solved[0][column], solved[1][column]
        report = self._report(rows, chosen.tolist(), tried)
        return FittedWords(self.words, weights, intercepts, report)

    def _add(
        self,
        moments: _Moments,
        rows: ToldRows,
        labels: list[int],
        chosen: Integers,
        fitting: Fitting,
    ) -> None:
        """Read some rows, of all of which these labels are told."""
        with one_thread():
            for start in range(0, chosen.size, _AT_ONCE):
                piece = chosen[start : start + _AT_ONCE]
                answers = rows.targets[piece][:, labels]
                if rows.kind != "regression":
                    answers = 2.0 * answers - 1.0
                moments.add(self.words.shares([rows.sequences[row] for row in piece]), answers)
                fitting.tell(f"words of {start + piece.size:,} of {chosen.size:,} sequences")

    def _choose(
        self,
        moments: _Moments,
        rows: ToldRows,
        labels: list[int],
        valid: Integers,
        fitting: Fitting,
    ) -> list[Tried]:
        """Try every strength on labels that are told of the same rows; a list for each label."""
        if self._alpha != "valid":
            return [[(float(self._alpha), None)] for _ in labels]
        fitting.tell(f"ridge, {len(ALPHAS)} strengths")
        weights = np.concatenate([moments.solve(alpha)[0] for alpha in ALPHAS])
        answers = self.words.sums([rows.sequences[row] for row in valid], weights)
        tried: list[Tried] = [[] for _ in labels]
        for number, alpha in enumerate(ALPHAS):
            for column, label in enumerate(labels):
                given = answers[:, number * len(labels) + column]
                value = agreement(rows.kind, given, rows.targets[valid, label])
                tried[column].append((alpha, value))
        return tried


class _Moments:
    """Sums over rows: of features, of answers, and of their products."""

    def __init__(self, width: int, labels: int) -> None:
        self._n = 0
        self._features, self._answers = np.zeros(width), np.zeros(labels)
        self._gram, self._cross = np.zeros((width, width)), np.zeros((width, labels))

    def add(self, features: Features, answers: Floats) -> None:
        self._n += len(features)
        self._features += features.sum(axis=0, dtype=np.float64)
        self._answers += answers.sum(axis=0)
        self._gram += features.T @ features
        self._cross += features.T.astype(np.float64) @ answers

    def solve(self, alpha: float) -> tuple[Floats, Floats]:
        """Weights of ridge regression, one row for each column of the answers, and intercepts."""
        mean, level = self._features / self._n, self._answers / self._n
        centred = self._gram - np.outer(self._features, mean)
        cross = self._cross - np.outer(self._features, level)
        squares = float(np.trace(centred)) / self._n
        if squares <= _CONSTANT * float(mean @ mean):
            return np.zeros_like(cross.T), level
        centred[np.diag_indices_from(centred)] += alpha * squares
        with one_thread():
            factor = scipy.linalg.cho_factor(centred, overwrite_a=True, check_finite=False)
            weights: Floats = scipy.linalg.cho_solve(factor, cross, check_finite=False).T
        return weights, level - weights @ mean
