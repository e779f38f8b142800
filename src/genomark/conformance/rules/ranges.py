"""Section 2.3: prediction ranges."""

from __future__ import annotations

from typing import Any

from genomark.conformance.answers import predictions_of
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, refusal
from genomark.conformance.rule import (
    Check,
    Outcome,
    RuleBook,
    failed,
    not_applicable,
    passed,
)
from genomark.conformance.rules.tracks import sound_tracks, tracks_of
from genomark.conformance.same import unlike

rules = RuleBook()

_FLANK = "ACGTTGCAAC"


@rules.must("2.3", "empty", "an empty range stands for the whole sequence")
async def _empty(probe: Probe) -> Outcome:
    base = probe.base()
    reply = await probe.answered(prediction_ranges={name: [] for name in probe.sequences})
    if fault := await unlike(probe, reply, base):
        return failed(f"other values than without ranges: {fault}", reply)
    return passed(reply)


@rules.must("2.3", "range", "a range is answered, or refused with 422")
async def _range(probe: Probe) -> Outcome:
    reply = await _ranged(probe, _middle(probe))
    if reply.status not in (200, 422):
        return failed(f"expected status 200 or 422, got {reply.status}", reply)
    if reply.status == 200 and not predictions_of(reply):
        return failed("there are no predictions", reply)
    return passed(reply, "refused with 422" if reply.status == 422 else "")


@rules.should("2.3", "flanked", "a range counts from the start of the upstream flank")
async def _flanked(probe: Probe) -> Outcome:
    if refusal(await _ranged(probe, _middle(probe))):
        return not_applicable("it refuses ranges")
    # The last base of the downstream flank, past the end of the sequence itself.
    last = probe.options.length + 2 * len(_FLANK) - 1
    flanks = {"upstream_seq": _FLANK, "downstream_seq": _FLANK}
    if refusal(await _ranged(probe, [0, len(_FLANK)], **flanks)):
        return not_applicable("it refuses ranges of flanked sequences")
    reply = await _ranged(probe, [len(_FLANK), last], **flanks)
    if fault := refusal(reply):
        return failed(fault, reply)
    return passed(reply)


@rules.should("2.3", "inclusive", "both ends of a range are part of it")
async def _inclusive(probe: Probe) -> Outcome:
    bin_size = next(iter(tracks_of(sound_tracks(probe)).values())).bin_size
    # A bin's first base as the end: taken for exclusive, it would leave out a whole bin.
    start = probe.options.length // 2 // bin_size * bin_size
    if start + bin_size >= probe.options.length:
        return not_applicable("its bins are too long for these sequences: see --length")
    for end in (start, start + bin_size):
        reply = await _ranged(probe, [start, end], readout="track")
        if refusal(reply):
            return not_applicable("it refuses ranges", reply)
        bases = end - start + 1
        for track in tracks_of(reply).values():
            if track.bins != track.expected_bins(bases):
                return failed(
                    f"range {[start, end]} gave {track.bins} bins of {track.bin_size} bp; expected "
                    f"{track.expected_bins(bases)} for its {bases} bases",
                    reply,
                )
    return passed(reply)


def _refused(status: tuple[int, ...], *ranges: Any) -> Check:
    """Make a check that some ranges of the first sequence are refused."""

    async def check(probe: Probe) -> Outcome:
        for limits in ranges:
            reply = await _ranged(probe, limits)
            if reply.status not in status:
                expected = " or ".join(map(str, status))
                return failed(f"expected status {expected}, got {reply.status}", reply)
        return passed(reply)

    return check


rules.must("2.3", "negative", "a negative index is refused with 400")(_refused((400,), [-1, 3]))
rules.must("2.3", "backwards", "a start beyond the end is refused with 400")(
    _refused((400,), [5, 3])
)
rules.must("2.3", "fraction", "an index that is no whole number is refused with 400")(
    _refused((400,), [0.5, 3.5])
)
rules.must("2.3", "three", "a range of three numbers is refused with 400")(
    _refused((400,), [0, 1, 2])
)
rules.should("2.3", "not-a-range", "one number, or text, is refused with 400, not 500")(
    _refused((400,), [1], "0-3", ["0", "3"])
)


@rules.must("2.3", "bounds", "an end beyond the sequence is refused with 400 or 422")
async def _bounds(probe: Probe) -> Outcome:
    return await _refused((400, 422), [0, probe.options.length])(probe)


@rules.must("2.3", "ids", "ranges of other ids than the sequences are refused with 400")
async def _ids(probe: Probe) -> Outcome:
    probe.base()
    reply = await probe.predict(prediction_ranges={"no_such_id": [0, 1]})
    return (
        passed(reply)
        if reply.status == 400
        else (failed(f"expected status 400, got {reply.status}", reply))
    )


@rules.should("2.3", "null", "null in place of ranges is refused with 400, not 500")
async def _null(probe: Probe) -> Outcome:
    probe.base()
    reply = await probe.predict(prediction_ranges=None)
    return (
        passed(reply)
        if reply.status == 400
        else (failed(f"expected status 400, got {reply.status}", reply))
    )


def _middle(probe: Probe) -> list[int]:
    return [probe.options.length // 4, 3 * probe.options.length // 4]


async def _ranged(probe: Probe, limits: Any, **how: Any) -> Reply:
    """Ask for a range of one sequence."""
    probe.base()
    name, sequence = next(iter(probe.sequences.items()))
    return await probe.predict(sequences={name: sequence}, prediction_ranges={name: limits}, **how)
