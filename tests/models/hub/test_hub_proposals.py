"""What masked checkpoints expect at hidden bases, against transformers' own output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import RNA
import tiny_checkpoints
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models.designer import RnaDesigner
from genomark.models.hub.model import hub_model
from genomark.rna.design.start import first_guess
from genomark.rna.design.target import Target, text_of

Checkpoint = Callable[[str], str]
SEQUENCE = "GGNACNNNNGUNCCAUNN"
BASES = "ACGU"


def by_hand(
    folder: str, sequence: str, *, letters: str, apart: str = "", before: int = 1
) -> np.ndarray:
    """Softmax over four letters where N was replaced by the mask; one-hot elsewhere.

    `letters` are the words for A, C, G and U, `apart` is what the tokenizer wants between words.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    words = [
        tokenizer.mask_token if base == "N" else letters[BASES.index(base)] for base in sequence
    ]
    ids = tokenizer(apart.join(words), return_tensors="pt")
    with torch.no_grad():
        logits = network(**ids).logits[0, before:][: len(sequence)]
    four = logits[:, tokenizer.convert_tokens_to_ids(list(letters))].double().softmax(dim=-1)
    expected = np.eye(4)[[max(BASES.find(base), 0) for base in sequence]]
    hidden = [base == "N" for base in sequence]
    expected[hidden] = four.numpy()[hidden]
    return expected


@pytest.fixture
def esm_rna(tmp_path: Path) -> str:
    """ESM over single letters of RNA, as RNA-FM and OmniGenome are."""
    return str(tiny_checkpoints.esm(tmp_path / "esm-rna", rna=True))


def test_hidden_bases_get_the_probabilities_of_four_letters(checkpoint: Checkpoint) -> None:
    found = hub_model(checkpoint("bert-letters")).letter_probabilities(SEQUENCE)
    assert (found.dtype, found.shape) == (np.float64, (18, 4))
    expected = by_hand(checkpoint("bert-letters"), SEQUENCE, letters="acgu", apart=" ")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    hidden = [base == "N" for base in SEQUENCE]
    # They are not all alike, and nothing is certain but what the sequence tells.
    assert found[hidden].max() < 0.999
    assert np.ptp(found[hidden], axis=0).min() > 0.01
    assert found[~np.array(hidden)].tolist() == [
        [float(base == each) for each in BASES] for base in SEQUENCE if base != "N"
    ]


def test_checkpoints_of_rna_and_of_dna_tell_the_same_columns(
    checkpoint: Checkpoint, esm_rna: str
) -> None:
    for folder, letters in ((checkpoint("esm"), "ACGT"), (esm_rna, "ACGU")):
        model = hub_model(folder)
        expected = by_hand(folder, SEQUENCE, letters=letters)
        np.testing.assert_allclose(model.letter_probabilities(SEQUENCE), expected, atol=1e-6)
        as_dna = model.letter_probabilities(SEQUENCE.replace("U", "T").lower())
        assert as_dna.tolist() == model.letter_probabilities(SEQUENCE).tolist()


def test_a_network_is_not_asked_where_nothing_is_hidden(checkpoint: Checkpoint) -> None:
    model = hub_model(checkpoint("bert-letters"))
    found = model.letter_probabilities("GAUC")
    assert found.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert model.network.count.padding_share == 0.0
    everything = model.letter_probabilities("N" * 20)
    expected = by_hand(checkpoint("bert-letters"), "N" * 20, letters="acgu", apart=" ")
    np.testing.assert_allclose(everything, expected, atol=1e-6)


def test_long_sequences_are_told_by_the_mean_of_their_windows(checkpoint: Checkpoint) -> None:
    folder = checkpoint("bert-letters")
    sequence = "GGCANUAGCCAAUGGCNAGNNUAACCGGAUUNGGCN"
    sums, held = np.zeros((36, 4)), np.zeros((36, 1))
    for start in (0, 16):
        part = sequence[start : start + 20]
        sums[start : start + 20] += by_hand(folder, part, letters="acgu", apart=" ")
        held[start : start + 20] += 1
    found = hub_model(folder, window=22, stride=16).letter_probabilities(sequence)
    np.testing.assert_allclose(found, sums / held, atol=1e-6)
    assert hub_model(folder).letter_probabilities("ACGN" * 100).shape == (400, 4)


