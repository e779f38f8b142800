"""The GAME 1.0 protocol: messages, validation, errors, codecs and ranges.

Pure: nothing here reads a file, opens a socket or knows a model.
"""

from genomark.protocol.bins import BinSpan, bases_of_bins, covering_bins
from genomark.protocol.blocks import (
    SoundPoints,
    SoundSequences,
    ids_of,
    sound_sequences,
    value_bytes,
)
from genomark.protocol.bodies import decode_request
from genomark.protocol.codecs import (
    ANONYMOUS,
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    PREDICT_FORMATS,
    PREDICTION_FORMATS,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    TENSOR,
    TENSOR_STREAM,
    answer_format,
    decode,
    decode_answer,
    encode,
    encode_request,
    prediction_format,
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
from genomark.protocol.repeated import Exchange, ReadRequest
from genomark.protocol.sequences import (
    Asked,
    asked_sequences,
    plain_sequences,
    prepared_sequences,
)
from genomark.protocol.tensor_answers import (
    FrameReader,
    decode_tensor_answer,
    encode_tensor_answer,
    is_streamable,
    tensor_frames,
)
from genomark.protocol.validation import validate_request
from genomark.protocol.zstd import ZSTD, compress, decompress

__all__ = [
    "ANONYMOUS",
    "EDITS",
    "EXTENSIONS",
    "JSON",
    "MSGPACK",
    "MSGPACK_NUMPY",
    "PREDICTION_FORMATS",
    "PREDICT_FORMATS",
    "READOUTS",
    "REQUEST_FORMATS",
    "RESPONSE_FORMATS",
    "SCALES",
    "TENSOR",
    "TENSOR_STREAM",
    "ZSTD",
    "Asked",
    "BadRequestError",
    "BinSpan",
    "Edit",
    "EditedSequences",
    "Exchange",
    "FrameReader",
    "GameError",
    "PredictRequest",
    "PredictResponse",
    "PredictionFailedError",
    "PredictionTask",
    "ReadRequest",
    "ServerError",
    "SoundPoints",
    "SoundSequences",
    "TaskPrediction",
    "Unanswered",
    "UpstreamDependencyError",
    "answer_format",
    "asked_sequences",
    "bases_of_bins",
    "compress",
    "covering_bins",
    "decode",
    "decode_answer",
    "decode_request",
    "decode_tensor_answer",
    "decompress",
    "encode",
    "encode_request",
    "encode_tensor_answer",
    "ids_of",
    "is_streamable",
    "plain_sequences",
    "prediction_format",
    "prepared_sequences",
    "request_format",
    "response_format",
    "sequence_length",
    "some_sequences",
    "sound_sequences",
    "tensor_frames",
    "total_letters",
    "validate_request",
    "value_bytes",
]
