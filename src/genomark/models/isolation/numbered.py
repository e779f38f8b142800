"""Requests as a sandbox sees them, with numbers for ids, and answers as they come back out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from genomark.errors import one_line
from genomark.protocol import (
    EditedSequences,
    PredictRequest,
    TaskPrediction,
    Unanswered,
    sound_sequences,
    total_letters,
)
from genomark.protocol.edits import Edit

#: Bytes of an answer beside its values: of all, for each sequence and task, and for each letter.
ANSWER_BYTES, SEQUENCE_BYTES, LETTER_BYTES = 1 << 20, 1 << 10, 8
#: Of what a model tells in a list, so many entries are passed on.
MOST_NAMES = 10


def numbered(request: PredictRequest, names: Sequence[str]) -> PredictRequest:
    """Call sequences by number: an id may tell of an item more than a model is asked with."""
    number = {name: str(place) for place, name in enumerate(names)}
    sequences = request.sequences
    if isinstance(sequences, EditedSequences):
        reference = {name: str(place) for place, name in enumerate(sequences.references)}
        changed: Mapping[str, str] = EditedSequences(
            {reference[name]: text for name, text in sequences.references.items()},
            {
                number[name]: Edit(reference[edit.of], edit.changes)
                for name, edit in sequences.edits.items()
            },
            {number[name]: text for name, text in sequences.whole.items()},
        )
    else:
        changed = {number[name]: text for name, text in sequences.items()}
    ranges = request.prediction_ranges
    if ranges is not UNSET:
        ranges = {number.get(name, name): limits for name, limits in ranges.items()}
    return msgspec.structs.replace(request, sequences=changed, prediction_ranges=ranges)


def sound_letters(request: PredictRequest) -> int:
    """Count the letters of sequences that are known to be sound; 0 if they are not."""
    if isinstance(request.sequences, EditedSequences):
        return 0
    sound = sound_sequences(request.sequences)
    return 0 if sound is None else sound.letters


def answer_bytes(request: PredictRequest) -> int:
    """Say how long an answer to a request can be."""
    tasks = max(1, len(request.prediction_tasks))
    most = ANSWER_BYTES + SEQUENCE_BYTES * tasks * (1 + len(request.sequences))
    if request.readout == "point":
        return most
    letters = total_letters(request.sequences)
    flanks = len(request.upstream_seq or "") + len(request.downstream_seq or "")
    letters += flanks * len(request.sequences)
    if request.readout == "track":
        return most + LETTER_BYTES * tasks * letters
    # Bins of a matrix are unknown; no more than memory holds is read anyway.
    return most + LETTER_BYTES * tasks * letters**2


def clean_task(task: TaskPrediction, names: Mapping[str, str]) -> TaskPrediction:
    """Give sequences their ids back, and let no text through that is more than a line."""
    values = task.predictions
    if all(type(value) is float for value in values.values()):
        cleaned = {names[key]: value for key, value in values.items()}
    else:
        cleaned = {
            names[key]: Unanswered(one_line(value.reason))
            if isinstance(value, Unanswered)
            else value
            for key, value in values.items()
        }
    told, trims = task.aggregation, task.trim_upstream
    return msgspec.structs.replace(
        task,
        type_actual=[one_line(each) for each in task.type_actual[:MOST_NAMES]],
        cell_type_actual=one_line(task.cell_type_actual),
        species_actual=one_line(task.species_actual),
        scale_prediction_actual=one_line(task.scale_prediction_actual),
        predictions=cleaned,
        aggregation=UNSET
        if told is UNSET
        else {one_line(key): one_line(value) for key, value in told.items()},
        trim_upstream=UNSET
        if trims is UNSET
        else {names[key]: value for key, value in trims.items() if key in names},
    )
