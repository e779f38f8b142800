"""``text:ENCODER``: genes by text, through any checkpoint in the Hugging Face format."""

from __future__ import annotations

from typing import Literal

from genomark.models.genes.checkpoint import CheckpointEncoder, Pooling
from genomark.models.genes.descriptors import Missing, descriptor
from genomark.models.genes.text_embedder import TextEmbedder, spec_of

YesNo = Literal["yes", "no"]


def from_checkpoint(
    encoder: str,
    descriptions: str = "symbol",
    id: str = "",
    text: str = "",
    missing: Missing = "drop",
    pooling: Pooling = "own",
    special: YesNo = "no",
    window: int = 0,
    device: str = "cpu",
    trust: YesNo = "no",
) -> TextEmbedder:
    """Make ``text:ENCODER,descriptions=...``.

    Parameters
    ----------
    encoder : str
        A local folder, or a name on the Hugging Face hub, perhaps with ``@revision``.
    descriptions, id, text, missing : str
        As for `genomark.models.genes.descriptors.descriptor`.
    pooling, special, window, device, trust : str or int
        As for `genomark.models.genes.checkpoint.CheckpointEncoder`.

    Raises
    ------
    UsageError
        If there is no such folder or file, or a library is lacking.
    """
    settings = {key: value for key, value in locals().items() if key != "encoder"}
    made = CheckpointEncoder(
        encoder,
        pooling=pooling,
        special=special == "yes",
        window=window,
        device=device,
        trust=trust == "yes",
    )
    described = descriptor(descriptions, id=id, text=text, missing=missing)
    return TextEmbedder(spec_of("text", [encoder], from_checkpoint, settings), made, described)


#: What the registry calls; within the function that is the name of a column.
text = from_checkpoint
