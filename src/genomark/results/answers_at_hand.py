"""Answers of models beside the truth, wherever predictions were kept and data are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from genomark.benchmarks import Asking, Benchmark
from genomark.benchmarks.scored import Scored
from genomark.errors import GenomarkError, one_line
from genomark.results.run_record import Kept, Question
from genomark.results.store.recompute import known_benchmark, not_as_here
from genomark.scoring import Comparison, predictions_digest

NO_PREDICTIONS = "no predictions are kept beside the results"


@dataclass(frozen=True)
class AtHand:
    """What of a question can be computed here.

    Attributes
    ----------
    benchmark : Benchmark or None
    scored : dict of str to Scored
        By the model's id.
    reasons : dict of str to str
        Why a model is not among them.
    """

    benchmark: Benchmark | None = None
    scored: Mapping[str, Scored] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def answers_at_hand(question: Question) -> AtHand:
    """Set predictions beside the truth; nothing is fetched for it.

    A benchmark is found by a name that is known here, and by no path.
    """
    reasons = {
        model: NO_PREDICTIONS for model, each in question.kept.items() if not each.predictions
    }
    kept = {model: each for model, each in question.kept.items() if each.predictions}
    if not kept:
        return AtHand(reasons=reasons)
    benchmark, reason = _benchmark(next(iter(kept.values())))
    if benchmark is None:
        return AtHand(reasons=reasons | dict.fromkeys(kept, reason))
    scored = {}
    for model, each in kept.items():
        try:
            scored[model] = _scored(benchmark, each, question.asked.limit)
        except (GenomarkError, pl.exceptions.PolarsError, OSError) as error:
            reasons[model] = one_line(error)
    return AtHand(benchmark, scored, reasons)


def compared(question: Question, at_hand: AtHand, threads: int = 1) -> list[Comparison]:
    """Give paired differences: those that were kept, else computed from what is at hand.

    Parameters
    ----------
    question : Question
    at_hand : AtHand
    threads : int
        No number depends on it.
    """
    known = {frozenset((each.model_a, each.model_b)) for each in question.comparisons}
    missing = any(
        frozenset((a, b)) not in known for a in at_hand.scored for b in at_hand.scored if a != b
    )
    if at_hand.benchmark is None or not missing:
        return list(question.comparisons)
    found = at_hand.benchmark.compare(at_hand.scored, Asking(question.asked.seed, threads))
    return [
        *question.comparisons,
        *(each for each in found if frozenset((each.model_a, each.model_b)) not in known),
    ]


def _benchmark(kept: Kept) -> tuple[Benchmark | None, str]:
    try:
        benchmark = known_benchmark(kept.result)
        reason = not_as_here(benchmark, kept.result)
    except GenomarkError as error:
        return None, one_line(error)
    return (benchmark, "") if reason is None else (None, reason)


def _scored(benchmark: Benchmark, kept: Kept, limit: int | None) -> Scored:
    assert kept.predictions is not None
    if predictions_digest(pl.read_parquet(kept.predictions)) != kept.result.predictions_digest:
        raise GenomarkError("its file of predictions is not that of the result")
    return benchmark.scored(kept.predictions, limit)
