"""Losses and answers against PyTorch's own functions and closed values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional
from training_tasks import labelled, of_kind

from genomark.errors import UsageError
from genomark.sequences import UNTOLD
from genomark.training.losses import Objective

CONFIDENT = 50.0


def mean_loss(objective: Objective, outputs: torch.Tensor, told: list[np.ndarray]) -> float:
    total, weight = objective.loss(outputs, objective.target(told))
    return float(total / weight)


def test_a_confident_right_answer_costs_nothing():
    # Of a softmax taken for logits, cross-entropy would not fall below log(1 + exp(-1)) = 0.313.
    data = labelled("multi-class", ("a", "b"), ["ACGT"] * 2, np.eye(2))
    outputs = torch.tensor([[CONFIDENT, -CONFIDENT], [-CONFIDENT, CONFIDENT]])
    assert mean_loss(Objective.of(data), outputs, list(data.targets)) < 1e-12


def test_a_confident_right_answer_costs_nothing_in_tasks_on_positions():
    data = of_kind("token-classes")
    told = [data.targets[3]]
    right = torch.full((1, told[0].size, 4), -CONFIDENT)
    right[0, torch.arange(told[0].size), torch.from_numpy(told[0].astype(np.int64))] = CONFIDENT
    assert mean_loss(Objective.of(data), right, told) < 1e-12


def test_a_confident_right_decision_costs_nothing():
    data = labelled("binary", ("yes",), ["ACGT"] * 2, np.array([[1.0], [0.0]]))
    outputs = torch.tensor([[CONFIDENT], [-CONFIDENT]])
    assert mean_loss(Objective.of(data), outputs, list(data.targets)) < 1e-12


def test_not_knowing_costs_the_entropy_of_the_classes():
    data = of_kind("multi-class")
    outputs = torch.zeros(len(data), 4)
    assert mean_loss(Objective.of(data), outputs, list(data.targets)) == pytest.approx(math.log(4))


def test_labels_that_are_not_told_cost_nothing():
    data = of_kind("multi-label")
    outputs = torch.randn(len(data), 2, generator=torch.Generator().manual_seed(0))
    told = ~np.isnan(data.targets)
    expected = functional.binary_cross_entropy_with_logits(
        outputs[torch.from_numpy(told)], torch.from_numpy(data.targets[told]).float()
    )
    assert not told.all()
    assert mean_loss(Objective.of(data), outputs, list(data.targets)) == pytest.approx(
        float(expected), rel=1e-6
    )


def test_positions_that_are_not_told_cost_nothing_wherever_padding_ends():
    data = of_kind("token-classes")
    objective = Objective.of(data)
    told = list(data.targets[:2])
    widest = max(each.size for each in told)
    outputs = torch.randn(2, widest, 4, generator=torch.Generator().manual_seed(0))
    expected = functional.cross_entropy(
        torch.cat([outputs[0, 3 : told[0].size], outputs[1, : told[1].size]]),
        torch.from_numpy(np.concatenate([told[0][3:], told[1]]).astype(np.int64)),
    )
    assert (told[0][:3] == UNTOLD).all()
    assert mean_loss(objective, outputs, told) == pytest.approx(float(expected), rel=1e-6)


def test_values_are_learned_in_standard_deviations_and_given_back_as_measured():
    data = of_kind("regression")
    objective = Objective.of(data)
    measured = data.targets[1:]
    standard = objective.target(list(measured))
    told = ~np.isnan(data.targets)
    for label in range(2):
        column = data.targets[told[:, label], label]
        expected = (measured[:, label] - column.mean()) / column.std()
        np.testing.assert_allclose(standard[:, label], expected, atol=1e-5)
    np.testing.assert_allclose(objective.answers(list(standard.numpy())), measured, rtol=1e-5)
    assert mean_loss(objective, standard, list(measured)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["regression", "token-regression", "pair-regression"])
def test_what_was_not_measured_costs_nothing(kind):
    data = of_kind(kind)
    objective = Objective.of(data)
    told = list(data.targets[:3])
    target = objective.target(told)
    outputs = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    known = ~torch.isnan(target)
    expected = functional.mse_loss(outputs[known], target[known])
    assert not known.all()
    assert mean_loss(objective, outputs, told) == pytest.approx(float(expected), rel=1e-6)


def test_a_constant_measurement_is_learned_without_dividing_by_nothing():
    data = labelled("regression", ("flat",), ["ACGT"] * 3, np.full((3, 1), 7.0))
    objective = Objective.of(data)
    assert objective.scale == (1.0,)
    assert objective.answers([np.zeros(1, np.float32)]).tolist() == [[7.0]]


def test_classes_become_probabilities_and_decisions_stay_decisions():
    classes = Objective.of(of_kind("multi-class"))
    given = np.array([[1.0, 2.0, 3.0, 400.0], [0.5, 0.1, -3.0, 0.0]], np.float32)
    expected = torch.from_numpy(given).softmax(dim=1).numpy()
    np.testing.assert_allclose(classes.answers(list(given)), expected, atol=1e-6)
    decisions = Objective.of(of_kind("multi-label"))
    np.testing.assert_array_equal(decisions.answers(list(given[:, :2])), given[:, :2])


def test_balanced_classes_weigh_alike_together():
    targets = np.eye(3)[[0] * 6 + [1] * 2 + [2] * 4]
    data = labelled("multi-class", ("a", "b", "c"), ["ACGT"] * 12, targets)
    objective = Objective.of(data, "balanced")
    assert objective.weights == pytest.approx((4 / 6, 4 / 2, 4 / 4))
    outputs = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    expected = functional.cross_entropy(
        outputs, torch.from_numpy(targets.argmax(axis=1)), weight=torch.tensor(objective.weights)
    )
    assert mean_loss(objective, outputs, list(targets)) == pytest.approx(float(expected), rel=1e-6)


def test_a_class_that_never_comes_weighs_nothing():
    data = labelled("multi-class", ("a", "b", "c"), ["ACGT"] * 4, np.eye(3)[[0, 0, 0, 1]])
    assert Objective.of(data, "balanced").weights == pytest.approx((2 / 3, 2.0, 0.0))


def test_balanced_positives_weigh_as_much_as_negatives():
    data = labelled("binary", ("yes",), ["ACGT"] * 4, np.array([[1.0], [0.0], [0.0], [0.0]]))
    objective = Objective.of(data, "balanced")
    assert objective.weights == (3.0,)
    outputs = torch.tensor([[0.3], [1.0], [-1.0], [0.2]])
    total, weight = objective.loss(outputs, objective.target(list(data.targets)))
    expected = functional.binary_cross_entropy_with_logits(
        outputs,
        torch.from_numpy(data.targets).float(),
        pos_weight=torch.tensor([3.0]),
        reduction="sum",
    )
    assert float(total) == pytest.approx(float(expected), rel=1e-6)
    assert float(weight) == 6.0


def test_balanced_positions_count_what_is_told():
    data = of_kind("token-classes")
    told = np.concatenate(data.targets)
    counts = np.bincount(told[told >= 0], minlength=4)
    assert Objective.of(data, "balanced").weights == pytest.approx(
        tuple(counts.sum() / (4 * counts))
    )


def test_a_label_of_which_nothing_is_told_is_refused():
    targets = np.array([[1.0, np.nan], [2.0, np.nan]])
    data = labelled("regression", ("a", "b"), ["ACGT"] * 2, targets)
    with pytest.raises(UsageError, match="Nothing is told of label 2"):
        Objective.of(data)


def test_the_loss_of_nothing_is_not_a_number():
    data = of_kind("token-classes")
    untold = [np.full(5, UNTOLD, np.int16)]
    assert math.isnan(Objective.of(data).mean_loss([np.zeros((5, 4), np.float32)], untold))
