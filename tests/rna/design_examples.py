"""Structures of all kinds, and sequences that can fold into them, for the tests of design."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from random import Random

import numpy as np
import RNA

from genomark.rna.design.target import Codes, codes_of
from genomark.rna.structure import Partners, partners

PAIRS = ("AU", "UA", "CG", "GC", "GU", "UG")
TRNA = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."


def drawn_sequence(structure: str, random: Random, allowed: Sequence[str] = ()) -> str:
    """A sequence of which every pair of the structure is one of `PAIRS`.

    `allowed` has the letters of each position; all of them where it is empty.
    """
    letters = [
        random.choice(allowed[place] if allowed else "ACGU") for place in range(len(structure))
    ]
    for opening, closing in enumerate(partners(structure).tolist()):
        if closing > opening:
            able = [
                (one, other)
                for one, other in PAIRS
                if not allowed or (one in allowed[opening] and other in allowed[closing])
            ]
            letters[opening], letters[closing] = random.choice(able)
    return "".join(letters)


def random_rna(length: int, random: Random) -> str:
    return "".join(random.choices("ACGU", k=length))


def sampled_structures(sequence: str, count: int, **details: float) -> list[str]:
    """The structure of least energy, and some that are drawn from all by their probabilities.

    The same each time for the same sequence.
    """
    RNA.init_rand(zlib.crc32(sequence.encode()))
    compound = RNA.fold_compound(sequence, RNA.md(uniq_ML=1, **details))
    structure, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    return [structure, *(compound.pbacktrack() for _ in range(count))]


def energy_by_vienna(sequence: str, structure: str, **details: float) -> int:
    """Free energy, 0.01 kcal/mol."""
    compound = RNA.fold_compound(sequence, RNA.md(**details))
    return round(100 * compound.eval_structure(structure))


def folded(sequence: str) -> str:
    return RNA.fold(sequence)[0]


def read(sequence: str, structure: str) -> tuple[Codes, Partners]:
    """As compiled code takes them."""
    return codes_of(sequence), partners(structure).astype(np.int32)
