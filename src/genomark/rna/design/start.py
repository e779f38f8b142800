"""First guesses: strong helices, quiet loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from genomark.rna.design.target import LETTERS, PAIRS, Codes, Target
from genomark.rna.structure import helices

#: How often each of `PAIRS` is taken, no GU: at the ends of a helix and in short ones mostly GC;
#: inside of one of so many pairs more AU, since unlike helices are rarely taken for each other.
_AT_ENDS = (0.48, 0.48, 0.0, 0.0, 0.02, 0.02)
_INSIDE = (0.35, 0.35, 0.0, 0.0, 0.15, 0.15)
_LONG = 5
#: Drafts of a helix, of which that with the fewest words that were seen is taken; a word's length.
_DRAFTS, _WORD = 20, 3
#: Letters of loops, the first that is allowed; A pairs with one letter alone, and with it weakly.
_QUIET = "AUCG"

#: From a sequence with "N" where something is to be proposed, to probabilities of A, C, G and U,
#: float[length, 4].
Propose = Callable[[str], NDArray[np.floating]]
#: Share of positions that a language model is asked for.
_PROPOSED = 0.3


def first_guess(target: Target, rng: Random, propose: Propose | None = None) -> Codes:
    """Draw a sequence to begin with, int8[length].

    Words of its helices are as unlike as can be, as in Seeman's DNA (1982, J Theor Biol 99:237).
    """
    bases = np.zeros(len(target), np.int8)
    for position in np.flatnonzero(target.partner < 0).tolist():
        letter = next(each for each in _QUIET if _may(target, position, LETTERS.index(each)))
        bases[position] = LETTERS.index(letter)
    seen: Counter[tuple[int, ...]] = Counter()
    for helix in sorted(helices(target.partner), key=len, reverse=True):
        drafts = [_drawn_helix(target, helix, rng) for _ in range(_DRAFTS)]
        words = [_words(draft) for draft in drafts]
        repeats = [sum(seen[word] for word in each) + len(each) - len(set(each)) for each in words]
        taken = repeats.index(min(repeats))
        seen.update(words[taken])
        for (opening, closing), (one, other) in zip(helix, drafts[taken], strict=True):
            bases[opening], bases[closing] = one, other
    if propose is not None:
        _propose(bases, target, rng, propose)
    return bases


def _drawn_helix(
    target: Target, helix: list[tuple[int, int]], rng: Random
) -> list[tuple[int, int]]:
    last = len(helix) - 1
    return [
        _drawn_pair(target, *pair, rng, _INSIDE if last >= _LONG - 1 and 0 < k < last else _AT_ENDS)
        for k, pair in enumerate(helix)
    ]


def _words(draft: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """List the words of both strands."""
    strands = [one for one, _ in draft], [other for _, other in reversed(draft)]
    return [
        tuple(strand[start : start + _WORD])
        for strand in strands
        for start in range(len(strand) - _WORD + 1)
    ]


def _may(target: Target, position: int, code: int) -> bool:
    return bool(target.allowed[position] >> code & 1)


def _drawn_pair(
    target: Target, opening: int, closing: int, rng: Random, often: tuple[float, ...]
) -> tuple[int, int]:
    pairs = [
        (one, other) if _may(target, opening, one) and _may(target, closing, other) else None
        for one, other in PAIRS.tolist()
    ]
    able = [(pair, weight) for pair, weight in zip(pairs, often, strict=True) if pair]
    # Weights of 0 are for what nothing but a constraint asks for.
    (drawn,) = rng.choices(
        [pair for pair, _ in able],
        [weight for _, weight in able] if any(weight for _, weight in able) else None,
    )
    return drawn


def _propose(bases: Codes, target: Target, rng: Random, propose: Propose) -> None:
    """Draw some positions from what a language model expects there, in place."""
    asked = [position for position in range(len(bases)) if rng.random() < _PROPOSED]
    masked = "".join(
        "N" if position in set(asked) else LETTERS[code]
        for position, code in enumerate(bases.tolist())
    )
    expected = propose(masked)
    for position in asked:
        mate = int(target.partner[position])
        if mate < 0:
            weights = [
                float(expected[position, code - 1]) * _may(target, position, code)
                for code in range(1, 5)
            ]
            if sum(weights) > 0:
                bases[position] = rng.choices(range(1, 5), weights)[0]
        elif mate > position:
            often = tuple(
                float(expected[position, one - 1] * expected[mate, other - 1])
                for one, other in PAIRS.tolist()
            )
            bases[position], bases[mate] = _drawn_pair(target, position, mate, rng, often)
