"""Protocols: what a checkpoint is put through to answer a task."""

from __future__ import annotations

from genomark.errors import CapabilityError, UnknownNameError
from genomark.models import Embedder, Model, TaskTrainable

PROTOCOLS = ("probe", "zero-shot", "lora", "full")


def protocol_spec(spec: str, protocol: str) -> str:
    """Give the spec of a model under a protocol; those that are no checkpoints stay as they are.

    ``hf:NAME`` is probed where a task is to be learned and scores where nothing is, so that two of
    the protocols are its own; under the others it becomes ``fine-tuned:NAME,method=...``.

    Raises
    ------
    UnknownNameError
        If there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    kind, _, rest = spec.partition(":")
    if kind != "hf" or protocol in ("probe", "zero-shot"):
        return spec
    return f"fine-tuned:{rest},method={protocol}"


def as_trainable(model: Model) -> TaskTrainable:
    """Give a model, or a probe on an embedder, as what can be fitted to a task.

    Raises
    ------
    CapabilityError
        If it is neither.
    """
    if isinstance(model, TaskTrainable):
        return model
    if isinstance(model, Embedder):
        # Needs scikit-learn, which takes a while to load.
        from genomark.training.feature_models import ProbedEmbedder

        return ProbedEmbedder(model)
    raise CapabilityError(
        f"'{model.info.id}' can neither be fitted to labelled sequences nor gives vectors of "
        "sequences; some that can: cnn, onehot, kmer, hf:ORG/NAME"
    )
