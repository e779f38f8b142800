"""Bits of hidden stretches are those of complete codes."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoTokenizer

from genomark.errors import UsageError
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training.pretraining.architecture import NetworkSettings, make_network
from genomark.training.pretraining.objectives import Masked, Spans, hidden_scores
from genomark.training.pretraining.stretches import hide
from genomark.training.tokenizers import TokenizerSettings, save_tokenizer, train_tokenizer

TEXT = "".join(np.random.default_rng(2).choice(list("ACGT"), 120))
ASKED = np.array([[20, 24], [70, 74]])


class Told:
    """A masked language model that says the same of each token, whatever it sees."""

    def __init__(self, words: int, seed: int = 0, *, uniform: bool = False) -> None:
        draws = torch.Generator().manual_seed(seed)
        self.config = SimpleNamespace(model_type="told", is_encoder_decoder=False)
        self.scores = torch.zeros(words) if uniform else torch.randn(words, generator=draws)

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor):  # type: ignore[no-untyped-def]
        return (self.scores.expand(*input_ids.shape, -1),)


def tokenizer_of(folder: Path, settings: TokenizerSettings, sentinels: int = 0):  # type: ignore[no-untyped-def]
    made = train_tokenizer(settings, [TEXT, TEXT[::-1]], sentinels=sentinels)
    save_tokenizer(folder, made, longest=200)
    loaded = AutoTokenizer.from_pretrained(folder)
    return SequenceTokenizer("x", loaded), made.get_vocab()


@pytest.mark.parametrize("kind", ["character", "kmer", "kmer-overlap"])
def test_a_model_that_knows_nothing_needs_two_bits_a_base(tmp_path: Path, kind: str) -> None:
    settings = TokenizerSettings(kind, k=0 if kind == "character" else 2)  # type: ignore[arg-type]
    tokenizer, vocabulary = tokenizer_of(tmp_path, settings)
    rows = hide(tokenizer, [TEXT], [ASKED])
    (bits,) = Masked(tokenizer).bits(Told(len(vocabulary), uniform=True), rows)
    np.testing.assert_allclose(bits, [8.0, 8.0])


def test_codes_of_all_stretches_together_have_probability_one(tmp_path: Path) -> None:
    """All pieces that spell 4 bases with n tokens share the probability 1 among them."""
    tokenizer, vocabulary = tokenizer_of(tmp_path, TokenizerSettings("bpe", size=40))
    objective, network = Masked(tokenizer), Told(len(vocabulary), seed=3)
    rows = hide(tokenizer, [TEXT], [ASKED])
    (bits,) = objective.bits(network, rows)
    words = {w: i for w, i in vocabulary.items() if not w.startswith("[")}
    own = torch.tensor(list(words.values()))
    share = dict(zip(words, network.scores[own].double().softmax(0).tolist(), strict=True))
    told = tokenizer._tokenizer.convert_ids_to_tokens
    for (first, last), found in zip(rows[0].places, bits, strict=True):
        names = told(rows[0].ids[first:last].tolist())
        alike = [
            np.prod([share[x] for x in each])
            for each in itertools.product(words, repeat=len(names))
            if sum(map(len, each)) == 4
        ]
        expected = np.prod([share[x] for x in names]) / sum(alike)
        assert found == pytest.approx(-np.log2(expected))


def test_overlapping_words_are_asked_for_hidden_bases_alone(tmp_path: Path) -> None:
    """A stretch of 4 and words of 3: three ways to tile it, whose bits are averaged."""
    tokenizer, vocabulary = tokenizer_of(tmp_path, TokenizerSettings("kmer-overlap", k=3))
    network = Told(len(vocabulary), seed=1)
    rows = hide(tokenizer, [TEXT], [ASKED])
    (bits,) = Masked(tokenizer).bits(network, rows)
    spelled = ["".join(each) for each in itertools.product("ACGT", repeat=3)]
    own = torch.tensor([vocabulary[word] for word in spelled])
    share = dict(zip(spelled, network.scores[own].double().softmax(0).tolist(), strict=True))
    for (start, end), found in zip(ASKED.tolist(), bits, strict=True):
        lengths = []
        for phase in range(3):
            length = 0.0
            for at in range(start - phase, end, 3):
                word = TEXT[at : at + 3]
                visible = [i for i in range(3) if not start <= at + i < end]
                alike = sum(p for w, p in share.items() if all(w[i] == word[i] for i in visible))
                length -= np.log2(share[word] / alike)
            lengths.append(length)
        assert found == pytest.approx(np.mean(lengths))


@pytest.mark.parametrize("architecture", ["bert", "esm", "modernbert"])
def test_the_spared_head_gives_what_the_whole_network_gives(architecture: str) -> None:
    torch.manual_seed(0)
    ids = {"words": 12, "pad": 0, "mask": 4, "before": 2, "after": 3}
    settings = NetworkSettings(architecture, width=16, layers=1, heads=2)  # type: ignore[arg-type]
    network = make_network(settings, ids, 30).eval()
    tokens = torch.randint(5, 12, (2, 20))
    where = torch.zeros_like(tokens, dtype=torch.bool)
    where[0, 3:6] = where[1, 10] = True
    mask = torch.ones_like(tokens)
    with torch.inference_mode():
        found = hidden_scores(network, tokens, mask, where)
        expected = network(input_ids=tokens, attention_mask=mask).logits[where]
    torch.testing.assert_close(found, expected)


def test_spans_are_written_as_t5_has_them(tmp_path: Path) -> None:
    """Bits and loss are those of transformers' own loss for targets made by hand."""
    tokenizer, vocabulary = tokenizer_of(tmp_path, TokenizerSettings("character"), sentinels=4)
    torch.manual_seed(1)
    ids = {"words": len(vocabulary), "pad": 0, "mask": 4, "before": 2, "after": 3}
    network = make_network(NetworkSettings("t5", width=16, layers=1, heads=2), ids, 200).eval()
    marks = [vocabulary[f"<extra_id_{number}>"] for number in range(4)]
    objective = Spans(tokenizer, marks)
    asked = [ASKED, np.array([[5, 9]])]
    rows = hide(tokenizer, [TEXT, TEXT[:50]], asked)
    with torch.inference_mode():
        loss = objective.loss(network, rows)
        bits = objective.bits(network, rows)
    letters = [vocabulary[x] for x in TEXT]
    sources = [
        [2, *letters[:20], marks[0], *letters[24:70], marks[1], *letters[74:], 3],
        [2, *letters[:5], marks[0], *letters[9:50], 3],
    ]
    targets = [
        [marks[0], *letters[20:24], marks[1], *letters[70:74], marks[2]],
        [marks[0], *letters[5:9], marks[1]],
    ]
    totals = []
    for source, target, found in zip(sources, targets, bits, strict=True):
        labels = torch.tensor([target])
        with torch.inference_mode():
            logits = network(input_ids=torch.tensor([source]), labels=labels).logits
        nats = functional.cross_entropy(logits[0], labels[0], reduction="none")
        expected = (nats[1:].reshape(-1, 5).sum(dim=1) / np.log(2)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        totals.append(nats)
    assert loss.item() == pytest.approx(torch.cat(totals).mean().item(), rel=1e-4)


def test_too_few_sentinels_are_told_of(tmp_path: Path) -> None:
    tokenizer, vocabulary = tokenizer_of(tmp_path, TokenizerSettings("character"), sentinels=2)
    marks = [vocabulary["<extra_id_0>"], vocabulary["<extra_id_1>"]]
    rows = hide(tokenizer, [TEXT], [ASKED])
    with pytest.raises(UsageError, match="2 stretches are hidden, and the tokenizer has 2"):
        Spans(tokenizer, marks).loss(None, rows)
