"""Copies with tokens filled in: against transformers called directly, and what must not change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

sys.path.append(str(Path(__file__).parent / "hub"))
import tiny_checkpoints as tiny

from genomark.errors import CapabilityError, UsageError
from genomark.models import augment as module
from genomark.models.augment import augment
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.model import HubModel, hub_model

MASKED = ["bert-kmers", "bert-letters", "bert-pieces", "esm", "esm-6mers"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in made:
            folder = tmp_path_factory.mktemp("checkpoint") / name
            made[name] = str(tiny.BUILDERS[name](folder))
        return made[name]

    return find


@pytest.fixture(autouse=True)
def alone(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def random_sequences(n: int, shortest: int, longest: int, letters: str = "ACGT") -> list[str]:
    random = np.random.default_rng(n)
    lengths = random.integers(shortest, longest + 1, n)
    return ["".join(random.choice(list(letters), length)) for length in lengths]


def hidden_by(model: HubModel, sequence: str, monkeypatch, **settings) -> np.ndarray:
    """Tokens of the row that the network is shown, and the copy that came of it."""
    shown: list[np.ndarray] = []
    logits = HubCheckpoint.logits

    def spy(self, module, ids, mask):
        shown.append(ids.numpy().copy())
        return logits(self, module, ids, mask)

    monkeypatch.setattr(HubCheckpoint, "logits", spy)
    ((copy,),) = augment(model, [sequence], **settings)
    monkeypatch.setattr(HubCheckpoint, "logits", logits)
    (rows,) = shown
    return rows[0], copy


@pytest.mark.parametrize("name", ["bert-letters", "esm", "bert-pieces", "esm-6mers"])
def test_hidden_tokens_become_the_most_probable_words_of_their_length(
    name, checkpoint, monkeypatch
) -> None:
    folder = checkpoint(name)
    model = hub_model(folder)
    sequence = random_sequences(1, 58, 58)[0]
    ids, copy = hidden_by(model, sequence, monkeypatch, share=0.3)
    (tokens,) = model.checkpoint.tokens([sequence])
    own = tokens.spans[:, 0] >= 0
    hidden = ids == model.checkpoint.mask_id
    assert hidden.sum() == int(0.3 * own.sum() + 0.5)
    assert not hidden[~own].any()
    assert np.array_equal(ids[~hidden], tokens.ids[~hidden])

    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        scores = network(torch.from_numpy(ids)[None]).logits[0].numpy()
    vocabulary = model.checkpoint.tokenizer.vocabulary.words
    expected = list(sequence)
    for place in np.flatnonzero(hidden):
        start, end = tokens.spans[place]
        words = [
            each
            for each in vocabulary
            if len(each) == end - start and set(each.upper()) <= set("ACGTU")
        ]
        best = max(words, key=lambda word: scores[place, vocabulary[word]])
        expected[start:end] = best.upper().replace("U", "T")
    assert copy == "".join(expected)
    assert copy != sequence


def test_overlapping_words_add_up_to_bases(checkpoint, monkeypatch) -> None:
    """Sums over all ways to spell the hidden bases, one by one."""
    folder, k = checkpoint("bert-kmers"), 3
    model = hub_model(folder)
    sequence = "ACGTTGCANGACTTACGGAT"
    drawn: set[int] = set()
    fill = module._fill

    def spy(model, todo, *more) -> None:
        drawn.update(site.start for copy in todo for site in copy.hidden)
        fill(model, todo, *more)

    monkeypatch.setattr(module, "_fill", spy)
    ids, copy = hidden_by(model, sequence, monkeypatch, share=0.25)
    (tokens,) = model.checkpoint.tokens([sequence])
    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        scores = network(torch.from_numpy(ids)[None]).logits[0].double().log_softmax(-1).numpy()
    changed = [i for i, (a, b) in enumerate(zip(sequence, copy, strict=True)) if a != b]
    assert set(changed) <= drawn
    assert len(drawn) == 5  # a quarter of 19: N is no base
    n_tokens = len(sequence) - k + 1
    hidden_tokens = set(tokens.spans[ids == model.checkpoint.mask_id, 0].tolist())
    around = {t for b in drawn for t in range(max(0, b - k + 1), min(n_tokens, b + 1))}
    assert hidden_tokens == around
    vocabulary = model.checkpoint.tokenizer.vocabulary.words
    for base in drawn:
        told = []
        for t in range(max(0, base - k + 1), min(n_tokens, base + 1)):
            sums = dict.fromkeys("ACGT", 0.0)
            for word in map("".join, product("ACGT", repeat=k)):
                fits = all(
                    t + j in drawn or sequence[t + j] in ("N", x) for j, x in enumerate(word)
                )
                if fits:
                    sums[word[base - t]] += np.exp(scores[t + 1, vocabulary[word]])
            told.append([np.log(each / sum(sums.values())) for each in sums.values()])
        assert copy[base] == "ACGT"[int(np.mean(told, axis=0).argmax())]


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_neither_the_batch_nor_the_others_tell(name, temperature, checkpoint) -> None:
    sequences = [*random_sequences(30, 8, 60), "ACGTNNACGTACGNNT", "NNNN", "A"]
    settings = {"copies": 2, "share": 0.3, "temperature": temperature}
    done: list[int] = []
    found = augment(hub_model(checkpoint(name)), sequences, progress=done.append, **settings)
    assert sum(done) == 2 * len(sequences)
    assert all(len(each) == 2 for each in found)
    for budget in (1, 100):
        model = hub_model(checkpoint(name), batch_tokens=budget)
        assert augment(model, sequences[::-1], **settings)[::-1] == found
    for sequence, copies in zip(sequences, found, strict=True):
        for copy in copies:
            assert len(copy) == len(sequence)
            assert set(copy) <= set("ACGTN")
            assert [x == "N" for x in copy] == [x == "N" for x in sequence]
    assert found[-2] == ("NNNN", "NNNN")


def test_lots_do_not_tell_either(checkpoint, monkeypatch) -> None:
    sequences = random_sequences(20, 8, 60)
    found = augment(hub_model(checkpoint("esm")), sequences, copies=3)
    monkeypatch.setattr(module, "_LETTERS", 200)
    assert augment(hub_model(checkpoint("esm")), sequences, copies=3) == found


def test_copies_differ_by_number_and_by_seed(checkpoint) -> None:
    model = hub_model(checkpoint("esm"))
    sequences = random_sequences(5, 50, 60)
    first = augment(model, sequences, copies=3)
    for copies in first:
        assert len(set(copies)) == 3
    assert augment(model, sequences, copies=2) == [copies[:2] for copies in first]
    assert augment(model, sequences, copies=3, seed=1) != first


@pytest.mark.parametrize(("share", "hidden"), [(0.01, 1), (0.15, 3), (0.5, 10), (1.0, 20)])
def test_the_share_is_without_replacement_and_at_least_one(
    share, hidden, checkpoint, monkeypatch
) -> None:
    model = hub_model(checkpoint("bert-letters"))
    ids, _ = hidden_by(model, "ACGU" * 5, monkeypatch, share=share)
    assert (ids == model.checkpoint.mask_id).sum() == hidden


@pytest.mark.parametrize("name", ["bert-letters", "esm", "bert-kmers"])
def test_t_and_u_are_written_as_the_sequence_has_them(name, checkpoint) -> None:
    model = hub_model(checkpoint(name))
    dna, rna = "ACGTTGCAACGATTACGGAT", "ACGUUGCAACGAUUACGGAU"
    (one,), (other,) = augment(model, [dna, rna], share=1.0)
    assert "U" not in one
    assert "T" not in other
    # What has neither is written as the others are.
    found = augment(model, [rna, "ACGGACGACGGCAGCAGCAC"], share=1.0, temperature=5.0, copies=4)
    assert "T" not in "".join(found[1])
    assert "U" in "".join(found[1])


def test_words_are_drawn_with_their_probabilities(checkpoint, monkeypatch) -> None:
    """The only hidden base of many copies, against softmax of the logits over four bases."""
    folder = checkpoint("esm")
    model, temperature, n = hub_model(folder), 2.0, 4000
    ((*copies,),) = augment(model, ["A"], copies=n, temperature=temperature)
    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = torch.from_numpy(model.checkpoint.tokens(["A"])[0].ids)[None]
    ids[0, 1] = model.checkpoint.mask_id
    words = [model.checkpoint.tokenizer.vocabulary.words[x] for x in "ACGT"]
    with torch.inference_mode():
        expected = (network(ids).logits[0, 1, words] / temperature).softmax(0).numpy()
    found = np.array([copies.count(x) for x in "ACGT"]) / n
    # Four standard deviations.
    assert (np.abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_long_sequences_are_filled_in_window_by_window(checkpoint) -> None:
    model = hub_model(checkpoint("bert-letters"))
    sequence = random_sequences(1, 300, 300)[0]
    ((copy,),) = augment(model, [sequence], share=0.5)
    changed = [i for i, (a, b) in enumerate(zip(sequence, copy, strict=True)) if a != b]
    assert len(copy) == 300
    assert {i // 60 for i in changed} == set(range(5))
    # Far from both ends of a window, what is further away than it reaches does not matter.
    one = augment(hub_model(checkpoint("bert-kmers"), window=20), [sequence], share=0.2)
    assert len(one[0][0]) == 300


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "GPT2LMHeadModel"), ("t5", "T5For")])
def test_models_that_do_not_tell_hidden_tokens_are_refused(name, kind, checkpoint) -> None:
    message = rf"has no head that tells hidden tokens \(config.json names {kind}"
    with pytest.raises(CapabilityError, match=message):
        augment(hub_model(checkpoint(name)), ["ACGT"])


def test_a_trunk_alone_is_refused(tmp_path) -> None:
    folder = str(tiny.bert_of_pieces(tmp_path / "x", head=False))
    with pytest.raises(CapabilityError, match=r"names BertModel\), so it cannot fill them in"):
        augment(hub_model(folder), ["ACGT"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, "share=0.0: expected a part"),
        ({"share": 1.1}, "share=1.1"),
        ({"copies": 0}, "copies=0"),
        ({"seed": -1}, "seed=-1"),
        ({"temperature": -1.0}, "temperature=-1.0"),
        ({"temperature": float("nan")}, "temperature=nan"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, checkpoint) -> None:
    with pytest.raises(UsageError, match=message):
        augment(hub_model(checkpoint("esm")), ["ACGT"], **settings)