def test_a_vocabulary_need_not_have_a_word_for_n(tmp_path: Path) -> None:
    folder = tiny_checkpoints.bert_of_letters(tmp_path / "no-n")
    words = (folder / "vocab.txt").read_text()
    # A word that no sequence has stands in its place.
    (folder / "vocab.txt").write_text(words.replace("\nn\n", "\nz\n"))
    found = hub_model(str(folder)).letter_probabilities("N" * 12 + "ACGU")
    expected = by_hand(str(folder), "N" * 12 + "ACGU", letters="acgu", apart=" ")
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["gpt2", "neox", "t5"])
def test_without_a_masked_head_there_is_no_such_method(name: str, checkpoint: Checkpoint) -> None:
    model = hub_model(checkpoint(name))
    assert not hasattr(model, "letter_probabilities")
    with pytest.raises(CapabilityError, match=r"expected a \.\.\.ForMaskedLM") as told:
        model.letter_probabilities(SEQUENCE)
    assert "\n" not in str(told.value)


def test_a_checkpoint_without_any_head_has_no_such_method(tmp_path: Path) -> None:
    model = hub_model(str(tiny_checkpoints.bert_of_pieces(tmp_path / "bare", head=False)))
    assert not hasattr(model, "letter_probabilities")


@pytest.mark.parametrize("name", ["bert-kmers", "bert-pieces", "esm-6mers"])
def test_tokens_of_several_bases_are_refused(name: str, checkpoint: Checkpoint) -> None:
    model = hub_model(checkpoint(name))
    assert hasattr(model, "letter_probabilities")
    message = r"its tokens are not single bases, .*; expected .* each base \(tokens=single\)$"
    with pytest.raises(CapabilityError, match=message):
        model.letter_probabilities(SEQUENCE)


def test_pieces_can_be_read_as_single_bases_where_there_are_such(checkpoint: Checkpoint) -> None:
    folder = checkpoint("bert-pieces")
    found = hub_model(folder, tokens="single").letter_probabilities("NNNNNNNN")
    # Nothing is seen but masks, which no two tokenizers read differently.
    expected = by_hand(folder, "NNNNNNNN", letters="ACGT")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_cannot_be_asked_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sequence, position 3: letter 'X'"):
        hub_model(checkpoint("bert-letters")).letter_probabilities("ACXGN")
    with pytest.raises(UsageError, match="strands=both: letters of one strand are told"):
        hub_model(checkpoint("esm"), strands="both").letter_probabilities(SEQUENCE)
    folder = tiny_checkpoints.esm(tmp_path / "no-mask", rna=True)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"mask_token": None}))
    with pytest.raises(ModelError, match="its tokenizer has no token that hides another"):
        hub_model(str(folder)).letter_probabilities(SEQUENCE)


def test_an_answer_that_is_not_finite_is_none(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    network = AutoModelForMaskedLM.from_pretrained(str(tiny_checkpoints.bert_of_letters(folder)))
    with torch.no_grad():
        network.bert.embeddings.word_embeddings.weight.fill_(float("nan"))
    network.save_pretrained(folder)
    with pytest.raises(ModelError, match="its answer is not finite"):
        hub_model(str(folder)).letter_probabilities(SEQUENCE)


def test_first_guesses_take_what_a_checkpoint_proposes(esm_rna: str) -> None:
    target = Target("((((....))))" + "." * 20)
    propose = hub_model(esm_rna).letter_probabilities
    guesses = {text_of(first_guess(target, Random(seed), propose)) for seed in range(4)}
    assert len(guesses) == 4
    assert any(set(guess[12:]) - {"A"} for guess in guesses)


def test_a_checkpoint_proposes_for_designs_that_fold(esm_rna: str) -> None:
    designer = RnaDesigner(model=f"hf:{esm_rna}")
    (found,) = designer.design("((((....))))........", 20.0, 0)
    assert RNA.fold(found)[0] == "((((....))))........"
    assert designer.info.digest != RnaDesigner().info.digest


def test_only_checkpoints_with_a_masked_head_propose(checkpoint: Checkpoint) -> None:
    with pytest.raises(CapabilityError, match="tells no probabilities of hidden letters; expected"):
        RnaDesigner(model=f"hf:{checkpoint('gpt2')}")
    designer = RnaDesigner(model=f"hf:{checkpoint('bert-kmers')}")
    with pytest.raises(CapabilityError, match="its tokens are not single bases"):
        designer.design("((((....))))", 20.0, 0)
