"""Small genomic language models with random weights, in the forms that real ones are published in.

Each function fills a folder as ``save_pretrained`` does and gives it back. Nothing here needs more
than torch, transformers and tokenizers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ESM_SPECIAL = ["<cls>", "<pad>", "<eos>", "<unk>"]
WIDTH = 16
LAYERS = 2
#: Tokens that those with a table of positions see, special ones among them.
LENGTH = 64


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def kmers(k: int, letters: str = "ACGT") -> list[str]:
    return ["".join(word) for word in product(letters, repeat=k)]


def _settings(vocabulary: int, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 2 * WIDTH,
        "max_position_embeddings": LENGTH,
        # Larger than usual, so that what differs differs by more than rounding.
        "initializer_range": 0.3,
        **more,
    }


def bert_of_kmers(folder: Path, *, k: int = 3, letters: str = "ACGT", seed: int = 0) -> Path:
    """BERT over overlapping k-mers as DNABERT has it: vocab.txt, words apart by blanks."""
    words = [*BERT_SPECIAL, *kmers(k, letters)]
    _bert_vocabulary(folder, words, lower=False)
    with seeded(seed):
        config = transformers.BertConfig(**_settings(len(words)))
        transformers.BertForMaskedLM(config).save_pretrained(folder)
    return folder


def bert_of_letters(folder: Path, *, lower: bool = True, rna: bool = True, seed: int = 0) -> Path:
    """BERT over single letters, apart by blanks, here of RNA in lower case."""
    letters = "acgun" if rna else "acgtn"
    words = [*BERT_SPECIAL, *(letters if lower else letters.upper())]
    _bert_vocabulary(folder, words, lower=lower)
    with seeded(seed):
        config = transformers.BertConfig(**_settings(len(words)))
        transformers.BertForMaskedLM(config).save_pretrained(folder)
    return folder


def _bert_vocabulary(folder: Path, words: list[str], *, lower: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": lower}
    settings |= {"model_max_length": LENGTH}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def bert_of_pieces(folder: Path, *, seed: int = 0, head: bool = True) -> Path:
    """BERT over pieces of many lengths (BPE) as DNABERT-2 has it: tokenizer.json."""
    merges = [("A", "A"), ("T", "T"), ("C", "G"), ("AA", "TT"), ("CG", "CG"), ("G", "AA")]
    words = [*BERT_SPECIAL, *"ACGT", *(first + second for first, second in merges)]
    tokenizer = Tokenizer(
        models.BPE({word: i for i, word in enumerate(words)}, merges, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    _save_fast(folder, tokenizer, BERT_SPECIAL)
    kind = transformers.BertForMaskedLM if head else transformers.BertModel
    with seeded(seed):
        kind(transformers.BertConfig(**_settings(len(words)))).save_pretrained(folder)
    return folder


def _save_fast(folder: Path, tokenizer: Tokenizer, special: list[str], **more: Any) -> None:
    names = ("pad", "unk", "cls", "sep", "mask")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": word for name, word in zip(names, special, strict=False)},
        **more,
    ).save_pretrained(folder)


def esm(folder: Path, *, k: int = 1, rna: bool = False, seed: int = 0) -> Path:
    """ESM over letters (RNA-FM and others) or over 6-mers (Nucleotide Transformer): vocab.txt."""
    letters = "ACGU" if rna else "ACTG"
    long = kmers(k, letters) if k > 1 else []
    words = [*ESM_SPECIAL, *long, *letters, "N", "<mask>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    settings = {"tokenizer_class": "EsmTokenizer", "model_max_length": LENGTH, "eos_token": None}
    settings |= {"cls_token": "<cls>", "pad_token": "<pad>", "mask_token": "<mask>"}
    if k == 1:
        settings["eos_token"] = "<eos>"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with seeded(seed):
        config = transformers.EsmConfig(
            **_settings(
                len(words),
                max_position_embeddings=LENGTH + 2,
                pad_token_id=words.index("<pad>"),
                mask_token_id=words.index("<mask>"),
                token_dropout=True,
                position_embedding_type="absolute" if k > 1 else "rotary",
                emb_layer_norm_before=False,
            )
        )
        transformers.EsmForMaskedLM(config).save_pretrained(folder)
    return folder


def _letters(special: list[str], template: str | None) -> Tokenizer:
    words = [*special, *"ACGTN"]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    if template:
        named = [(word, vocabulary[word]) for word in special if word in template]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=named
        )
    return tokenizer


def neox(folder: Path, *, seed: int = 0) -> Path:
    """GPT-NeoX over letters, with no special tokens around a sequence."""
    _save_fast(folder, _letters(["[PAD]", "[UNK]"], None), ["[PAD]", "[UNK]"])
    with seeded(seed):
        config = transformers.GPTNeoXConfig(**_settings(7))
        transformers.GPTNeoXForCausalLM(config).save_pretrained(folder)
    return folder


def gpt2(folder: Path, *, seed: int = 0, safe: bool = True) -> Path:
    """GPT-2 over letters, with a token before a sequence and one after it."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    _save_fast(folder, _letters(special, "[CLS] $A [SEP]"), special)
    with seeded(seed):
        config = transformers.GPT2Config(
            vocab_size=9, n_embd=WIDTH, n_layer=LAYERS, n_head=2, n_positions=LENGTH,
            initializer_range=0.3, bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
        model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def t5(folder: Path, *, seed: int = 0) -> Path:
    """T5 over letters: an encoder and a decoder."""
    special = ["<pad>", "<unk>", "</s>"]
    tokenizer = _letters(special, "$A </s>")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", eos_token="</s>"
    ).save_pretrained(folder)
    with seeded(seed):
        config = transformers.T5Config(
            vocab_size=8, d_model=WIDTH, d_kv=8, d_ff=32, num_layers=LAYERS, num_heads=2,
            decoder_start_token_id=0,
        )  # fmt: skip
        transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


