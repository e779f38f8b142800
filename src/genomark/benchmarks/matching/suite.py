"""The benchmark of matching terms, by name."""

from __future__ import annotations

import msgspec

from genomark.benchmarks.matching.matching_benchmark import ID, MatchingBenchmark, Part
from genomark.benchmarks.sequences.settings import options_of, settings_of


class _Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    part: Part = "held"


def matching_ids() -> list[str]:
    """Ids of the benchmarks of matching terms."""
    return [ID]


def is_matching_benchmark(name: str) -> bool:
    """Whether a name, perhaps with settings, is one of them."""
    return name.partition(":")[0] == ID


def matching_benchmark(name: str) -> MatchingBenchmark:
    """Make the benchmark of a name: ``matcher/terms`` or ``matcher/terms:part=all``.

    Raises
    ------
    UsageError
        If a setting is not known, or has a value that it does not take.
    """
    _, _, text = name.partition(":")
    return MatchingBenchmark(options_of(name, settings_of(name, text), _Options).part)
