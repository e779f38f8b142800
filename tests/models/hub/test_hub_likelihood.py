"""Log-likelihoods, against plain loops over transformers' own output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints as tiny
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import Scorer
from genomark.models.hub.checkpoint import HubCheckpoint, head_of
from genomark.models.hub.model import hub_model

TOLERANCE = {"rtol": 1e-5, "atol": 1e-4}
SEQUENCES = ["ACGTACGTNNACGTGACCAGAA", "ACG", "TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT", "ACG"]


def log_softmax(network: torch.nn.Module, ids: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(ids)[None]).logits[0].log_softmax(dim=-1).numpy()


def causal(folder: str, sequence: str) -> float:
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    (tokens,) = HubCheckpoint(folder).tokens([sequence])
    logarithms = log_softmax(network, tokens.ids)
    own = np.flatnonzero(tokens.spans[:, 0] >= 0)
    return sum(float(logarithms[i - 1, tokens.ids[i]]) for i in own if i > 0)


def masked(folder: str, sequence: str, *, overlapping: bool = False, **trust: bool) -> float:
    network = AutoModelForMaskedLM.from_pretrained(folder, trust_remote_code=bool(trust)).eval()
    made = HubCheckpoint(folder, **trust)
    (tokens,) = made.tokens([sequence])
    own = np.flatnonzero(tokens.spans[:, 0] >= 0)
    total = 0.0
    groups = [[i] for i in own]
    if overlapping:
        spans = tokens.spans
        groups = [
            [i for i in own if spans[i, 0] <= base < spans[i, 1]] for base in range(len(sequence))
        ]
    for group in groups:
        ids = tokens.ids.copy()
        ids[group] = made.mask_id
        logarithms = log_softmax(network, ids)
        total += float(np.mean([logarithms[i, tokens.ids[i]] for i in group]))
    return total


@pytest.mark.parametrize("name", ["gpt2", "neox"])
def test_causal_networks_add_up_what_each_token_has_after_those_before(name, checkpoint) -> None:
    model = hub_model(checkpoint(name), batch_tokens=60)
    assert isinstance(model, Scorer)
    assert model.likelihood == "causal"
    found = model.log_likelihoods(SEQUENCES)
    assert found.dtype == np.float64
    expected = [causal(checkpoint(name), sequence) for sequence in SEQUENCES]
    np.testing.assert_allclose(found, expected, **TOLERANCE)


@pytest.mark.parametrize("name", ["bert-kmers", "bert-letters", "bert-pieces", "esm", "esm-6mers"])
@pytest.mark.parametrize("budget", [0, 60])
def test_masked_networks_tell_each_token_hidden_in_turn(name, budget, checkpoint) -> None:
    model = hub_model(checkpoint(name), batch_tokens=budget)
    assert isinstance(model, Scorer)
    assert model.likelihood == "masked"
    done: list[int] = []
    found = model.log_likelihoods(SEQUENCES, done.append)
    assert sum(done) == len(SEQUENCES)
    overlapping = name == "bert-kmers"
    expected = [masked(checkpoint(name), each, overlapping=overlapping) for each in SEQUENCES]
    np.testing.assert_allclose(found, expected, **TOLERANCE)


def test_code_of_a_checkpoint_scores_too(tmp_path: Path) -> None:
    folder = str(tiny.own_code(tmp_path / "own"))
    model = hub_model(folder, trust="yes")
    assert model.likelihood == "masked"
    expected = [masked(folder, sequence, trust=True) for sequence in SEQUENCES]
    np.testing.assert_allclose(model.log_likelihoods(SEQUENCES), expected, **TOLERANCE)


def test_both_strands_are_averaged(checkpoint) -> None:
    forward, reverse = hub_model(checkpoint("gpt2")).log_likelihoods(["AACGTN", "NACGTT"])
    both = hub_model(checkpoint("gpt2"), strands="both").log_likelihoods(["AACGTN"])
    np.testing.assert_allclose(both, [(forward + reverse) / 2], **TOLERANCE)


@pytest.mark.parametrize(
    ("name", "window", "stride"),
    [
        *((name, *each) for name in ("gpt2", "neox") for each in ((0, 0), (20, 5), (20, 18))),
        ("neox", 20, 20),
    ],
)
def test_long_sequences_are_told_from_the_window_before(
    name, window, stride, checkpoint, random_sequences
) -> None:
    folder, (sequence,) = checkpoint(name), random_sequences(1, 150, 150)
    ends = 2 if name == "gpt2" else 0
    room = (window or 64) - ends
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    (tokens,) = HubCheckpoint(folder).tokens([sequence])
    own = tokens.ids[tokens.spans[:, 0] >= 0]
    before = tokens.ids[: ends // 2]
    step = stride or room // 2
    if not ends:
        step = min(step, room - 1)
    total, seen = 0.0, 0 if ends else 1
    for start in [*range(0, 150 - room, step), 150 - room]:
        ids = np.concatenate([before, own[start : start + room]])
        logarithms = log_softmax(network, ids)
        for token in range(seen, start + room):
            place = token - start + before.size
            total += float(logarithms[place - 1, own[token]])
        seen = start + room
    found = hub_model(folder, window=window, stride=stride).log_likelihoods([sequence])
    np.testing.assert_allclose(found, [total], **TOLERANCE)


def test_a_hidden_token_is_told_from_the_window_around_it(checkpoint, random_sequences) -> None:
    folder, (sequence,) = checkpoint("esm"), random_sequences(1, 40, 40)
    network = AutoModelForMaskedLM.from_pretrained(folder).eval()
    made = HubCheckpoint(folder)
    own = made.tokens([sequence])[0].ids[1:-1]
    total = 0.0
    for token in range(40):
        start = min(max(token - 5, 0), 40 - 11)
        ids = np.array([0, *own[start : start + 11], 2])
        ids[1 + token - start] = made.mask_id
        total += float(log_softmax(network, ids)[1 + token - start, own[token]])
    found = hub_model(folder, window=13).log_likelihoods([sequence])
    np.testing.assert_allclose(found, [total], **TOLERANCE)


def test_nothing_is_told_of_a_single_token_with_none_before_it(checkpoint) -> None:
    done: list[int] = []
    assert hub_model(checkpoint("neox")).log_likelihoods(["A", "AC"], done.append)[0] == 0
    assert sum(done) == 2
    assert hub_model(checkpoint("neox")).log_likelihoods([]).shape == (0,)
    with pytest.raises(UsageError, match="window=2 or more"):
        hub_model(checkpoint("neox"), window=1).log_likelihoods(["AC"])


@pytest.mark.parametrize(
    ("config", "head"),
    [
        ({"architectures": ["EsmForMaskedLM"]}, "masked"),
        ({"architectures": ["BertForPreTraining"]}, "masked"),
        ({"architectures": ["ElectraForPreTraining"]}, None),
        ({"architectures": ["HyenaDNAForCausalLM"]}, "causal"),
        ({"architectures": ["GPT2LMHeadModel"]}, "causal"),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, None),
        ({"architectures": ["BertModel"]}, None),
        ({}, None),
    ],
)
def test_the_head_is_told_from_the_configuration(config, head) -> None:
    assert head_of(config) == head


def test_a_checkpoint_without_a_head_cannot_score(checkpoint, tmp_path: Path) -> None:
    headless = hub_model(str(tiny.bert_of_pieces(tmp_path / "bert", head=False)))
    for model, name in ((headless, "BertModel"), (hub_model(checkpoint("t5")), "T5For")):
        with pytest.raises(CapabilityError, match=f"config.json names {name}") as caught:
            model.log_likelihoods(["ACGT"])
        assert "\n" not in str(caught.value)
        with pytest.raises(CapabilityError, match="cannot score sequences"):
            model.likelihood  # noqa: B018
        assert not hasattr(model, "likelihood")
        with pytest.raises(CapabilityError, match="cannot score sequences"):
            model.checkpoint.module("lm")


def test_a_masked_network_needs_a_token_that_hides(checkpoint, monkeypatch) -> None:
    model = hub_model(checkpoint("esm"))
    monkeypatch.setattr(model.checkpoint.tokenizer, "mask_id", None)
    with pytest.raises(ModelError, match="no token that hides another"):
        model.log_likelihoods(["ACGT"])
