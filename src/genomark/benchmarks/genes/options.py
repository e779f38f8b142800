"""What a user may choose about tasks on genes; part of the question, the same for every model."""

from __future__ import annotations

from typing import Literal

import msgspec

from genomark.probes import Probe

Missing = Literal["drop", "zero", "noise"]


class GeneOptions(msgspec.Struct, frozen=True):
    """Options of tasks on genes.

    Attributes
    ----------
    probe : Probe
        The head, its folds and its strength.
    missing : str
        What becomes of a gene that a model has no vector for. ``drop``: it has no answer, and is
        counted. ``zero``: it has the mean vector. ``noise``: normal numbers with the mean and the
        standard deviation of each dimension, fixed by the gene's name.
    pairs : str
        ``average`` the two vectors of a pair, or ``concat`` them.
    exclude, include : tuple of str or None
        Rows go where any entity is excluded, and stay where all are included.
    sub_sample : float
        Share of the rows to keep.
    label_threshold, class_threshold : float
        Labels of a multi-label task, or classes, stay if their share of the rows is larger.
    min_positives : int
        Labels and classes with fewer genes are left out, and named.
    """

    probe: Probe = Probe()
    missing: Missing = "drop"
    pairs: Literal["average", "concat"] = "average"
    exclude: tuple[str, ...] | None = None
    include: tuple[str, ...] | None = None
    sub_sample: float = 1.0
    label_threshold: float = 0.0
    class_threshold: float = 0.0
    min_positives: int = 10


DEFAULT_OPTIONS = GeneOptions()
