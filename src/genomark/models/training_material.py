"""The sequences and regions that training data consist of, where they are at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from genomark.datasets import path as dataset_path
from genomark.datasets.assemblies import assembly_name
from genomark.datasets.bed import read_bed
from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError, one_line
from genomark.models.training_data import (
    TRAINING_SETS,
    NamedTraining,
    NoTraining,
    OwnTraining,
    TrainingData,
    TrainingRegions,
    TrainingSequences,
    UnknownTraining,
    in_words,
    is_elsewhere,
)
from genomark.sequences import read_sequences

#: Labels a message names.
_NAMED = 20
#: Endings of files of regions; every other file holds sequences.
_BED = (".bed", ".bed.gz")


@dataclass(frozen=True)
class TrainingMaterial:
    """What is at hand of what a model was trained on.

    Attributes
    ----------
    told : tuple of str
        Each part in words.
    names, sequences : tuple of str
        The sequences, and what they are called.
    regions : mapping of str to polars.DataFrame
        By assembly: columns `chrom`, `start`, `end`; 0-based, half-open.
    complete : bool
        False where a part is unknown: what is found is then the least there is.
    """

    told: tuple[str, ...]
    names: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    regions: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    complete: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compare with."""
        return not self.sequences and not self.regions


def training_material(
    declared: Sequence[TrainingData], own: Callable[[], Sequence[str]] | None = None
) -> TrainingMaterial:
    """Read all parts of what a model was trained on.

    Parameters
    ----------
    declared : sequence of TrainingData
    own : callable, optional
        Gives the sequences of an `OwnTraining` among them.

    Raises
    ------
    UsageError
        If a file cannot be read, in one line.
    DatasetError
        If a part is not at hand: behind a URL, or a set that cannot be had.
    """
    names: list[str] = []
    sequences: list[str] = []
    regions: dict[str, list[pl.DataFrame]] = {}
    for part in declared:
        match part:
            case TrainingRegions(source, assembly, training):
                found = read_regions(_local(source), training)
                regions.setdefault(assembly_name(assembly), []).append(found)
            case NamedTraining(name):
                if name not in TRAINING_SETS:
                    raise UnknownNameError("training set", name, TRAINING_SETS)
                of = TRAINING_SETS[name]
                found = read_regions(dataset_path(of.dataset, of.file), of.training)
                regions.setdefault(of.assembly, []).append(found)
            case TrainingSequences(source):
                ids, spelled = read_sequences(_local(source))
                names += ids
                sequences += spelled
            case OwnTraining() if own is not None:
                spelled = tuple(own())
                names += [str(row) for row in range(1, len(spelled) + 1)]
                sequences += spelled
    return TrainingMaterial(
        told=tuple(map(in_words, declared)),
        names=tuple(names),
        sequences=tuple(sequences),
        regions={assembly: pl.concat(parts) for assembly, parts in regions.items()},
        complete=not any(
            isinstance(part, UnknownTraining) or (isinstance(part, OwnTraining) and own is None)
            for part in declared
        ),
    )


def training_of_file(text: str, assembly: str | None) -> TrainingData:
    """Read what a user names on the command line: a set, ``none``, a BED file, or sequences.

    Parameters
    ----------
    text : str
        A file of regions may be followed by the labels that were trained on:
        ``regions.bed:train``, ``regions.bed:fold0+fold1``.
    assembly : str or None
        Of a BED file.

    Raises
    ------
    UsageError
        If there is no such file or set, or a BED file without an assembly.
    """
    if text in TRAINING_SETS:
        return NamedTraining(text)
    if text == "none":
        return NoTraining()
    source, _, labels = text, "", ""
    if not Path(text).exists() and not is_elsewhere(text):
        source, _, labels = text.rpartition(":")
        if not source.lower().endswith(_BED) or not Path(source).exists():
            raise UsageError(
                f"{text}: no such file; expected FASTA, a table, BED or one of "
                f"{', '.join(TRAINING_SETS)}"
            )
    if not source.lower().endswith(_BED):
        return TrainingSequences(source)
    if assembly is None:
        raise UsageError(f"{source}: regions are of an assembly: add --assembly, such as hg38")
    return TrainingRegions(source, assembly_name(assembly), tuple(filter(None, labels.split("+"))))


def read_regions(path: Path, training: Sequence[str] = ()) -> pl.DataFrame:
    """Read a BED file: columns `chrom`, `start`, `end`; of some labels of the fourth alone.

    Raises
    ------
    UsageError
        With the file and the row, whatever is no region; or if there is none of these labels.
    """
    frame = read_bed(path)
    there = frame["name"].unique().drop_nulls().sort().to_list()
    for label in training:
        if label not in there:
            known = one_line(", ".join(there[:_NAMED])) or "no labels"
            raise UsageError(
                f"{path}: no region has '{one_line(label)}' in the fourth column; found {known}"
            )
    chosen = frame.filter(pl.col("name").is_in(list(training))) if training else frame
    return chosen.select("chrom", "start", "end")


def _local(source: str) -> Path:
    if is_elsewhere(source):
        raise DatasetUnavailableError(
            f"training data at {source} are not fetched by themselves: download the file, and name "
            "it with --train or --trained-on"
        )
    return Path(source)
