"""Whether two answers are the same, and that a Predictor can be asked that at all."""

from __future__ import annotations

from genomark.conformance.answers import (
    largest_difference,
    share,
    tolerance,
    values_of,
)
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe
from genomark.conformance.rule import Stop, not_applicable


async def noise(probe: Probe) -> tuple[Reply, str | None]:
    """Put the plain request again; give the answer, and how it differs from the first, if so.

    Raises
    ------
    Stop
        If there is no plain answer to compare with.
    """
    probe.base_values()
    if probe.repeated is None:
        probe.repeated = await probe.answered(again=True)
    return probe.repeated, difference(probe, probe.base(), probe.repeated)


async def unlike(probe: Probe, first: Reply, second: Reply) -> str | None:
    """Say how two answers differ by more than they may, if they do.

    Raises
    ------
    Stop
        If the same request is answered differently each time: no comparison tells anything then.
    """
    _, noisy = await noise(probe)
    if noisy:
        raise Stop(not_applicable("the same request is answered differently each time"))
    return difference(probe, first, second)


def difference(probe: Probe, first: Reply, second: Reply) -> str | None:
    """Say how two answers differ by more than they may, if they do."""
    values = probe.base_values()
    name, by = largest_difference(values_of(first), values_of(second))
    return f"'{name}' by {share(by, values)}" if by > tolerance(values) else None
