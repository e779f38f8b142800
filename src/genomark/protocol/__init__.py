"""The GAME 1.0 protocol: messages, validation, errors, codecs and ranges.

Pure: nothing here reads a file, opens a socket or knows a model.
"""

from genomark.protocol.bins import BinSpan, bases_of_bins, covering_bins
from genomark.protocol.bodies import decode_request
from genomark.protocol.codecs import (
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    answer_format,
    decode,
    decode_answer,
    encode,
    encode_request,
    request_format,
    response_format,
)
from genomark.protocol.edits import (
    Edit,
    EditedSequences,
    sequence_length,
    some_sequences,
    total_letters,
)
from genomark.protocol.errors import (
    BadRequestError,
    GameError,
    PredictionFailedError,
    ServerError,
    UpstreamDependencyError,
)
from genomark.protocol.messages import (
    READOUTS,
    SCALES,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    Unanswered,
)
from genomark.protocol.sequences import Asked, asked_sequences, prepared_sequences
from genomark.protocol.validation import validate_request

__all__ = [
    "EDITS",
    "EXTENSIONS",
    "JSON",
    "MSGPACK",
    "MSGPACK_NUMPY",
    "READOUTS",
    "REQUEST_FORMATS",
    "RESPONSE_FORMATS",
    "SCALES",
    "Asked",
    "BadRequestError",
    "BinSpan",
    "Edit",
    "EditedSequences",
    "GameError",
    "PredictRequest",
    "PredictResponse",
    "PredictionFailedError",
    "PredictionTask",
    "ServerError",
    "TaskPrediction",
    "Unanswered",
    "UpstreamDependencyError",
    "answer_format",
    "asked_sequences",
    "bases_of_bins",
    "covering_bins",
    "decode",
    "decode_answer",
    "decode_request",
    "encode",
    "encode_request",
    "prepared_sequences",
    "request_format",
    "response_format",
    "sequence_length",
    "some_sequences",
    "total_letters",
    "validate_request",
]
