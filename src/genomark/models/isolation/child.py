"""The process in a sandbox: loads the model, and answers what it is asked until the pipe ends.

All of this runs beside foreign code that may change any of it. Nothing rests on what it says.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec
import numpy as np
import scipy

from genomark.errors import CapabilityError, GenomarkError
from genomark.models import capabilities, load_model
from genomark.models.isolation.messages import (
    ANSWER,
    ERROR,
    HEAD_BYTES,
    MODEL,
    PROGRESS,
    STANDS,
    Call,
    Failure,
    Genes,
    Term,
    Told,
    floats,
    framed,
    head_of,
)
from genomark.models.pieces import predict_in_pieces
from genomark.models.sequence_function import SequencePredictor
from genomark.protocol import (
    MSGPACK,
    EditedSequences,
    PredictRequest,
    SoundSequences,
    decode,
    encode_tensor_answer,
)
from genomark.protocol.edits import Edit
from genomark.protocol.tensors import Tensor

#: What can be asked through a pipe.
_ASKED = ("Predictor", "Embedder", "GeneEmbedder", "Scorer", "Folder", "Designer", "TermMatcher")
#: What cannot: training would need labels, and answers by item may come with the truth.
_UNASKED = ("Trainable", "TaskTrainable", "ItemPredictor")
_PROGRESS_SECONDS = 0.2
_LONGEST_TEXT = 4000


def main() -> None:
    """Load the model of the first argument and answer."""
    spec, place = sys.argv[1:]
    requests, answers = _pipes()
    _say(answers, framed(STANDS, None))
    # After what is installed, as for a file in the folder that one works in.
    sys.path.append(place)
    try:
        model = load_model(spec)
        told = _told(model)
    # A stranger's code may fail in any way.
    except BaseException as error:  # noqa: BLE001
        _say(answers, framed(ERROR, _failure(error)))
        return
    _say(answers, framed(MODEL, told))
    while (head := requests.read(HEAD_BYTES)) and len(head) == HEAD_BYTES:
        _, length = head_of(head)
        call = msgspec.msgpack.decode(requests.read(length), type=Call)
        try:
            message = framed(ANSWER, _METHODS[call.method](model, call, _progress(answers)))
        except Exception as error:  # noqa: BLE001 - as above
            message = framed(ERROR, _failure(error))
        except SystemExit as error:
            message = framed(ERROR, Failure(f"it ended Python (SystemExit: {error})"))
        _say(answers, message)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes out of the way of what the model prints, which goes where errors go."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _say(answers: BinaryIO, message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[answers.write(view) or 0 :]


def _progress(answers: BinaryIO) -> Callable[[int], None]:
    last, waiting = time.monotonic(), 0

    def progress(done: int) -> None:
        nonlocal last, waiting
        waiting += int(done)
        if time.monotonic() - last >= _PROGRESS_SECONDS:
            _say(answers, framed(PROGRESS, waiting))
            last, waiting = time.monotonic(), 0

    return progress


def _failure(error: BaseException) -> Failure:
    kind = type(error).__name__
    text = str(error)
    if not isinstance(error, GenomarkError):
        text = f"{kind}: {text}" if text else repr(error)
    cause = error.__cause__ or error
    return Failure(
        text[:_LONGEST_TEXT],
        memory=isinstance(error, MemoryError) or kind == "OutOfMemoryError",
        missing=isinstance(error, OSError) or isinstance(cause, OSError | ImportError),
        unfit=isinstance(error, CapabilityError),
    )


def _told(model: Any) -> Told:
    found = [name for name in _ASKED if isinstance(model, getattr(capabilities, name))]
    unasked = [name for name in _UNASKED if isinstance(model, getattr(capabilities, name))]
    if unasked or not found:
        kinds = " and ".join(unasked or ["none of those"])
        raise CapabilityError(
            f"what can be isolated is a {', '.join(_ASKED[:-1])} or {_ASKED[-1]}, and this is "
            f"{kinds}: nothing is trained in a sandbox, and nothing answers by item there"
        )
    declaration = getattr(model, "declaration", None)
    return Told(
        capabilities=found,
        predictor_name=str(getattr(model, "predictor_name", "")),
        likelihood=str(getattr(model, "likelihood", "")),
        effect=str(getattr(model, "effect", "")),
        batch_invariant=getattr(model, "batch_invariant", False) is True,
        keepable=bool(getattr(model, "keepable", True)),
        pairs_only=getattr(model, "pairs_only", False) is True,
        declaration=b"" if declaration is None else msgspec.msgpack.encode(declaration),
        notes=[str(note) for note in getattr(model.info, "notes", [])],
    )


def _predict(model: Any, call: Call, progress: object) -> bytes:
    # Without being told that they are sound, it would start a compiler to look at them once more.
    letters = call.letters if isinstance(model, SequencePredictor) else 0
    request = _request(call.body, letters)
    response = predict_in_pieces(model, request)
    return encode_tensor_answer(response, list(request.sequences))


def _request(body: bytes, letters: int) -> PredictRequest:
    raw = decode(body, MSGPACK)
    edits, references = raw.pop("edits", None), raw.pop("references", {})
    sequences = raw.pop("sequences")
    if edits is not None:
        read = msgspec.convert(edits, dict[str, Edit])
        sequences = EditedSequences(references, read, sequences)
    elif letters:
        sequences = SoundSequences(list(sequences), letters, list(sequences.values()))
    request = msgspec.convert({**raw, "sequences": {}}, PredictRequest)
    return msgspec.structs.replace(request, sequences=sequences)


def _embed(model: Any, call: Call, progress: Callable[[int], None]) -> Tensor:
    return floats(model.embed(call.texts, progress))


def _embed_positions(model: Any, call: Call, progress: Callable[[int], None]) -> list[Tensor]:
    return [floats(each) for each in model.embed_positions(call.texts, progress)]


def _log_likelihoods(model: Any, call: Call, progress: Callable[[int], None]) -> Tensor:
    return floats(model.log_likelihoods(call.texts, progress))


def _fold(
    model: Any, call: Call, progress: Callable[[int], None]
) -> list[tuple[str, float | None]]:
    folds = model.fold(call.texts, progress)
    return [(fold.structure, _number(fold.energy)) for fold in folds]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _design(model: Any, call: Call, progress: object) -> list[str]:
    return list(model.design(call.word, call.seconds, call.seed))


def _gene_table(model: Any, call: Call, progress: object) -> Genes:
    table = model.gene_table(call.texts, call.word)
    rows = table.rows(call.texts)
    known = rows >= 0
    vectors = table.vectors[rows[known]]
    if isinstance(vectors, scipy.sparse.csr_array):
        vectors = vectors.toarray()
    names = [name for name, is_known in zip(call.texts, known, strict=True) if is_known]
    reasons = {name: str(table.reasons[name]) for name in call.texts if name in table.reasons}
    return Genes(names, floats(np.asarray(vectors, dtype=np.float32)), reasons)


def _match_term(model: Any, call: Call, progress: object) -> Term:
    found = model.match_term(call.more, call.word, call.texts)
    return Term(
        found.choice, _number(found.confidence), found.calls, str(found.fault), list(found.notes)
    )


_METHODS: dict[str, Callable[[Any, Call, Callable[[int], None]], object]] = {
    "predict": _predict,
    "embed": _embed,
    "embed_positions": _embed_positions,
    "log_likelihoods": _log_likelihoods,
    "fold": _fold,
    "design": _design,
    "gene_table": _gene_table,
    "match_term": _match_term,
}

if __name__ == "__main__":
    main()
