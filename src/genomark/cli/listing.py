"""``genomark list``: what there is."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from genomark.plug_ins import PlugIn


class Kind(StrEnum):
    """What can be listed."""

    MODELS = "models"
    BENCHMARKS = "benchmarks"
    SUITES = "suites"
    DATASETS = "datasets"


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    name: Annotated[
        str | None,
        typer.Argument(
            help="Of benchmarks: one on sequences or on RNA, with all that is known of it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List models, benchmarks, suites or datasets, and what each needs.

    \b
    Examples:
      genomark list models
      genomark list datasets --json
      genomark list benchmarks pgb/poly_a.arabidopsis_thaliana
    """
    from rich.markup import escape

    from genomark.cli.terminal import console

    if name is not None:
        _one(kind, name, as_json)
        return
    rows = _LISTS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    out = console()
    for row in rows:
        title, what, *details = row.items()
        out.print(f"[bold]{escape(title[1])}[/]  {escape(_text(what[1]))}", soft_wrap=True)
        text = "; ".join(f"{key}: {_text(value)}" for key, value in details)
        for line in textwrap.wrap(text, out.width - 2, break_long_words=False):
            out.print(f"  {escape(line)}", style="dim", soft_wrap=True)


def _one(kind: Kind, name: str, as_json: bool) -> None:
    from genomark.cli.task_page import page_lines, task_page
    from genomark.cli.terminal import console
    from genomark.errors import UsageError

    if kind is not Kind.BENCHMARKS:
        raise UsageError(f"{name}: only benchmarks are shown one by one")
    page = task_page(name)
    if as_json:
        typer.echo(json.dumps(page, indent=2, ensure_ascii=False))
        return
    out = console()
    out.print(f"{page.pop('name')}  {page.pop('what')}", markup=False, soft_wrap=True)
    for line in page_lines(page):
        start = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(
            line, out.width, subsequent_indent=f"{start}  ", break_long_words=False
        ):
            out.print(part, markup=False, soft_wrap=True)


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _models() -> list[dict[str, Any]]:
    from genomark.models import FORMS, model_plug_ins

    rows = [_offered(each, _model_facts) for each in model_plug_ins()]
    rows.extend({"name": form, "what": what, "from": "genomark"} for form, what in FORMS.items())
    return rows


def _model_facts(plug_in: PlugIn) -> dict[str, Any]:
    factory = plug_in.load()
    settings = inspect.signature(factory).parameters.values()
    return {
        "what": (inspect.getdoc(factory) or "").partition("\n")[0],
        "settings": [_setting(each) for each in settings] or ["none"],
        "data": _data(getattr(factory, "datasets", ())),
    }


def _benchmark_facts(plug_in: PlugIn) -> dict[str, Any]:
    from genomark.benchmarks import load_benchmark

    # A stranger's may be made by a function, and is looked at as a run does.
    benchmark = plug_in.load() if plug_in.is_own else load_benchmark(plug_in.name)
    return {
        "what": benchmark.title,
        "version": benchmark.version,
        "needs": benchmark.capability,
        "data": _data(benchmark.datasets),
        "citation": benchmark.citation,
    }


def _offered(plug_in: PlugIn, facts: Callable[[PlugIn], dict[str, Any]]) -> dict[str, Any]:
    """Tell of what a package offers; what is broken is shown as such and hides nothing else."""
    from genomark.errors import GenomarkError, UsageError, one_line
    from genomark.plug_ins import contained, reason

    told: dict[str, Any]
    if plug_in.fault:
        told = {"what": one_line(f"cannot be used: {plug_in.fault}")}
    else:
        try:
            with plug_in.quiet(), contained(UsageError):
                told = {key: _told(value) for key, value in facts(plug_in).items()}
        except GenomarkError as error:
            told = {"what": one_line(f"cannot be loaded: {reason(error)}")}
    origin = "genomark" if plug_in.is_own else plug_in.origin
    return {"name": plug_in.name, **told, "from": origin}


