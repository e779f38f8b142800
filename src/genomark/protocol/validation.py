"""The generic validation of a request: every fault found, in the order GAME gives them.

Steps 1 and 2 (missing keys) end the check when they find something, since nothing after them could
be read; step 3 collects all there is. The texts are those of GAME 1.0, section 2.4, on which
existing clients match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from genomark.protocol.blocks import SoundSequences
from genomark.protocol.edits import Edit, EditedSequences, sequence_length
from genomark.protocol.errors import BadRequestError
from genomark.protocol.messages import READOUTS, SCALES, PredictRequest

_TOP_LEVEL = ("readout", "prediction_tasks", "sequences")
_TASK_KEYS = ("name", "type", "cell_type", "species")
_TYPES = ("accessibility", "expression")
_TYPE_PREFIXES = ("expression_", "binding_", "conformation_")


def validate_request(raw: object) -> PredictRequest:
    """Check a decoded body and give it as a request.

    Parameters
    ----------
    raw : object
        What the codec made of the body.

    Returns
    -------
    PredictRequest

    Raises
    ------
    BadRequestError
        With one message a fault.
    """
    if not isinstance(raw, dict):
        raise BadRequestError("The request body must be an object with keys")
    for step in (_missing_keys, _wrong_containers):
        if messages := list(step(raw)):
            raise BadRequestError(messages)
    sequences = _sequences(raw)
    # What was read is dropped, so that many edits are in memory once.
    raw = {**raw, "sequences": {}, "edits": {}}
    if messages := list(_missing_task_keys(raw)) or list(_faults(raw, sequences)):
        raise BadRequestError(messages)
    try:
        request = msgspec.convert(raw, PredictRequest)
        return msgspec.structs.replace(request, sequences=sequences)
    except msgspec.ValidationError as error:
        # MsgPack allows keys that are no strings, among the unknown ones too.
        raise BadRequestError(f"The request cannot be read: {error}") from error


def _missing_keys(raw: Mapping[str, object]) -> Iterator[str]:
    if missing := sorted(set(_TOP_LEVEL) - raw.keys()):
        keys = ", ".join(missing)
        yield f"The following mandatory top-level keys are missing from the JSON: {keys}"


def _wrong_containers(raw: Mapping[str, object]) -> Iterator[str]:
    tasks, sequences = raw["prediction_tasks"], raw["sequences"]
    if not isinstance(tasks, list):
        yield "'prediction_tasks' must be an array of objects"
    elif not all(isinstance(task, dict) for task in tasks):
        yield "Every entry of 'prediction_tasks' must be an object"
    if not isinstance(sequences, Mapping):
        yield "'sequences' must be an object of sequence ids and sequences"
    elif not isinstance(sequences, SoundSequences):
        for name, sequence in sequences.items():
            if not isinstance(name, str):
                yield f"sequence id {name!r} must be a string"
            if not isinstance(sequence, str):
                yield f"sequence '{name}' value should be a string"
    if "edits" in raw:
        yield from _wrong_edits(raw)


def _wrong_edits(raw: Mapping[str, object]) -> Iterator[str]:
    yield from _wrong_references(raw.get("references", {}))
    edits = raw["edits"]
    if not isinstance(edits, dict):
        yield "'edits' must be an object of sequence ids and edits"
    else:
        for name, edit in edits.items():
            yield from _wrong_edit(name, edit)


def _wrong_references(references: object) -> Iterator[str]:
    if not isinstance(references, Mapping):
        yield "'references' must be an object of names and sequences"
        return
    for name, letters in references.items():
        if not isinstance(name, str):
            yield f"reference name {name!r} must be a string"
        if not isinstance(letters, str):
            yield f"reference '{name}' value should be a string"


def _wrong_edit(name: object, edit: object) -> Iterator[str]:
    if not isinstance(name, str):
        yield f"sequence id {name!r} must be a string"
    if not isinstance(edit, dict) or not {"of", "changes"} <= edit.keys():
        yield f"edit '{name}' must be an object with 'of' and 'changes'"
        return
    if not isinstance(edit["of"], str):
        yield f"'of' of edit '{name}' must be the name of a reference"
    changes = edit["changes"]
    if not isinstance(changes, list):
        yield f"'changes' of edit '{name}' must be a list"
    elif not all(_is_change(change) for change in changes):
        yield f"Every change of edit '{name}' must be a list of start, end and letters"


def _is_change(change: object) -> bool:
    return isinstance(change, list | tuple) and [type(each) for each in change] == [int, int, str]


def _sequences(raw: Mapping[str, object]) -> Mapping[str, str]:
    """Give the sequences of a request, those that are edits among them.

    Raises
    ------
    BadRequestError
        If the edits do not fit their references.
    """
    whole, edits = raw["sequences"], raw.get("edits")
    assert isinstance(whole, Mapping)
    if not edits:
        return whole
    references = raw.get("references", {})
    assert isinstance(references, Mapping)
    assert isinstance(edits, dict)
    read = {
        name: Edit(edit["of"], tuple(tuple(change) for change in edit["changes"]))
        for name, edit in edits.items()
    }
    return EditedSequences(references, read, whole)


def _missing_task_keys(raw: Mapping[str, object]) -> Iterator[str]:
    for index, task in enumerate(_tasks(raw)):
        if missing := sorted(set(_TASK_KEYS) - task.keys()):
            name = task.get("name", f"at index {index}")
            keys = ", ".join(missing)
            yield f"Mandatory keys missing from prediction_task '{name}': {keys}"


def _faults(raw: Mapping[str, object], sequences: Mapping[str, str]) -> Iterator[str]:
    yield from _readout_faults(raw["readout"])
    for task in _tasks(raw):
        yield from _task_faults(task)
    yield from _range_faults(raw, sequences)
    for key in ("upstream_seq", "downstream_seq"):
        if key in raw:
            yield from _string_faults(key, raw[key])


def _tasks(raw: Mapping[str, object]) -> list[dict[str, object]]:
    tasks = raw["prediction_tasks"]
    assert isinstance(tasks, list)
    return tasks


def _string_faults(key: str, value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield f"'{key}' should only have 1 value"
    elif not isinstance(value, str):
        yield f"'{key}' value should be a string"


def _readout_faults(readout: object) -> Iterator[str]:
    if readout not in READOUTS:
        yield f"readout requested is not recognized. Please choose from {list(READOUTS)}"
    if not isinstance(readout, str):
        yield "'readout' value should be a string"
    if isinstance(readout, list):
        yield "'readout' should only have 1 value"


def _task_faults(task: Mapping[str, object]) -> Iterator[str]:
    yield from _string_faults("name", task["name"])
    if isinstance(task["name"], list):
        yield "'name' value should be a string"
    kind = task["type"]
    if not isinstance(kind, str):
        yield from _string_faults("type", kind)
    elif kind not in _TYPES and not kind.startswith(_TYPE_PREFIXES):
        yield f"prediction type {kind} is not recognized"
    yield from _string_faults("cell_type", task["cell_type"])
    yield from _string_faults("species", task["species"])
    if "scale" in task:
        yield from _scale_faults(task["scale"])


def _scale_faults(scale: object) -> Iterator[str]:
    if not isinstance(scale, list) and scale not in SCALES:
        yield f"scale requested is not recognized. Please choose from {list(SCALES)}"
    yield from _string_faults("scale", scale)


def _range_faults(raw: Mapping[str, object], sequences: Mapping[str, str]) -> Iterator[str]:
    if "prediction_ranges" not in raw:
        return
    ranges = raw["prediction_ranges"]
    if not isinstance(ranges, dict):
        yield "'prediction_ranges' must be an object of sequence ids and ranges"
        return
    if ranges.keys() != sequences.keys():
        yield "sequence ids in prediction_ranges do not match those in sequences"
    for name, limits in ranges.items():
        yield from _limit_faults(name, limits)
        if name not in sequences or not sequence_length(sequences, name):
            yield (
                f"Invalid range for '{name}': "
                "cannot specify a range for a non-existent or empty sequence."
            )


def _limit_faults(name: str, limits: object) -> Iterator[str]:
    where = f"'{name}' in 'prediction_ranges'"
    if not isinstance(limits, list):
        yield f"Values for {where} must be in a list"
    elif not limits:
        return
    elif len(limits) != 2:
        yield f"Range array for {where} must have 2 elements"
    elif not all(type(limit) is int for limit in limits):
        yield f"Values in {where} must be integers"
    elif min(limits) < 0:
        yield f"Invalid range for {where}: indices must be positive. Received {limits}"
    elif limits[0] > limits[1]:
        yield (
            f"Invalid range for {where}: start index ({limits[0]}) cannot be greater than "
            f"end index ({limits[1]}). Received {limits}"
        )
