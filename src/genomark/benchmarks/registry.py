"""Benchmarks and suites by name, through the entry-point group ``genomark.benchmarks``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
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
from genomark.errors import UnknownNameError, UsageError

GROUP = "genomark.benchmarks"

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


def benchmark_entry_points() -> dict[str, EntryPoint]:
    """All benchmarks known by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


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
        If a plug-in's benchmark cannot be loaded.
    """
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
    points = benchmark_entry_points()
    if name not in points:
        short = [*points, *(f"suite:{suite}" for suite in SUITES)]
        # A task on genes may be meant, but a list of them all would hide everything else.
        known = [
            *(*short, *gene_benchmark_ids(), *declared_ids()),
            *(*design_ids(), *matching_ids()),
        ]
        near = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        raise UnknownNameError("benchmark", name, near or short)
    try:
        made: Benchmark = points[name].load()()
    # A plug-in may fail in any way; that must not take down what does not use it.
    except Exception as error:
        raise UsageError(
            f"Benchmark '{name}' ({points[name].value}) cannot be loaded: {error}"
        ) from error
    return made


def expand(names: Sequence[str]) -> list[str]:
    """Replace suites and folders of tasks by their benchmarks; each once, in order.

    Parameters
    ----------
    names : sequence of str
        None at all means the suite `quickstart`. Settings after a suite (``suite:NAME:fits=1``) are
        those of each of its tasks on sequences.
    """
    expanded: list[str] = []
    for name in names or [f"suite:{DEFAULT_SUITE}"]:
        kind, _, rest = name.partition(":")
        if kind == "suite":
            suite, _, text = rest.partition(":")
            if suite not in SUITES:
                raise UnknownNameError("suite", suite, SUITES)
            settings = settings_of(name, text)
            expanded.extend(
                with_settings(each, settings) if settings else each for each in SUITES[suite]
            )
        elif name.startswith(FOLDER):
            expanded.extend(folder_benchmarks(name))
        elif is_sequence_benchmark(name):
            expanded.extend(sequence_benchmarks(name))
        else:
            expanded.append(name)
    return list(dict.fromkeys(expanded))
