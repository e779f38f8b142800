"""Which suites a benchmark is in, and what else is known of it here, without its data."""

from __future__ import annotations

from functools import cache

import msgspec

from genomark.benchmarks import (
    SUITES,
    benchmark_entry_points,
    load_benchmark,
)
from genomark.benchmarks.guanine.guanine_task import LAYOUT
from genomark.benchmarks.matching.suite import matching_ids
from genomark.benchmarks.rna.design_suite import design_ids
from genomark.benchmarks.sequences.declared import DeclaredTask, declared_ids, read_shipped
from genomark.datasets import catalogue
from genomark.errors import GenomarkError
from genomark.leaderboard.views import Source

#: Of benchmarks that are in no suite.
OTHER = "other"
_TITLES = {
    "quickstart": "Quick start",
    "genes": "Gene embeddings",
    "beacon": "BEACON: RNA tasks",
    "gb": "Genomic Benchmarks",
    "guanine": "GUANinE",
    "gue": "GUE: genome understanding",
    "pgb": "Plant genomic benchmark",
    "rgb": "RNA genomic benchmark",
    "rna": "RNA structures",
    "rna-design": "RNA design",
    OTHER: "Other benchmarks",
}


class Facts(msgspec.Struct, frozen=True):
    """What is known of a benchmark, beside what its results say; empty where it is unknown."""

    asks: str = ""
    capability: str = ""
    citation: str = ""
    sources: tuple[Source, ...] = ()
    caveats: tuple[str, ...] = ()


def suite_title(name: str) -> str:
    """Give a suite's name in words."""
    return _TITLES.get(name, name)


def suites_of(benchmark: str) -> tuple[str, ...]:
    """Name the suites of a benchmark, whatever is set of it; `OTHER` if there is none."""
    return _membership().get(plain(benchmark), (OTHER,))


def suite_names() -> list[str]:
    """Name all suites, in order."""
    return [*SUITES, OTHER]


def plain(benchmark: str) -> str:
    """Leave out what is set of a benchmark: ``gue/emp.h3:fits=3`` is ``gue/emp.h3``."""
    return benchmark.partition(":")[0]


def family_of(benchmark: str) -> str:
    """Name what tasks that ask alike of like data share: the family of ``gue/emp.h3``, ``gue/emp``.

    They are not independent witnesses.
    """
    return plain(benchmark).partition(".")[0]


def facts_of(benchmark: str) -> Facts:
    """Tell what is known of a benchmark.

    Only names that come with genomark, or with what is installed beside it, are looked up: whatever
    else an id says came from a stranger, and may be the path of a file.
    """
    return _facts(plain(benchmark)) if plain(benchmark) in _known() else Facts()


@cache
def _membership() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, members in SUITES.items():
        for member in members:
            found[member] = (*found.get(member, ()), name)
    return found


@cache
def _known() -> frozenset[str]:
    return frozenset(
        (*benchmark_entry_points(), *declared_ids(), *design_ids(), *matching_ids(), *_membership())
    )


@cache
def _facts(id: str) -> Facts:
    declared = read_shipped(id) if id in declared_ids() else None
    if declared is not None and declared.layout == LAYOUT:
        # To make this benchmark is to look for its data, on a hub if need be.
        return _declared_facts(declared, "sequences", "")
    try:
        benchmark = load_benchmark(id)
    except GenomarkError:
        return Facts()
    if declared is not None:
        return _declared_facts(declared, benchmark.asks, benchmark.capability)
    caveats = getattr(benchmark, "caveats", ())
    return Facts(
        asks=benchmark.asks,
        capability=benchmark.capability,
        citation=benchmark.citation,
        sources=tuple(filter(None, map(_source, benchmark.datasets))),
        caveats=tuple(caveats) if isinstance(caveats, tuple | list) else (),
    )


def _declared_facts(declared: DeclaredTask, asks: str, capability: str) -> Facts:
    known = _source(declared.dataset) if declared.dataset else None
    source = Source(
        name=declared.dataset or declared.id,
        title=declared.source or (known.title if known else declared.title),
        licence=declared.licence or (known.licence if known else ""),
        origin=declared.origin or (known.origin if known else ""),
        size=known.size if known else None,
    )
    return Facts(asks, capability, declared.citation, (source,), declared.caveats)


def _source(name: str) -> Source | None:
    dataset = catalogue().get(name)
    if dataset is None:
        return None
    origin = (dataset.files[0].url or "") if dataset.files else ""
    return Source(dataset.name, dataset.title, dataset.licence, origin, dataset.bytes)
