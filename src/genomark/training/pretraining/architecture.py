"""Small networks of transformers, made from a few numbers or taken from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from genomark.errors import CapabilityError, UsageError
from genomark.extras import import_extra
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.loading import load_network, without_bars

if TYPE_CHECKING:
    import torch

Architecture = Literal["bert", "esm", "modernbert", "t5"]
_LEARNED = {
    "bert": "BertForMaskedLM",
    "esm": "EsmForMaskedLM",
    "modernbert": "ModernBertForMaskedLM",
    "t5": "T5ForConditionalGeneration",
}


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network.

    Attributes
    ----------
    architecture : {"esm", "modernbert", "bert", "t5"}
        The first three guess hidden tokens where they stand, the last writes hidden spans one
        after the other. `bert` numbers positions; the others know distances.
    width : int
        Numbers in the vector of a token, 16 or more, a multiple of `heads`.
    layers, heads : int
        Of a T5, layers of the encoder and of the decoder each.
    feed_forward : int
        Numbers within a layer; 0 for four times the width.
    """

    architecture: Architecture = "esm"
    width: int = 96
    layers: int = 3
    heads: int = 3
    feed_forward: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no network."""
        if self.width < 16 or self.heads < 1 or self.width % (2 * self.heads):
            raise UsageError(
                f"a network of width {self.width} with {self.heads} heads; expected a width of 16 "
                "or more that twice the number of heads divides"
            )
        if self.layers < 1 or self.feed_forward < 0:
            raise UsageError(
                f"a network of {self.layers} layers and feed_forward {self.feed_forward}; expected "
                "1 layer or more, and 0 or more"
            )


def make_network(settings: NetworkSettings, ids: Mapping[str, int], longest: int) -> Any:
    """Draw a network; by torch's generator, so seed that first.

    Parameters
    ----------
    settings : NetworkSettings
    ids : mapping of str to int
        ``words`` of the vocabulary, and the tokens ``pad``, ``mask``, ``before`` and ``after``.
    longest : int
        Tokens of a row at most.
    """
    transformers = import_extra("pretraining", "transformers", "hub")
    kind = settings.architecture
    make = {"bert": _bert, "esm": _esm, "modernbert": _modernbert, "t5": _t5}[kind]
    config = make(transformers, settings, ids, longest)
    return getattr(transformers, _LEARNED[kind])(config)


def open_network(folder: Path) -> Any:
    """Load the network of a checkpoint, with what it was pretrained by.

    Raises
    ------
    CapabilityError
        If it is neither a masked language model nor a T5.
    ModelError
        If weights are lacking or cannot be read.
    """
    checkpoint = HubCheckpoint(str(folder))
    if checkpoint.files.config.get("model_type") == "t5":
        files = checkpoint.files
        return load_network(files.folder, _LEARNED["t5"], trust=False, safe=files.safe)
    if checkpoint.likelihood != "masked":
        raise CapabilityError(
            f"{checkpoint.spec}: neither a masked language model nor a T5; pretraining goes on "
            "from those alone"
        )
    return checkpoint.module("lm")


def writes_spans(network: Any) -> bool:
    """Whether a network writes hidden spans, and does not guess them where they stand."""
    return bool(network.config.is_encoder_decoder)


def hidden_scores(
    network: Any, ids: torch.Tensor, mask: torch.Tensor, where: torch.Tensor
) -> torch.Tensor:
    """Scores of all words at some tokens, float32[n, n_words]; before softmax.

    Parameters
    ----------
    network : object
        Of a masked language model.
    ids, mask : Tensor of int64, shape (n_rows, longest)
    where : Tensor of bool, shape (n_rows, longest)
        Tokens that are asked. Elsewhere the head, half of the work with a large vocabulary, is
        spared where it is known how.
    """
    kind = network.config.model_type
    if kind not in _HEADS:
        out: torch.Tensor = network(input_ids=ids, attention_mask=mask)[0][where]
        return out
    vectors = network.base_model(input_ids=ids, attention_mask=mask)[0][where]
    scores: torch.Tensor = _HEADS[kind](network, vectors)
    return scores


_HEADS: Mapping[str, Any] = {
    "bert": lambda network, vectors: network.cls(vectors),
    "esm": lambda network, vectors: network.lm_head(vectors),
    "modernbert": lambda network, vectors: network.decoder(network.head(vectors)),
}


def save_network(network: Any, folder: Path) -> None:
    """Save configuration and weights as the hub has them."""
    with without_bars():
        network.save_pretrained(folder)


def _bert(
    transformers: Any, settings: NetworkSettings, ids: Mapping[str, int], longest: int
) -> Any:
    return transformers.BertConfig(
        **_common(settings, ids),
        max_position_embeddings=longest,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def _esm(transformers: Any, settings: NetworkSettings, ids: Mapping[str, int], longest: int) -> Any:
    return transformers.EsmConfig(
        **_common(settings, ids),
        mask_token_id=ids["mask"],
        # Counted from the padding on, although nothing is looked up.
        max_position_embeddings=longest + ids["pad"] + 1,
        position_embedding_type="rotary",
        token_dropout=False,
        emb_layer_norm_before=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def _modernbert(
    transformers: Any, settings: NetworkSettings, ids: Mapping[str, int], longest: int
) -> Any:
    return transformers.ModernBertConfig(
        **_common(settings, ids),
        max_position_embeddings=longest,
        bos_token_id=ids["before"],
        cls_token_id=ids["before"],
        eos_token_id=ids["after"],
        sep_token_id=ids["after"],
        attention_dropout=0.0,
        embedding_dropout=0.0,
        mlp_dropout=0.0,
    )


def _t5(transformers: Any, settings: NetworkSettings, ids: Mapping[str, int], longest: int) -> Any:
    return transformers.T5Config(
        vocab_size=ids["words"],
        d_model=settings.width,
        d_kv=settings.width // settings.heads,
        d_ff=settings.feed_forward or 4 * settings.width,
        num_layers=settings.layers,
        num_decoder_layers=settings.layers,
        num_heads=settings.heads,
        n_positions=longest,
        dropout_rate=0.0,
        pad_token_id=ids["pad"],
        decoder_start_token_id=ids["pad"],
        eos_token_id=ids["after"],
    )


def _common(settings: NetworkSettings, ids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "vocab_size": ids["words"],
        "hidden_size": settings.width,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": settings.feed_forward or 4 * settings.width,
        "pad_token_id": ids["pad"],
    }
