"""Section 3.3, and what of 3.1 and 3.2 belongs to it: the shapes of predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from genomark.conformance.answers import numbers, predictions_of, tasks_of, values_of
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, refusal
from genomark.conformance.rule import (
    Outcome,
    RuleBook,
    Stop,
    failed,
    not_applicable,
    passed,
    verdict,
)
from genomark.protocol import covering_bins

rules = RuleBook()


@rules.must("3.3", "every-id", "there is a prediction for every sequence, and for no other")
async def _every_id(probe: Probe) -> Outcome:
    shown = probe.base()
    for reply in probe.bases.values():
        found = predictions_of(reply).keys()
        if missing := sorted(probe.sequences.keys() - found):
            return failed(f"no prediction for {', '.join(missing)}", reply)
        if strange := sorted(map(str, found - probe.sequences.keys())):
            return failed(f"predictions for what was not asked: {', '.join(strange)}", reply)
    return passed(shown)


@rules.must("3.3", "point", "a point is a number, or an array of one number")
async def _point(probe: Probe) -> Outcome:
    return verdict(_wrong(probe.base("point"), _point_fault), probe.base("point"))


@rules.must("3.3", "track", "a track of several bins is a flat array of numbers")
async def _track(probe: Probe) -> Outcome:
    reply = probe.base("track")
    few = probe.options.length <= _bin_size(reply)
    return verdict(_wrong(reply, _point_fault if few else _track_fault), reply)


@rules.should("3.3", "single-bin", "a track of one bin is an array, too")
async def _single_bin(probe: Probe) -> Outcome:
    probe.base("track")
    name, sequence = next(iter(probe.sequences.items()))
    reply = await probe.predict(readout="track", sequences={name: sequence[:1]})
    if refusal(reply):
        return not_applicable("it refuses a sequence of one base", reply)
    if _scalar(reply):
        return failed("the track is a bare number", reply)
    return passed(reply)


@rules.must("3.3", "matrix", "an interaction matrix is square, and of numbers")
async def _matrix(probe: Probe) -> Outcome:
    reply = probe.base("interaction_matrix")
    return verdict(_wrong(reply, _matrix_fault), reply)


@rules.must("3.1", "bin-size", "an answer of tracks has a bin_size, a whole number of bp")
async def _bin_size_given(probe: Probe) -> Outcome:
    reply = probe.base("track")
    found = reply.object.get("bin_size")
    if not _is_bin_size(found):
        return failed(f"bin_size is {found!r}; expected a whole number above 0", reply)
    return passed(reply)


@rules.must("3.2", "trim", "trim_upstream, where given, is 0 or more and below bin_size")
async def _trim(probe: Probe) -> Outcome:
    shown = probe.base("track")
    if not _is_bin_size(shown.object.get("bin_size")):
        return not_applicable("it gives no bin_size", shown)
    # Half of a sequence, from a base on that is seldom the first of a bin.
    quarter = probe.options.length // 4
    name, sequence = next(iter(probe.sequences.items()))
    ranged = await probe.predict(
        readout="track",
        sequences={name: sequence},
        prediction_ranges={name: [quarter - 1, 3 * quarter]},
    )
    replies = [shown] if refusal(ranged) else [shown, ranged]
    if not any("trim_upstream" in task for reply in replies for task in tasks_of(reply)):
        return not_applicable("no trim_upstream is given", shown)
    return verdict(((fault, reply) for reply in replies if (fault := _trim_fault(reply))), shown)


@rules.must("3.3", "covers", "the bins of a track cover all of its sequence")
async def _covers(probe: Probe) -> Outcome:
    reply = _well_trimmed(probe)
    for name, track in tracks_of(reply).items():
        if (bases := track.bins * track.bin_size - track.trim) < probe.options.length:
            return failed(
                f"{track.bins} bins of {track.bin_size} bp less {track.trim} bp are {bases} of "
                f"the {probe.options.length} bp of '{name}'",
                reply,
            )
    return passed(reply)


@rules.should("3.3", "exact", "a track has no bin beyond its sequence")
async def _exact(probe: Probe) -> Outcome:
    reply = _well_trimmed(probe)
    for name, track in tracks_of(reply).items():
        expected = track.expected_bins(probe.options.length)
        if track.bins > expected:
            return failed(
                f"{track.bins} bins of {track.bin_size} bp for the {probe.options.length} bp of "
                f"'{name}'; expected {expected}",
                reply,
            )
        if track.bins < expected:
            return not_applicable("its tracks are too short", reply)
    return passed(reply)


@dataclass(frozen=True)
class Track:
    """The shape of one track: bins, bp of each, and bp before the first base."""

    bins: int
    bin_size: int
    trim: int

    def expected_bins(self, length: int) -> int:
        """Count the bins that cover so many bases."""
        span = covering_bins(self.trim, length, self.bin_size)
        return span.last - span.first


def tracks_of(reply: Reply) -> dict[str, Track]:
    """Give the shapes of the tracks of the first task, by id."""
    tasks = tasks_of(reply)
    # Where it cannot be read, a rule of its own tells of it.
    trims = {} if not tasks or _trim_fault(reply) else tasks[0].get("trim_upstream", {})
    return {
        name: Track(values.size, _bin_size(reply), trims.get(name, 0))
        for name, values in values_of(reply).items()
    }


def sound_tracks(probe: Probe) -> Reply:
    """Give the plain answer of tracks, if its tracks are as long as they have to be.

    Raises
    ------
    Stop
        If there is none: the rule does not apply.
    """
    reply = _well_trimmed(probe)
    if not (shapes := tracks_of(reply)):
        raise Stop(not_applicable("it gives no tracks that can be read", reply))
    if any(each.bins != each.expected_bins(probe.options.length) for each in shapes.values()):
        raise Stop(not_applicable("its tracks are of another length than their sequences", reply))
    return reply


def _well_trimmed(probe: Probe) -> Reply:
    reply = probe.base("track")
    if not _is_bin_size(reply.object.get("bin_size")):
        raise Stop(not_applicable("it gives no bin_size", reply))
    if _trim_fault(reply):
        raise Stop(not_applicable("its trim_upstream cannot be read", reply))
    if _scalar(reply):
        raise Stop(not_applicable("its tracks are no arrays", reply))
    return reply


def _scalar(reply: Reply) -> bool:
    return any(
        not isinstance(value, list) and getattr(value, "ndim", 0) == 0
        for value in predictions_of(reply).values()
    )


def _bin_size(reply: Reply) -> int:
    # Where it is not given, Evaluators take it for 1.
    found = reply.object.get("bin_size")
    return found if _is_bin_size(found) else 1


def _is_bin_size(value: Any) -> TypeGuard[int]:
    return type(value) is int and value > 0


def _trim_fault(reply: Reply) -> str | None:
    for task in tasks_of(reply):
        given = task.get("trim_upstream", {})
        if not isinstance(given, dict):
            return f"trim_upstream is {given!r}; expected an object of ids and whole numbers"
        for name, trim in given.items():
            if type(trim) is not int or not 0 <= trim < _bin_size(reply):
                return f"trim_upstream of '{name}' is {trim!r}, of bins of {_bin_size(reply)} bp"
    return None


def _wrong(reply: Reply, fault: Any) -> Iterator[tuple[str, Reply]]:
    for name, value in predictions_of(reply).items():
        if text := fault(value):
            yield f"the value of '{name}' is {text}", reply


def _point_fault(value: Any) -> str | None:
    read = numbers(value)
    if read is None:
        return f"no number: {value!r:.60}"
    return None if read.shape in ((), (1,)) else f"of shape {read.shape}; expected one number"


def _track_fault(value: Any) -> str | None:
    read = numbers(value)
    if read is None:
        return f"no array of numbers: {value!r:.60}"
    return None if read.ndim == 1 else f"of {read.ndim} dimensions; expected a flat array"


def _matrix_fault(value: Any) -> str | None:
    read = numbers(value)
    if read is None:
        return f"no matrix of numbers: {value!r:.60}"
    if read.ndim == 2 and read.shape[0] == read.shape[1]:
        return None
    return f"of shape {read.shape}; expected a square matrix"
