"""Two models beside each other: differences on each benchmark, and over all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import polars as pl
from msgspec.structs import replace

from genomark.benchmarks import Asking
from genomark.benchmarks.scored import Scored
from genomark.errors import UsageError, one_line
from genomark.results.answers_at_hand import answers_at_hand
from genomark.results.collection import headlines
from genomark.results.run_across import score_table
from genomark.results.run_record import Asked, Kept, Question
from genomark.scoring import Comparison, MetricRow, better
from genomark.scoring.across import holm, signed_ranks, win_rates

#: Of telling apart two equal models over all benchmarks, whatever the number of pairs.
ALPHA = 0.05
_NO_ITEMS = "figures of others have no items: there is nothing to compare on but the two values"
How = Literal["items", "document", "same", "independent", "none"]


class PairOnBenchmark(msgspec.Struct, frozen=True):
    """Two models on one benchmark, ``model_a - model_b``.

    Attributes
    ----------
    benchmark, version, digest, metric, better : str
    model_a, model_b : str
    value_a, value_b : float or None
    difference : float or None
    interval : tuple of float or None
    superiority : float or None
        Share of replicates in which `model_a` is better, equal ones counting half.
    n : int
        Items both answered; 0 where items are not at hand.
    tied : bool or None
        None where nothing can be said.
    how : str
        What the interval rests on: ``items`` drawn in pairs here, the paired comparison of a
        ``document``, the ``same`` answers of both, or two ``independent`` scores; ``none``
        without an interval.
    note : str or None
        Why items were not compared.
    """

    benchmark: str
    version: str
    digest: str
    metric: str
    better: str
    model_a: str
    model_b: str
    value_a: float | None
    value_b: float | None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    superiority: float | None = None
    n: int = 0
    tied: bool | None = None
    how: How = "none"
    note: str | None = None


class PairOverBenchmarks(msgspec.Struct, frozen=True):
    """Two models over all benchmarks that both have a value on.

    Attributes
    ----------
    model_a, model_b : str
    benchmarks, wins, losses : int
        Of `model_a`.
    win_rate : float or None
        Equal values count half.
    p, adjusted : float or None
        Of Wilcoxon's signed-rank test, two-sided; adjusted by Holm for all pairs compared.
    apart : bool
    """

    model_a: str
    model_b: str
    benchmarks: int
    wins: int
    losses: int
    win_rate: float | None
    p: float | None
    adjusted: float | None
    apart: bool


class Differing(msgspec.Struct, frozen=True):
    """An item on which two models differ much; `apart` in standard deviations of their answers."""

    benchmark: str
    model_a: str
    model_b: str
    item: str
    group: str
    truth: float | None
    answer_a: float
    answer_b: float
    apart: float


class ModelComparison(msgspec.Struct, frozen=True):
    """All that comes of comparing models."""

    pairs: list[PairOnBenchmark]
    over: list[PairOverBenchmarks]
    items: list[Differing]


def side_by_side(first: Sequence[Question], second: Sequence[Question]) -> list[Question]:
    """Lay two records together; models of one name are told apart as ``(A)`` and ``(B)``.

    Raises
    ------
    UsageError
        If they have no benchmark in common, or one of them in another version, digest or limit.
    """
    theirs = {each.asked.benchmark.id: each for each in second}
    shared = [(each, theirs[each.asked.benchmark.id]) for each in first if _id(each) in theirs]
    if not shared:
        raise UsageError(
            f"nothing to compare: A has {_ids(first)}, B has {_ids(second)}: expected a benchmark "
            "of both"
        )
    return [_joined(a, b) for a, b in shared]


def compare_models(
    questions: Sequence[Question], items: int = 0, threads: int = 1
) -> ModelComparison:
    """Compare every pair of models on every benchmark that both have a result on.

    Parameters
    ----------
    questions : sequence of Question
        A benchmark each.
    items : int
        How many of the items on which a pair differs most to give, where items are at hand.
    threads : int
        For scoring; no number depends on it.

    Raises
    ------
    UsageError
        If no two models share a benchmark.
    """
    pairs, differing = [], []
    for question in questions:
        at_hand = answers_at_hand(question)
        known = {(each.model_a, each.model_b): each for each in question.comparisons}
        asking = Asking(question.asked.seed, threads)
        for a, b in itertools.combinations(question.kept, 2):
            scored = {model: at_hand.scored[model] for model in (a, b) if model in at_hand.scored}
            found: tuple[Comparison, How] | None = None
            note = at_hand.reasons.get(a) or at_hand.reasons.get(b)
            if at_hand.benchmark is not None and len(scored) == 2:
                paired = at_hand.benchmark.compare(scored, asking)
                found = (paired[0], "items") if paired else None
                differing += _differing(question, scored, items)
            elif (a, b) in known:
                found = known[a, b], "document"
            elif (b, a) in known:
                found = turned(known[b, a]), "document"
            pairs.append(_pair(question, a, b, found, note))
    if not pairs:
        raise UsageError("nothing to compare: expected two models with results on one benchmark")
    return ModelComparison(pairs, over_benchmarks(questions), differing)


def over_benchmarks(questions: Sequence[Question]) -> list[PairOverBenchmarks]:
    """Test each pair of models over the benchmarks that both have; none with a single one.

    Values are compared as they are: benchmarks whose metrics have other scales weigh unlike.
    """
    models = list(dict.fromkeys(model for each in questions for model in each.kept))
    if len(questions) < 2 or len(models) < 2:
        return []
    table = score_table(questions, models)
    tests, wins = signed_ranks(table), win_rates(table)
    adjusted = holm(tests.p)
    return [
        PairOverBenchmarks(
            model_a=models[a],
            model_b=models[b],
            benchmarks=int(wins.tasks[a, b]),
            wins=int(wins.wins[a, b]),
            losses=int(wins.losses[a, b]),
            win_rate=_number(wins.rate[a, b]),
            p=_number(tests.p[a, b]),
            adjusted=_number(adjusted[a, b]),
            apart=bool(adjusted[a, b] < ALPHA),
        )
        for a, b in itertools.combinations(range(len(models)), 2)
        if wins.tasks[a, b] > 1
    ]


def better_of(metric: str, model_a: str, model_b: str, difference: float) -> str:
    """Name the better of two by the sign of ``model_a - model_b``."""
    return model_a if (difference > 0) == (better(metric) == "higher") else model_b


def independent_difference(a: MetricRow, b: MetricRow) -> tuple[float, float] | None:
    """Interval of the difference of two scores taken for independent.

    Zou and Donner 2008 (Statistics in Medicine 27:1693): the distances of each end from its value
    are added in squares. Of models that err alike on the same items it is wider than a paired one.
    """
    if a.value is None or b.value is None or a.interval is None or b.interval is None:
        return None
    difference = a.value - b.value
    low = math.hypot(a.value - a.interval[0], b.interval[1] - b.value)
    high = math.hypot(a.interval[1] - a.value, b.value - b.interval[0])
    return difference - low, difference + high


def turned(pair: Comparison) -> Comparison:
    """Write a difference the other way round, ``model_b - model_a``."""
    between = None if pair.interval is None else (-pair.interval[1], -pair.interval[0])
    return replace(
        pair,
        model_a=pair.model_b,
        model_b=pair.model_a,
        difference=-pair.difference,
        interval=between,
        superiority=None if pair.superiority is None else 1 - pair.superiority,
    )


def differing_items(a: Scored, b: Scored, most: int) -> pl.DataFrame | None:
    """Find the items on which two models differ most.

    Models may answer on scales of their own: each model's answers are taken from their mean in
    units of their standard deviation, over the items that both answered with a number.

    Parameters
    ----------
    a, b : Scored
        Of one benchmark and the same items.
    most : int

    Returns
    -------
    polars.DataFrame or None
        Columns `item_id`, `group`, `truth`, `a`, `b`, `apart` (standard deviations), those that
        differ more first; None where answers or truth are no numbers.
    """
    left, right = a.items(), b.items()
    if left is None or right is None or left.height != right.height:
        return None
    both = left.select("item_id", "group", "truth", pl.col("value").alias("a"))
    both = both.with_columns(right["value"].alias("b")).drop_nulls(["a", "b"])
    if both.is_empty():
        return None
    return (
        both.with_columns((_standard("a") - _standard("b")).abs().alias("apart"))
        .sort("apart", descending=True, maintain_order=True)
        .head(most)
    )


def _id(question: Question) -> str:
    return question.asked.benchmark.id


def _ids(questions: Sequence[Question]) -> str:
    return ", ".join(one_line(_id(each)) for each in questions[:3]) or "none"


def _joined(a: Question, b: Question) -> Question:
    mine, theirs = a.asked, b.asked
    if (mine.benchmark.version, mine.benchmark.digest) != (
        theirs.benchmark.version,
        theirs.benchmark.digest,
    ):
        raise UsageError(
            f"{one_line(mine.benchmark.id)} is version {_named(mine)} in A and {_named(theirs)} in "
            "B: scores of different questions are not compared; run both with one version"
        )
    if mine.limit != theirs.limit:
        raise UsageError(
            f"{one_line(mine.benchmark.id)} was asked with --limit {mine.limit} in A and "
            f"{theirs.limit} in B: expected the same items in both"
        )
    alike = a.kept.keys() & b.kept.keys()
    kept: dict[str, Kept] = {}
    for question, mark in ((a, "A"), (b, "B")):
        for model, each in question.kept.items():
            kept[f"{model} ({mark})" if model in alike else model] = each
    known = [
        each
        for question in (a, b)
        for each in question.comparisons
        if not {each.model_a, each.model_b} & alike
    ]
    return Question(mine, kept, known)


def _named(asked: Asked) -> str:
    return f"{one_line(asked.benchmark.version)} (digest {one_line(asked.benchmark.digest)[:8]})"


def _pair(
    question: Question,
    a: str,
    b: str,
    found: tuple[Comparison, How] | None,
    note: str | None,
) -> PairOnBenchmark:
    left, right = question.kept[a].result, question.kept[b].result
    metric = headlines(left)[0]
    rows = left.metric(metric), right.metric(metric)
    benchmark = question.asked.benchmark
    alone = PairOnBenchmark(
        benchmark=benchmark.id,
        version=benchmark.version,
        digest=benchmark.digest,
        metric=metric,
        better=better(metric),
        model_a=a,
        model_b=b,
        value_a=rows[0].value,
        value_b=rows[1].value,
        note=note,
    )
    if rows[0].value is None or rows[1].value is None:
        reason = next(row.reason_if_null for row in rows if row.value is None)
        return replace(alone, note=f"{metric} is undefined: {reason}")
    if found is not None:
        each, how = found
        return replace(
            alone,
            difference=each.difference,
            interval=each.interval,
            superiority=each.superiority,
            n=each.n,
            tied=each.tied,
            how=how,
            note=None if how == "items" else note,
        )
    if "source" in left.settings or "source" in right.settings:
        # Their digest is that of the table they stand in, not of answers.
        alone = replace(alone, note=_NO_ITEMS)
    elif left.predictions_digest == right.predictions_digest:
        n = left.coverage.answered
        return replace(alone, difference=0.0, interval=(0.0, 0.0), n=n, tied=True, how="same")
    between = independent_difference(*rows)
    return replace(
        alone,
        difference=rows[0].value - rows[1].value,
        interval=between,
        tied=None if between is None else between[0] <= 0 <= between[1],
        how="none" if between is None else "independent",
    )


def _differing(question: Question, scored: Mapping[str, Scored], most: int) -> list[Differing]:
    (a, first), (b, second) = scored.items()
    found = differing_items(first, second, most) if most else None
    if found is None:
        return []
    return [Differing(_id(question), a, b, *row) for row in found.iter_rows()]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _standard(name: str) -> pl.Expr:
    column = pl.col(name)
    spread = column.std(ddof=0)
    return pl.when(spread > 0).then((column - column.mean()) / spread).otherwise(0.0)
