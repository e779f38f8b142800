"""The benchmarks of designing RNA, by name."""

from __future__ import annotations

from dataclasses import dataclass

from genomark.benchmarks.rna.design_benchmark import DesignBenchmark
from genomark.benchmarks.rna.eterna100 import CONTRAFOLD, VIENNA2, PuzzleList
from genomark.errors import UnknownNameError

SUITE = "rna-design"


@dataclass(frozen=True)
class _Declared:
    puzzles: PuzzleList
    seconds: float


_DECLARED = {
    "rna/eterna100": _Declared(VIENNA2, 60),
    "rna/eterna100-10min": _Declared(VIENNA2, 600),
    "rna/eterna100-contrafold": _Declared(CONTRAFOLD, 60),
    "rna/eterna100-contrafold-10min": _Declared(CONTRAFOLD, 600),
}


def design_ids() -> list[str]:
    """Ids of all benchmarks of designing RNA."""
    return list(_DECLARED)


def suite_ids() -> list[str]:
    """Ids of those in the suite: a minute a puzzle; ten would take a day of one core."""
    return [name for name, each in _DECLARED.items() if each.seconds <= 60]


def design_benchmark(name: str) -> DesignBenchmark:
    """Make the benchmark of a name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in _DECLARED:
        raise UnknownNameError("benchmark", name, _DECLARED)
    declared = _DECLARED[name]
    return DesignBenchmark(name, declared.puzzles, declared.seconds)
