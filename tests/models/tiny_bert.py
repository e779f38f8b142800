"""A small BERT with random weights, saved as the hub keeps checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
CLS, SEP = 2, 3
DIMENSIONS = 24
#: Tokens it sees, special ones among them.
LENGTH = 16


def save_tiny_bert(folder: Path, *, seed: int = 0) -> Path:
    """Each letter or digit is a token; two layers, three heads."""
    words = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=LENGTH,
        **{f"{name}_token": word for name, word in names.items()},
    ).save_pretrained(folder)
    tiny_bert(len(words), seed).save_pretrained(folder)
    return folder


def tiny_bert(words: int, seed: int) -> BertModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertModel(
            BertConfig(
                vocab_size=words,
                hidden_size=DIMENSIONS,
                num_hidden_layers=2,
                num_attention_heads=3,
                intermediate_size=2 * DIMENSIONS,
                max_position_embeddings=LENGTH,
            )
        ).eval()


def add_sentence_modules(folder: Path, *, pooling: str = "cls") -> Path:
    """What makes a checkpoint one of sentence-transformers: here, the vector of a token, scaled."""
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(parts)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    settings = {"word_embedding_dimension": DIMENSIONS, f"pooling_mode_{pooling}_token": True}
    settings |= {"pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    return folder
