"""What a model was trained on, as somebody declares it; that nobody does is told as such.

Models tell it by an attribute or a `Declaration`, files of predictions by a model card, servers by
`/help`, and whoever runs a model by an option. `genomark.models.training_material` reads what is
declared.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, NamedTuple

import msgspec

from genomark.errors import UnknownNameError, UsageError, one_line

_SCHEMES = ("http://", "https://", "ftp://", "s3://", "gs://")


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """One of the kinds below; in JSON and TOML the key ``kind`` says which."""


class UnknownTraining(_Told, frozen=True, tag="unknown"):
    """Nobody says."""


class NoTraining(_Told, frozen=True, tag="none"):
    """Nothing: a formula, or something that learns from nothing but what it is fitted on."""


class TrainingRegions(_Told, frozen=True, tag="regions"):
    """Places of a genome.

    Attributes
    ----------
    source : str
        BED file, 0-based and half-open, or where it can be had (URL).
    assembly : str
        Such as ``"hg38"``.
    training : tuple of str
        Which values of the fourth column were trained on; empty: every row.
    """

    source: str
    assembly: str
    training: tuple[str, ...] = ()


class TrainingSequences(_Told, frozen=True, tag="sequences"):
    """Sequences: `source` is FASTA or a table, or where it can be had (URL)."""

    source: str


class NamedTraining(_Told, frozen=True, tag="set"):
    """A set that genomark knows by `name`, one of `TRAINING_SETS`."""

    name: str


class OwnTraining(_Told, frozen=True, tag="own-split"):
    """What genomark itself fitted the model on: `name`, how many `sequences`, and their digest."""

    name: str
    sequences: int
    digest: str = ""


#: What people can declare: of what genomark itself fitted, genomark alone tells.
_Declared = UnknownTraining | NoTraining | TrainingRegions | TrainingSequences | NamedTraining
TrainingData = _Declared | OwnTraining
_KINDS = ("unknown", "none", "regions", "sequences", "set")


#: What is said where nobody says anything.
UNKNOWN = UnknownTraining()


class TrainingSet(NamedTuple):
    """A published set of regions.

    Attributes
    ----------
    dataset, file : str
        In the catalogue.
    assembly : str
    training : tuple of str
        Values of the fourth column that were trained on.
    sees : int
        Letters that the model takes in, bp. The file lists the shorter stretches in their middle
        that it is taught of.
    """

    dataset: str
    file: str
    assembly: str
    training: tuple[str, ...]
    sees: int


#: Of Borzoi fold 3 is the test set and fold 4 decides when training ends, in every replicate: the
#: published ones differ in their initial weights (Linder et al. 2025).
TRAINING_SETS = {
    "borzoi-folds": TrainingSet(
        "training_regions",
        "sequences_human_borzoi.bed",
        "hg38",
        ("fold0", "fold1", "fold2", "fold5", "fold6", "fold7"),
        sees=524_288,
    ),
    "enformer": TrainingSet(
        "training_regions",
        "enformer_human_hg38_sequences.bed",
        "hg38",
        ("train",),
        sees=196_608,
    ),
}


def read_training_data(told: Any, where: str) -> TrainingData:
    """Read what a card or a server declares: a table with `kind`, or the name of a set.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if isinstance(told, str):
        if told in TRAINING_SETS:
            return NamedTraining(told)
        if told not in _KINDS:
            unknown = UnknownNameError("training set", told, [*TRAINING_SETS, "none", "unknown"])
            raise UsageError(f"{where}: training_data: {one_line(unknown)}")
        told = {"kind": told}
    try:
        found: TrainingData = msgspec.convert(told, _Declared)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{where}: training_data: {one_line(error)}; expected a set "
            f"({', '.join(TRAINING_SETS)}) or a table with kind = one of {', '.join(_KINDS)}"
        ) from error
    if isinstance(found, NamedTraining) and found.name not in TRAINING_SETS:
        raise UnknownNameError("training set", found.name, TRAINING_SETS)
    return found


def stated_training(told: Any) -> TrainingData:
    """Take what a server says of a model: no file of this machine is read for its sake.

    What is malformed, or names a file, is unknown.
    """
    try:
        found = read_training_data(told, "/help")
    except UsageError:
        return UnknownTraining()
    return found if is_public(found) else UnknownTraining()


def is_public(data: TrainingData) -> bool:
    """Whether a declaration means the same on any machine."""
    if isinstance(data, TrainingRegions | TrainingSequences):
        return is_elsewhere(data.source)
    return not isinstance(data, OwnTraining)


def is_elsewhere(source: str) -> bool:
    """Whether a source is a URL, not a file."""
    return source.lower().startswith(_SCHEMES)


def declared_training(model: object) -> TrainingData:
    """Ask a model what it was trained on: its attribute `training_data`, or its declaration's."""
    found = getattr(model, "training_data", None)
    if found is None:
        found = getattr(getattr(model, "declaration", None), "training_data", None)
    return found if isinstance(found, TrainingData) else UnknownTraining()


def in_words(data: TrainingData) -> str:
    """Say what a declaration says, for tables."""
    match data:
        case UnknownTraining():
            words = "unknown"
        case NoTraining():
            words = "none"
        case TrainingRegions(source, assembly, training):
            only = f", {' + '.join(training)}" if training else ""
            words = f"regions of {assembly} in {named(source)}{only}"
        case TrainingSequences(source):
            words = f"sequences in {named(source)}"
        case NamedTraining(name):
            known = TRAINING_SETS.get(name)
            words = f"{name} ({', '.join(known.training)})" if known else name
        case OwnTraining(name, sequences):
            words = f"{name} ({sequences:,} sequences)"
    return one_line(words)


def named(source: str) -> str:
    """Name a source as anybody may read it.

    In which folder of whose machine it lies is nobody else's business; nor are name and password in
    a URL, or its query, which may be a key.
    """
    if not is_elsewhere(source):
        return PurePath(source).name
    scheme, _, rest = source.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
