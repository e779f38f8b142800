"""One Predictor for each rule, right in all but that."""

# ruff: noqa: RUF012 - no toy changes what its class says

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
from toy_predictor import BIN, Overlooking, Toy, activity

from genomark.protocol import (
    JSON,
    MSGPACK,
    BadRequestError,
    GameError,
    PredictionFailedError,
    PredictRequest,
    ServerError,
    covering_bins,
)

#: By rule; the rest of a key, after a space, tells apart several that break the same rule.
DEFECTS: dict[str, type[Toy]] = {}
HTML = b"<!doctype html><title>Oh no</title>"


def breaks(rule: str) -> Callable[[type[Toy]], type[Toy]]:
    def add(toy: type[Toy]) -> type[Toy]:
        assert rule not in DEFECTS
        DEFECTS[rule] = toy
        return toy

    return add


def overlooks(rule: str, *texts: str) -> None:
    DEFECTS[rule] = type("Overlooks", (Overlooking,), {"overlooked": texts})


def says(rule: str, **attributes: Any) -> None:
    DEFECTS[rule] = type("Says", (Toy,), attributes)


# 1.2 to 1.5: endpoints and formats


class Routed(Toy):
    """Answers some paths in another way."""

    path = ""
    answer = (200, JSON, b"{}")

    def route(self, method, path, headers, body):
        if path == self.path and (method == "GET" or path == "/predict"):
            return self.answer
        return super().route(method, path, headers, body)


def routes(rule: str, path: str, *answer: Any) -> None:
    DEFECTS[rule] = type("Routes", (Routed,), {"path": path, "answer": answer})


NAMED = {"predictor_name": Toy.name}
LISTS = Toy.formats
SIDES = list(LISTS)
routes("1.2-unknown-path", "/no-such-endpoint", 404, "text/html; charset=utf-8", HTML)
routes("1.2-unknown-path (JSON of another shape)", "/no-such-endpoint", 404, JSON, b'{"detail":1}')
routes("1.2-unknown-path (200)", "/no-such-endpoint", 200, JSON, b"{}")
routes("1.3-formats-msgpack", "/formats", 200, JSON, json.dumps({**NAMED, **LISTS}).encode())


@breaks("1.2-wrong-method")
class WrongMethod(Toy):
    def route(self, method, path, headers, body):
        if (method, path) == ("GET", "/predict"):
            return 405, "text/html", HTML
        return super().route(method, path, headers, body)


@breaks("1.2-help")
class NoObjectOfHelp(Toy):
    # A list, so that nothing else can be wrong with it.
    def route(self, method, path, headers, body):
        if path == "/help":
            return 201, headers["accept"], super().route(method, path, headers, body)[2]
        return super().route(method, path, headers, body)


@breaks("1.2-formats")
class OtherStatusOfFormats(Toy):
    def route(self, method, path, headers, body):
        _, kind, content = super().route(method, path, headers, body)
        return (203 if path == "/formats" else 200), kind, content


@breaks("1.3-json")
class PlainTextHelp(Toy):
    def route(self, method, path, headers, body):
        status, kind, content = super().route(method, path, headers, body)
        return status, "text/plain" if (path, kind) == ("/help", JSON) else kind, content


@breaks("1.3-plain-type")
class TypeWithCharset(Toy):
    def predict_route(self, headers, body, accept):
        status, kind, content = super().predict_route(headers, body, accept)
        return status, f"{kind}; charset=utf-8" if kind == JSON else kind, content


@breaks("1.3-accept-other")
class HtmlForBrowsers(Toy):
    def predict_route(self, headers, body, accept):
        answer = super().predict_route(headers, body, accept)
        return (200, "text/html", HTML) if "html" in accept else answer


@breaks("1.3-msgpack-unlisted")
class MsgPackUnlisted(Toy):
    formats = {SIDES[0]: [JSON], SIDES[1]: [JSON]}

    def written(self):
        return [MSGPACK]


class Picky(Toy):
    """Takes one Content-Type less than it should."""

    refused: Any = None

    def read(self, body, content_type):
        if content_type == self.refused:
            raise BadRequestError("Unsupported Content-Type")
        return super().read(body, content_type)


DEFECTS["1.3-type-case"] = type("Case", (Picky,), {"refused": "APPLICATION/JSON"})
DEFECTS["1.3-type-missing"] = type("Missing", (Picky,), {"refused": None})
DEFECTS["1.3-type-charset"] = type(
    "Charset", (Picky,), {"refused": "application/json; charset=utf-8"}
)


