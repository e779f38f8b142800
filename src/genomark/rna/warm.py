"""Compile every kernel of folding and design once, so that a first command does not wait.

Set-up calls it (``python -m genomark.rna.warm``). Without it they compile on first use, some ten
seconds in all.
"""

from __future__ import annotations

import numpy as np

from genomark.rna.decoding import mea_structure, nested_structure
from genomark.rna.design.run import warm_up


def warm() -> None:
    """Run each on a hairpin."""
    warm_up()
    sequence = "GGGGAAAACCCC"
    nested_structure(np.full((len(sequence), 3), 1 / 3), sequence)
    mea_structure(np.zeros((len(sequence), len(sequence))))


if __name__ == "__main__":
    warm()