MODELING = '''
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput


class TwoWayConfig(PretrainedConfig):
    model_type = "two_way"

    def __init__(self, d_model=8, n_words=12, **more):
        self.d_model = d_model
        self.n_words = n_words
        super().__init__(**more)


class TwoWay(PreTrainedModel):
    """A recurrent network over both directions: it knows no mask, and padding reaches all."""

    config_class = TwoWayConfig
    base_model_prefix = "two_way"

    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(config.n_words, config.d_model)
        self.mix = torch.nn.GRU(
            config.d_model, config.d_model, batch_first=True, bidirectional=True
        )
        self.post_init()

    def forward(self, input_ids, output_hidden_states=False, return_dict=True):
        first = self.table(input_ids)
        last, _ = self.mix(first)
        states = (torch.cat([first, first], dim=-1), last) if output_hidden_states else None
        return BaseModelOutput(last_hidden_state=last, hidden_states=states)


class TwoWayForMaskedLM(PreTrainedModel):
    config_class = TwoWayConfig
    base_model_prefix = "two_way"

    def __init__(self, config):
        super().__init__(config)
        self.two_way = TwoWay(config)
        self.head = torch.nn.Linear(2 * config.d_model, config.n_words)
        self.post_init()

    def forward(self, input_ids, output_hidden_states=False, return_dict=True):
        return MaskedLMOutput(logits=self.head(self.two_way(input_ids)[0]))
'''

TOKENIZATION = """
from transformers import PreTrainedTokenizer


class LetterTokenizer(PreTrainedTokenizer):
    model_input_names = ["input_ids"]

    def __init__(self, model_max_length=256, **more):
        names = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", *"ACGTN"]
        self._ids = {name: i for i, name in enumerate(names)}
        named = dict(cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]", bos_token="[BOS]")
        named.update(pad_token="[PAD]", unk_token="[UNK]", model_max_length=model_max_length)
        super().__init__(**{**named, **more})

    @property
    def vocab_size(self):
        return len(self._ids)

    def get_vocab(self):
        return dict(self._ids)

    def _tokenize(self, text, **more):
        return list(text)

    def _convert_token_to_id(self, token):
        return self._ids.get(token, self._ids["[UNK]"])

    def _convert_id_to_token(self, index):
        return list(self._ids)[index]

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        return [*token_ids_0, self._ids["[SEP]"]]

    def save_vocabulary(self, save_directory, filename_prefix=None):
        return ()
"""


def own_code(folder: Path, *, seed: int = 0, trunk: bool = True) -> Path:
    """A network and a tokenizer that are Python files of the checkpoint, as Caduceus has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "modeling_two_way.py").write_text(MODELING)
    (folder / "tokenization_letters.py").write_text(TOKENIZATION)
    settings = {
        "tokenizer_class": "LetterTokenizer",
        "auto_map": {"AutoTokenizer": ["tokenization_letters.LetterTokenizer", None]},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    space: dict[str, Any] = {}
    exec(MODELING, space)
    with seeded(seed):
        space["TwoWayForMaskedLM"](space["TwoWayConfig"]()).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "modeling_two_way.TwoWayConfig",
        "AutoModelForMaskedLM": "modeling_two_way.TwoWayForMaskedLM",
    }
    if trunk:
        config["auto_map"]["AutoModel"] = "modeling_two_way.TwoWay"
    (folder / "config.json").write_text(json.dumps(config))
    return folder


#: All that need no trust, by name.
BUILDERS: dict[str, Callable[[Path], Path]] = {
    "bert-kmers": bert_of_kmers,
    "bert-letters": bert_of_letters,
    "bert-pieces": bert_of_pieces,
    "esm": esm,
    "esm-6mers": lambda folder: esm(folder, k=6),
    "gpt2": gpt2,
    "neox": neox,
    "t5": t5,
}