def _told(value: object) -> str | list[str]:
    from genomark.errors import one_line

    return [one_line(each) for each in value] if isinstance(value, list) else one_line(value)


def _benchmarks() -> list[dict[str, Any]]:
    from genomark.benchmarks import benchmark_plug_ins
    from genomark.benchmarks.genes import gene_benchmark_ids
    from genomark.benchmarks.matching.suite import matching_ids
    from genomark.benchmarks.rna.design_suite import design_ids
    from genomark.benchmarks.sequences.declared import declared_ids

    rows = [_offered(each, _benchmark_facts) for each in benchmark_plug_ins()]
    rows += map(_gene_benchmark, gene_benchmark_ids())
    rows += map(_sequence_benchmark, declared_ids())
    return [*rows, *map(_measured_benchmark, [*design_ids(), *matching_ids()])]


def _sequence_benchmark(name: str) -> dict[str, Any]:
    from genomark.benchmarks import load_benchmark
    from genomark.datasets import catalogue

    benchmark: Any = load_benchmark(name)
    declared = benchmark.task.declared
    return {
        "name": name,
        "what": benchmark.title,
        "version": benchmark.version,
        "needs": benchmark.capability,
        "kind": declared.kind,
        "metrics": list(declared.metrics),
        "data": _data(benchmark.datasets) if declared.dataset in catalogue() else ["by hand"],
        "citation": benchmark.citation,
        "from": "genomark",
    }


def _measured_benchmark(name: str) -> dict[str, Any]:
    from genomark.benchmarks import load_benchmark

    benchmark = load_benchmark(name)
    return {
        "name": name,
        "what": benchmark.title,
        "version": benchmark.version,
        "needs": benchmark.capability,
        "metrics": list(benchmark.headlines),
        "data": _data(benchmark.datasets),
        "citation": benchmark.citation,
        "from": "genomark",
    }


def _gene_benchmark(name: str) -> dict[str, Any]:
    from genomark.benchmarks import load_benchmark

    benchmark: Any = load_benchmark(name)
    return {
        "name": name,
        "what": benchmark.title,
        "version": benchmark.version,
        "needs": benchmark.capability,
        "family": benchmark.family,
        "data": _data(benchmark.datasets) if benchmark.datasets else ["genomark tasks build"],
        "citation": benchmark.citation,
        "from": "genomark",
    }


def _setting(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default}"


def _data(names: tuple[str, ...]) -> list[str]:
    from genomark.datasets import availability, dataset
    from genomark.datasets.progress import human

    sizes = {name: dataset(name).bytes for name in names}
    told = {name: human(size) if size else "size not known" for name, size in sizes.items()}
    return [f"{name} ({told[name]}, {availability(name)})" for name in names] or ["none"]


def _suites() -> list[dict[str, Any]]:
    from genomark.benchmarks import SUITES, suite_plug_ins

    rows = [{"name": f"suite:{name}", **_suite(members)} for name, members in SUITES.items()]
    for plug_in in suite_plug_ins():
        row = _offered(plug_in, _suite_facts)
        rows.append({**row, "name": f"suite:{plug_in.name}"})
    return rows


def _suite(members: Sequence[str]) -> dict[str, Any]:
    return {"what": f"{len(members)} benchmarks", "benchmarks": list(members)}


def _suite_facts(plug_in: PlugIn) -> dict[str, Any]:
    from genomark.benchmarks import suite_members

    return _suite(suite_members(plug_in.name))


def _datasets() -> list[dict[str, Any]]:
    from genomark.datasets import availability, catalogue

    return [
        {
            "name": name,
            "title": dataset.title,
            "files": len(dataset.files),
            "bytes": dataset.bytes,
            "at hand": availability(name),
            "licence": dataset.licence,
            "citation": dataset.citation,
        }
        for name, dataset in sorted(catalogue().items())
    ]


_LISTS = {
    Kind.MODELS: _models,
    Kind.BENCHMARKS: _benchmarks,
    Kind.SUITES: _suites,
    Kind.DATASETS: _datasets,
}
