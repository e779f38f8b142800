"""Polishing: from a sequence that folds into its target to ones that do so better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from genomark.rna.design.judge import Judge
from genomark.rna.design.objectives import Scale
from genomark.rna.design.target import PAIRS, Codes, Target, codes_of, text_of
from genomark.rna.vienna import Ensemble

#: Changes in a row that made nothing better, per base, after which it is enough.
_PATIENCE_PER_BASE, _LEAST_PATIENCE = 4, 100
#: Part of the chance to be changed that does not depend on how wrong a base is.
_BLIND = 0.02
#: Where several objectives are asked for, how unlike their weights may be.
_CONCENTRATION = 1.0


@dataclass(frozen=True)
class Polished:
    """A sequence that folds into the target, and what its objectives make small."""

    sequence: str
    losses: tuple[float, ...]


def polished(
    sequence: str,
    target: Target,
    judge: Judge,
    scale: Scale,
    rng: Random,
    spend: Callable[[], bool],
) -> list[Polished]:
    """Change bases as long as the structure stays and the objectives gain.

    Parameters
    ----------
    sequence : str
        Folds into the target.
    target : Target
    judge : Judge
    scale : Scale
    rng : random.Random
    spend : callable
        Is asked before every fold; False ends it.

    Returns
    -------
    list of Polished
        All that were measured, the last accepted one first. With several objectives their weights
        are drawn, so that many calls spread along the front.
    """
    losses, ensemble = scale.losses(sequence)
    found = [Polished(sequence, tuple(losses.tolist()))]
    if not len(scale):
        return found
    weights = _weights(len(scale), rng)
    best, current = found[0], codes_of(sequence)
    patience = max(_LEAST_PATIENCE, _PATIENCE_PER_BASE * len(sequence))
    waited = 0
    while waited < patience and spend():
        waited += 1
        changed = _changed(current, target, ensemble, rng)
        guess = text_of(changed)
        if guess == best.sequence or judge.fold(guess) != target.structure:
            continue
        losses, told = scale.losses(guess)
        found.append(Polished(guess, tuple(losses.tolist())))
        if float(losses @ weights) < float(np.array(best.losses) @ weights):
            best, current, ensemble, waited = found[-1], changed, told, 0
    return [best, *(each for each in found if each != best)]


def _weights(n: int, rng: Random) -> NDArray[np.float64]:
    """Draw weights that sum to 1, uniformly."""
    drawn = np.array([rng.gammavariate(_CONCENTRATION, 1.0) for _ in range(n)])
    weights: NDArray[np.float64] = drawn / drawn.sum()
    return weights


def _changed(current: Codes, target: Target, ensemble: Ensemble | None, rng: Random) -> Codes:
    """Change a base or a pair, the likelier the less it is as in the target."""
    n = len(current)
    wrong = [1.0] * n if ensemble is None else (1.0 - ensemble.agreement + _BLIND).tolist()
    changed = current.copy()
    allowed = target.allowed
    while (changed == current).all():
        (position,) = rng.choices(range(n), wrong)
        mate = int(target.partner[position])
        if mate < 0:
            one = rng.randint(1, 4)
            if allowed[position] >> one & 1:
                changed[position] = one
        else:
            one, other = PAIRS[rng.randrange(len(PAIRS))].tolist()
            if allowed[position] >> one & 1 and allowed[mate] >> other & 1:
                changed[position], changed[mate] = one, other
        # A constraint may leave no choice at all.
        if rng.random() < 1e-3:
            break
    return changed
