"""Set-up compiles what the models built in wait for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from genomark.datasets import letters
from genomark.models import composition, kmer, motif, motif_scan, warm
from genomark.models.kmer import Kmer
from genomark.models.motif import Motif
from genomark.models.ridge import LinearFit

MEME = "MOTIF x\nletter-probability matrix: w= 2\n1 0 0 0\n0 1 0 0\n"


def test_no_answer_waits_for_the_compiler(tmp_path: Path, ask: Callable[..., Any]) -> None:
    warm.warm()
    kernels = (
        letters._encode,
        letters._spread,
        composition._count_marks,
        composition._window_shares,
        kmer._count_words,
        kmer._add_weights,
        motif._weighted_sums,
        motif_scan._plan,
        motif_scan._scan,
    )
    compiled = [len(kernel.signatures) for kernel in kernels]
    assert all(compiled)
    sequences = ["ACGTNACGTA" * 30, "ACGTNACGTC" * 30]
    file = tmp_path / "x.meme"
    file.write_text(MEME)
    for model in (Kmer(5), Kmer(3, "single"), Motif(str(file))):
        fit = LinearFit(np.ones(model.features(sequences).shape[1]), 0.5, 1.0)
        model.predict_points(fit, sequences)
        model.predict_tracks(fit, sequences)
    for readout in ("point", "track"):
        ask(composition.cpg(), sequences, readout=readout)
        ask(composition.gc(), sequences, readout=readout)
    letters.one_hot(sequences)
    letters.one_hot(sequences, 7, np.int8)
    assert [len(kernel.signatures) for kernel in kernels] == compiled
