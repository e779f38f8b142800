"""What a reader of a run is shown, in words and figures; a page and a summary are written of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from genomark.errors import UsageError, one_line
from genomark.results.answers_at_hand import AtHand, answers_at_hand, compared
from genomark.results.board import Section, sections
from genomark.results.collection import Results, headlines
from genomark.results.interval_plot import Drawn, Mark, interval_plot
from genomark.results.leakage_curve import leakage_curve
from genomark.results.leakage_words import UNTOLD, badge_of, clean_of, difference_of, share_of
from genomark.results.model_comparison import better_of, turned
from genomark.results.reproducing import cautions, commands, installing
from genomark.results.run_across import CONTROL, Across, across_suites
from genomark.results.run_charts import MOST_PANELS, answers_chart, cost_chart, groups_chart
from genomark.results.run_record import Question, RunRecord, titles
from genomark.results.scatter import Estimate
from genomark.scoring import Comparison, Cost, Result

#: Pairs of a table and of a drawing; of more, those with the best model alone.
_MOST_PAIRS = 45
#: Points that all charts of a page draw together, and one panel at least and at most.
_ALL_POINTS, _FEWEST, _MOST = 24_000, 100, 800


class Table(NamedTuple):
    """A table of text."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


_NO_TABLE = Table((), ())


class Drawing(NamedTuple):
    """An ``<svg>`` element and what stands above it."""

    title: str
    svg: str


@dataclass(frozen=True)
class QuestionView:
    """One benchmark: its ranked table, paired differences, drawings, remarks, training data."""

    title: str
    section: Section
    pairs: Table
    drawings: dict[str, Drawing]
    notes: list[str]
    training: Table = _NO_TABLE


@dataclass(frozen=True)
class AcrossView:
    """A suite: its table of mean ranks and the diagram."""

    suite: str
    table: Table
    drawing: Drawing
    notes: list[str]


@dataclass(frozen=True)
class RunView:
    """All of a report.

    Attributes
    ----------
    told : list of (str, str)
        What was run, when and with what.
    benchmarks, models : Table
    questions : list of QuestionView
    across : list of AcrossView
    left_out : list of str
        What was skipped and failed, with reasons.
    installing, commands, cautions : list of str
        How to compute it again.
    digests : Table
        By which a repetition can be checked.
    notes : list of str
        What is not in the report.
    """

    told: list[tuple[str, str]]
    benchmarks: Table
    models: Table
    questions: list[QuestionView]
    across: list[AcrossView]
    left_out: list[str]
    installing: list[str]
    commands: list[str]
    cautions: list[str]
    digests: Table
    notes: list[str] = field(default_factory=list)


def run_view(record: RunRecord) -> RunView:
    """Lay out a run; where predictions and data are at hand, what is not kept is computed."""
    charts = _Charts(_points_of_a_panel(record))
    views = [
        _question(title, question, charts)
        for title, question in zip(titles(record.questions), record.questions, strict=True)
    ]
    notes = [*charts.notes]
    if record.older:
        notes.append(f"{record.older:,} older results of the same models are left out.")
    return RunView(
        told=_told(record.results),
        benchmarks=_benchmarks(record.questions),
        models=_models(record.results),
        questions=views,
        across=[_across(each) for each in across_suites(record.questions)],
        left_out=[
            f"{word} {' × '.join(filter(None, (each.benchmark, each.model)))}: {each.reason}"
            for word, entries in (("skipped", record.skipped), ("failed", record.failed))
            for each in entries
        ],
        installing=installing(record.results),
        commands=commands(record.questions),
        cautions=cautions(record.questions),
        digests=_digests(record.questions),
        notes=notes,
    )


class _Charts:
    """Draws charts; without vl-convert none, and says so once."""

    def __init__(self, points: int) -> None:
        self.points = points
        self.notes: list[str] = []

    def add(self, name: str, title: str, draw: Callable[[], str | None]) -> dict[str, Drawing]:
        if self.notes:
            return {}
        try:
            svg = draw()
        except UsageError as error:
            self.notes.append(f"Charts are left out. {error}")
            return {}
        return {} if svg is None else {name: Drawing(title, svg)}


