"""Tokenizers of DNA, trained on sequences and saved as the hub has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from genomark.atomic import write_whole
from genomark.errors import UsageError
from genomark.extras import import_extra
from genomark.training.unigram import train_unigram

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Kind = Literal["character", "kmer", "kmer-overlap", "bpe", "unigram"]

PAD, UNKNOWN, BEFORE, AFTER, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: Letters of a piece of BPE or Unigram at most, so that what is hidden of a sequence stays small.
LONGEST_PIECE = 10
_LONGEST_WORD = 8
_BASES = "ACGT"
#: Small letters are large ones, and RNA is read as DNA.
_WRITTEN = {"a": "A", "c": "C", "g": "G", "t": "T", "u": "T", "n": "N", "U": "T"}


class TokenizerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tokenizer.

    Attributes
    ----------
    kind : {"character", "kmer", "kmer-overlap", "bpe", "unigram"}
        Letters; words of k letters side by side (what is left at the end by letters); words of k
        letters, one beginning at each base; byte-pair encoding (Sennrich et al. 2016); unigram
        language model (Kudo 2018).
    k : int
        Letters of a word, 2 to 8, of the two kinds that have words.
    size : int
        Words of the vocabulary, special ones among them, of the last two kinds.

    Raises
    ------
    UsageError
        If a number is lacking, out of range, or of no use to the kind.
    """

    kind: Kind
    k: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no tokenizer."""
        words, pieces = self.kind.startswith("kmer"), self.kind in ("bpe", "unigram")
        least = len(SPECIAL) + len(_BASES)
        if words and not 2 <= self.k <= _LONGEST_WORD:
            raise UsageError(f"tokenizer {self.kind}: k is {self.k}; expected 2 to {_LONGEST_WORD}")
        if pieces and self.size < least:
            raise UsageError(
                f"tokenizer {self.kind}: size is {self.size}; expected {least} or more"
            )
        for name, of_use in (("k", words), ("size", pieces)):
            if getattr(self, name) and not of_use:
                raise UsageError(f"tokenizer {self.kind}: has no {name}; leave it out")

    @property
    def name(self) -> str:
        """Kind and number, as ``bpe-1024``."""
        number = self.k or self.size
        return f"{self.kind}-{number}" if number else self.kind


def train_tokenizer(
    settings: TokenizerSettings, texts: Iterable[str], *, sentinels: int = 0
) -> Tokenizer:
    """Train a tokenizer; the same texts give the same one.

    N and other letters are no part of any word: each becomes the unknown token, and no word goes
    across it.

    Parameters
    ----------
    settings : TokenizerSettings
    texts : iterable of str
        Sequences; only the last two kinds look at them.
    sentinels : int
        Tokens ``<extra_id_0>``, ... of T5, each of which stands for a hidden span.

    Returns
    -------
    tokenizers.Tokenizer
        Puts ``[CLS]`` before a sequence and ``[SEP]`` behind it. One of overlapping words expects
        them with blanks between, as DNABERT has it.

    Raises
    ------
    UsageError
        If the texts hold no base, or too little for the vocabulary; or a library is lacking.
    """
    library = import_extra(f"tokenizer {settings.name}", "tokenizers", "hub")
    special = [*SPECIAL, *(f"<extra_id_{number}>" for number in range(sentinels))]
    made: Tokenizer = library.Tokenizer(_model(library, settings, texts, special))
    made.normalizer = library.normalizers.Sequence(
        [library.normalizers.Replace(found, meant) for found, meant in _WRITTEN.items()]
    )
    made.pre_tokenizer = _parted(library, settings)
    made.add_special_tokens(special)
    made.post_processor = library.processors.TemplateProcessing(
        single=f"{BEFORE} $A {AFTER}",
        pair=f"{BEFORE} $A {AFTER} $B {AFTER}",
        special_tokens=[(each, made.token_to_id(each)) for each in (BEFORE, AFTER)],
    )
    return made


def _model(
    library: Any, settings: TokenizerSettings, texts: Iterable[str], special: Sequence[str]
) -> Any:
    models = library.models
    if settings.kind not in ("bpe", "unigram"):
        lengths = {"character": (1,), "kmer": (settings.k, 1), "kmer-overlap": (settings.k,)}
        words = [
            "".join(letters)
            for length in lengths[settings.kind]
            for letters in itertools.product(_BASES, repeat=length)
        ]
        numbered = {word: number for number, word in enumerate([*special, *words])}
        return models.WordLevel(numbered, unk_token=UNKNOWN)
    runs = [run for text in texts for run in re.findall("[ACGT]+", text.upper())]
    if not runs:
        raise UsageError(f"tokenizer {settings.name}: nothing to train on: no A, C, G or T")
    pieces = settings.size - len(SPECIAL)
    if settings.kind == "unigram":
        found = train_unigram(runs, pieces, LONGEST_PIECE)
        _check_size(settings, len(found), pieces)
        scored = [*((each, 0.0) for each in special), *found]
        return models.Unigram(scored, unk_id=special.index(UNKNOWN), byte_fallback=False)
    trained = library.Tokenizer(models.BPE(unk_token=UNKNOWN))
    trainer = library.trainers.BpeTrainer(
        vocab_size=pieces + len(special),
        special_tokens=list(special),
        initial_alphabet=list(_BASES),
        limit_alphabet=len(_BASES),
        max_token_length=LONGEST_PIECE,
        show_progress=False,
    )
    trained.train_from_iterator(runs, trainer)
    _check_size(settings, trained.get_vocab_size() - len(special), pieces)
    return trained.model


def _check_size(settings: TokenizerSettings, found: int, wanted: int) -> None:
    if found < wanted:
        raise UsageError(
            f"tokenizer {settings.name}: the sequences hold only {found:,} pieces that occur twice "
            f"or more; expected {wanted:,}: ask for a smaller size, or give more sequence"
        )


def _parted(library: Any, settings: TokenizerSettings) -> Any:
    """What goes before the model: the parts no word goes across."""
    parts = library.pre_tokenizers
    if settings.kind == "kmer-overlap":
        return parts.WhitespaceSplit()
    patterns = {"character": ".", "kmer": f"[ACGT]{{{settings.k}}}|."}
    pattern = patterns.get(settings.kind, "[^ACGT]")
    return parts.Split(library.Regex(pattern), behavior="isolated")


def written(settings: TokenizerSettings, sequence: str) -> str:
    """Write a sequence as the tokenizer expects it: overlapping words with blanks between."""
    if settings.kind != "kmer-overlap":
        return sequence
    last = max(len(sequence) - settings.k, 0)
    return " ".join(sequence[start : start + settings.k] for start in range(last + 1))


def save_tokenizer(folder: Path, tokenizer: Tokenizer, *, longest: int) -> None:
    """Save a tokenizer so that ``AutoTokenizer.from_pretrained`` loads it.

    Parameters
    ----------
    folder : Path
    tokenizer : tokenizers.Tokenizer
        From `train_tokenizer`.
    longest : int
        Tokens the model sees at once, special ones among them.

    Raises
    ------
    WriteError
        If the folder refuses, or the disk is full.
    """
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "cls_token": BEFORE,
        "sep_token": AFTER,
        "mask_token": MASK,
        "bos_token": BEFORE,
        "eos_token": AFTER,
        "clean_up_tokenization_spaces": False,
    }
    write_whole(folder / "tokenizer.json", tokenizer.to_str(pretty=True).encode() + b"\n")
    told = msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"
    write_whole(folder / "tokenizer_config.json", told)
