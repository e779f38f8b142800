"""Section 1.3: which formats a Predictor takes and gives."""

from __future__ import annotations

import json

from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, refusal
from genomark.conformance.rule import Outcome, RuleBook, failed, not_applicable, passed
from genomark.protocol import JSON, MSGPACK

rules = RuleBook()


@rules.must("1.3", "json", "answers to JSON are application/json")
async def _json(probe: Probe) -> Outcome:
    replies = [await probe.get("/formats"), await probe.get("/help"), *probe.bases.values()]
    shown = replies[-1]
    for reply in replies:
        if reply.status == 200 and reply.media_type != JSON:
            return failed(f"answered {reply.content_type or 'no type'}, not {JSON}", reply)
    return passed(shown)


@rules.should("1.3", "plain-type", "the Content-Type of answers has no parameters")
async def _plain_type(probe: Probe) -> Outcome:
    reply = probe.base()
    if ";" in reply.content_type:
        return failed(f"answered {reply.content_type}", reply)
    return passed(reply)


@rules.must("1.3", "accept-other", "an Accept that names neither format is answered with JSON")
async def _accept_other(probe: Probe) -> Outcome:
    probe.base()
    for accept in ("*/*", "text/html"):
        reply = await probe.answered(accept=accept)
        if not isinstance(reply.body, dict) or MSGPACK in reply.media_type:
            return failed(f"Accept: {accept} was answered with {reply.content_type}", reply)
    return passed(reply)


@rules.must("1.3", "msgpack-unlisted", "MsgPack that /formats does not list is answered with JSON")
async def _msgpack_unlisted(probe: Probe) -> Outcome:
    probe.base()
    if MSGPACK in await probe.formats("response"):
        return not_applicable("/formats lists application/msgpack for answers")
    reply = await probe.answered(accept=MSGPACK)
    if MSGPACK in reply.media_type:
        return failed("answered in MsgPack, which /formats does not list", reply)
    return passed(reply)


@rules.should("1.3", "formats-msgpack", "/formats and /help obey Accept, too")
async def _formats_msgpack(probe: Probe) -> Outcome:
    if MSGPACK not in await probe.formats("response"):
        return not_applicable("/formats does not list application/msgpack for answers")
    for path in ("/formats", "/help"):
        reply = await probe.get(path, accept=MSGPACK)
        if reply.status == 200 and reply.media_type != MSGPACK:
            return failed(f"answered {reply.content_type}", reply)
    return passed(reply)


@rules.should("1.3", "type-case", "Content-Type: APPLICATION/JSON is understood")
async def _type_case(probe: Probe) -> Outcome:
    return await _understood(probe, content_type="APPLICATION/JSON")


@rules.should("1.3", "type-charset", "Content-Type with a charset is understood")
async def _type_charset(probe: Probe) -> Outcome:
    return await _understood(probe, content_type="application/json; charset=utf-8")


@rules.should("1.3", "type-missing", "a body without Content-Type is read as JSON")
async def _type_missing(probe: Probe) -> Outcome:
    return await _understood(probe)


@rules.should("1.3", "type-unknown", "Content-Type: text/plain is refused with 400")
async def _type_unknown(probe: Probe) -> Outcome:
    probe.base()
    reply = await _plain(probe, content_type="text/plain")
    if reply.status != 400:
        return failed(f"expected status 400, got {reply.status}", reply)
    return passed(reply)


@rules.should("1.3", "name", "/formats and /help say the predictor_name of answers")
async def _name(probe: Probe) -> Outcome:
    replies = [await probe.get("/formats"), await probe.get("/help")]
    answer = next(iter(probe.bases.values()), replies[0])
    name = answer.object.get("predictor_name")
    for reply in replies:
        stated = reply.object.get("predictor_name")
        if not isinstance(stated, str):
            return failed("there is no predictor_name", reply)
        if isinstance(name, str) and stated != name:
            return failed(f"predictor_name is {stated!r} here and {name!r} in answers", reply)
    return passed(replies[0])


async def _understood(probe: Probe, content_type: str | None = None) -> Outcome:
    probe.base()
    reply = await _plain(probe, content_type)
    fault = refusal(reply)
    return failed(fault, reply) if fault else passed(reply)


async def _plain(probe: Probe, content_type: str | None = None) -> Reply:
    body = json.dumps(probe.request()).encode()
    return await probe.send("POST", "/predict", body, content_type=content_type)