@breaks("1.3-type-unknown")
class AnyType(Toy):
    def read(self, body, content_type):
        return super().read(body, JSON if content_type == "text/plain" else content_type)


@breaks("1.3-name")
class NamelessFormats(Toy):
    def route(self, method, path, headers, body):
        if path == "/formats":
            return self.write(self.formats, headers["accept"])
        return super().route(method, path, headers, body)


@breaks("1.3-name (another)")
class OtherNameOfHelp(Toy):
    help = {**Toy.help, "predictor_name": "Another"}


says("1.4-lists", formats={**LISTS, SIDES[0]: MSGPACK})
says("1.4-lists (numbers)", formats={**LISTS, SIDES[0]: [JSON, 5]})
says("1.4-complete", formats={SIDES[1]: LISTS[SIDES[1]]})
says("1.4-complete (upper case)", formats={**LISTS, SIDES[0]: [JSON, "Application/MsgPack"]})
says("1.4-complete (without JSON)", formats={**LISTS, SIDES[0]: [MSGPACK]})
says("1.5-schema-version", help={"model": "toy"})
says("1.5-schema-version (number)", help={"game_schema_version": 1.0})
says("1.5-types", help={**Toy.help, "expression_strand_specific": "false"})
says("1.5-types (true is no size)", help={**Toy.help, "input_size": True})
says("1.5-parallel", help={**Toy.help, "species": ["a", "b", "c"]})


# 2.1 to 2.4: requests


@breaks("2.1-unknown-keys")
class StrictKeys(Toy):
    def validated(self, raw):
        if isinstance(raw, dict) and "unknown_key" in raw:
            raise BadRequestError("Unknown key")
        return super().validated(raw)


@breaks("2.1-any-id")
class TidyIds(Toy):
    def values(self, request):
        found = super().values(request)
        return {name.replace(" ", "_").replace("|", ""): each for name, each in found.items()}


@breaks("2.1-no-sequences")
class NeedsSequences(Toy):
    def values(self, request):
        if not request.sequences:
            raise ValueError("need at least one array to stack")
        return super().values(request)


@breaks("2.1-no-tasks")
class NeedsTasks(Toy):
    def predict(self, request):
        if not request.prediction_tasks:
            raise IndexError("list index out of range")
        return super().predict(request)


@breaks("2.1-flanks")
class WithoutFlanks(Toy):
    def flanked(self, request):
        if request.prediction_ranges:
            return super().flanked(request)
        return {name: self.letters(each) for name, each in request.sequences.items()}


@breaks("2.1-flanks (refused)")
class RefusesFlanks(Toy):
    def validated(self, raw):
        if isinstance(raw, dict) and raw.get("upstream_seq"):
            raise BadRequestError("Unknown key upstream_seq")
        return super().validated(raw)


@breaks("2.1-lower-case")
class UpperCaseOnly(Toy):
    def validated(self, raw):
        request = super().validated(raw)
        if any(each != each.upper() for each in request.sequences.values()):
            raise PredictionFailedError("invalid character(s): a, c, g, t")
        return request


@breaks("2.1-edits")
class MakesTheFirstChange(Toy):
    def validated(self, raw):
        if isinstance(raw, dict) and "edits" in raw:
            first = {
                name: {**edit, "changes": edit["changes"][:1]}
                for name, edit in raw["edits"].items()
            }
            raw = {**raw, "edits": first}
        return super().validated(raw)


@breaks("2.3-empty")
class NeedsLimits(Toy):
    def limits(self, request, name):
        limits = super().limits(request, name)
        return [0, 99] if request.prediction_ranges and not limits else limits


@breaks("2.3-range")
class CrashesOnRanges(Toy):
    def limits(self, request, name):
        if limits := super().limits(request, name):
            raise ServerError("not implemented")
        return limits


@breaks("2.3-flanked")
class UnflankedBounds(Toy):
    def limits(self, request, name):
        limits = super().limits(request, name)
        if limits and limits[1] >= len(request.sequences[name]):
            raise PredictionFailedError("index is out of bounds")
        return limits


@breaks("2.3-inclusive")
class ExclusiveEnds(Toy):
    def span(self, sequence, limits):
        if limits:
            return covering_bins(limits[0], limits[1] - limits[0], BIN)
        return super().span(sequence, limits)


overlooks("2.3-negative", "indices must be positive")
overlooks("2.3-backwards", "cannot be greater than")
overlooks("2.3-bounds", "index is out of bounds")
overlooks("2.3-ids", "do not match those in sequences", "non-existent or empty sequence")
overlooks("2.3-null", "'prediction_ranges' must be an object")


