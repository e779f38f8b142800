"""Compile the kernels of the models built in, so that no first answer waits.

Set-up calls it (``python -m genomark.models.warm``). Without it they compile on first use, some
seconds in all.
"""

from __future__ import annotations

import numpy as np

from genomark.datasets.letters import encode_bases, one_hot
from genomark.models.composition import cpg_density, cpg_tracks
from genomark.models.kmer import Kmer
from genomark.models.motif import _weighted_sums
from genomark.models.motif_scan import MotifScanner
from genomark.models.ridge import LinearFit


def warm() -> None:
    """Answer once by each, for a sequence and an edit of it."""
    sequences = ["ACGTTGCA", "ACGTTGCC"]
    encode_bases(sequences)
    for dtype in (np.float32, np.int8):
        one_hot(sequences, dtype=dtype)
    cpg_density(sequences)
    cpg_tracks(sequences)
    words = Kmer(1)
    fit = LinearFit(np.zeros(words.features(sequences).shape[1]), 0.0, 1.0)
    words.predict_points(fit, sequences)
    scores = MotifScanner([np.full((2, 4), 0.25)]).best_scores(sequences)
    _weighted_sums(scores, np.zeros(1), 0.0, np.empty(len(sequences)))


if __name__ == "__main__":
    warm()
