"""Hairpins that are known through and through, for tests of fits to structures."""

from __future__ import annotations

import numpy as np
from training_tasks import labelled

from genomark.sequences import LabelledSequences, TaskSplit

LABELS = (".", "(", ")")
_PARTNER = {"A": "U", "U": "A", "G": "C", "C": "G"}


def hairpins(n: int, seed: int, stem: int = 6) -> LabelledSequences:
    """One stem a sequence around GAAA, somewhere among A and C: nothing else can pair as long."""
    draws = np.random.default_rng(seed)
    sequences, classes = [], []
    for _ in range(n):
        before, after = ("".join(draws.choice(["A", "C"], draws.integers(2, 10))) for _ in range(2))
        opens = "".join(draws.choice(list("GU"), stem))
        closes = "".join(_PARTNER[base] for base in reversed(opens))
        sequences.append(f"{before}{opens}GAAA{closes}{after}")
        told = "." * len(before) + "(" * stem + "...." + ")" * stem + "." * len(after)
        classes.append(np.array([LABELS.index(symbol) for symbol in told], np.int16))
    return labelled("token-classes", LABELS, sequences, classes)


def hairpin_task(n: int = 96) -> TaskSplit:
    return TaskSplit("hairpins", hairpins(n, 0), hairpins(n // 4, 1), "base_pair_f1")


def structures(told: LabelledSequences) -> list[str]:
    return ["".join(told.labels[each] for each in classes) for classes in told.targets]
