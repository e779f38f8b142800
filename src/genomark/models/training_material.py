"""The sequences and regions that training data consist of, where they are at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from genomark.datasets import path as dataset_path
from genomark.datasets.assemblies import assembly_name
from genomark.datasets.bed import assembled_regions, read_bed
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
    named,
)
from genomark.sequences import Columns
from genomark.sequences.columns import SEQUENCE_NAMES, ids_of
from genomark.sequences.formats import read_records

#: Labels a message names.
_NAMED = 20
#: What files of regions are called, and the labels behind; every other file holds sequences.
_BED = re.compile(r"(.+?\.(?:bed|narrowpeak|broadpeak)(?:\.gz)?)(?::(.*))?", re.IGNORECASE)
_BED_ENDINGS = ".bed, .narrowPeak or .broadPeak, also with .gz"
_NO_LETTER = re.compile(r"[^ACGTUNRYSWKMBDHV]")


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
        By assembly: columns `chrom`, `start`, `end`; 0-based, half-open, on assembled chromosomes
        as `genomark.datasets.bed.normalised` names them.
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
                found = read_regions(_local(source), assembly, training)
                regions.setdefault(assembly_name(assembly), []).append(found)
            case NamedTraining(name):
                if name not in TRAINING_SETS:
                    raise UnknownNameError("training set", name, TRAINING_SETS)
                of = TRAINING_SETS[name]
                found = read_regions(dataset_path(of.dataset, of.file), of.assembly, of.training)
                regions.setdefault(of.assembly, []).append(widened(found, of.sees))
            case TrainingSequences(source):
                ids, spelled = _sequences(_local(source))
                names += ids
                sequences += spelled
            case OwnTraining() if own is not None:
                fitted = own()
                names += map(str, range(1, len(fitted) + 1))
                sequences += fitted
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


def widened(regions: pl.DataFrame, sees: int) -> pl.DataFrame:
    """Give what a model takes in around the middle of each region, `sees` bp, from 0 on."""
    middle = (pl.col("start") + pl.col("end")) // 2
    return regions.with_columns(
        start=pl.max_horizontal(middle - sees // 2, 0), end=middle + sees // 2
    )


def training_of_file(text: str, assembly: str | None) -> TrainingData:
    """Read what a user names on the command line: a set, ``none``, a BED file, or sequences.

    Parameters
    ----------
    text : str
        A file of regions may be followed by the labels that were trained on:
        ``regions.bed:train``, ``regions.bed:fold0+fold1``.
    assembly : str or None
        Of a BED file; one that is not known is refused whatever is named.

    Raises
    ------
    UsageError
        If there is no such file or set, a folder is named, or a BED file without an assembly.
    """
    known = None if assembly is None else assembly_name(assembly)
    if text in TRAINING_SETS:
        return NamedTraining(text)
    if text == "none":
        return NoTraining()
    if not text.strip():
        raise UsageError(f"training data without a name; {_expected()}")
    of_regions = _BED.fullmatch(text)
    source, labels = text, None
    if of_regions and not Path(text).exists():
        source, labels = of_regions.groups()
    if Path(source).is_dir():
        raise UsageError(f"{text}: is a folder; {_expected()}")
    if not Path(source).exists() and not is_elsewhere(source):
        raise UsageError(f"{text}: no such file; {_expected()}")
    if of_regions is None:
        return TrainingSequences(source)
    if known is None:
        raise UsageError(f"{source}: regions are of an assembly: add --assembly, such as hg38")
    wanted = () if labels is None else tuple(labels.split("+"))
    if not all(wanted):
        raise UsageError(f"{text}: a label is empty; expected {source}:LABEL+LABEL, or no ':'")
    return TrainingRegions(source, known, wanted)


def _expected() -> str:
    return (
        f"expected FASTA, a table, BED (a name that ends in {_BED_ENDINGS}), or one of "
        f"{', '.join(TRAINING_SETS)}"
    )


def read_regions(path: Path, assembly: str, training: Sequence[str] = ()) -> pl.DataFrame:
    """Read a BED file: columns `chrom`, `start`, `end`; of some labels of the fourth alone.

    Chromosomes are named as `genomark.datasets.bed.normalised` tells. Regions of contigs that are
    no assembled chromosome are left out.

    Raises
    ------
    UnknownNameError
        If there is no such assembly.
    UsageError
        With the file and the row, whatever is no region of the assembly; or if there is none of
        these labels.
    """
    columns = ["chrom", "start", "end", *(["name"] if training else [])]
    frame = assembled_regions(read_bed(path).select(columns), assembly, str(path))
    if not training:
        return frame
    there = frame["name"].unique().drop_nulls().sort().to_list()
    for label in training:
        if label not in there:
            known = one_line(", ".join(there[:_NAMED])) or "no labels"
            raise UsageError(
                f"{path}: no region has '{one_line(label)}' in the fourth column; found {known}"
            )
    return frame.filter(pl.col("name").is_in(list(training))).select("chrom", "start", "end")


def _sequences(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """Read names and sequences; whatever is wrong is told in the words of training data."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; expected a file of sequences")
    records = read_records(path, str(path))
    column = records.first(SEQUENCE_NAMES)
    if column is None:
        raise UsageError(
            f"{path}: no column of sequences ({', '.join(SEQUENCE_NAMES)}); {records.there_are}. "
            f"Regions are read from files that end in {_BED_ENDINGS}"
        )
    cells = records.column(column)
    spelled = [cell.strip().upper() if isinstance(cell, str) else "" for cell in cells]
    for row, sequence in enumerate(spelled):
        if not sequence:
            raise records.fault(row, "has no sequence")
        if strange := _NO_LETTER.search(sequence):
            raise records.fault(
                row,
                f"'{strange[0]}' at position {strange.start() + 1:,} is no letter of DNA or RNA; "
                "expected nucleotide sequences without gaps",
            )
    return ids_of(records, Columns()), spelled


def _local(source: str) -> Path:
    if is_elsewhere(source):
        raise DatasetUnavailableError(
            f"training data at {named(source)} are not fetched by themselves: download the file, "
            "and name it with --train or --trained-on"
        )
    return Path(source)
