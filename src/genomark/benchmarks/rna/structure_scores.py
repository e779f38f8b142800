"""Answers to a task on secondary structures beside the known ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.benchmarks.rna.structure_task import read_pairs
from genomark.benchmarks.sequences.sequence_scores import SequenceScores
from genomark.scoring import Structures, TaskAnswers
from genomark.sequences import LabelledSequences

#: Longest sequence, in bases, of each group by length but the last.
LENGTHS = (30, 60, 100, 200, 500)
#: Where a sequence of bpRNA is from: Comparative RNA Web, Rfam, ...
_SOURCE = re.compile(r"bpRNA_([A-Z]+)_\d+")

Flags = NDArray[np.bool_]


class StructureScores(SequenceScores):
    """One model's answers to the test sequences, and the structures it says.

    Parameters
    ----------
    predictions, test, headlines, known
        As of `SequenceScores`; the groups of `test` are drawn together.
    structures : tuple of str
        Known ones, in dot-bracket notation.
    cluster : str
        What the groups are, in the plural.
    """

    _columns = (*SequenceScores._columns, "structure")

    def __init__(
        self,
        predictions: Path,
        test: LabelledSequences,
        headlines: tuple[str, ...],
        known: Flags | None,
        structures: tuple[str, ...],
        *,
        cluster: str,
    ) -> None:
        super().__init__(predictions, test, headlines, known)
        self._structures = structures
        self._drawn = cluster

    def _beside_truth(self, rows: NDArray[np.int64]) -> TaskAnswers:
        known = [self._structures[row] for row in rows]
        return replace(
            super()._beside_truth(rows),
            said=tuple(self._said(fit, rows) for fit in range(self._fits)),
            known=read_pairs(known),
            groups=groups_of(self._test.take(rows)),
        )

    def _said(self, fit: int, rows: NDArray[np.int64]) -> Structures:
        n = len(self._test)
        told = self._frame["structure"].slice(fit * n, n)
        return read_pairs([told[row] for row in rows.tolist()])

    @property
    def _cluster(self) -> str:
        return self._drawn


def groups_of(test: LabelledSequences) -> Mapping[str, Flags]:
    """Tell sequences apart by length and, where their ids name it, by source.

    Returns
    -------
    mapping of str to ndarray of bool, shape (n,)
        Those that have sequences, but not one that has all.
    """
    lengths = np.array([len(sequence) for sequence in test.sequences])
    groups: dict[str, Flags] = {}
    for shortest, longest in zip(
        (1, *(each + 1 for each in LENGTHS)), (*LENGTHS, None), strict=True
    ):
        to = "and more" if longest is None else f"to {longest}"
        groups[f"length {shortest} {to}"] = (lengths >= shortest) & (
            lengths <= (longest or lengths.max(initial=0))
        )
    found = [_SOURCE.fullmatch(each) for each in test.ids]
    sources = np.array([each[1] if each else "" for each in found])
    for source in sorted(set(sources.tolist()) - {""}):
        groups[f"source {source}"] = sources == source
    return {name: chosen for name, chosen in groups.items() if chosen.any() and not chosen.all()}
