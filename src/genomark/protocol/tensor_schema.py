"""JSON Schema of the tensor format, made from the message types themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from genomark.protocol.edits import Edit
from genomark.protocol.tensor_answers import End, Item, TensorAnswer
from genomark.protocol.tensor_requests import TensorRequest
from genomark.protocol.tensors import DTYPES

_TYPES = (TensorRequest, Edit, TensorAnswer, Item, End)
#: A string of bytes, which JSON has not.
_BIN = {"type": "string", "contentMediaType": "application/octet-stream"}


def tensor_schemas(ref_template: str) -> dict[str, Any]:
    """Describe requests, answers and frames.

    Parameters
    ----------
    ref_template : str
        Of references from one to another; ``{name}`` stands for the name.

    Returns
    -------
    dict of str to schema
        `TensorRequest` and `TensorAnswer` are what bodies hold, `Item` and `End` the frames after
        the first. What MsgPack writes as *bin* is a string with a ``contentMediaType``.
    """
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=ref_template)
    reference = {name: {"$ref": ref_template.format(name=name)} for name in schemas}
    for name in ("Tensor", "SequenceBlock"):
        schemas[name]["properties"]["data"] = _BIN
    schemas["Tensor"]["properties"]["dtype"] = {"enum": list(DTYPES)}
    schemas["SequenceBlock"]["properties"]["code"] = {"enum": ["2bit", "text"]}
    schemas["TensorRequest"]["properties"]["edits"] = {
        "type": "object",
        "additionalProperties": reference["Edit"],
    }
    # Just one of them holds the values, or says that they come as frames.
    schemas["TensorTask"]["oneOf"] = [
        {"required": [key]} for key in ("predictions", "value_block", "streamed")
    ]
    return schemas
