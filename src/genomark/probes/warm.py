"""Compile the kernels of the solvers and keep them on disk.

Set-up calls it (``python -m genomark.probes.warm``). Without it they compile on first use, some ten
seconds in all.
"""

from __future__ import annotations

import numpy as np

from genomark.genes import Kind
from genomark.probes.curvature import Curvature
from genomark.probes.design import DenseDesign, Design, PairDesign, scaling_of
from genomark.probes.options import Probe
from genomark.probes.probe import cross_validate


def warm() -> None:
    """Solve a small problem by every route."""
    rng = np.random.Generator(np.random.PCG64(0))
    vectors = rng.standard_normal((60, 4)).astype(np.float32)
    rows = np.arange(60)
    fold = rows % 5
    one = DenseDesign.of(vectors, rows, scaling_of(vectors, "standard"))
    pairs = PairDesign(one, rows, rows[::-1].copy())
    few = np.eye(2)[rows % 2][:, :1]
    many = np.tile(few, (1, 3))
    classes = np.eye(3)[rows % 3]
    asked: list[tuple[Design, Kind, np.ndarray]] = [
        (one, "binary", few),
        (one, "multi-label", many),
        (one, "multi-class", classes),
        (pairs, "binary", few),
    ]
    for design, kind, targets in asked:
        cross_validate(design, kind, targets, fold, Probe(), Curvature(design), seed=0)


if __name__ == "__main__":
    warm()
