"""What a matcher answered, as numbers with intervals over terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.matching.labelled_terms import LabelledTerm
from genomark.benchmarks.scored import Scored, item_table
from genomark.scoring import Headline, MetricRow
from genomark.scoring.drawn_rows import DrawnRows

ACCURACY = "accuracy"
PRECISION, RECALL = "precision", "recall"
PRECISION_AT_COVERAGE = "precision_at_coverage"
ABSTENTION = "abstention"
NULL_PRECISION, NULL_RECALL = "null_precision", "null_recall"
LLM_CALLS = "llm_calls_per_term"
MEDIAN_SECONDS = "median_seconds"

#: Shares of all terms of which the surest choices are looked at.
COVERAGES = (0.25, 0.5, 0.75)

_UNSURE = "the matcher does not tell how sure it is of each choice"
#: Share of a term, for sums of numbers that are no whole ones.
_ROUNDING = 1e-9

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class MatchingScores(Scored):
    """One matcher's answers; read from their file when they are needed.

    Parameters
    ----------
    predictions : Path
    terms : sequence of LabelledTerm
        Those that were asked, in the order of the predictions.
    """

    def __init__(self, predictions: Path, terms: Sequence[LabelledTerm]) -> None:
        self._path = predictions
        self._terms = terms

    @cached_property
    def _frame(self) -> pl.DataFrame:
        columns = ["value", "reason", "choice", "confidence", "calls", "seconds"]
        return pl.read_parquet(self._path, columns=columns)

    @property
    def reasons(self) -> pl.Series:
        """Why there is no answer, one a term."""
        return self._frame["reason"]

    @property
    def answered(self) -> pl.Series:
        """Whether there is an answer: a choice, or that none means the same."""
        return self._frame["value"].is_not_null()

    @cached_property
    def right(self) -> Flags:
        """Which answers are right."""
        return (self._frame["value"].fill_null(0.0) > 0).to_numpy()

    @cached_property
    def _chosen(self) -> Flags:
        return (self.answered & self._frame["choice"].is_not_null()).to_numpy()

    @cached_property
    def _abstained(self) -> Flags:
        return (self.answered & self._frame["choice"].is_null()).to_numpy()

    @cached_property
    def _has_match(self) -> Flags:
        return np.array([each.has_match for each in self._terms], dtype=np.bool_)

    def _column(self, name: str) -> Floats:
        """Give a column of numbers, NaN where there is none."""
        return self._frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric; rows of groups come last."""
        table = _drawn(self._terms, asking.seed)
        everything = np.ones(len(self._terms), dtype=np.bool_)
        right, chosen, abstained = self.right, self._chosen, self._abstained
        has_match = self._has_match
        calls, seconds = self._column("calls"), self._column("seconds")
        timed = np.isfinite(seconds)
        rows = [
            table.mean(ACCURACY, right, everything),
            table.mean(PRECISION, right, chosen, reason="no choice was given"),
            table.mean(RECALL, right, has_match, reason="no term has a match"),
            table.mean(ABSTENTION, abstained, everything),
            table.mean(NULL_PRECISION, right, abstained, reason="a choice was given every time"),
            table.mean(NULL_RECALL, right, ~has_match, reason="every term has a match"),
            table.mean(
                LLM_CALLS, calls, np.isfinite(calls), reason="the matcher does not count its calls"
            ),
            table.median(MEDIAN_SECONDS, seconds, timed, unit="s", reason="no time was measured"),
        ]
        rows += [self._precision_at(table, coverage) for coverage in COVERAGES]
        rows += [
            table.mean(ACCURACY, right, members, group=name) for name, members in self._groups()
        ]
        return rows

    @property
    def compared(self) -> pl.Series:
        """Every term: one that was not answered is wrong."""
        return pl.repeat(True, len(self._terms), eager=True)

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Give the accuracy, which is that on all terms, and its replicates."""
        return _drawn(self._terms, asking.seed).headline(self.right)

    def items(self) -> pl.DataFrame:
        """Tell of each term whether the answer is right, and what it was."""
        ids = [each.id for each in self._terms]
        said = self._frame["choice"].to_list()
        return item_table(ids, [ACCURACY], np.ones(len(ids)), self.right, said)

    def _precision_at(self, table: DrawnRows, coverage: float) -> MetricRow:
        group = f"surest {coverage:.0%} of terms"
        confidence, chosen = self._column("confidence"), self._chosen
        if not np.isfinite(confidence[chosen]).all():
            return table.row(PRECISION_AT_COVERAGE, None, chosen, group=group, reason=_UNSURE)
        columns = precision_at(coverage, table.weights, confidence, self.right, chosen)
        if not np.isfinite(columns[0]):
            reason = f"a choice was given for {chosen.mean():.0%} of terms only"
            return table.row(PRECISION_AT_COVERAGE, None, chosen, group=group, reason=reason)
        return table.row(PRECISION_AT_COVERAGE, columns, chosen, group=group)

    def _groups(self) -> Iterator[tuple[str, Flags]]:
        """Tell terms apart by category, by vocabulary, and by part where there is more than one."""
        for what in ("category", "vocabulary", "part"):
            values = np.array([getattr(each, what) for each in self._terms])
            names = list(dict.fromkeys(values.tolist()))
            if what != "part" or len(names) > 1:
                yield from ((name, values == name) for name in names)


def precision_at(
    coverage: float, weights: Floats, confidence: Floats, right: Flags, chosen: Flags
) -> Floats:
    """Share of right choices among the surest.

    Parameters
    ----------
    coverage : float
        Share of all terms that the surest choices make up.
    weights : ndarray of float64, shape (columns, n)
        How often each term counts.
    confidence : ndarray of float64, shape (n,)
        Finite for terms for which a choice was given.
    right, chosen : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of float64, shape (columns,)
        NaN where choices were given for fewer terms than that. Choices of the same confidence
        count alike, as far as there is room for them: their order does not matter.
    """
    levels, level = np.unique(-confidence[chosen], return_inverse=True)
    member = (level[:, np.newaxis] == np.arange(levels.size)).astype(np.float64)
    drawn = weights[:, chosen] @ member
    drawn_right = (weights[:, chosen] * right[chosen]) @ member
    wanted = coverage * weights.sum(axis=1, keepdims=True)
    room = wanted - (drawn.cumsum(axis=1) - drawn)
    taken = np.clip(room, 0.0, drawn)
    share = np.divide(taken, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    found: Floats = (share * drawn_right).sum(axis=1) / wanted[:, 0]
    enough = drawn.sum(axis=1) >= wanted[:, 0] - _ROUNDING
    return np.where(enough, found, np.nan)


def _drawn(terms: Sequence[LabelledTerm], seed: int) -> DrawnRows:
    """Make rows: a term asked of several vocabularies, however it is spelled, is one."""
    # Comes with the HTTP client of a Matcher, for which most runs have no use.
    from genomark.matching.folding import folded

    return DrawnRows([folded(each.requested) or each.requested for each in terms], "terms", seed)
