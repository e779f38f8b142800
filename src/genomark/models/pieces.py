"""Asking a model for edits a piece at a time, so that few of the sequences are built at once."""

from __future__ import annotations

import msgspec

from genomark.errors import ModelError
from genomark.models.capabilities import Predictor
from genomark.models.game_response import merge_answers, read_response
from genomark.models.splitting import split
from genomark.protocol import (
    EditedSequences,
    PredictRequest,
    PredictResponse,
    SoundSequences,
    TaskPrediction,
)

#: Letters that a model is handed at once.
LETTERS = 64 << 20


def predict_in_pieces(
    model: Predictor, request: PredictRequest, letters: int = LETTERS
) -> PredictResponse:
    """Have a model answer a request, and build no more of its edits at a time than it can bear.

    Parameters
    ----------
    model : Predictor
        One with a true `builds_lazily` looks at sequences one by one, or passes the edits on: it
        is handed the request as it is. Any other is handed a dict of strings.
    request : PredictRequest
    letters : int
        Of a piece, about, unless it is a single sequence.

    Returns
    -------
    PredictResponse
        As from one answer; where there are several pieces, what is missing in one is `Unanswered`.

    Raises
    ------
    ModelError
        If pieces were not answered by the same thing.
    """
    sequences = request.sequences
    if getattr(model, "builds_lazily", False):
        return model.predict(request)
    if isinstance(sequences, SoundSequences):
        return model.predict(msgspec.structs.replace(request, sequences=sequences.by_id))
    if not isinstance(sequences, EditedSequences):
        return model.predict(request)
    pieces = split(request, max(1, len(sequences)), letters)
    answers = []
    read = []
    for piece in pieces:
        whole = msgspec.structs.replace(piece, sequences=dict(piece.sequences))
        answers.append(model.predict(whole))
        del whole
        read.append(read_response(answers[-1], piece).response)
    if len(answers) == 1:
        return answers[0]
    try:
        merged = merge_answers(request, read, {})
    except ValueError as error:
        raise ModelError(
            f"'{model.info.id}' answered the parts of one request differently: {error}"
        ) from error
    tasks = [
        _refusal(answers, index, request) or task
        for index, task in enumerate(merged.prediction_tasks)
    ]
    return msgspec.structs.replace(merged, prediction_tasks=tasks)


def _refusal(
    answers: list[PredictResponse], index: int, request: PredictRequest
) -> TaskPrediction | None:
    """Give the first answer to a task that was refused in every piece (GAME 1.0, section 3.5)."""
    if "error" in request.sequences:
        return None
    tasks = [each.prediction_tasks[index] for each in answers if index < len(each.prediction_tasks)]
    refused = [task for task in tasks if "error" in task.predictions]
    return refused[0] if len(refused) == len(answers) else None
