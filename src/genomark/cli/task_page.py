"""All that is known of one benchmark: ``genomark list benchmarks NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomark.errors import DatasetError

if TYPE_CHECKING:
    from genomark.benchmarks import MatchingBenchmark
    from genomark.benchmarks.rna.design_benchmark import DesignBenchmark


def task_page(name: str) -> dict[str, Any]:
    """Gather declaration, counts, duplicates, caveats and published scores.

    Raises
    ------
    UsageError
        If there is no such task.
    """
    from genomark.benchmarks import MatchingBenchmark, SequenceBenchmark, load_benchmark
    from genomark.benchmarks.rna.design_benchmark import DesignBenchmark
    from genomark.errors import UsageError

    benchmark = load_benchmark(name)
    if isinstance(benchmark, DesignBenchmark):
        return _design_page(name, benchmark)
    if isinstance(benchmark, MatchingBenchmark):
        return _matching_page(name, benchmark)
    if not isinstance(benchmark, SequenceBenchmark):
        raise UsageError(
            f"'{name}' is no task on labelled sequences; `genomark list benchmarks` tells of others"
        )
    declared = benchmark.task.declared
    page: dict[str, Any] = {
        "name": name,
        "what": declared.title,
        "kind": declared.kind,
        "labels": list(declared.labels),
        "metrics": list(declared.metrics),
        "selected by": declared.select_by,
        "source": declared.source,
        "licence": declared.licence,
        "citation": declared.citation,
        "caveats": list(declared.caveats),
    }
    try:
        page["counts"] = benchmark.task.facts()
        page |= {key: benchmark.settings().get(key) for key in ("duplicates", "notes")}
    except DatasetError as error:
        page["counts"] = str(error)
    page["no training data"] = benchmark.task.no_split
    page["published"] = [_published_line(each) for each in benchmark.published]
    return {key: value for key, value in page.items() if value not in (None, [], "")}


def _published_line(score: Mapping[str, Any]) -> str:
    line = f"{score['model']} {score['metric']} {score['value']:.3f}"
    for what, form in (("label", "of {}"), ("group", "mean of {}"), ("corrected", "corrected: {}")):
        if score.get(what):
            line += f" ({form.format(score[what])})"
    return line


def _design_page(name: str, benchmark: DesignBenchmark) -> dict[str, Any]:
    """Gather what is asked of designers, caveats and published scores."""
    page: dict[str, Any] = {
        "name": name,
        "what": benchmark.title,
        "needs": benchmark.capability,
        "metrics": list(benchmark.headlines),
        "seconds": f"{benchmark.seconds:g} of one core a puzzle",
        "citation": benchmark.citation,
        "caveats": list(benchmark.list.caveats),
    }
    try:
        page["counts"] = benchmark.facts()
    except DatasetError as error:
        page["counts"] = str(error)
    page["published"] = [
        f"{each.model}: {each.metric} {each.value:.2f} ({each.source})"
        for each in benchmark.list.published_scores()
    ]
    return {key: value for key, value in page.items() if value}


def _matching_page(name: str, benchmark: MatchingBenchmark) -> dict[str, Any]:
    """Gather what is asked of matchers, and caveats."""
    page: dict[str, Any] = {
        "name": name,
        "what": benchmark.title,
        "needs": benchmark.capability,
        "part": benchmark.part,
        "metrics": list(benchmark.headlines),
        "citation": benchmark.citation,
        "caveats": list(benchmark.caveats),
    }
    try:
        page["counts"] = benchmark.facts()
    except DatasetError as error:
        page["counts"] = str(error)
    return page


def page_lines(page: dict[str, Any], indent: str = "  ") -> list[str]:
    """Lay a page out: a line a fact."""
    lines = []
    for key, value in page.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", *page_lines(value, indent + "  ")]
        elif isinstance(value, list) and len(value) > 1 and any(len(str(v)) > 40 for v in value):
            lines += [f"{indent}{key}", *(f"{indent}  {each}" for each in value)]
        elif isinstance(value, list):
            lines.append(f"{indent}{key}: {', '.join(map(_shown, value))}")
        else:
            lines.append(f"{indent}{key}: {_shown(value)}")
    return lines


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
