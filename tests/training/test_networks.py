"""Networks: padding changes no answer, and a place in a sequence is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from training_tasks import SELECT_BY, of_kind, random_sequences

from genomark.training.encoding import OneHot
from genomark.training.losses import Objective
from genomark.training.models import BpnetLike, Cnn, FromScratch, Gru, LegnetLike
from genomark.training.networks.masked import MaskedBatchNorm, largest, max_pooled
from genomark.training.networks.places import Places

MODELS = [
    Cnn(channels=8, layers=3, width=5, places=4, hidden=8),
    LegnetLike(channels=8, layers=3, width=5, places=4, hidden=8),
    BpnetLike(channels=8, layers=3, width=5, places=4, hidden=8),
    Gru(channels=8, layers=2, width=5, places=4, hidden=8),
]


def network_of(model: FromScratch, kind: str) -> nn.Module:
    """A network whose normalisation has seen something."""
    torch.manual_seed(0)
    network = model._network(Objective.of(of_kind(kind)))
    network(OneHot().batch(OneHot().encode(random_sequences(16, 5, (10, 30)))))
    return network.eval()


@pytest.mark.parametrize("kind", SELECT_BY)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_padding_changes_no_answer(model, kind):
    network = network_of(model, kind)
    sequences = [*random_sequences(3, 1, (1, 25)), "A", "ACGTN", "G" * 33]
    sides = {"token": 1, "pair": 2}.get(kind.partition("-")[0], 0)
    with torch.inference_mode():
        together = network(OneHot().batch(OneHot().encode(sequences)))
        for row, sequence in enumerate(sequences):
            alone = network(OneHot().batch(OneHot().encode([sequence])))[0]
            beside = together[row][(slice(len(sequence)),) * sides]
            torch.testing.assert_close(beside, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_answers_to_positions_see_their_surroundings(model):
    network = network_of(model, "token-classes")
    with torch.inference_mode():
        one, other = (
            network(OneHot().batch(OneHot().encode([sequence])))[0]
            for sequence in ("A" * 30, "A" * 17 + "C" + "A" * 12)
        )
    moved = (one - other).abs().amax(dim=1)
    assert moved[17] > 0
    assert moved[14] > 0


@pytest.mark.parametrize("model", MODELS[:2], ids=lambda model: model.name)
def test_the_head_tells_places_from_each_other(model):
    network = network_of(model, "binary")
    with torch.inference_mode():
        early, late = network(
            OneHot().batch(
                OneHot().encode(["AAAAAATGACTCA" + "A" * 27, "A" * 27 + "TGACTCAAAAAAA"])
            )
        )
    assert abs(float(early - late)) > 1e-4


def test_normalisation_of_padded_sequences_is_that_of_their_positions():
    draws = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 10, generator=draws)
    mask = torch.arange(10) < torch.tensor([[10], [4], [1]])
    norm = MaskedBatchNorm(4)
    found = norm(features * mask[:, None], mask)
    positions = features.transpose(1, 2)[mask]
    expected = nn.BatchNorm1d(4)
    torch.testing.assert_close(found.transpose(1, 2)[mask], expected(positions))
    assert not found.transpose(1, 2)[~mask].any()
    torch.testing.assert_close(norm.running_mean, expected.running_mean)


def test_pooling_never_takes_padding_for_a_maximum():
    features = torch.tensor([[[-3.0, -1.0, -2.0, 0.0, 0.0]]])
    mask = torch.tensor([[True, True, True, False, False]])
    pooled, shorter = max_pooled(features, mask, 2)
    assert pooled.tolist() == [[[-1.0, -2.0, 0.0]]]
    assert shorter.tolist() == [[True, True, False]]


def test_the_largest_of_a_channel_is_never_padding():
    features = torch.tensor([[[-3.0, -1.0, 0.0]], [[-5.0, -4.0, -2.0]]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    assert largest(features, mask).tolist() == [[-1.0], [-2.0]]
    assert largest(features[1:], None).tolist() == [[-2.0]]


def test_one_position_alone_leaves_what_normalisation_has_learned():
    norm = MaskedBatchNorm(2)
    norm(torch.randn(4, 2, 9, generator=torch.Generator().manual_seed(0)))
    learned = norm.running_mean.clone(), norm.running_var.clone()
    alone = torch.tensor([[[1.0], [2.0]]])
    found = norm(alone)
    assert torch.equal(norm.running_mean, learned[0])
    assert torch.equal(norm.running_var, learned[1])
    torch.testing.assert_close(found, norm.eval()(alone))


def test_a_place_averages_what_lies_there():
    places = Places(4)
    weights = places.weights(40, None)[0].detach()
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(4))
    middles = (torch.arange(40) + 0.5) / 40
    # Even at first, but for what the ends cut off; as wide as a normal density of that variance.
    np.testing.assert_allclose(middles @ weights[:, 1:3], [0.375, 0.625], atol=0.01)
    spread = (middles[:, None] - middles @ weights) ** 2
    np.testing.assert_allclose(spread[:, 1] @ weights[:, 1], 1 / 32, rtol=0.2)


def test_a_place_can_narrow_to_a_single_position():
    places = Places(1)
    with torch.no_grad():
        places.logits.zero_()
        places.logits[100] = 100.0
    features = torch.arange(200.0).reshape(1, 1, 200)
    assert places(features, None).item() == pytest.approx(100)


def test_places_without_preference_are_the_mean_whatever_the_length():
    places = Places(3)
    with torch.no_grad():
        places.logits.zero_()
    features = torch.randn(2, 3, 500, generator=torch.Generator().manual_seed(0))
    expected = features.mean(dim=2, keepdim=True).expand(2, 3, 3)
    torch.testing.assert_close(places(features, None), expected)
    mask = (torch.arange(500) < 7).expand(2, 500)
    expected = features[:, :, :7].mean(dim=2, keepdim=True).expand(2, 3, 3)
    torch.testing.assert_close(places(features * mask[:, None], mask), expected)


def test_places_are_relative_to_the_length():
    places = Places(2)
    short, long = places.weights(50, None)[0], places.weights(100, None)[0]
    torch.testing.assert_close(short, long.reshape(50, 2, 2).sum(dim=1), rtol=0, atol=1e-3)
