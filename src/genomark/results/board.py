"""What a reader sees of results: one section a benchmark, ranked, with its notes.

The terminal and the notebook draw the same sections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from genomark.benchmarks.sequences.sequence_scores import WITHOUT_DUPLICATES
from genomark.results.collection import Results, headlines
from genomark.results.leakage_words import training_note
from genomark.scoring import MetricRow, Result

#: Marks of published scores: of this task, and of a group of tasks that it is one of.
_TASK, _GROUP = "†", "‡"
#: Mark of a published score that is not as it was printed.
_CORRECTED = "*"


@dataclass(frozen=True)
class Line:
    """One model: its ranks, name, one cell per headline metric, and the items it answered."""

    rank: str
    model: str
    cells: list[str]
    n: str


@dataclass(frozen=True)
class Section:
    """One benchmark."""

    benchmark: str
    title: str
    subtitle: str
    metrics: list[str]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)


def sections(results: Results) -> list[Section]:
    """Arrange results for reading, benchmarks in order and models by rank."""
    return [_section(results, benchmark) for benchmark in results.benchmarks()]


def legend(results: Results) -> str:
    """Say how to read intervals and ranks."""
    if not results.results:
        return ""
    percent = round(results[0].settings["confidence"] * 100)
    return (
        f"[low, high]: {percent} % interval by cluster bootstrap. "
        "Models share a rank where the interval of their paired difference contains 0."
    )


def _section(results: Results, benchmark: str) -> Section:
    members = {result.model.id: result for result in results.of(benchmark)}
    first = next(iter(members.values()))
    names = headlines(first)
    ranks = {each.model: str(each) for each in results.ranks(benchmark)}
    ordered = [*ranks, *(model for model in members if model not in ranks)]
    return Section(
        benchmark=benchmark,
        title=first.benchmark.title,
        subtitle=_subtitle(first, names[0]),
        metrics=names,
        lines=[
            Line(
                rank=ranks.get(model, "-"),
                model=model,
                cells=[_cell(members[model].metric(name)) for name in names],
                n=f"{members[model].coverage.answered:,}",
            )
            for model in ordered
        ]
        + _published(first, names),
        notes=[*_notes([members[model] for model in ordered], names), *_sources(first, names)],
    )


def _published(result: Result, names: list[str]) -> list[Line]:
    """Lay what others published of the same question below, without a rank."""
    found: dict[str, dict[str, str]] = {}
    for score in _shown(result, names):
        model = f"{score['model']} {_GROUP if score['group'] else _TASK}"
        mark = f" {_CORRECTED}" if score.get("corrected") else ""
        found.setdefault(model, {})[score["metric"]] = f"{score['value']:.3f}{mark}"
    return [
        Line("", model, [values.get(name, "") for name in names], "")
        for model, values in found.items()
    ]


def _shown(result: Result, names: list[str]) -> list[dict[str, Any]]:
    """Give what was published of the metrics shown, of the whole task."""
    return [
        each
        for each in result.settings.get("published", [])
        if each["metric"] in names and not each.get("label")
    ]


def _sources(result: Result, names: list[str]) -> list[str]:
    """Say what the marks of published scores mean."""
    shown = _shown(result, names)
    notes = []
    for mark, told in ((_TASK, False), (_GROUP, True)):
        group = next((each["group"] for each in shown if bool(each["group"]) == told), None)
        if any(bool(each["group"]) == told for each in shown):
            what = f"published mean over the tasks {group}" if told else "published"
            notes.append(f"{mark} {what}, as it stands there: settings and splits differ")
    notes += [
        f"{_CORRECTED} {each['model']}: {each['corrected']}"
        for each in shown
        if each.get("corrected")
    ]
    return notes


def _subtitle(result: Result, headline: str) -> str:
    row = result.metric(headline)
    asked = f"{result.coverage.asked:,} items"
    single = headline.removeprefix("mean_")
    groups = sum(each.name == single and each.group is not None for each in result.metrics)
    if groups and single != headline:
        asked += f" in {groups} groups"
    return f"{asked}; {row.method}"


def _cell(row: MetricRow) -> str:
    if row.value is None:
        return "undefined"
    value = f"{row.value:.3f}"
    return f"{value} [{row.interval[0]:.3f}, {row.interval[1]:.3f}]" if row.interval else value


def _notes(members: list[Result], names: list[str]) -> list[str]:
    notes = []
    ceiling = members[0].settings.get("ceiling")
    if ceiling:
        best = ", ".join(f"{name} {value:.3f}" for name, value in ceiling.items())
        why = members[0].settings.get("ceiling_reason", "the noise is known")
        notes.append(f"best possible: {best} ({why})")
    notes.extend(members[0].settings.get("notes", []))
    told: dict[str, list[str]] = {}
    for result in members:
        for note in [*result.model.notes, *result.settings.get("fit", {}).get("notes", [])]:
            told.setdefault(note, []).append(result.model.id)
    notes.extend(f"{', '.join(models)}: {note}" for note, models in told.items())
    notes.extend(_known(members))
    trained: dict[str, list[str]] = {}
    for result in members:
        if note := training_note(result):
            trained.setdefault(note, []).append(result.model.id)
    notes.extend(f"{', '.join(models)}: {note}" for note, models in trained.items())
    for result in members:
        for name in names:
            reason = result.metric(name).reason_if_null
            if reason:
                notes.append(f"{result.model.id}: {name} is undefined: {reason}")
        notes.extend(
            f"{result.model.id}: {each.items:,} of {result.coverage.asked:,} items without an "
            f"answer: {each.reason}"
            for each in result.coverage.failed
        )
    return notes


def _known(members: list[Result]) -> list[str]:
    """Tell what is left of a score without what stands among the training sequences."""
    duplicates = members[0].settings.get("duplicates")
    if not duplicates or not duplicates["near"]:
        return []
    without = [
        f"{result.model.id} {_cell(row)}"
        for result in members
        for row in result.metrics
        if row.group == WITHOUT_DUPLICATES and row.name == headlines(result)[0]
    ]
    count, exact = duplicates["near"], duplicates["exact"]
    told = f"{count:,} test sequences have a near copy among the training ones ({exact:,} an exact"
    told += " one)"
    return [
        f"{told}; {headlines(members[0])[0]} without them: {', '.join(without)}"
        if without
        else told
    ]
