"""Section 4: the shape of errors, seen on requests that any Predictor refuses."""

from __future__ import annotations

from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe
from genomark.conformance.rule import Outcome, RuleBook, failed, not_applicable, verdict
from genomark.protocol import JSON, MSGPACK

rules = RuleBook()

_KEYS = {
    400: "bad_prediction_request",
    422: "prediction_request_failed",
    500: "server_error",
    502: "upstream_dependency_failed",
}


@rules.must("4", "json", "errors are JSON, even where MsgPack is asked for")
async def _json(probe: Probe) -> Outcome:
    replies = [*await refused_replies(probe), await _refused_as_msgpack(probe)]
    errors = [reply for reply in replies if reply.status >= 400]
    if not errors:
        return not_applicable("nothing was refused")
    for reply in errors:
        if reply.media_type != JSON or not isinstance(reply.body, dict):
            kind = reply.content_type or "no type"
            return failed(f"status {reply.status} came as {kind}, not an object of JSON", reply)
    return verdict(iter(()), errors[-1])


@rules.must("4", "shape", "an error is an array of single-key objects, one a message")
async def _shape(probe: Probe) -> Outcome:
    errors = await _readable(probe)
    faults = ((fault, reply) for reply in errors if (fault := shape_fault(reply)))
    return verdict(faults, errors[0]) if errors else not_applicable("no error came as JSON")


@rules.must("4", "key", "the key of an error is that of its status")
async def _key(probe: Probe) -> Outcome:
    errors = [reply for reply in await _readable(probe) if not shape_fault(reply)]
    faults = ((fault, reply) for reply in errors if (fault := _key_fault(reply)))
    return verdict(faults, errors[0]) if errors else not_applicable("no error has the shape of one")


@rules.should("4", "name", "errors say predictor_name")
async def _name(probe: Probe) -> Outcome:
    errors = await _readable(probe)
    faults = (
        ("the error has no predictor_name", reply)
        for reply in errors
        if not isinstance(reply.object.get("predictor_name"), str)
    )
    return verdict(faults, errors[0]) if errors else not_applicable("no error came as JSON")


async def refused_replies(probe: Probe) -> list[Reply]:
    """Ask for what must be refused: no keys, and a letter that no sequence has."""
    replies = [await probe.send("POST", "/predict", b"{}", content_type=JSON)]
    if probe.bases:
        replies.append(await probe.predict(sequences={"s1": "ACGTX-ACGT"}))
    return replies


def shape_fault(reply: Reply) -> str | None:
    """Say what is wrong with the shape of an error, if anything is."""
    errors = reply.object.get("error")
    if not isinstance(errors, list) or not errors:
        return "'error' is no array with entries"
    for error in errors:
        if not isinstance(error, dict) or len(error) != 1:
            return f"an entry of 'error' is no object with a single key: {error!r}"
        if not all(isinstance(message, str) for message in error.values()):
            return f"the message of an error is no string: {error!r}"
    return None


def _key_fault(reply: Reply) -> str | None:
    expected = _KEYS.get(reply.status)
    found = {key for error in reply.object["error"] for key in error}
    if expected is None or found == {expected}:
        return None
    return f"status {reply.status} with {', '.join(sorted(found))}; expected {expected}"


async def _refused_as_msgpack(probe: Probe) -> Reply:
    return await probe.send("POST", "/predict", b"{}", content_type=JSON, accept=MSGPACK)


async def _readable(probe: Probe) -> list[Reply]:
    return [
        reply
        for reply in await refused_replies(probe)
        if reply.status >= 400 and isinstance(reply.body, dict)
    ]
