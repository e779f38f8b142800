"""Sections 1.2, 1.4 and 1.5: the endpoints, and what `/formats` and `/help` say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe
from genomark.conformance.rule import (
    Outcome,
    RuleBook,
    failed,
    not_applicable,
    passed,
    verdict,
)
from genomark.conformance.rules.errors import shape_fault
from genomark.protocol import JSON

rules = RuleBook()

_LISTS = ("predictor_supported_request_formats", "predictor_supported_response_formats")
_HELP_TYPES: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "publication": (str,),
    "features": (list,),
    "cell_types": (list,),
    "species": (list,),
    "container_authors": (str, list),
    "model_authors": (str, list),
    "input_size": (int,),
    "bin_size": (int,),
    "expression_strand_specific": (bool,),
    "version": (str,),
}


@rules.must("1.2", "formats", "GET /formats answers 200 with an object")
async def _formats(probe: Probe) -> Outcome:
    return _is_object(await probe.get("/formats"))


@rules.must("1.2", "help", "GET /help answers 200 with an object")
async def _help(probe: Probe) -> Outcome:
    return _is_object(await probe.get("/help"))


@rules.should("1.2", "unknown-path", "an unknown path answers 404, as a GAME error in JSON")
async def _unknown_path(probe: Probe) -> Outcome:
    return _refused(await probe.get("/no-such-endpoint"), 404)


@rules.should("1.2", "wrong-method", "GET /predict answers 405, as a GAME error in JSON")
async def _wrong_method(probe: Probe) -> Outcome:
    return _refused(await probe.get("/predict"), 405)


@rules.must("1.4", "lists", "the formats that /formats lists are arrays of strings")
async def _lists(probe: Probe) -> Outcome:
    reply = await probe.get("/formats")
    for key in _LISTS:
        listed = reply.object.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            return failed(f"'{key}' is {listed!r}; expected an array of strings", reply)
    return passed(reply)


@rules.should("1.4", "complete", "/formats lists both sides, in lower case, JSON among them")
async def _complete(probe: Probe) -> Outcome:
    reply = await probe.get("/formats")
    for key in _LISTS:
        listed = reply.object.get(key)
        # A list of a wrong type is told of by the rule before this one.
        if key in reply.object and not isinstance(listed, list):
            continue
        if not isinstance(listed, list) or JSON not in listed:
            return failed(f"'{key}' does not list {JSON}", reply)
        if any(isinstance(each, str) and each != each.lower() for each in listed):
            return failed(f"'{key}' is not in lower case: {listed}", reply)
    return passed(reply)


@rules.should("1.5", "schema-version", "/help has a game_schema_version of the form 1.MINOR")
async def _schema_version(probe: Probe) -> Outcome:
    reply = await probe.get("/help")
    stated = reply.object.get("game_schema_version")
    if isinstance(stated, str) and stated.startswith("1.") and stated[2:].isdecimal():
        return passed(reply)
    return failed(f"game_schema_version is {stated!r}; expected '1.0'", reply)


@rules.should("1.5", "types", "the keys of /help have the types that are documented")
async def _types(probe: Probe) -> Outcome:
    reply = await probe.get("/help")
    return verdict(((fault, reply) for fault in _type_faults(reply.object)), reply)


@rules.should("1.5", "parallel", "cell_types and species of /help fit its features")
async def _parallel(probe: Probe) -> Outcome:
    reply = await probe.get("/help")
    features = reply.object.get("features")
    if not isinstance(features, list):
        return not_applicable("/help lists no features", reply)
    for key in ("cell_types", "species"):
        listed = reply.object.get(key)
        if isinstance(listed, list) and len(listed) not in (1, len(features)):
            return failed(
                f"{len(features)} features and {len(listed)} {key}; expected as many, or one",
                reply,
            )
    return passed(reply)


def _is_object(reply: Reply) -> Outcome:
    if reply.status != 200:
        return failed(f"expected status 200, got {reply.status}", reply)
    if not isinstance(reply.body, dict):
        return failed("the body is no object", reply)
    return passed(reply)


def _refused(reply: Reply, status: int) -> Outcome:
    if reply.status != status:
        return failed(f"expected status {status}, got {reply.status}", reply)
    if reply.media_type != JSON:
        return failed(f"answered {reply.content_type or 'no type'}, not {JSON}", reply)
    fault = shape_fault(reply)
    return failed(fault, reply) if fault else passed(reply)


def _type_faults(help_: dict[str, Any]) -> Iterator[str]:
    for key, types in _HELP_TYPES.items():
        value = help_.get(key)
        # True is an int to Python.
        wrong = isinstance(value, bool) and bool not in types
        if key in help_ and (wrong or not isinstance(value, types)):
            expected = " or ".join(kind.__name__ for kind in types)
            yield f"'{key}' is of type {type(value).__name__}; expected {expected}"
        elif isinstance(value, list) and not all(isinstance(each, str) for each in value):
            yield f"'{key}' has entries that are no strings"
