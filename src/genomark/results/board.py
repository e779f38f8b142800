"""What a reader sees of results: one section a benchmark, ranked, with its notes.

The terminal and the notebook draw the same sections.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from genomark.results.collection import Results, headlines
from genomark.scoring import MetricRow, Result


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
        ],
        notes=_notes([members[model] for model in ordered], names),
    )


def _subtitle(result: Result, headline: str) -> str:
    row = result.metric(headline)
    asked = f"{result.coverage.asked:,} items"
    groups = len({each.group for each in result.metrics if each.group is not None})
    if groups:
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
        notes.append(f"best possible: {best} (the noise is known)")
    notes.extend(members[0].settings.get("notes", []))
    told: dict[str, list[str]] = {}
    for result in members:
        for note in [*result.model.notes, *result.settings.get("fit", {}).get("notes", [])]:
            told.setdefault(note, []).append(result.model.id)
    notes.extend(f"{', '.join(models)}: {note}" for note, models in told.items())
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
