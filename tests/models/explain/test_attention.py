"""Attention: against transformers called directly, and sums and entropies taken by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_checkpoints as tiny
import torch
from scipy.stats import entropy
from transformers import AutoModel, MambaConfig, MambaModel

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models.explain.attention import AttentionMap, attention
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.model import hub_model

SEQUENCES = ["ACGTACGTNNACGTGACCAGAA", "ACG", "TTTTTTTTTTTTTTTTTTTT"]


def direct(folder: str, sequence: str) -> np.ndarray:
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    network = network.get_encoder() if network.config.is_encoder_decoder else network
    (tokens,) = HubCheckpoint(folder).tokens([sequence])
    with torch.inference_mode():
        out = network(torch.from_numpy(tokens.ids)[None], output_attentions=True)
    return np.stack([each[0].numpy() for each in out.attentions])


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_weights_are_those_of_transformers(name, checkpoint) -> None:
    done: list[int] = []
    found = list(attention(hub_model(checkpoint(name)), SEQUENCES, progress=done.append))
    assert done == [1, 1, 1]
    for sequence, each in zip(SEQUENCES, found, strict=True):
        assert each.sequence == sequence
        assert each.weights.dtype == np.float32
        np.testing.assert_allclose(each.weights, direct(checkpoint(name), sequence), atol=1e-6)
        np.testing.assert_allclose(each.weights.sum(axis=-1), 1, atol=1e-5)
        assert each.weights.shape[-1] == len(each.spans)


def test_one_layer_and_one_head(checkpoint) -> None:
    model = hub_model(checkpoint("esm"))
    (whole,) = attention(model, ["ACGT"])
    assert (whole.layers, whole.heads) == ((0, 1), (0, 1))
    (part,) = attention(model, ["ACGT"], layer=-1, head=0)
    assert (part.layers, part.heads) == ((1,), (0,))
    assert np.array_equal(part.weights, whole.weights[1:, :1])
    for wrong, message in (({"layer": 2}, "layer 2: expected 0 to 1"), ({"head": -3}, "head -3")):
        with pytest.raises(UsageError, match=message):
            list(attention(model, ["ACGT"], **wrong))


def made(weights: np.ndarray, spans: list[tuple[int, int]], length: int) -> AttentionMap:
    layers, heads = (tuple(range(n)) for n in weights.shape[:2])
    return AttentionMap(
        "A" * length, weights.astype(np.float32), np.array(spans, np.int32), layers, heads
    )


def test_attention_between_bases_of_tokens_side_by_side() -> None:
    # A special token, one of two bases, one of a base.
    weights = np.array([[[[1, 0, 0], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]]])
    found = made(weights, [(-1, -1), (0, 2), (2, 3)], 3).of_bases()
    expected = [[0.15, 0.15, 0.2], [0.15, 0.15, 0.2], [0.4, 0.4, 0.1]]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert found.dtype == np.float32


def test_attention_between_bases_of_tokens_that_overlap() -> None:
    # Two tokens of two bases; the middle base looks as the mean of both.
    weights = np.array([[[[0.6, 0.4], [0.2, 0.8]]], [[[0.8, 0.2], [0.0, 1.0]]]])
    found = made(weights, [(0, 2), (1, 3)], 3).of_bases()
    # Means over the layers are [[.7, .3], [.1, .9]].
    expected = [[0.35, 0.5, 0.15], [0.2, 0.5, 0.3], [0.05, 0.5, 0.45]]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("name", ["bert-kmers", "bert-pieces", "esm-6mers", "neox"])
def test_rows_of_bases_sum_to_what_special_tokens_leave(name, checkpoint) -> None:
    (found,) = attention(hub_model(checkpoint(name)), SEQUENCES[:1])
    own = found.spans[:, 0] >= 0
    left = 1 - found.weights.mean(axis=(0, 1))[:, ~own].sum(axis=1)[own]
    sums = found.of_bases().sum(axis=1)
    for base, total in enumerate(sums):
        holding = (found.spans[own, 0] <= base) & (base < found.spans[own, 1])
        np.testing.assert_allclose(total, left[holding].mean(), atol=1e-5)


def test_a_head_in_three_numbers() -> None:
    even, next_ = np.full((3, 3), 1 / 3), np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    spans = [(0, 1), (1, 2), (2, 3)]
    summary = made(np.array([[even, next_]]), spans, 3).summary()
    np.testing.assert_allclose(summary.entropy, [[math.log(3), 0]], atol=1e-7)
    # |0 - 0| to |2 - 2|, nine alike: 8 / 9. To the next, and from the last two back: 4 / 3.
    np.testing.assert_allclose(summary.distance, [[8 / 9, 4 / 3]], atol=1e-7)
    np.testing.assert_allclose(summary.special, 0, atol=1e-7)
    only_special = np.array([[[[1, 0], [1, 0]]]])
    summary = made(only_special, [(-1, -1), (0, 1)], 1).summary()
    assert np.isnan(summary.distance).all()
    assert summary.special.tolist() == [[1.0]]


def test_the_summary_of_a_network(checkpoint) -> None:
    (found,) = attention(hub_model(checkpoint("esm")), ["ACGTACGTTA"])
    summary = found.summary()
    assert summary.entropy.shape == summary.distance.shape == (tiny.LAYERS, 2)
    expected = entropy(found.weights[1, 0, 1:-1], axis=-1).mean()
    np.testing.assert_allclose(summary.entropy[1, 0], expected, rtol=1e-5)
    inside = found.weights[0, 1, 1:-1, 1:-1]
    far = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    np.testing.assert_allclose(summary.distance[0, 1], np.average(far, weights=inside), rtol=1e-5)
    np.testing.assert_allclose(summary.special[0, 1], 1 - inside.sum() / 10, rtol=1e-4)


def test_networks_without_attention_are_refused(tmp_path) -> None:
    own = hub_model(str(tiny.own_code(tmp_path / "own")), trust="yes")
    with pytest.raises(CapabilityError, match=r"\(two_way\) has no attention between tokens"):
        list(attention(own, ["ACGT"]))


def test_networks_that_take_the_question_and_say_nothing_are_refused(checkpoint, tmp_path) -> None:
    folder = tiny.neox(tmp_path / "mamba")
    (folder / "model.safetensors").unlink()
    config = MambaConfig(hidden_size=8, num_hidden_layers=1, vocab_size=7)
    MambaModel(config).save_pretrained(folder)
    with pytest.raises(CapabilityError, match=r"\(mamba\) has no attention between tokens"):
        list(attention(hub_model(str(folder)), ["ACGT"]))


def test_what_does_not_fit_in_one_window_is_refused(checkpoint) -> None:
    message = r"sequence 2 is of 65 tokens, .* the checkpoint sees 64 at once"
    with pytest.raises(UsageError, match=message):
        list(attention(hub_model(checkpoint("bert-letters")), ["ACGT", "A" * 63]))
    with pytest.raises(ModelError, match="empty"):
        list(attention(hub_model(checkpoint("bert-letters")), [""]))
