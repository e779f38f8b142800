"""Section 5: MsgPack, where `/formats` lists it."""

from __future__ import annotations

from typing import Any

import msgspec

from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, refusal
from genomark.conformance.rule import (
    Outcome,
    RuleBook,
    Stop,
    failed,
    not_applicable,
    passed,
)
from genomark.conformance.same import unlike
from genomark.protocol import JSON, MSGPACK, MSGPACK_NUMPY

rules = RuleBook()

_decode = msgspec.msgpack.Decoder().decode


@rules.must("5", "request", "a request in MsgPack is answered as the same one in JSON")
async def _request(probe: Probe) -> Outcome:
    base = probe.base()
    await _listed(probe, "request", MSGPACK)
    reply = await probe.answered(content_type=MSGPACK, accept=JSON)
    if fault := await unlike(probe, reply, base):
        return failed(f"other values than in JSON: {fault}", reply)
    return passed(reply)


@rules.must("5", "type", "Accept: application/msgpack is answered in MsgPack")
async def _type(probe: Probe) -> Outcome:
    reply = await _in_msgpack(probe, MSGPACK)
    if reply.media_type != MSGPACK:
        return failed(f"answered {reply.content_type or 'no type'}", reply)
    return passed(reply)


@rules.must("5", "values", "an answer in MsgPack has the values of the one in JSON")
async def _values(probe: Probe) -> Outcome:
    reply = await _in_msgpack(probe, MSGPACK)
    if reply.media_type != MSGPACK:
        return not_applicable("it does not answer in MsgPack", reply)
    if reply.body is None:
        return failed("the body is no MsgPack", reply)
    if fault := await unlike(probe, reply, probe.base()):
        return failed(f"other values than in JSON: {fault}", reply)
    return passed(reply)


@rules.must("5", "plain", "plain MsgPack has keys of text, and no extension types")
async def _plain(probe: Probe) -> Outcome:
    reply = await _in_msgpack(probe, MSGPACK)
    if reply.media_type != MSGPACK or reply.body is None:
        return not_applicable("it does not answer in MsgPack", reply)
    fault = _plain_fault(_decode(reply.content))
    return failed(fault, reply) if fault else passed(reply)


@rules.must("5", "numpy", "application/msgpack-numpy, where listed, has the same values")
async def _numpy(probe: Probe) -> Outcome:
    reply = await _in_msgpack(probe, MSGPACK_NUMPY)
    if reply.media_type != MSGPACK_NUMPY:
        return failed(f"answered {reply.content_type or 'no type'}", reply)
    if reply.body is None:
        return failed("the body is no MsgPack", reply)
    if fault := await unlike(probe, reply, probe.base()):
        return failed(f"other values than in JSON: {fault}", reply)
    return passed(reply)


async def _listed(probe: Probe, side: str, kind: str) -> None:
    if kind not in await probe.formats(side):
        raise Stop(not_applicable(f"/formats does not list {kind} for {side}s"))


async def _in_msgpack(probe: Probe, kind: str) -> Reply:
    probe.base()
    await _listed(probe, "response", kind)
    reply = await probe.predict(accept=kind)
    if fault := refusal(reply):
        raise Stop(failed(fault, reply))
    return reply


def _plain_fault(value: Any) -> str | None:
    if isinstance(value, msgspec.msgpack.Ext):
        return f"there is an extension type, {value.code}"
    if isinstance(value, dict):
        if strange := next((key for key in value if not isinstance(key, str)), None):
            return f"there is a key that is no text: {strange!r:.60}"
        return next(filter(None, map(_plain_fault, value.values())), None)
    if isinstance(value, list) and value and not isinstance(value[0], float):
        return next(filter(None, map(_plain_fault, value)), None)
    return None
