"""Windows of a genome, what is hidden of them, and Markov chains of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from genomark.errors import UsageError
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training.pretraining.corpus import read_corpus
from genomark.training.pretraining.markov import MarkovChain
from genomark.training.pretraining.stretches import GAP, Hiding, draw_stretches, hide
from genomark.training.tokenizers import TokenizerSettings, save_tokenizer, train_tokenizer

LETTERS = "".join(np.random.default_rng(5).choice(list("ACGT"), 2000))


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    """Chromosome ``one``: 150 N, then 1,000 bases; ``two``: 70 bases; ``three``: 300."""
    path = tmp_path / "genome.fa"
    one = "N" * 150 + LETTERS[:1000].lower()
    path.write_text(f">one\n{one}\n>two\n{LETTERS[1000:1070]}\n>three\n{LETTERS[1100:1400]}\n")
    return path


def test_windows_leave_out_gaps_and_what_is_held_out(genome: Path) -> None:
    corpus = read_corpus(genome, ["one:450-750"], 100)
    one = "N" * 150 + LETTERS[:1000]
    # 100-200 has N; 400-500 and 700-800 lie partly in the region; what is left of a window is not.
    begins = (200, 300, 800, 900, 1000)
    expected = [one[start : start + 100] for start in begins]
    expected += [LETTERS[1000:1070], *(LETTERS[at : at + 100] for at in (1100, 1200, 1300))]
    assert list(corpus.train) == expected
    assert list(corpus.held_out) == [one[at : at + 100] for at in (450, 550, 650)]
    assert read_corpus(genome, ["three"], 100).held_out == tuple(expected[-3:])


def test_regions_that_are_none_are_refused(genome: Path) -> None:
    for region, said in (
        ("one:5-5", "must be below its end"),
        ("one:100-9000", "has 1,150 positions"),
        ("four", "no chromosome 'four'"),
        ("one:1000", "expected chrom:start-end"),
        ("one:0-100", "no window held out"),
    ):
        with pytest.raises(UsageError, match=said):
            read_corpus(genome, [region], 100)
    with pytest.raises(UsageError, match="expected 64 or more"):
        read_corpus(genome, ["one"], 63)


def test_stretches_keep_apart_and_are_as_many_as_asked() -> None:
    hiding = Hiding(stretch=6, every=40)
    seen = np.zeros(256)
    for seed in range(400):
        found = draw_stretches(256, hiding, np.random.default_rng(seed))
        assert (found[:, 1] - found[:, 0] == 6).all()
        assert (found[1:, 0] - found[:-1, 1] >= GAP).all()
        assert found[0, 0] >= 0
        assert found[-1, 1] <= 256
        for first, last in found:
            seen[first:last] += 1
    # About 6 of 40 bases; no place in the middle is spared or singled out.
    assert 0.12 < seen.sum() / 400 / 256 < 0.15
    assert seen[40:200].min() > 0.5 * seen[40:200].mean()
    with pytest.raises(UsageError, match="expected 1 base or more, and 16 more"):
        Hiding(stretch=12, every=20)


@pytest.mark.parametrize(
    "settings",
    [
        TokenizerSettings("character"),
        TokenizerSettings("kmer", k=6),
        TokenizerSettings("bpe", size=80),
        TokenizerSettings("unigram", size=80),
    ],
    ids=lambda each: each.name,
)
def test_hidden_tokens_hold_the_bases_of_stretches_and_no_others(
    tmp_path: Path, settings: TokenizerSettings
) -> None:
    save_tokenizer(tmp_path, train_tokenizer(settings, [LETTERS]), longest=99)
    tokenizer = SequenceTokenizer("x", AutoTokenizer.from_pretrained(tmp_path))
    texts = [LETTERS[at : at + 200] for at in (0, 200, 400)]
    asked = [np.array([[0, 12], [50, 62]]), np.array([[188, 200]]), np.array([[3, 15], [31, 43]])]
    for text, stretches, row in zip(texts, asked, hide(tokenizer, texts, asked), strict=True):
        told = [tokenizer._tokenizer.convert_ids_to_tokens(each) for each in row.ids.tolist()]
        assert "".join(told[1:-1]) == text
        for (first, last), (start, end) in zip(row.places, stretches, strict=True):
            assert "".join(told[first:last]) == text[start:end]
            assert row.spans[first, 0] == start
            assert row.spans[last - 1, 1] == end
        assert row.is_hidden.sum() == (row.places[:, 1] - row.places[:, 0]).sum()


def test_all_overlapping_words_that_hold_a_hidden_base_are_hidden(tmp_path: Path) -> None:
    made = train_tokenizer(TokenizerSettings("kmer-overlap", k=6), [])
    save_tokenizer(tmp_path, made, longest=99)
    tokenizer = SequenceTokenizer("x", AutoTokenizer.from_pretrained(tmp_path))
    (row,) = hide(tokenizer, [LETTERS[:100]], [np.array([[0, 12], [40, 52]])])
    for token, (start, end) in enumerate(row.spans.tolist()):
        holds = start >= 0 and (start < 12 or (end > 40 and start < 52))
        assert row.is_hidden[token] == holds


def test_a_markov_chain_counts_both_strands() -> None:
    text = "ACGTAACCAG" * 8
    chain = MarkovChain(1, [text])
    other = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    both = [text, other]
    singles = {x: sum(s.count(x) for s in both) for x in "ACGT"}
    zero = {x: (singles[x] + 8 / 4) / (160 + 8) for x in "ACGT"}
    pairs = [s[i : i + 2] for s in both for i in range(len(s) - 1)]
    after_a = sum(pair[0] == "A" for pair in pairs)
    found = chain.bits("AAC")
    assert found[0] == pytest.approx(-np.log2(zero["A"]))
    for at, pair in ((1, "AA"), (2, "AC")):
        share = (pairs.count(pair) + 8 * zero[pair[1]]) / (after_a + 8)
        assert found[at] == pytest.approx(-np.log2(share))


@pytest.mark.parametrize("order", [0, 2, 5])
def test_probabilities_of_a_markov_chain_add_up_to_one(order: int) -> None:
    chain = MarkovChain(order, [LETTERS])
    for context in ("ACGTA", "TTTTT"):
        told = [chain.bits(context + base)[-1] for base in "ACGT"]
        assert sum(2.0**-bits for bits in told) == pytest.approx(1.0)
    with pytest.raises(UsageError, match="expected 0 to 11"):
        MarkovChain(12, [LETTERS])