class OverlooksLimits(Overlooking):
    """Lets pass ranges that are none, but not those that another rule is about."""

    other: tuple[Any, ...] = ()
    overlooked = ("must be in a list", "must have 2 elements", "must be integers")

    def respond(self, raw):
        ranges = raw.get("prediction_ranges") if isinstance(raw, dict) else None
        limits = list(ranges.values())[:1] if isinstance(ranges, dict) else []
        return (
            super().respond(raw) if limits and limits[0] in self.other else Toy.respond(self, raw)
        )


def overlooks_limits(rule: str, *limits: Any) -> None:
    DEFECTS[rule] = type("Limits", (OverlooksLimits,), {"other": limits})


overlooks_limits("2.3-fraction", [0.5, 3.5])
overlooks_limits("2.3-three", [0, 1, 2])
overlooks_limits("2.3-not-a-range", [1])
overlooks_limits("2.3-not-a-range (text)", "0-3")


class Undecoding(Toy):
    kind = JSON

    def read(self, body, content_type):
        try:
            return super().read(body, content_type)
        except BadRequestError:
            if content_type == self.kind:
                raise ServerError("cannot be decoded") from None
            raise


DEFECTS["2.4-undecodable"] = Undecoding
DEFECTS["2.4-undecodable-msgpack"] = type("UndecodingMsgPack", (Undecoding,), {"kind": MSGPACK})
overlooks("2.4-missing-keys", "mandatory top-level keys are missing")
overlooks("2.4-missing-task-keys", "Mandatory keys missing from prediction_task")
overlooks("2.4-readout", "readout requested is not recognized")
overlooks("2.4-type", "prediction type no_such_type")
overlooks("2.4-strings", "'cell_type' value should be a string")
overlooks("2.4-strings (species)", "'species' should only have 1 value")
overlooks("2.4-empty-sequence", "is empty")
overlooks("2.4-letters", "invalid character(s)")
overlooks("2.4-null", "'upstream_seq' value should be a string")
overlooks("2.4-containers", "'sequences' must be an object")
overlooks("2.4-containers (tasks)", "'prediction_tasks' must be an array")


@breaks("2.4-scale")
class AnyScale(Toy):
    def validated(self, raw):
        try:
            return super().validated(raw)
        except BadRequestError as error:
            if error.messages == [
                "scale requested is not recognized. Please choose from ['log', 'linear']"
            ]:
                raise PredictionFailedError("no such scale") from error
            raise


@breaks("2.4-all-faults")
class FirstFaultOnly(Toy):
    def error(self, error: GameError):
        body = super().error(error)
        return {**body, "error": body["error"][:1]}


# 3: answers


@breaks("3-answered")
class RefusesAll(Toy):
    def predict(self, request: PredictRequest):
        raise PredictionFailedError("No. Ask another")


@breaks("3-answered (tasks fail)")
class AllTasksFail(Toy):
    def task(self, task, request):
        return {**super().task(task, request), "predictions": {"error": "Out of memory"}}


class Answering(Toy):
    """Changes its answers to what a class attribute says."""

    change: Callable[[dict[str, Any]], Any] = staticmethod(dict)

    def predict(self, request):
        return self.change(super().predict(request))


def answers(rule: str, change: Callable[[dict[str, Any]], Any]) -> None:
    DEFECTS[rule] = type("Answers", (Answering,), {"change": staticmethod(change)})


def tasks_as(rule: str, **changes: Any) -> None:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        tasks = [{**task, **changes} for task in answer["prediction_tasks"]]
        return {**answer, "prediction_tasks": tasks}

    answers(rule, change)


def in_tasks(change: Callable[[list[Any]], list[Any]]) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: {**answer, "prediction_tasks": change(answer["prediction_tasks"])}


