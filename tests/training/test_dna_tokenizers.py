"""Tokenizers that are trained here, as transformers loads them."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from genomark.errors import UsageError
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training import unigram
from genomark.training.tokenizers import (
    TokenizerSettings,
    save_tokenizer,
    train_tokenizer,
    written,
)

TEXTS = ["".join(np.random.default_rng(seed).choice(list("ACGT"), 300)) for seed in range(8)]
ALL = (
    TokenizerSettings("character"),
    TokenizerSettings("kmer", k=3),
    TokenizerSettings("kmer-overlap", k=3),
    TokenizerSettings("bpe", size=60),
    TokenizerSettings("unigram", size=60),
)


def loaded(folder: Path, settings: TokenizerSettings, texts: list[str] = TEXTS):  # type: ignore[no-untyped-def]
    save_tokenizer(folder, train_tokenizer(settings, texts), longest=514)
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (ALL[0], ["A", "C", "G", "T", "[UNK]", "A", "C"]),
        (ALL[1], ["ACG", "T", "[UNK]", "A", "C"]),
        (ALL[2], ["ACG", "CGT", "[UNK]", "[UNK]", "[UNK]"]),
    ],
)
def test_words_of_fixed_length_are_cut_as_by_hand(
    tmp_path: Path, settings: TokenizerSettings, expected: list[str]
) -> None:
    tokenizer = loaded(tmp_path, settings)
    assert tokenizer.tokenize(written(settings, "ACGTNAC")) == expected


@pytest.mark.parametrize("settings", ALL, ids=lambda each: each.name)
def test_transformers_loads_them_with_special_tokens_in_place(
    tmp_path: Path, settings: TokenizerSettings
) -> None:
    tokenizer = loaded(tmp_path, settings)
    ids = tokenizer(written(settings, "ACGTTGCA"))["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (0, 4)
    assert tokenizer.model_max_length == 514
    assert tokenizer(written(settings, "acguugca"))["input_ids"] == ids


@pytest.mark.parametrize("settings", ALL, ids=lambda each: each.name)
def test_every_base_is_in_a_token_that_spells_it_and_n_is_unknown(
    tmp_path: Path, settings: TokenizerSettings
) -> None:
    tokenizer = loaded(tmp_path, settings)
    sequence = TEXTS[0][:50] + "NN" + TEXTS[1][:31]
    (tokens,) = SequenceTokenizer("x", tokenizer).encode([sequence])
    seen = np.zeros(len(sequence), dtype=bool)
    for number, (start, end) in zip(tokens.ids.tolist(), tokens.spans.tolist(), strict=True):
        if start < 0:
            continue
        seen[start:end] = True
        word = tokenizer.convert_ids_to_tokens(number)
        assert word == (sequence[start:end] if "N" not in sequence[start:end] else "[UNK]")
    assert seen.all()


def test_bpe_begins_with_the_most_frequent_pair() -> None:
    made = train_tokenizer(TokenizerSettings("bpe", size=10), ["TATATACG", "TATAGC"])
    assert "TA" in made.get_vocab()
    assert made.get_vocab_size() == 10


def test_a_unigram_vocabulary_holds_the_words_a_text_is_made_of() -> None:
    draws = np.random.default_rng(0)
    words = ["ACCGTTGA", "GGATC", "TTTTGC"]
    texts = ["".join(draws.choice(words, 40)) for _ in range(20)]
    pieces = dict(unigram.train_unigram(texts, 7, 10))
    assert set(words) <= set(pieces)
    assert set("ACGT") <= set(pieces)


def test_expected_uses_are_those_over_all_segmentations() -> None:
    pieces = {"A": 0.3, "C": 0.2, "AC": 0.25, "CA": 0.15, "ACA": 0.1}
    text = "ACACA"
    weights: dict[tuple[str, ...], float] = {}
    for cuts in itertools.product((0, 1), repeat=len(text) - 1):
        ends = [0, *(at + 1 for at, cut in enumerate(cuts) if cut), len(text)]
        parts = tuple(text[a:b] for a, b in itertools.pairwise(ends))
        if all(part in pieces for part in parts):
            weights[parts] = float(np.prod([pieces[part] for part in parts]))
    total = sum(weights.values())
    expected = [sum(w * p.count(name) for p, w in weights.items()) / total for name in pieces]
    lengths = np.array([len(name) for name in pieces])
    digits = {"A": 0, "C": 1}
    numbers = np.array([int("".join(str(digits[x]) for x in name), 4) for name in pieces])
    found = unigram._expected(
        unigram._coded([text]),
        unigram._table(lengths, numbers, 3),
        np.log(np.array(list(pieces.values()))),
        3,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


_PROCESS = """
import sys
sys.path.insert(0, {tests!r})
from test_dna_tokenizers import ALL, TEXTS
from genomark.training.tokenizers import train_tokenizer
import hashlib
print(*(hashlib.sha256(train_tokenizer(s, TEXTS).to_str().encode()).hexdigest() for s in ALL))
"""


@pytest.mark.slow
def test_another_process_makes_the_same_bytes() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PROCESS.format(tests=str(Path(__file__).parent))],
        env={**os.environ, "PYTHONHASHSEED": "77", "RAYON_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = [train_tokenizer(each, TEXTS).to_str().encode() for each in ALL]
    assert told == [hashlib.sha256(each).hexdigest() for each in own]


def test_settings_that_make_no_tokenizer_are_refused() -> None:
    for told, said in (
        ({"kind": "kmer"}, "k is 0; expected 2 to 8"),
        ({"kind": "bpe", "size": 5}, "size is 5; expected 9 or more"),
        ({"kind": "character", "k": 3}, "has no k"),
    ):
        with pytest.raises(UsageError, match=said):
            TokenizerSettings(**told)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to train on"):
        train_tokenizer(TokenizerSettings("bpe", size=20), ["NNNN"])
    for kind in ("bpe", "unigram"):
        with pytest.raises(UsageError, match=r"only .* pieces .* expected 995"):
            train_tokenizer(TokenizerSettings(kind, size=1000), ["ACGTTGCA"])  # type: ignore[arg-type]
