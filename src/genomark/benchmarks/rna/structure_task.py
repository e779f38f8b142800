"""A declared task on secondary structures: what pairs, and what was left out of the file."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.rna.dot_bracket_file import REASONS, StructureRecords, read_structures
from genomark.benchmarks.sequences.declared import STRUCTURE_LABELS, DeclaredTask
from genomark.benchmarks.sequences.sequence_task import SequenceTask
from genomark.errors import UsageError
from genomark.rna.structure import UNPAIRED, partners
from genomark.scoring import Structures
from genomark.scoring.pairing import base_pairs
from genomark.sequences import UNTOLD, LabelledSequences

DOT_BRACKET = ".dbn"


def is_structure_task(declared: DeclaredTask) -> bool:
    """Whether a task tells ``(``, ``)`` or ``.`` of each base, as far as it is declared."""
    labels = set(declared.labels)
    if declared.kind != "token-classes" or labels - STRUCTURE_LABELS:
        return False
    return labels == STRUCTURE_LABELS or "base_pair_f1" in declared.metrics


class StructureTask(SequenceTask):
    """A task on secondary structures, of dot-bracket files (``.dbn``) or any other.

    In the first, positions of pairs that cross those written ``()`` are untold as symbols:
    `structures` has them.
    """

    @cached_property
    def structures(self) -> tuple[str, ...]:
        """The known structures of the test part, in dot-bracket notation.

        Raises
        ------
        DatasetError, UsageError
            As `SequenceTask.test`.
        """
        file = self.declared.files.test
        if file.endswith(DOT_BRACKET):
            return self._records(file).structures
        test = self.test()
        return tuple(structure_of(each, test.labels) for each in test.targets)

    def excluded(self) -> pl.DataFrame:
        """List the records of the test file that are not asked.

        Returns
        -------
        polars.DataFrame
            Columns `record` (from 1), `item_id`, `reason`; empty for files of other kinds.
        """
        file = self.declared.files.test
        if file.endswith(DOT_BRACKET):
            return self._records(file).excluded
        return pl.DataFrame(schema={"record": pl.Int64, "item_id": pl.String, "reason": pl.String})

    def excluded_counts(self) -> dict[str, int]:
        """Count the records of the test file that are not asked, by reason."""
        told = self.excluded()["reason"].to_list()
        return {reason: told.count(reason) for reason in REASONS if reason in told}

    def facts(self) -> dict[str, Any]:
        """Count what is in the files, and what is left out of them: ``excluded``, by reason."""
        facts = super().facts()
        excluded = self.excluded_counts()
        if excluded:
            total = sum(excluded.values())
            facts["excluded"] = {"records": len(self.test()) + total, **excluded}
        return facts

    def _part(self, file: str) -> LabelledSequences:
        if not file.endswith(DOT_BRACKET):
            part = super()._part(file)
            if set(part.labels) != STRUCTURE_LABELS:
                raise UsageError(
                    f"{self.id}: {file} has the labels {', '.join(part.labels)}; a task on "
                    "structures has ( ) and ."
                )
            return part
        if file not in self._parts:
            self._parts[file] = self._labelled(self._records(file))
        return self._parts[file]

    @cached_property
    def _read(self) -> dict[str, StructureRecords]:
        return {}

    def _records(self, file: str) -> StructureRecords:
        if file not in self._read:
            self._read[file] = read_structures(self._located(file))
        return self._read[file]

    def _labelled(self, records: StructureRecords) -> LabelledSequences:
        labels = self.declared.labels or tuple(sorted(STRUCTURE_LABELS))
        return LabelledSequences(
            kind="token-classes",
            labels=labels,
            ids=records.ids,
            sequences=records.sequences,
            targets=tuple(_symbols(each, labels) for each in records.structures),
        )


def _symbols(structure: str, labels: tuple[str, ...]) -> NDArray[np.int16]:
    numbers = {label: number for number, label in enumerate(labels)}
    return np.array([numbers.get(symbol, UNTOLD) for symbol in structure], dtype=np.int16)


def structure_of(classes: NDArray[Any], labels: tuple[str, ...]) -> str:
    """Read symbols as a structure: what finds no partner, or is untold, is unpaired.

    Parameters
    ----------
    classes : ndarray of int, shape (length,)
        Numbers of labels, or `UNTOLD`.
    labels : tuple of str
        ``(``, ``)`` and ``.`` in any order.
    """
    symbols = [UNPAIRED] * len(classes)
    told = "".join(labels[each] if each != UNTOLD else UNPAIRED for each in classes)
    for opening, closing in base_pairs(told):
        symbols[opening], symbols[closing] = "(", ")"
    return "".join(symbols)


def read_pairs(structures: list[str] | tuple[str, ...]) -> Structures:
    """Read structures in dot-bracket notation for scoring.

    Raises
    ------
    UsageError
        If one is not well formed.
    """
    return Structures.of(
        (partners(each), np.array([symbol not in "()." for symbol in each], dtype=np.bool_))
        for each in structures
    )
