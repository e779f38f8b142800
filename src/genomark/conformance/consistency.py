"""How far predictions agree between strands, and between neighbouring positions: numbers.

No protocol says that they have to, so there is nothing to pass or fail. A model that averages both
strands agrees with itself wholly; one that was trained on one strand may not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from genomark.conformance.answers import Floats, Values, extent, values_of
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, random_sequences
from genomark.conformance.report import Measurement
from genomark.conformance.rule import Stop, not_applicable
from genomark.conformance.rules.tracks import sound_tracks, tracks_of
from genomark.datasets.genome import reverse_complement
from genomark.protocol import bases_of_bins

#: Of the forward and the other track of one sequence, base by base: what to compare.
_Pairing = Callable[[Floats, Floats], tuple[Floats, Floats]]


async def measurements(probe: Probe) -> list[Measurement]:
    """Measure the agreement of strands, and of windows 1 bp apart.

    Parameters
    ----------
    probe : Probe

    Returns
    -------
    list of Measurement
    """
    shifted_in = next(iter(random_sequences(1, 1, seed=4).values()))
    return [
        await _agreement(
            probe,
            "sanity-reverse-complement",
            "reverse complement",
            reverse_complement,
            lambda forward, other: (forward, other[::-1]),
        ),
        await _agreement(
            probe,
            "sanity-shift",
            "shift by 1 bp",
            lambda sequence: sequence[1:] + shifted_in,
            lambda forward, other: (forward[1:], other[:-1]),
        ),
    ]


async def _agreement(
    probe: Probe, id_: str, title: str, change: Callable[[str], str], pairing: _Pairing
) -> Measurement:
    try:
        base = probe.base_values()
        if probe.readout == "interaction_matrix":
            raise Stop(not_applicable("measured for points and tracks alone"))
        reply = await probe.answered(
            sequences={name: change(each) for name, each in probe.sequences.items()}
        )
        if probe.readout == "track":
            return _of_tracks(probe, reply, id_, title, pairing)
    except Stop as stop:
        return Measurement(id=id_, title=title, detail=stop.outcome.detail)
    return _of_points(base, values_of(reply), id_, title)


def _of_points(base: Values, other: Values, id_: str, title: str) -> Measurement:
    names = [name for name in base if base[name].shape == (1,) and name in other]
    names = [name for name in names if other[name].shape == (1,)]
    here, there = (np.array([each[name][0] for name in names]) for each in (base, other))
    return Measurement(
        id=id_,
        title=title,
        correlation=_correlation(here, there),
        mean_difference=_mean_difference(here, there, base),
        n=len(names),
        detail="Pearson over sequences",
    )


def _of_tracks(probe: Probe, reply: Reply, id_: str, title: str, pairing: _Pairing) -> Measurement:
    base = _by_base(probe, sound_tracks(probe))
    other = _by_base(probe, reply)
    names = [name for name in base if name in other]
    pairs = [pairing(base[name], other[name]) for name in names]
    correlations = [
        each for here, there in pairs if (each := _correlation(here, there)) is not None
    ]
    gaps = [
        gap for here, there in pairs if (gap := _mean_difference(here, there, base)) is not None
    ]
    return Measurement(
        id=id_,
        title=title,
        correlation=float(np.mean(correlations)) if correlations else None,
        mean_difference=float(np.mean(gaps)) if gaps else None,
        n=len(correlations),
        detail="mean over sequences of the Pearson of both tracks, base by base",
    )


def _by_base(probe: Probe, reply: Reply) -> Values:
    shapes, values = tracks_of(reply), values_of(reply)
    read: dict[str, Any] = {}
    for name, shape in shapes.items():
        try:
            read[name] = bases_of_bins(
                values[name], shape.bin_size, probe.options.length, shape.trim
            )
        except ValueError as error:
            raise Stop(not_applicable(str(error))) from error
    return read


def _correlation(here: Floats, there: Floats) -> float | None:
    """Pearson's; None where one side does not vary, or is not finite."""
    if here.size < 2 or not (np.isfinite(here).all() and np.isfinite(there).all()):
        return None
    # Sums of equal numbers may be off in their last bits.
    if min(np.ptp(here), np.ptp(there)) <= 1e-12 * max(np.abs(here).max(), np.abs(there).max()):
        return None
    return float(np.corrcoef(here, there)[0, 1])


def _mean_difference(here: Floats, there: Floats, base: Values) -> float | None:
    """As a share of the range; None where there is no range, or a value is not finite."""
    spread, _ = extent(base)
    if not (spread and here.size and np.isfinite(here).all() and np.isfinite(there).all()):
        return None
    return float(np.mean(np.abs(here - there))) / spread