def _points_of_a_panel(record: RunRecord) -> int:
    panels = sum(min(len(question.kept), MOST_PANELS) for question in record.questions)
    return min(max(_ALL_POINTS // max(panels, 1), _FEWEST), _MOST)


def _question(title: str, question: Question, charts: _Charts) -> QuestionView:
    at_hand = answers_at_hand(question)
    comparisons = compared(question, at_hand, threads=os.cpu_count() or 1)
    results = Results(question.results, comparisons=comparisons)
    (section,) = sections(results)
    order = [line.model for line in section.lines if line.model in question.kept]
    ordered = [question.kept[model].result for model in order]
    shown = _shown(comparisons, order)
    metric = section.metrics[0]
    drawings = _forest(ordered, metric) | _differences(shown, metric)
    models = [model for model in order if not model.startswith(CONTROL)] or order
    scored = {model: at_hand.scored[model] for model in models if model in at_hand.scored}
    drawings |= _leakage(ordered)
    drawings |= charts.add("groups", "Groups", lambda: groups_chart(ordered))
    drawings |= charts.add(
        "answers", "Answers and truth", lambda: answers_chart(scored, charts.points)
    )
    drawings |= charts.add("cost", "Score and cost", lambda: cost_chart(ordered))
    notes = [section.subtitle, *section.notes, *_remarks(question, at_hand, comparisons, shown)]
    return QuestionView(title, section, _pairs(shown), drawings, notes, _training(ordered))


def _leakage(results: Sequence[Result]) -> dict[str, Drawing]:
    """Draw scores by similarity to training data, of the models that saw any of the items."""
    seen = {each.model.id: each.leakage for each in results if each.leakage and each.leakage.seen}
    curves = {model: panel.bins for model, panel in seen.items()}
    svg = leakage_curve(curves, headlines(results[0])[0])
    return {} if svg is None else {"leakage": Drawing("Score and similarity to training data", svg)}


def _training(results: Sequence[Result]) -> Table:
    """Say of each model what it was trained on, and how much of the items it saw."""
    header = ("model", "trained on", "seen in training", "score on what was not seen", "difference")
    rows = []
    for each in results:
        declared = one_line(each.settings.get("training_data", UNTOLD))
        panel = each.leakage
        told = (badge_of(each), "", "")
        if panel is not None:
            told = (share_of(panel), clean_of(panel), difference_of(panel))
        rows.append((each.model.id, declared, *told))
    return Table(header, rows if any(row[1] != UNTOLD for row in rows) else [])


def _shown(comparisons: Sequence[Comparison], order: Sequence[str]) -> list[Comparison]:
    """Order pairs by rank, the better first in each; of too many, keep those with the best."""
    place = {model: number for number, model in enumerate(order)}
    found = [
        turned(each) if place[each.model_a] > place[each.model_b] else each for each in comparisons
    ]
    found.sort(key=lambda each: (place[each.model_a], place[each.model_b]))
    return found if len(found) <= _MOST_PAIRS else [e for e in found if not place[e.model_a]]


def _remarks(
    question: Question,
    at_hand: AtHand,
    comparisons: Sequence[Comparison],
    shown: Sequence[Comparison],
) -> list[str]:
    notes = []
    if len(shown) < len(comparisons):
        notes.append(
            f"{len(comparisons) - len(shown):,} pairs without the best model are not shown"
        )
    if not comparisons and len(question.kept) > 1:
        notes.append("no paired differences are at hand, so that no model is told from another")
    told: dict[str, list[str]] = {}
    for model, reason in at_hand.reasons.items():
        told.setdefault(reason, []).append(model)
    notes += [f"answers are not shown of {', '.join(each)}: {why}" for why, each in told.items()]
    return notes


def _forest(results: Sequence[Result], metric: str) -> dict[str, Drawing]:
    rows = [
        Drawn(result.model.id, Estimate(row.value, row.interval), _is_control(result))
        for result in results
        if (row := result.metric(metric)).value is not None
    ]
    if not rows:
        return {}
    best = results[0].settings.get("ceiling", {}).get(metric)
    marks = [] if best is None else [Mark(float(best), "best possible")]
    label = f"{metric} of {len(rows)} models with intervals"
    svg = interval_plot(rows, measure=metric, label=label, marks=marks)
    return {"scores": Drawing("Scores", svg)}


def _is_control(result: Result) -> bool:
    return result.model.id.startswith(CONTROL)


def _differences(shown: Sequence[Comparison], metric: str) -> dict[str, Drawing]:
    if not shown:
        return {}
    rows = [
        Drawn(
            f"{each.model_a} − {each.model_b}",
            Estimate(each.difference, each.interval),
            each.tied,
        )
        for each in shown
    ]
    label = f"{len(rows)} paired differences of {metric} with intervals"
    measure = f"difference of {metric}; grey where it may be 0"
    svg = interval_plot(rows, measure=measure, label=label, marks=[Mark(0.0, "no difference")])
    return {"differences": Drawing("Paired differences", svg)}


def _pairs(shown: Sequence[Comparison]) -> Table:
    header = ("pair", "difference", "better in", "items", "verdict")
    return Table(header, [_pair(each) for each in shown])


def _pair(pair: Comparison) -> tuple[str, ...]:
    between = "" if pair.interval is None else f" [{_f(pair.interval[0])}, {_f(pair.interval[1])}]"
    better = better_of(pair.metric, pair.model_a, pair.model_b, pair.difference)
    return (
        f"{pair.model_a} − {pair.model_b}",
        f"{_f(pair.difference)}{between}",
        "" if pair.superiority is None else f"{100 * pair.superiority:.1f} %",
        f"{pair.n:,}",
        "tied" if pair.tied else f"{better} is better",
    )


def _f(value: float) -> str:
    return f"{value:.3f}"


def _told(results: Sequence[Result]) -> list[tuple[str, str]]:
    if not results:
        return []
    facts = [
        ("started", min(each.started for each in results)),
        ("finished", max(each.finished for each in results)),
        ("seed", _all(each.seed for each in results)),
    ]
    for name in ("replicates", "confidence", "limit"):
        facts.append((name, _all(each.settings.get(name) for each in results)))
    total = sum(each.cost.cpu_seconds for each in results)
    facts.append(("CPU time of all answers", _seconds(total)))
    for name in dict.fromkeys(name for each in results for name in each.environment):
        facts.append((name, _all(_written(each.environment.get(name)) for each in results)))
    return [(name, one_line(value)) for name, value in facts]


def _all(values: Iterable[Any]) -> str:
    """Write what all have in common, or all that there is."""
    return "; ".join(dict.fromkeys("none" if each is None else str(each) for each in values))


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return value


def _benchmarks(questions: Sequence[Question]) -> Table:
    header = ("benchmark", "version", "digest", "items", "seed", "limit", "models", "metric")
    rows = []
    for question in questions:
        first, asked = question.results[0], question.asked
        counts = {each.coverage.asked for each in question.results}
        rows.append(
            (
                asked.benchmark.id,
                asked.benchmark.version,
                asked.benchmark.digest,
                ", ".join(f"{each:,}" for each in sorted(counts)),
                str(asked.seed),
                "" if asked.limit is None else f"{asked.limit:,}",
                f"{len(question.kept):,}",
                headlines(first)[0],
            )
        )
    return Table(header, rows)


def _models(results: Sequence[Result]) -> Table:
    header = ("model", "version", "digest", "benchmarks", "CPU time", "wall time", "memory", "sent")
    rows = []
    for key in dict.fromkeys((r.model.id, r.model.version, r.model.digest) for r in results):
        own = [r for r in results if (r.model.id, r.model.version, r.model.digest) == key]
        rows.append((*key, f"{len(own):,}", *_costs([each.cost for each in own])))
    return Table(header, rows)


def _costs(costs: Sequence[Cost]) -> tuple[str, str, str, str]:
    sent = sum(each.bytes_sent for each in costs)
    return (
        _seconds(sum(each.cpu_seconds for each in costs)),
        _seconds(sum(each.wall_seconds for each in costs)),
        f"{max(each.peak_rss_bytes for each in costs) / 1e6:,.0f} MB",
        f"{sent / 1e6:,.1f} MB" if sent else "",
    )


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value < 600 else f"{value / 60:,.1f} min"


def _digests(questions: Sequence[Question]) -> Table:
    header = ("benchmark", "model", "metric", "value", "digest of predictions")
    rows = []
    for question in questions:
        for model, kept in question.kept.items():
            metric = headlines(kept.result)[0]
            value = kept.result.metric(metric).value
            digits = "undefined" if value is None else repr(value)
            digest = kept.result.predictions_digest
            rows.append((question.asked.benchmark.id, model, metric, digits, digest))
    return Table(header, rows)


def _across(found: Across) -> AcrossView:
    header = ("model", "mean rank", "win rate", "benchmarks")
    rows = []
    for row, model in enumerate(found.models):
        mean, low, high = found.ranks.mean[row], found.ranks.low[row], found.ranks.high[row]
        rank = "" if mean != mean else f"{mean:.2f}"
        rank += "" if low != low else f" [{low:.2f}, {high:.2f}]"
        rate = found.win_rate(row)
        won = "" if rate is None else f"{100 * rate:.0f} %"
        rows.append((model, rank, won, f"{found.tasks[row]} of {found.benchmarks}"))
    notes = [
        "Ranks are those expected from the benchmarks that pairs of models share; their intervals "
        "draw families of benchmarks. Few benchmarks tell few models apart."
    ]
    if found.left_out:
        notes.append(
            "Controls and figures that others published take no part in ranks, win rates and "
            f"tests: {', '.join(found.left_out)}."
        )
    drawing = Drawing("Critical difference", found.drawn())
    return AcrossView(found.suite, Table(header, rows), drawing, notes)
