"""Fits that outlive a run: a folder with what was fitted, and what makes the same model of it.

A folder is a fit once ``fit.json`` is in it, which comes last: whatever a kill leaves behind
without it is a fit under way, never a mixture of two.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from numpy.typing import NDArray

from genomark.atomic import write_whole
from genomark.errors import CapabilityError, ModelError, UsageError, WriteError, one_line
from genomark.extras import import_extra
from genomark.models import Answers, FittedTask, TaskTrainable, load_model
from genomark.scoring import ModelIdentity
from genomark.sequences import Kind, TaskSplit
from genomark.training.fit_parts import FitParts, Savable
from genomark.training.protocols import as_trainable

#: Raise it when the folder changes.
FORMAT = 1
FIT, WEIGHTS = "fit.json", "weights.safetensors"
#: Folder, within that of a fit under way, for all that is not yet finished.
UNFINISHED = "unfinished-fit"
#: Told of a fit while it is made, and never the same twice.
_PASSING = ("seconds",)


class LearnedFrom(msgspec.Struct, frozen=True):
    """What a fit learned from: how many sequences, and their digests."""

    train: int
    valid: int
    train_digest: str
    digest: str
    select_by: str


class FitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fit.json`` holds.

    Attributes
    ----------
    format : int
    genomark : str
        Version that saved it.
    spec, base : str
        As of a `Savable`.
    model : ModelIdentity
        That was fitted.
    task, kind, labels
        That it was fitted to.
    learned_from : LearnedFrom
    seed : int
    weights_sha256 : str
        Of the file beside it.
    facts, report : dict
        As of `FitParts`.
    """

    format: int
    genomark: str
    spec: str
    base: str
    model: ModelIdentity
    task: str
    kind: Kind
    labels: tuple[str, ...]
    learned_from: LearnedFrom
    seed: int
    weights_sha256: str
    facts: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True)
