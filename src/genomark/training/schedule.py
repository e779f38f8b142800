"""The learning rate of each step, as a function of the step alone."""

from __future__ import annotations

import math

from genomark.training.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Give the learning rate of a step.

    It rises in a straight line to `recipe.learning_rate` at the end of the warm-up and then falls
    to 0 at the end of all steps, along half a cosine (Loshchilov and Hutter 2017, without
    restarts) or a straight line.

    Parameters
    ----------
    recipe : Recipe
    step : int
        From 0.
    steps : int
        Of the whole training, were it not to stop early.
    """
    warm_up = math.floor(recipe.warm_up * steps)
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / (warm_up + 1)
    if recipe.decay == "none":
        return recipe.learning_rate
    gone = min((step - warm_up) / max(steps - warm_up, 1), 1.0)
    left = (1 + math.cos(math.pi * gone)) / 2 if recipe.decay == "cosine" else 1 - gone
    return recipe.learning_rate * left
