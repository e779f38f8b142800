"""Predictions as msgpack-numpy writes them, bytes keys and all."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_map(value: Any) -> dict[bytes, Any]:
    array = np.asarray(value, dtype="<f4")
    return {
        b"nd": True,
        b"type": array.dtype.str,
        b"kind": b"",
        b"shape": list(array.shape),
        b"data": array.tobytes(),
    }


def with_arrays(body: Any) -> Any:
    """Turn the lists among the predictions of an answer into arrays of float32."""
    tasks = [
        {
            **task,
            "predictions": {
                name: as_map(value) if isinstance(value, list) else value
                for name, value in task["predictions"].items()
            },
        }
        for task in body.get("prediction_tasks", [])
    ]
    return {**body, **({"prediction_tasks": tasks} if tasks else {})}
