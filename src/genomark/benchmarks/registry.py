"""Benchmarks and suites by name.

Beside what genomark ships, packages add them through the entry-point groups
``genomark.benchmarks`` (a class or function that makes a `Benchmark`) and ``genomark.suites`` (a
tuple of names).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.genes.options import DEFAULT_OPTIONS, GeneOptions
from genomark.benchmarks.genes.suite import (
    FOLDER,
    PREFIX,
    folder_benchmarks,
    gene_benchmark,
    gene_benchmark_ids,
)
from genomark.benchmarks.matching.suite import (
    is_matching_benchmark,
    matching_benchmark,
    matching_ids,
)
from genomark.benchmarks.points import POINTS, PointBenchmark
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.benchmarks.rna.design_suite import SUITE as DESIGN_SUITE
from genomark.benchmarks.rna.design_suite import design_benchmark, design_ids, suite_ids
from genomark.benchmarks.sequences.declared import declared_ids
from genomark.benchmarks.sequences.registry import (
    is_sequence_benchmark,
    sequence_benchmark,
    sequence_benchmarks,
    with_settings,
)
from genomark.benchmarks.sequences.settings import settings_of
from genomark.benchmarks.sequences.suites import sequence_suites
from genomark.datasets import catalogue
from genomark.errors import UnknownNameError, UsageError, one_line
from genomark.plug_ins import PlugIn, by_name, contained, plug_ins, tell_hidden
from genomark.scoring import ScoringRule, metric

GROUP = "genomark.benchmarks"
SUITE_GROUP = "genomark.suites"
#: Begins the name of a suite where a benchmark may stand.
SUITE = "suite:"

#: Those that genomark ships.
SUITES: dict[str, tuple[str, ...]] = {
    "quickstart": ("kircher2019", "lentimpra-k562", "simulated-enhancers"),
    "game": (
        "kircher2019",
        "martyn2025",
        "martyn2025-2mb",
        "agarwal2025",
        "gosai2024",
        "fulco2019",
        "fulco2019-tss",
        "biccn-enhancers",
        "test-track",
        "orca-chr8",
        "orca-chr9",
        "orca-chr10",
        "consistency-point",
        "consistency-mouse",
        "consistency-track",
        "consistency-profile",
    ),
    "genes": tuple(gene_benchmark_ids()),
    **{name: tuple(ids) for name, ids in sequence_suites().items()},
    DESIGN_SUITE: tuple(suite_ids()),
}
DEFAULT_SUITE = "quickstart"


def benchmark_plug_ins() -> list[PlugIn]:
    """Find all benchmarks that genomark and other packages offer, whatever is wrong with them.

    By name; of one name genomark's own comes first, and is what the name stands for.
    """
    return plug_ins(GROUP, _is_shipped)


def benchmark_entry_points() -> dict[str, PlugIn]:
    """All benchmarks known by name through entry points."""
    return by_name(benchmark_plug_ins())


def benchmark_package(name: str) -> PlugIn | None:
    """Tell which package a benchmark is a plug-in of; None for what genomark knows itself."""
    found = benchmark_entry_points().get(name)
    return None if found is None or found.is_own else found


def suite_plug_ins() -> list[PlugIn]:
    """Find all suites that other packages offer, whatever is wrong with them."""
    return plug_ins(SUITE_GROUP, SUITES.__contains__)


def suite_members(name: str) -> tuple[str, ...]:
    """Name the benchmarks of a suite, as ``-b`` takes them.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    UsageError
        If a package's suite cannot be used.
    """
    offered = suite_plug_ins()
    tell_hidden(offered, name)
    if name in SUITES:
        return SUITES[name]
    others = by_name(offered)
    if name not in others:
        raise UnknownNameError("suite", name, [*SUITES, *others])
    # A plug-in may fail in any way; that must not take down what does not use it.
    with contained(UsageError, f"Suite '{name}' ({others[name].place}) cannot be loaded: "):
        return _members(others[name].load())


def load_benchmark(name: str, options: GeneOptions = DEFAULT_OPTIONS) -> Benchmark:
    """Make the benchmark of a name.

    Parameters
    ----------
    name : str
        As `list benchmarks` shows it, ``tasks:FOLDER#TASK``, ``sequences:FOLDER#TASK`` or
        ``points:FILE``; of tasks on sequences perhaps with ``:fits=N``, of matching terms with
        ``:part=held|seen|all``.
    options : GeneOptions
        For tasks on genes.

    Raises
    ------
    UnknownNameError
        If there is none.
    UsageError
        If a package's benchmark cannot be loaded, or is none.
    """
    offered = benchmark_plug_ins()
    tell_hidden(offered, name)
    if name.startswith((PREFIX, FOLDER)):
        return gene_benchmark(name, options)
    if name.startswith(POINTS):
        return PointBenchmark(Path(name.removeprefix(POINTS)))
    if name in design_ids():
        return design_benchmark(name)
    if is_matching_benchmark(name):
        return matching_benchmark(name)
    if is_sequence_benchmark(name):
        return sequence_benchmark(name)
    points = by_name(offered)
    if name not in points:
        suites = (f"{SUITE}{suite}" for suite in (*SUITES, *by_name(suite_plug_ins())))
        short = [*points, *suites]
        # A task on genes may be meant, but a list of them all would hide everything else.
        near = get_close_matches(name.casefold(), [*short, *_shipped_ids()], n=1, cutoff=0.5)
        raise UnknownNameError("benchmark", name, near or short)
    plug_in = points[name]
    before = f"Benchmark '{name}' ({plug_in.place}) cannot be loaded: "
    # A plug-in may fail in any way; that must not take down what does not use it.
    with plug_in.quiet(), contained(UsageError, before):
        made = plug_in.load()()
        return made if plug_in.is_own else _checked(made, name)


@cache
def _shipped_ids() -> frozenset[str]:
    """Names that are looked for before those of entry points."""
    return frozenset((*gene_benchmark_ids(), *declared_ids(), *design_ids(), *matching_ids()))


def _is_shipped(name: str) -> bool:
    return name in _shipped_ids() or name.startswith(PREFIX) or f"{name}:" == SUITE


def _checked(made: object, name: str) -> Benchmark:
    """Refuse what is no benchmark, or does not say what every benchmark says."""
    if not isinstance(made, Benchmark):
        raise TypeError(f"expected a Benchmark, got an object of type {type(made).__name__}")
    for attribute in ("id", "version", "title", "citation", "capability"):
        said = getattr(made, attribute, None)
        if not isinstance(said, str) or not said or said != one_line(said):
            raise TypeError(f"its '{attribute}' must be a line of text, not {said!r}")
    if made.id != name:
        raise ValueError(f"its id is '{made.id}': results could not be asked for by that name")
    known = catalogue()
    for each in made.datasets:
        if each not in known:
            raise ValueError(f"its dataset '{each}' is not in genomark's catalogue")
    if isinstance(made, PredictorBenchmark):
        # A cached property is not known to be abstract.
        if type(made).items is PredictorBenchmark.items:
            raise TypeError("it has no `items`")
        _check_rule(inspect.getattr_static(made, "rule", None))
    return made


def _check_rule(rule: object) -> None:
    if rule is None:
        raise TypeError("it has no `rule`")
    # A property may read the data, which need not be at hand.
    if isinstance(rule, ScoringRule):
        if not rule.metrics:
            raise TypeError("its `rule` has no metric")
        for name in rule.metrics:
            try:
                metric(name)
            except UnknownNameError as error:
                raise ValueError(f"of its `rule`: {error}") from error


def _members(said: object) -> tuple[str, ...]:
    if isinstance(said, str) or not isinstance(said, Sequence) or not said:
        raise TypeError("expected a tuple of names of benchmarks")
    for name in said:
        if not isinstance(name, str) or not name or name.startswith(SUITE):
            raise TypeError(f"expected names of benchmarks, not {name!r}")
    return tuple(said)


def expand(names: Sequence[str]) -> list[str]:
    """Replace suites and folders of tasks by their benchmarks; each once, in order.

    Parameters
    ----------
    names : sequence of str
        None at all means the suite `quickstart`. Settings after a suite (``suite:NAME:fits=1``) are
        those of each of its tasks on sequences.
    """
    expanded: list[str] = []
    for name in names or [f"{SUITE}{DEFAULT_SUITE}"]:
        kind, _, rest = name.partition(":")
        if kind != "suite":
            expanded.extend(_tasks(name))
            continue
        suite, _, text = rest.partition(":")
        members = suite_members(suite)
        settings = settings_of(name, text)
        for each in members:
            expanded.extend(_tasks(with_settings(each, settings) if settings else each))
    return list(dict.fromkeys(expanded))


def _tasks(name: str) -> list[str]:
    """Name the tasks of a folder; any other benchmark stands for itself."""
    if name.startswith(FOLDER):
        return folder_benchmarks(name)
    return sequence_benchmarks(name) if is_sequence_benchmark(name) else [name]
