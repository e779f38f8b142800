"""What no protocol says and every score needs: the sequence decides, and nothing else."""

from __future__ import annotations

import numpy as np

from genomark.conformance.answers import (
    Values,
    extent,
    largest_difference,
    predictions_of,
    share,
    tolerance,
    values_of,
)
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, random_sequences, refusal
from genomark.conformance.rule import (
    Outcome,
    RuleBook,
    Stop,
    failed,
    not_applicable,
    passed,
)
from genomark.conformance.rules.requests import lower_case
from genomark.conformance.same import noise, unlike

rules = RuleBook()

_CONSTANT = 1e-6


@rules.must("sanity", "deterministic", "the same request gives the same predictions")
async def _deterministic(probe: Probe) -> Outcome:
    reply, fault = await noise(probe)
    return failed(f"differs: {fault}", reply) if fault else passed(reply)


@rules.must("sanity", "ids", "predictions do not depend on the ids of sequences")
async def _ids(probe: Probe) -> Outcome:
    names = {name: f"zz_{9 - index}_REF>ALT_Reversed" for index, name in enumerate(probe.sequences)}
    reply = await _asked(probe, {names[name]: each for name, each in probe.sequences.items()})
    back = {new: old for old, new in names.items()}
    found = {back[name]: each for name, each in values_of(reply).items() if name in back}
    return await _same(probe, found, reply)


@rules.must("sanity", "order", "predictions do not depend on the order of sequences")
async def _order(probe: Probe) -> Outcome:
    reply = await _asked(probe, dict(reversed(probe.sequences.items())))
    return await _same(probe, values_of(reply), reply)


@rules.must("sanity", "batch", "predictions do not depend on which others are in the request")
async def _batch(probe: Probe) -> Outcome:
    name, sequence = next(iter(probe.sequences.items()))
    # In its place, so that a dependence on order alone is not taken for one on the others.
    others = random_sequences(len(probe.sequences) - 1, probe.options.length, seed=2)
    for more in ({}, {f"other_{each}": other for each, other in others.items()}):
        reply = await _asked(probe, {name: sequence, **more})
        found = {key: each for key, each in values_of(reply).items() if key == name}
        outcome = await _same(probe, found, reply)
        if outcome.status == "fail":
            return outcome
    return outcome


@rules.must("sanity", "finite", "all predictions are finite numbers")
async def _finite(probe: Probe) -> Outcome:
    shown = probe.base()
    for reply in probe.bases.values():
        for name, values in values_of(reply).items():
            if wrong := int((~np.isfinite(values)).sum()):
                return failed(f"{wrong} of {values.size} values of '{name}' are NaN or Inf", reply)
    return passed(shown)


@rules.must("sanity", "not-constant", "different sequences have different predictions")
async def _not_constant(probe: Probe) -> Outcome:
    if _is_constant(probe.base_values()):
        return failed("all sequences have the same prediction", probe.base())
    return passed(probe.base())


@rules.must("sanity", "sensitive", "other bases in the middle change the predictions")
async def _sensitive(probe: Probe) -> Outcome:
    base = probe.base_values()
    if _is_constant(base):
        return not_applicable("all sequences have the same prediction")
    length = probe.options.length
    fresh = random_sequences(len(probe.sequences), length, seed=3).values()
    middle = slice(2 * length // 5, 3 * length // 5)
    reply = await _asked(
        probe,
        {
            name: f"{old[: middle.start]}{new[middle]}{old[middle.stop :]}"
            for (name, old), new in zip(probe.sequences.items(), fresh, strict=True)
        },
    )
    _, by = largest_difference(base, values_of(reply))
    if by <= _CONSTANT * extent(base)[1]:
        return failed("a fifth of each sequence was drawn anew, and nothing changed", reply)
    return passed(reply, f"largest change {share(by, base)}")


@rules.must("sanity", "case", "lower case is read as upper case")
async def _case(probe: Probe) -> Outcome:
    probe.base_values()
    reply = await lower_case(probe)
    if refusal(reply):
        return not_applicable("it refuses lower case", reply)
    return await _same(probe, values_of(reply), reply)


@rules.must("sanity", "n", "a sequence with N in it is answered with finite numbers")
async def _n(probe: Probe) -> Outcome:
    return await _with_n(probe, whole=False)


@rules.should("sanity", "all-n", "a sequence of N alone is answered with finite numbers")
async def _all_n(probe: Probe) -> Outcome:
    if (await _with_n(probe, whole=False)).status == "fail":
        return not_applicable("a sequence with some N is not answered")
    return await _with_n(probe, whole=True)


async def _with_n(probe: Probe, *, whole: bool) -> Outcome:
    values = probe.base_values()
    name, sequence = next(iter(probe.sequences.items()))
    length = len(sequence)
    first, last = (0, length) if whole else (length // 4, length // 2)
    try:
        reply = await _asked(
            probe, {name: sequence[:first] + "N" * (last - first) + sequence[last:]}
        )
    except Stop as stop:
        return stop.outcome
    found = values_of(reply)
    if name not in found:
        given = predictions_of(reply).get(name, "not there")
        return failed(f"its prediction is {given!r:.60}", reply)
    # What is not finite even without N is told of by a rule of its own.
    if np.isfinite(values.get(name, np.zeros(1))).all() and not np.isfinite(found[name]).all():
        return failed("its prediction is NaN or Inf", reply)
    return passed(reply)


async def _asked(probe: Probe, sequences: dict[str, str]) -> Reply:
    probe.base_values()
    return await probe.answered(sequences=sequences)


async def _same(probe: Probe, found: Values, reply: Reply) -> Outcome:
    base = probe.base_values()
    if not found.keys() & base.keys():
        return not_applicable("there are no predictions to compare", reply)
    await unlike(probe, reply, reply)
    name, by = largest_difference(base, found)
    if by > tolerance(base):
        return failed(f"differs: '{name}' by {share(by, base)}", reply)
    return passed(reply)


def _is_constant(values: Values) -> bool:
    first = next(iter(values.values()))
    together = {name: each for name, each in values.items() if each.shape == first.shape}
    _, by = largest_difference(together, dict.fromkeys(together, first))
    return by <= _CONSTANT * extent(values)[1]
