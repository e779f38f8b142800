"""Random sequences, and copies of them with known changes."""

from __future__ import annotations

import random

PARTNER = str.maketrans("ACGT", "TGCA")


def random_sequence(draw: random.Random, length: int, letters: str = "ACGT") -> str:
    return "".join(draw.choices(letters, k=length))


def other_strand(sequence: str) -> str:
    return sequence.translate(PARTNER)[::-1]


def substituted(draw: random.Random, sequence: str, share: float) -> str:
    letters = list(sequence)
    for place in draw.sample(range(len(letters)), round(share * len(letters))):
        letters[place] = draw.choice("ACGT".replace(letters[place], ""))
    return "".join(letters)


def family(draw: random.Random, members: int, length: int = 150, share: float = 0.05) -> list[str]:
    ancestor = random_sequence(draw, length)
    return [substituted(draw, ancestor, share) for _ in range(members)]
