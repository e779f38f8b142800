"""Which designs are best where several objectives are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Protocol, TypeVar

from genomark.extras import import_extra


class Judged(Protocol):
    """What has losses: numbers that are made small, the same for all."""

    @property
    def losses(self) -> tuple[float, ...]:
        """In the order of the objectives."""
        ...


Design = TypeVar("Design", bound=Judged)


def pareto_ranks(designs: Sequence[Judged]) -> list[int]:
    """Sort designs into fronts: 0 for those than which no other is better in all respects.

    Raises
    ------
    UsageError
        If moocore is not installed.
    """
    if not designs or len(designs[0].losses) < 2:
        return [0] * len(designs)
    ranks = non_dominated_sort().pareto_rank([each.losses for each in designs])
    return [int(rank) for rank in ranks]


def non_dominated_sort() -> ModuleType:
    """Load the module ``moocore``.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    return import_extra("a search for several objectives", "moocore", "rna")


def first_front(designs: Sequence[Design]) -> list[Design]:
    """Keep the designs than which no other is better in all respects."""
    ranks = pareto_ranks(designs)
    return [each for each, rank in zip(designs, ranks, strict=True) if rank == 0]
