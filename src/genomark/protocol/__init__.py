"""The GAME 1.0 protocol: messages, validation, errors, codecs and ranges.

Pure: nothing here reads a file, opens a socket or knows a model.
"""

from genomark.protocol.codecs import (
    JSON,
    MSGPACK,
    SUPPORTED_FORMATS,
    decode,
    encode,
    request_format,
    response_format,
)
from genomark.protocol.errors import (
    BadRequestError,
    GameError,
    PredictionFailedError,
    ServerError,
)
from genomark.protocol.messages import (
    READOUTS,
    SCALES,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
)
from genomark.protocol.sequences import prepared_sequences
from genomark.protocol.validation import validate_request

__all__ = [
    "JSON",
    "MSGPACK",
    "READOUTS",
    "SCALES",
    "SUPPORTED_FORMATS",
    "BadRequestError",
    "GameError",
    "PredictRequest",
    "PredictResponse",
    "PredictionFailedError",
    "PredictionTask",
    "ServerError",
    "TaskPrediction",
    "decode",
    "encode",
    "prepared_sequences",
    "request_format",
    "response_format",
    "validate_request",
]