class SavedFit:
    """A FittedTask out of a folder.

    Attributes
    ----------
    folder : Path
    record : FitRecord
        Task, kind, labels, model, seed and all else that is known of it.
    fitted : FittedTask
    """

    folder: Path
    record: FitRecord
    fitted: FittedTask

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences as the fit that was saved."""
        return self.fitted.answers(sequences)

    @property
    def report(self) -> Mapping[str, Any]:
        """Of the fit that was saved."""
        return self.fitted.report


def save_fit(
    folder: Path, fitted: FittedTask, *, model: TaskTrainable, split: TaskSplit, seed: int
) -> None:
    """Save a fit; the same fit gives the same bytes.

    Parameters
    ----------
    folder : Path
        Made if it is missing. A fit that is there already is replaced.
    fitted : FittedTask
        From ``model.fit_task``.
    model : TaskTrainable
    split : TaskSplit
        What it was fitted on.
    seed : int
        Of the fit.

    Raises
    ------
    UsageError
        If the folder holds something else, or safetensors is not installed.
    CapabilityError
        If fits of this model cannot be taken apart.
    WriteError
        If the folder refuses, or the disk is full.
    """
    if not isinstance(model, Savable):
        raise CapabilityError(
            f"Fits of '{model.info.id}' cannot be saved: a model whose fits can has `spec`, "
            "`base`, `parts` and `restored`"
        )
    check_folder(folder)
    parts = model.parts(fitted, split)
    weights = _packed(parts.arrays)
    record = FitRecord(
        format=FORMAT,
        genomark=version("genomark"),
        spec=model.spec,
        base=model.base,
        model=model.info,
        task=split.task,
        kind=parts.kind,
        labels=parts.labels,
        learned_from=LearnedFrom(
            train=len(split.train),
            valid=len(split.valid),
            train_digest=split.train.digest,
            digest=split.digest,
            select_by=split.select_by,
        ),
        seed=seed,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        facts=dict(parts.facts),
        report={key: value for key, value in parts.report.items() if key not in _PASSING},
    )
    unfinished = folder / UNFINISHED
    write_whole(unfinished / WEIGHTS, weights)
    write_whole(unfinished / FIT, msgspec.json.format(msgspec.json.encode(record), indent=2))
    try:
        (folder / FIT).unlink(missing_ok=True)
        for name in (WEIGHTS, FIT):
            (unfinished / name).replace(folder / name)
        shutil.rmtree(unfinished)
    except OSError as error:
        raise WriteError(f"Cannot write {folder}: {error.strerror}") from error


def check_folder(folder: Path) -> FitRecord | None:
    """Refuse a folder that a fit must not be saved in; give what is told of a fit that is there.

    Raises
    ------
    UsageError
        If it holds anything but a fit, or one under way.
    """
    if not folder.exists():
        return None
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else {"a file"}
    if not names <= {FIT, WEIGHTS, UNFINISHED} or names == {WEIGHTS}:
        raise UsageError(
            f"{folder}: holds something other than a saved fit; name a folder that is new or empty"
        )
    return read_record(folder) if FIT in names else None


def load_fit(folder: Path, *, trust: bool = False) -> SavedFit:
    """Load a fit: its answers are those of the one that was saved.

    Parameters
    ----------
    folder : Path
    trust : bool
        Whether code that the model needs and that is not of an installed plug-in may run: of a
        Python file, or one that came with a checkpoint.

    Raises
    ------
    UsageError
        If the folder is no saved fit, or one of another format; if its weights are damaged, or
        the checkpoint it was fitted on is not there or is another; if it needs `trust`.
    ModelError
        If the checkpoint cannot be loaded.
    """
    record = read_record(folder)
    # Whoever made the folder wrote its spec: that alone must not make anything run.
    if not trust and (record.spec.startswith("py:") or "trust=yes" in record.spec.split(",")):
        raise UsageError(
            f"{folder}: '{one_line(record.spec)}' runs code that is not genomark's; read it, and "
            "say --trust (fit:FOLDER,trust=yes in a spec) to let it run"
        )
    try:
        model = as_trainable(load_model(record.spec))
    except UsageError as error:
        raise UsageError(
            f"{folder}: a fit of '{record.spec}', which is not here: {error}"
        ) from error
    if not isinstance(model, Savable):
        raise CapabilityError(f"{folder}: fits of '{record.spec}' cannot be made again")
    if model.base != record.base:
        raise UsageError(
            f"{folder}: '{record.spec}' is not what it was when this fit was made: another "
            f"checkpoint (digest {model.base}, expected {record.base}), or another version of its "
            f"code (saved by genomark {record.genomark}, this is {version('genomark')}); fit again"
        )
    arrays = _arrays(folder / WEIGHTS, record.weights_sha256)
    parts = FitParts(record.kind, record.labels, arrays, record.facts, record.report)
    try:
        return SavedFit(folder, record, model.restored(parts))
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from error


def read_record(folder: Path) -> FitRecord:
    """Read what is told of a fit, without loading it.

    Raises
    ------
    UsageError
        If the folder is no saved fit, or one of another format.
    """
    path = folder / FIT
    if not path.is_file():
        why = "there is no such folder"
        if folder.is_dir():
            under_way = (folder / UNFINISHED).is_dir()
            why = "is not finished" if under_way else f"holds no {FIT}"
        raise UsageError(f"{folder}: no saved fit ({why}); genomark finetune makes one")
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        _check_format(path, told)
        return msgspec.convert(told, FitRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{path}: cannot be read as a saved fit: {one_line(error)}") from error


def _check_format(path: Path, told: Mapping[str, Any]) -> None:
    if "format" not in told:
        raise UsageError(f"{path}: is not of a saved fit: it names no format")
    if told["format"] != FORMAT:
        saved_by, here = one_line(told.get("genomark")), version("genomark")
        raise UsageError(
            f"{path}: of format {one_line(told['format'])}, saved by genomark {saved_by}; genomark "
            f"{here} reads format {FORMAT}: fit again, or use that version"
        )


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    return bytes(_safetensors().save(dict(arrays)))


def _arrays(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file, and the saved fit needs it")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise UsageError(
            f"{path}: damaged: its SHA-256 is {found}, and {FIT} says {sha256}; copy it again, or "
            "fit again"
        )
    arrays: dict[str, NDArray[Any]] = _safetensors().load_file(path)
    return arrays


def _safetensors() -> ModuleType:
    return import_extra("a saved fit", "safetensors.numpy", "hub")
