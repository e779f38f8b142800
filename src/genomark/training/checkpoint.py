"""Where a training that was killed goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from genomark.atomic import write_whole
from genomark.digests import digest_of_bytes

#: Raise it when what a checkpoint holds changes.
_FORMAT = "1"
_FILE = "training.safetensors"


class Foreign(Exception):
    """A checkpoint that this training cannot go on from; says why."""


@dataclass(frozen=True)
class Checkpoint:
    """One moment of a training.

    Attributes
    ----------
    tensors : dict
        By name.
    progress : dict
        What is no tensor, of the types JSON knows.
    """

    tensors: dict[str, Tensor]
    progress: dict[str, Any]


def write_checkpoint(folder: Path, training: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint over the one before.

    One file holds all of it, so that a kill at any instant leaves either moment and no mixture.

    Parameters
    ----------
    folder : Path
    training : str
        Digest of all that the weights depend on.
    checkpoint : Checkpoint

    Raises
    ------
    genomark.errors.WriteError
        If the folder refuses, or the disk is full.
    """
    tensors = {
        name: tensor.detach().to("cpu").contiguous() for name, tensor in checkpoint.tensors.items()
    }
    progress = msgspec.json.encode(checkpoint.progress).decode()
    metadata = {"format": _FORMAT, "training": training, "progress": progress}
    metadata["digest"] = _digest(tensors, metadata)
    write_whole(folder / _FILE, save(tensors, metadata))


def read_checkpoint(folder: Path, training: str) -> Checkpoint | None:
    """Read the checkpoint of a training; None if there is none.

    Raises
    ------
    Foreign
        If it is damaged, or of another training.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise Foreign(f"{path} is damaged ({error})") from error
    if metadata.get("format") != _FORMAT or metadata.get("training") != training:
        raise Foreign(f"{path} is of another training: other data, settings, seed or version")
    told = {name: metadata.get(name, "") for name in ("format", "training", "progress")}
    if metadata.get("digest") != _digest(tensors, told):
        raise Foreign(f"{path} is damaged (its digest is not that of its content)")
    return Checkpoint(tensors, json.loads(told["progress"]))


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    parts = [each for pair in sorted(metadata.items()) for each in pair]
    # Bytes of any dtype, bfloat16 among them, which NumPy does not know.
    views = [tensors[name].reshape(-1).view(torch.uint8).numpy().data for name in sorted(tensors)]
    return digest_of_bytes([*(each.encode() for each in (*parts, *sorted(tensors))), *views])
