"""A T5 that knows nothing yet: what text to text is worth without pretraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.extras import require_extras
from genomark.models.hub.files import LIBRARIES
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training.text_form import Ids, TaskClasses, TextForm

if TYPE_CHECKING:
    from torch import nn

#: Input words that are no bases; padding is what its decoder starts with.
_SPECIAL = ("<pad>", "</s>", "<unk>")
_LETTERS = "ACGTN"
_LONGEST_WORD = 6


@dataclass(frozen=True)
class T5FromScratch:
    """A T5 that knows nothing yet, over letters or words of k letters.

    Attributes
    ----------
    d_model : int
        Numbers in the vector of a word.
    layers : int
        Of the encoder, and of the decoder.
    heads : int
        Of attention; they part `d_model`.
    k : int
        Letters of a word; what is left over or holds an N is read by letters.
    dropout : float

    Raises
    ------
    UsageError
        If a setting is out of range, or a library is lacking.
    """

    d_model: int
    layers: int
    heads: int
    k: int
    dropout: float

    published = False
    pad_id = 0
    spec = "t5:scratch"

    def __post_init__(self) -> None:
        """Refuse what no network can be made of."""
        require_extras(self.spec, LIBRARIES)
        for name in ("d_model", "layers", "heads", "k"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"{self.spec}: {name} must be 1 or more, not {getattr(self, name)}"
                )
        if self.d_model % self.heads:
            raise UsageError(
                f"{self.spec}: d_model={self.d_model} is no multiple of heads={self.heads}"
            )
        if self.k > _LONGEST_WORD:
            raise UsageError(f"{self.spec}: k must be at most {_LONGEST_WORD}, not {self.k}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"{self.spec}: dropout must be from 0 to below 1, not {self.dropout}")

    @property
    def digest(self) -> str:
        """Of its settings."""
        return digest_of([self.spec, asdict(self)])

    def form(self, asked: TaskClasses) -> TextForm:
        """Give the labels, where there are several, and then the classes words of their own."""
        n_prefixes = asked.n_labels if asked.n_labels > 1 else 0
        first = len(self._input_words)
        prefixes = tuple((first + each,) for each in range(n_prefixes)) or ((),)
        first += n_prefixes
        places = tuple(range(len(asked.classes)))
        return TextForm(asked, tuple(first + each for each in places), places, prefixes)

    def encode(self, sequences: Sequence[str]) -> list[Ids]:
        """Cut sequences into words, the one for an end last.

        Raises
        ------
        ModelError
            If a sequence is empty, or more than 5 % of its letters are no bases.
        """
        return [each.ids for each in self._tokenizer.encode(sequences)]

    def network(self, form: TextForm) -> nn.Module:
        """Draw the weights, as the first T5 has them: its words in and out share theirs."""
        from transformers import T5Config, T5ForConditionalGeneration

        config = T5Config(
            vocab_size=form.words[-1] + 1,
            d_model=self.d_model,
            d_kv=self.d_model // self.heads,
            d_ff=4 * self.d_model,
            num_layers=self.layers,
            num_heads=self.heads,
            dropout_rate=self.dropout,
            pad_token_id=self.pad_id,
        )
        made: nn.Module = T5ForConditionalGeneration(config)
        return made

    @property
    def _input_words(self) -> list[str]:
        longer = ["".join(word) for word in product("ACGT", repeat=self.k)] if self.k > 1 else []
        return [*_SPECIAL, *_LETTERS, *longer]

    @cached_property
    def _tokenizer(self) -> SequenceTokenizer:
        from tokenizers import Tokenizer, models, processors
        from transformers import PreTrainedTokenizerFast

        pad, end, unknown = _SPECIAL
        words = {word: token for token, word in enumerate(self._input_words)}
        cutter = Tokenizer(models.WordLevel(words, unk_token=unknown))
        cutter.post_processor = processors.TemplateProcessing(
            single=f"$A {end}", special_tokens=[(end, words[end])]
        )
        loaded = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=cutter, pad_token=pad, eos_token=end, unk_token=unknown
        )
        return SequenceTokenizer(self.spec, loaded, "kmer" if self.k > 1 else "single")
