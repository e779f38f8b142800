"""The learning rate against PyTorch's schedulers and closed values."""

from __future__ import annotations

import math

import pytest
import torch

from genomark.errors import UsageError
from genomark.training.recipe import Recipe
from genomark.training.schedule import learning_rate

STEPS = 50


def rates(recipe: Recipe) -> list[float]:
    return [learning_rate(recipe, step, STEPS) for step in range(STEPS)]


def test_without_warm_up_it_falls_along_the_cosine_of_pytorch():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    expected = []
    for _ in range(STEPS):
        expected.append(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()
    assert rates(Recipe(learning_rate=0.3, warm_up=0)) == pytest.approx(expected, rel=1e-9)


def test_it_rises_and_falls_in_straight_lines():
    found = rates(Recipe(learning_rate=1.0, warm_up=0.2, decay="linear"))
    assert found[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert found[10:] == pytest.approx([1 - gone / 40 for gone in range(40)])


def test_it_may_stay_where_it_is():
    assert set(rates(Recipe(learning_rate=0.1, warm_up=0, decay="none"))) == {0.1}


def test_it_ends_at_nothing_and_stays_there():
    assert learning_rate(Recipe(), STEPS, STEPS) == pytest.approx(0, abs=1e-12)
    assert learning_rate(Recipe(), 2 * STEPS, STEPS) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, not 0"),
        ({"batch_size": -1}, "batch_size must be 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay must be 0 or more"),
        ({"warm_up": 1.0}, "warm_up must be a share"),
        ({"averaging": -1.0}, "averaging must be from 0 to 10"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(UsageError, match=message):
        Recipe(**setting)