def without(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: {name: each for name, each in answer.items() if name != key}


answers("3.1-name", without("predictor_name"))
says("3.1-name-path", name="mine/yours")
says("3.1-name-pattern", name="Toy Predictor")
answers("3.1-all-tasks", in_tasks(lambda tasks: tasks[:2]))
answers("3.1-task-order", in_tasks(lambda tasks: sorted(tasks, key=lambda task: task["name"])))
answers("3.1-bin-size", without("bin_size"))
answers("3.1-bin-size (text)", lambda answer: {**answer, "bin_size": "8"})
tasks_as("3.2-echo", cell_type_requested="k562")
answers("3.2-echo (missing)", in_tasks(lambda tasks: [without("type_requested")(t) for t in tasks]))
tasks_as("3.2-actual", type_actual=None)
tasks_as("3.2-actual (species)", species_actual=["homo_sapiens"])
tasks_as("3.2-type-array", type_actual="ATAC")
tasks_as("3.2-aggregation", aggregation="mean")
tasks_as("3.2-scale-echo", scale_prediction_requested="linear")
tasks_as("3.4-scale-actual", scale_prediction_actual="ln")
says("3.4-scale-honoured", scale=lambda self, task: "log")
says("3.4-scale-applied", as_log=lambda self, value: value)


@breaks("3.2-trim")
class TrimsWholeBins(Toy):
    def task(self, task, request):
        answer = super().task(task, request)
        if "trim_upstream" in answer:
            answer["trim_upstream"] = dict.fromkeys(answer["predictions"], BIN)
        return answer


@breaks("3.2-trim (negative)")
class TrimsBelowNothing(Toy):
    def task(self, task, request):
        answer = super().task(task, request)
        if "trim_upstream" in answer:
            answer["trim_upstream"] = dict.fromkeys(answer["predictions"], -1)
        return answer


@breaks("3.2-trim (of ranges)")
class TrimsByTheRange(Toy):
    def task(self, task, request):
        answer = super().task(task, request)
        if "trim_upstream" in answer:
            trims = {name: self.limits(request, name)[:1] for name in answer["predictions"]}
            # Right for the rule on ranges, whose ranges begin where a bin does.
            answer["trim_upstream"] = {
                name: 0 if not first or first[0] % BIN == 0 else first[0]
                for name, first in trims.items()
            }
        return answer


@breaks("3.3-every-id")
class LosesTheLast(Toy):
    def values(self, request):
        found = super().values(request)
        return dict(list(found.items())[:3])


@breaks("3.3-every-id (stranger)")
class InventsOne(Toy):
    def values(self, request):
        found = super().values(request)
        return (
            {**found, "track_indices": found["s1"]} if len(found) == 4 and "s1" in found else found
        )


says(
    "3.3-point",
    point=lambda self, sequence, limits: str(activity(sequence)),
    as_log=lambda self, value: value,
)
says("3.3-point (two)", point=lambda self, sequence, limits: [activity(sequence)] * 2)
says("3.3-matrix", interaction_matrix=lambda self, sequence, limits: [[activity(sequence), 1.0]])


class Tracking(Toy):
    change: Callable[[list[float]], Any] = staticmethod(list)

    def track(self, sequence, limits):
        return self.change(super().track(sequence, limits))


def tracks(rule: str, change: Callable[[list[float]], Any]) -> None:
    DEFECTS[rule] = type("Tracks", (Tracking,), {"change": staticmethod(change)})


tracks("3.3-track", lambda track: [[each] for each in track] if len(track) > 1 else track)
tracks("3.3-track (scalar)", lambda track: sum(track) if len(track) > 1 else track)
tracks("3.3-single-bin", lambda track: track[0] if len(track) == 1 else track)
tracks("3.3-covers", lambda track: track[:-1] or track)
tracks("3.3-exact", lambda track: [*track, 0.0] if len(track) > 1 else track)


@breaks("3.5-task-error")
class LeavesOutTasks(Toy):
    def predict(self, request):
        answer = super().predict(request)
        tasks = [t for t in answer["prediction_tasks"] if t["cell_type_requested"] == "K562"]
        return {**answer, "prediction_tasks": tasks}


@breaks("3.5-task-error (crash)")
class CrashesOnOddCells(Toy):
    def task(self, task, request):
        return super().task(task, request) if task.cell_type == "K562" else {}["K562"]


@breaks("3.5-task-error (null)")
class NullForOddCells(Toy):
    def task(self, task, request):
        known = task.cell_type == "K562"
        answer = super().task(task, request)
        return answer if known else {**answer, "predictions": None}


# 4 and 5: errors and MsgPack


class OtherErrors(Toy):
    """Has errors of another shape, but for those of unknown paths."""

    change: Callable[[Any], Any] = staticmethod(dict)

    def error(self, error):
        body = super().error(error)
        return body if error.http_status in (404, 405) else self.change(body)


def errors_as(rule: str, change: Callable[[Any], Any]) -> None:
    DEFECTS[rule] = type("Errors", (OtherErrors,), {"change": staticmethod(change)})


errors_as("4-shape", lambda body: {**body, "error": "bad request"})
errors_as("4-shape (not single)", lambda body: {**body, "error": [{"a": "x", "b": "y"}] * 2})
errors_as("4-shape (detail)", lambda body: {"predictor_name": "Toy_dev", "detail": "bad request"})
errors_as("4-key", lambda body: {**body, "error": [{"detail": "bad"}] * 2})
errors_as("4-name", without("predictor_name"))


@breaks("4-json")
class HtmlErrors(Toy):
    def refuse(self, error, headers):
        status, kind, content = super().refuse(error, headers)
        return (status, kind, content) if status in (404, 405) else (status, "text/html", HTML)


@breaks("4-json (MsgPack)")
class ErrorsInMsgPack(Toy):
    def refuse(self, error, headers):
        if headers.get("accept") == MSGPACK:
            return error.http_status, MSGPACK, msgspec.msgpack.encode(self.error(error))
        return super().refuse(error, headers)


def doubled(body: Any) -> Any:
    tasks = [
        {**task, "predictions": dict.fromkeys(task["predictions"], 7.5)}
        for task in body["prediction_tasks"]
    ]
    return {**body, "prediction_tasks": tasks}


class Packing(Toy):
    kind = MSGPACK
    change: Callable[[Any], Any] = staticmethod(dict)

    def pack(self, body, kind):
        if kind == self.kind and "prediction_tasks" in body:
            body = self.change(body)
        return body if isinstance(body, bytes) else super().pack(body, kind)


def packs(rule: str, kind: str, change: Callable[[Any], Any]) -> None:
    DEFECTS[rule] = type("Packs", (Packing,), {"kind": kind, "change": staticmethod(change)})


EXTENSION = msgspec.msgpack.Ext(5, b"1234")
packs("5-values", MSGPACK, doubled)
packs("5-values (torn)", MSGPACK, lambda body: msgspec.msgpack.encode(body)[:-3])
packs("5-plain", MSGPACK, lambda body: {**body, "bins": EXTENSION})
packs("5-plain (bytes)", MSGPACK, lambda body: {**body, "more": {b"nd": True}})
packs("5-numpy", "application/msgpack-numpy", doubled)


@breaks("5-type")
class JsonForMsgPack(Toy):
    def predict_route(self, headers, body, accept):
        return super().predict_route(headers, body, JSON if accept == MSGPACK else accept)


@breaks("5-request")
class ReadsMsgPackOtherwise(Toy):
    def read(self, body, content_type):
        raw = super().read(body, content_type)
        if content_type == MSGPACK:
            raw["sequences"] = {name: each[::-1] for name, each in raw["sequences"].items()}
        return raw


# Sanity


class Pointing(Toy):
    """Changes the points of a request, given with its sequences."""

    def values(self, request):
        found = super().values(request)
        return self.changed(found, request) if request.readout == "point" else found

    def changed(self, found: dict[str, Any], request: PredictRequest) -> dict[str, Any]:
        return found


@breaks("sanity-deterministic")
class Random(Pointing):
    drawn = itertools.count()

    def changed(self, found, request):
        return {name: each + next(self.drawn) % 7 for name, each in found.items()}


@breaks("sanity-ids")
class ReadsIds(Pointing):
    def changed(self, found, request):
        return {name: each * (1 + ("Reversed" in name)) for name, each in found.items()}


@breaks("sanity-order")
class CountsSequences(Pointing):
    def changed(self, found, request):
        return {name: each + index for index, (name, each) in enumerate(found.items())}


@breaks("sanity-batch")
class NormalisesBatches(Pointing):
    def changed(self, found, request):
        mean = sum(found.values()) / max(len(found), 1)
        return {name: each - mean for name, each in found.items()}

    def as_log(self, value):
        return value - 1


@breaks("sanity-finite")
class SometimesNaN(Pointing):
    def changed(self, found, request):
        # Of some sequences, not of some ids.
        flanked = self.flanked(request)
        return {
            name: float("nan") if flanked[name][:2] in ("AA", "GC", "TA") else each
            for name, each in found.items()
        }


says("sanity-not-constant", point=lambda self, sequence, limits: 0.5)
says("sanity-sensitive", point=lambda self, sequence, limits: activity(sequence[:100]))
says("sanity-n", point=lambda self, sequence, limits: activity(sequence) / ("N" not in sequence))
says(
    "sanity-all-n",
    point=lambda self, sequence, limits: activity(sequence) / len(set(sequence) - {"N"}),
)


@breaks("sanity-case")
class ReadsCase(Toy):
    def letters(self, sequence):
        return sequence
