"""Labelled sequences and the tasks made of them: files, splits, near duplicates."""

from genomark.sequences.columns import Columns
from genomark.sequences.files import read_labelled, read_sequences
from genomark.sequences.labelled import (
    KINDS_OF_PAIRS,
    KINDS_OF_POSITIONS,
    KINDS_OF_SEQUENCES,
    UNTOLD,
    Kind,
    LabelledSequences,
    Targets,
    TaskSplit,
)
from genomark.sequences.splits import valid_part

__all__ = [
    "KINDS_OF_PAIRS",
    "KINDS_OF_POSITIONS",
    "KINDS_OF_SEQUENCES",
    "UNTOLD",
    "Columns",
    "Kind",
    "LabelledSequences",
    "Targets",
    "TaskSplit",
    "read_labelled",
    "read_sequences",
    "valid_part",
]
