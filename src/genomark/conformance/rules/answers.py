"""Sections 3.1, 3.2, 3.4 and 3.5: an answer, its tasks, their scale and their failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from genomark.conformance.answers import (
    largest_difference,
    predictions_of,
    task_error,
    tasks_of,
    tolerance,
    values_of,
)
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
from genomark.models.transport import game_messages
from genomark.protocol import SCALES

rules = RuleBook()

_ECHOED = ("name", "type", "cell_type", "species")
#: Signs with which a name leads a file astray.
_PATH_SIGNS = re.compile(r"[/\\\x00-\x1f\x7f]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")


@rules.must("3", "answered", "a plain request for predictions is answered with 200")
async def _answered(probe: Probe) -> Outcome:
    if probe.bases:
        return passed(probe.base(), f"readouts: {', '.join(probe.bases)}")
    if probe.unanswered is not None:
        return probe.unanswered
    last = probe.attempts[-1]
    said = task_error(last) or f"{last.status} {game_messages(last.body)}"
    return failed(
        f"{len(probe.attempts)} requests were refused, the last with: {said}. If it answers "
        "others, say which: --type, --cell-type, --species, --readout, --length",
        last,
    )


@rules.must("3.1", "name", "answers have a predictor_name")
async def _name(probe: Probe) -> Outcome:
    reply = probe.base()
    name = reply.object.get("predictor_name")
    if not isinstance(name, str) or not name:
        return failed(f"predictor_name is {name!r}; expected a string", reply)
    return passed(reply)


@rules.must("3.1", "name-path", "predictor_name has no slash: Evaluators name files by it")
async def _name_path(probe: Probe) -> Outcome:
    reply, name = _named(probe)
    if name and _PATH_SIGNS.search(name):
        return failed(f"predictor_name is {name!r}", reply)
    return passed(reply) if name else not_applicable("there is no predictor_name", reply)


@rules.should("3.1", "name-pattern", "predictor_name has only letters, digits and . _ -")
async def _name_pattern(probe: Probe) -> Outcome:
    reply, name = _named(probe)
    if not name or _PATH_SIGNS.search(name):
        return not_applicable("there is no predictor_name without a slash", reply)
    if not _PLAIN_NAME.fullmatch(name):
        return failed(f"predictor_name is {name!r}", reply)
    return passed(reply)


@rules.must("3.1", "all-tasks", "there is one answer per task that was asked")
async def _all_tasks(probe: Probe) -> Outcome:
    reply = await _three_tasks(probe)
    if len(tasks_of(reply)) != 3:
        return failed(f"3 tasks were asked, {len(tasks_of(reply))} answered", reply)
    return passed(reply)


@rules.must("3.1", "task-order", "tasks are answered in the order in which they were asked")
async def _task_order(probe: Probe) -> Outcome:
    reply = await _three_tasks(probe)
    names = [task.get("name") for task in tasks_of(reply)]
    if sorted(map(str, names)) != sorted(_NAMES):
        return not_applicable("the three tasks did not come back by name", reply)
    if names != list(_NAMES):
        return failed(f"asked {', '.join(_NAMES)}; got {', '.join(map(str, names))}", reply)
    return passed(reply)


@rules.must("3.2", "echo", "name, type, cell type and species come back as they were asked")
async def _echo(probe: Probe) -> Outcome:
    def faults() -> Iterator[tuple[str, Reply]]:
        for reply in probe.bases.values():
            for task in tasks_of(reply):
                for key in _ECHOED:
                    echo = key if key == "name" else f"{key}_requested"
                    if task.get(echo) != probe.task[key]:
                        yield f"{echo} is {task.get(echo)!r}; sent {probe.task[key]!r}", reply

    return verdict(faults(), probe.base())


@rules.must("3.2", "actual", "each task says the type, cell type and species it predicts")
async def _actual(probe: Probe) -> Outcome:
    reply = probe.base()
    for task in tasks_of(reply):
        for key in ("cell_type_actual", "species_actual"):
            if not isinstance(task.get(key), str):
                return failed(f"{key} is {task.get(key)!r}; expected a string", reply)
        kinds = task.get("type_actual")
        # A bare string is what one published Predictor sends: see the rule after this one.
        if not isinstance(kinds, str) and not _strings(kinds):
            return failed(f"type_actual is {kinds!r}; expected an array of strings", reply)
    return passed(reply)


@rules.should("3.2", "type-array", "type_actual is an array, even of one")
async def _type_array(probe: Probe) -> Outcome:
    reply = probe.base()
    kinds = [task.get("type_actual") for task in tasks_of(reply)]
    bare = next((kind for kind in kinds if isinstance(kind, str)), None)
    return passed(reply) if bare is None else failed(f"type_actual is {bare!r}", reply)


@rules.should("3.2", "aggregation", "aggregation, where given, is an object of strings")
async def _aggregation(probe: Probe) -> Outcome:
    reply = probe.base()
    given = [task["aggregation"] for task in tasks_of(reply) if "aggregation" in task]
    if not given:
        return not_applicable("no aggregation is given", reply)
    for each in given:
        if not isinstance(each, dict) or not _strings(list(each.values())):
            return failed(f"aggregation is {each!r}", reply)
    return passed(reply)


@rules.must("3.2", "scale-echo", "scale_prediction_requested is the scale asked for, or null")
async def _scale_echo(probe: Probe) -> Outcome:
    shown = probe.base()
    for scale in (None, *SCALES):
        reply = shown if scale is None else await _on_scale(probe, scale)
        for task in tasks_of(reply):
            if (echo := task.get("scale_prediction_requested")) != scale:
                return failed(f"scale_prediction_requested is {echo!r}; sent {scale!r}", reply)
    return passed(shown)


@rules.must("3.4", "scale-actual", "scale_prediction_actual says linear or log")
async def _scale_actual(probe: Probe) -> Outcome:
    probe.base()
    for reply in [probe.base(), *[await _on_scale(probe, scale) for scale in SCALES]]:
        for task in tasks_of(reply):
            scale = task.get("scale_prediction_actual")
            if task_error(reply) is None and scale not in SCALES:
                return failed(f"scale_prediction_actual is {scale!r}", reply)
    return passed(reply)


@rules.should("3.4", "scale-honoured", "both scales are given: a score needs the one it asks for")
async def _scale_honoured(probe: Probe) -> Outcome:
    for scale in SCALES:
        reply = await _on_scale(probe, scale)
        if not tasks_of(reply):
            return failed(f"scale {scale} was refused with status {reply.status}", reply)
        actual = tasks_of(reply)[0].get("scale_prediction_actual")
        if actual in SCALES and actual != scale:
            return failed(f"asked for {scale}, got {actual}", reply)
    return passed(reply)


@rules.should("3.4", "scale-applied", "values on the log scale are not those on the linear one")
async def _scale_applied(probe: Probe) -> Outcome:
    base = probe.base_values()
    by_scale = []
    for scale in SCALES:
        reply = await _on_scale(probe, scale)
        if not tasks_of(reply) or tasks_of(reply)[0].get("scale_prediction_actual") != scale:
            return not_applicable("it does not give both scales", reply)
        by_scale.append(values_of(reply))
    if largest_difference(*by_scale)[1] <= tolerance(base):
        return failed("the values on both scales are the same", reply)
    return passed(reply)


@rules.must("3.5", "task-error", "a task it cannot serve is refused, or listed with its error")
async def _task_error(probe: Probe) -> Outcome:
    probe.base()
    name, sequence = next(iter(probe.sequences.items()))
    odd = {**probe.task, "name": "odd", "cell_type": "no such cell type (a check)"}
    reply = await probe.predict(tasks=[probe.task, odd], sequences={name: sequence})
    if reply.status in (400, 422, 502):
        return passed(reply, f"refused with status {reply.status}")
    if reply.status != 200:
        return failed(f"expected status 200, 400, 422 or 502, got {reply.status}", reply)
    listed = [task for task in tasks_of(reply) if task.get("name") in ("odd", None)]
    if not listed and len(tasks_of(reply)) < 2:
        return failed("the task is not listed", reply)
    if task_error(reply, 1):
        return passed(reply, "listed with its error")
    if not predictions_of(reply, 1):
        return failed("the task has neither predictions nor an error that is a string", reply)
    return passed(reply, "answered whatever the cell type")


_NAMES = ("second", "first", "third")


async def _three_tasks(probe: Probe) -> Reply:
    probe.base()
    name, sequence = next(iter(probe.sequences.items()))
    tasks = [{**probe.task, "name": each} for each in _NAMES]
    return await probe.answered(tasks=tasks, sequences={name: sequence})


async def _on_scale(probe: Probe, scale: str) -> Reply:
    probe.base()
    return await probe.predict(tasks=[{**probe.task, "scale": scale}])


def _named(probe: Probe) -> tuple[Reply, str | None]:
    reply = probe.base()
    name = reply.object.get("predictor_name")
    return reply, name if isinstance(name, str) else None


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
