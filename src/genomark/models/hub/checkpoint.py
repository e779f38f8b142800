"""A checkpoint of a genomic language model: its tokens, its network, its head."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models.hub.files import CheckpointFiles
from genomark.models.hub.loading import as_model_error, load_network, load_tokenizer
from genomark.models.hub.tokens import SequenceTokenizer, TokenIds
from genomark.models.hub.vocabulary import Tokens

if TYPE_CHECKING:
    import torch

#: Raise it when tokens or the use of a network change.
_VERSION = "1"

Likelihood = Literal["causal", "masked"]
#: A network without a head, with that over its vocabulary, or with that over classes of tokens.
Part = Literal["trunk", "lm", "tagger"]
_HEADS: dict[str, Likelihood] = {
    "ForMaskedLM": "masked",
    "BertForPreTraining": "masked",
    "ForCausalLM": "causal",
    "LMHeadModel": "causal",
}
_TAGGER = "AutoModelForTokenClassification"
_LOADERS = {"masked": "AutoModelForMaskedLM", "causal": "AutoModelForCausalLM"}
#: Networks that count positions from the id of the padding on.
_COUNT_FROM_PADDING = ("esm", "roberta", "xlm-roberta", "camembert", "longformer", "mpnet")
#: Where configurations name the number of positions.
_POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_seqlen")
#: Where tokenizers write "no limit", they write a number above this.
_NO_LIMIT = 1_000_000_000


class HubCheckpoint:
    """A checkpoint, for embedding, scoring and fine-tuning.

    Parameters
    ----------
    name : str
        A folder, or a name on the hub, perhaps with ``@revision``.
    trust : bool
        Whether code that comes with the checkpoint may run.
    tokens : {"auto", "own", "single", "kmer", "kmer-overlap"}
        How sequences become tokens; ``auto`` tells it from the vocabulary.

    Raises
    ------
    UsageError
        If there is no such folder, or a library is lacking.
    """

    def __init__(self, name: str, *, trust: bool = False, tokens: Tokens = "auto") -> None:
        self.files = CheckpointFiles(name, trust)
        self.spec = self.files.spec
        self._tokens = tokens

    @cached_property
    def digest(self) -> str:
        """Of the checkpoint's files and how sequences become tokens."""
        return digest_of(["hub", _VERSION, self.files.digest, self.files.trust, self._tokens])

    @cached_property
    def tokenizer(self) -> SequenceTokenizer:
        """Its tokenizer, told how to read sequences."""
        trust = self.files.trust
        self.files.config  # noqa: B018  (says first what is wrong with the checkpoint)
        with as_model_error(self.spec):
            loaded = load_tokenizer(self.files.folder, trust=trust)
            return SequenceTokenizer(self.spec, loaded, self._tokens)

    def tokens(self, sequences: Sequence[str]) -> list[TokenIds]:
        """Cut sequences into tokens, special ones added; nothing is cut off.

        Raises
        ------
        ModelError
            If a sequence is empty, or more than 5 % of the letters (N aside) are unknown.
        """
        with as_model_error(self.spec):
            return self.tokenizer.encode(sequences)

    @property
    def pad_id(self) -> int:
        """Token that fills up a batch."""
        return self.tokenizer.pad_id

    @property
    def mask_id(self) -> int | None:
        """Token that stands for one to be guessed."""
        return self.tokenizer.mask_id

    @cached_property
    def max_tokens(self) -> int | None:
        """Tokens it can see at once, special ones among them; None for any number."""
        config = self.files.config
        limits = [self.tokenizer.longest]
        for key in _POSITIONS:
            if isinstance(config.get(key), int):
                skipped = 0
                if config.get("model_type") in _COUNT_FROM_PADDING:
                    skipped = int(config.get("pad_token_id") or 0) + 1
                limits.append(config[key] - skipped)
        return min(limits) if min(limits) < _NO_LIMIT else None

    @property
    def positions_are_bounded(self) -> bool:
        """Whether positions come from a table, so that no more tokens can be seen at all."""
        config = self.files.config
        relative = "alibi_starting_size" in config or config.get("model_type") in ("t5", "mt5")
        return self.max_tokens is not None and not relative

    @property
    def is_causal(self) -> bool:
        """Whether a token sees only those before it."""
        return self.likelihood == "causal" or bool(self.files.config.get("is_decoder"))

    @cached_property
    def likelihood(self) -> Likelihood | None:
        """What its head over the vocabulary tells, by config.json; None if it has no such head."""
        return head_of(self.files.config)

    @cached_property
    def width(self) -> int:
        """Numbers in the vector of a token."""
        from transformers import AutoConfig

        if self.files.config.get("auto_map"):
            return self._measured_width()
        with as_model_error(self.spec):
            return int(AutoConfig.from_pretrained(self.files.folder).hidden_size)

    def _measured_width(self) -> int:
        """Ask the network itself: what code of others calls its width need not be that."""
        import torch

        before, after = self.tokenizer.special
        ids = torch.tensor([[*before, self.pad_id, *after]])
        with torch.inference_mode():
            network = self.module("trunk")
            return int(self.hidden(network, ids, torch.ones_like(ids)).shape[2])

    def module(self, kind: Part = "trunk") -> torch.nn.Module:
        """Load a network afresh, in float32, in evaluation mode, on the processor.

        Parameters
        ----------
        kind : {"trunk", "lm", "tagger"}
            Without a head (of an encoder and decoder, the encoder), with that over the vocabulary,
            or with that over classes of tokens.

        Raises
        ------
        CapabilityError
            If the checkpoint has no such part.
        ModelError
            If weights are lacking or cannot be read.
        """
        config, files = self.files.config, self.files
        two = bool(config.get("is_encoder_decoder")) or config.get("model_type") == "t5"
        trunk = _trunk_loader(config, self.likelihood)
        if kind == "lm" and self.likelihood is None:
            raise CapabilityError(self.no_head)
        heads = {"lm": _LOADERS.get(str(self.likelihood), ""), "tagger": _TAGGER}
        loader = trunk if kind == "trunk" else heads[kind]
        prefixes = ("encoder.", "shared.") if two else ("",)
        with as_model_error(self.spec):
            network = load_network(
                files.folder, loader, trust=files.trust, safe=files.safe, prefixes=prefixes
            )
            if kind == "trunk" and loader != "AutoModel":
                if network.base_model is network:
                    raise CapabilityError(
                        f"{self.spec}: its code has no network without a head; it cannot embed"
                    )
                network = network.base_model
            encoder: torch.nn.Module = network.get_encoder() if two else network
            return encoder

    @property
    def no_head(self) -> str:
        """Why it cannot score sequences, if it cannot."""
        names = ", ".join(map(str, self.files.config.get("architectures") or [])) or "nothing"
        return (
            f"{self.spec}: has no head that tells the probability of a token (config.json names "
            f"{names}), so it cannot score sequences; expected a ...ForMaskedLM or ...ForCausalLM"
        )

    def hidden(
        self, module: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor, layer: int = -1
    ) -> torch.Tensor:
        """Vectors of the tokens.

        Parameters
        ----------
        module : torch.nn.Module
            From `module`, perhaps fine-tuned or wrapped since.
        ids, mask : Tensor of int64, shape (n, n_tokens)
            Tokens; 1 for those of a sequence and 0 for padding.
        layer : int
            0 for what goes into the first layer; negative from the end.

        Returns
        -------
        Tensor, shape (n, n_tokens, width)

        Raises
        ------
        UsageError
            If there is no such layer.
        """
        network = getattr(module, "base_model", module)
        if layer == -1:
            # The first of what a network gives is its last layer, whatever the rest is called.
            return _first(network(**_inputs(network, ids, mask)))
        out = network(**_inputs(network, ids, mask), output_hidden_states=True)
        layers = getattr(out, "hidden_states", None)
        if layers is None:
            raise UsageError(f"{self.spec}: layer={layer}: its code gives only the last (layer=-1)")
        if not -len(layers) <= layer < len(layers):
            raise UsageError(
                f"{self.spec}: layer={layer}: expected a number from 0 (what goes into the first) "
                f"to {len(layers) - 1}, or from -{len(layers)} to -1"
            )
        chosen: torch.Tensor = layers[layer]
        return chosen

    def logits(
        self, module: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Scores of each word for each token, of shape (n, n_tokens, n_words); before softmax.

        Of a causal network, those at a token are for the next one.
        """
        return _first(module(**_inputs(module, ids, mask)))

    def takes_mask(self, module: torch.nn.Module) -> bool:
        """Whether padding can be told from tokens; if not, it must not stand in a batch."""
        return _takes_mask(module)


def head_of(config: Mapping[str, Any]) -> Likelihood | None:
    """Tell the head over the vocabulary from a configuration.

    Parameters
    ----------
    config : mapping
        What config.json holds. Its `architectures` name the class whose weights were saved.

    Returns
    -------
    {"masked", "causal"} or None
        None also for networks of an encoder and a decoder, which tell the probability of one
        sequence given another.
    """
    if config.get("is_encoder_decoder"):
        return None
    for name in config.get("architectures") or ():
        for ending, likelihood in _HEADS.items():
            if str(name).endswith(ending):
                return likelihood
    return None


def _trunk_loader(config: Mapping[str, Any], likelihood: Likelihood | None) -> str:
    """Code that comes with a checkpoint may offer its network only with a head."""
    own_code = config.get("auto_map") or {}
    if likelihood and own_code and "AutoModel" not in own_code:
        return _LOADERS[likelihood]
    return "AutoModel"


def _inputs(module: Any, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"input_ids": ids, **({"attention_mask": mask} if _takes_mask(module) else {})}


def _takes_mask(module: Any) -> bool:
    parameters = inspect.signature(module.forward).parameters
    if "attention_mask" in parameters:
        return True
    # A wrapper, as of peft, hands on whatever it gets: what it wraps has to be asked.
    wrapped = getattr(module, "model", None)
    anything = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return anything and wrapped is not None and _takes_mask(wrapped)


def _first(out: Any) -> torch.Tensor:
    first: torch.Tensor = out[0]
    if first.ndim != 3:
        raise ModelError(
            f"expected one vector a token, found an array of shape {tuple(first.shape)}"
        )
    return first
