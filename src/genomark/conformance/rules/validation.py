"""Section 2.4: what a Predictor refuses, and with which status."""

from __future__ import annotations

from typing import Any

from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe
from genomark.conformance.rule import (
    Check,
    Outcome,
    RuleBook,
    failed,
    not_applicable,
    passed,
)
from genomark.protocol import JSON, MSGPACK

rules = RuleBook()


def _refused_with(status: int, *changes: dict[str, Any]) -> Check:
    """Make a check that each change of the plain request is refused with a status."""

    async def check(probe: Probe) -> Outcome:
        probe.base()
        for change in changes:
            # A change of the task is made to the task that this Predictor answers.
            task = {**probe.task, **change.get("task", {})}
            top = {"tasks": [task], **{key: each for key, each in change.items() if key != "task"}}
            outcome = _has_status(await probe.predict(**{**_one_sequence(probe), **top}), status)
            if outcome.status == "fail":
                return outcome
        return outcome

    return check


def _one_sequence(probe: Probe) -> dict[str, Any]:
    return {"sequences": dict([next(iter(probe.sequences.items()))])}


def _has_status(reply: Reply, status: int) -> Outcome:
    if reply.status != status:
        return failed(f"expected status {status}, got {reply.status}", reply)
    return passed(reply)


@rules.must("2.4", "undecodable", "a body that is no JSON is refused with 400")
async def _undecodable(probe: Probe) -> Outcome:
    body = b'{"readout": '
    return _has_status(await probe.send("POST", "/predict", body, content_type=JSON), 400)


@rules.must("2.4", "undecodable-msgpack", "a body that is no MsgPack is refused with 400")
async def _undecodable_msgpack(probe: Probe) -> Outcome:
    if MSGPACK not in await probe.formats("request"):
        return not_applicable("/formats does not list application/msgpack for requests")
    # A map of three that ends after its first key.
    body = b"\x83\xa7readout"
    return _has_status(await probe.send("POST", "/predict", body, content_type=MSGPACK), 400)


@rules.must("2.4", "missing-keys", "missing top-level keys are refused with 400")
async def _missing_keys(probe: Probe) -> Outcome:
    reply = await probe.send("POST", "/predict", b"{}", content_type=JSON)
    return _has_status(reply, 400)


@rules.must("2.4", "missing-task-keys", "missing keys of a task are refused with 400")
async def _missing_task_keys(probe: Probe) -> Outcome:
    probe.base()
    tasks = [{key: each for key, each in probe.task.items() if key != "cell_type"}]
    return _has_status(await probe.predict(tasks=tasks, **_one_sequence(probe)), 400)


rules.must("2.4", "readout", "an unknown readout is refused with 400")(
    _refused_with(400, {"readout": "no_such_readout"})
)
rules.must("2.4", "type", "an unknown type is refused with 400")(
    _refused_with(400, {"task": {"type": "no_such_type"}})
)
rules.must("2.4", "scale", "an unknown scale is refused with 400")(
    _refused_with(400, {"task": {"scale": "sqrt"}})
)
rules.must("2.4", "strings", "values of a task that are no strings are refused with 400")(
    _refused_with(
        400,
        {"task": {"name": ["a list"]}},
        {"task": {"cell_type": 1}},
        {"task": {"species": ["a list"]}},
    )
)
rules.should("2.4", "null", "null is refused with 400, as a scale and as a flank")(
    _refused_with(400, {"task": {"scale": None}}, {"upstream_seq": None})
)
rules.should("2.4", "containers", "wrong containers are refused with 400, not 500")(
    _refused_with(
        400,
        {"tasks": {"name": "an object"}},
        {"sequences": ["ACGT"]},
        {"sequences": {"s1": 5}},
    )
)
rules.must("2.4", "empty-sequence", "an empty sequence is refused with 422")(
    _refused_with(422, {"sequences": {"s1": ""}})
)
rules.must("2.4", "letters", "letters other than A, C, G, T and N are refused with 422")(
    _refused_with(422, {"sequences": {"s1": "ACGTX-ACGT"}})
)


@rules.should("2.4", "all-faults", "all faults are told at once, one message each")
async def _all_faults(probe: Probe) -> Outcome:
    probe.base()
    task = {**probe.task, "type": "no_such_type", "scale": "sqrt"}
    reply = await probe.predict(tasks=[task], **_one_sequence(probe))
    errors = reply.object.get("error")
    if reply.status < 400 or not isinstance(errors, list):
        return not_applicable("the faults are not refused, or not with an array of errors", reply)
    if len(errors) < 2:
        return failed(f"2 faults were sent, {len(errors)} told", reply)
    return passed(reply)
