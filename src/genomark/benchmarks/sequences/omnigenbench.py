"""Benchmark folders of OmniGenBench as declared tasks, without running what is in them.

Such a folder has a ``metadata.py`` with a ``bench_list``, and for each task a folder (several, one
inside the other, where its name has dots) with a ``config.py`` and the files train, valid and test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from genomark.atomic import write_whole
from genomark.benchmarks.sequences.config_file import ConfigFile, Named, OwnClass, Unread
from genomark.benchmarks.sequences.declared import (
    DeclaredTask,
    TaskFiles,
    TrainingHints,
    declaration_text,
)
from genomark.benchmarks.sequences.sequence_task import SEQUENCES, SequenceTask
from genomark.errors import UnknownNameError, UsageError
from genomark.sequences import Kind
from genomark.sequences.columns import LABEL_NAMES, Columns, Derivation
from genomark.sequences.formats import read_records

METADATA = "metadata.py"
CONFIG = "config.py"

_CLASSES = ("sequence_classification", "classification", "token_classification")
_KINDS: dict[str, Kind] = {
    "token_classification": "token-classes",
    "token_regression": "token-regression",
    "multi_label_sequence_classification": "multi-label",
    "multilabel_sequence_classification": "multi-label",
    "multi_label_classification": "multi-label",
    "sequence_regression": "regression",
    "regression": "regression",
}
_RANKED = ("auroc", "average_precision")
#: Names of scikit-learn, by which a configuration picks its metrics.
_METRICS = {
    "f1_score": "f1_macro",
    "matthews_corrcoef": "mcc",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "roc_auc_score": "auroc",
    "average_precision_score": "average_precision",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "r2_score": "r2",
    "mcrmse": "mcrmse",
    "pearsonr": "pearson",
    "spearmanr": "spearman",
}
#: These are means over labels or classes.
_OVER_LABELS = {
    *((kind, name) for kind in ("multi-label", "multi-class") for name in _RANKED),
    ("multi-label", "mcc"),
    *(("token-regression", name) for name in ("pearson", "spearman", "r2")),
}
_IGNORED = -100


def omnigenbench_folder(path: Path, task: str | None = None) -> list[SequenceTask]:
    """Read a benchmark folder of OmniGenBench.

    Its Python files are parsed and never run. What a configuration leaves to a class of its own is
    told in the caveats of the task; where labels cannot be known without running it, the task is
    refused in one line that says what to write instead.

    Parameters
    ----------
    path : Path
        The folder with ``metadata.py``.
    task : str, optional
        Only this one of its tasks.

    Returns
    -------
    list of SequenceTask
        With ids ``sequences:PATH#TASK``, in the order of the folder. No data are read yet, but for
        the columns of tasks with a class of their own.

    Raises
    ------
    UnknownNameError
        If the folder has no task of that name.
    UsageError
        If there is no such folder, or a file of it says something that is no literal where one is
        needed.
    """
    names = bench_list(path)
    if task is not None:
        if task not in names:
            raise UnknownNameError(f"task in {path}", task, names)
        names = [task]
    return [_Configured(path, name).task() for name in names]


def write_declared(task: SequenceTask, path: Path) -> None:
    """Write the declaration of a task as TOML, to be edited and run as ``sequences:FOLDER``.

    Parameters
    ----------
    task : SequenceTask
        Of a folder, or of a suite.
    path : Path
        The file, ``task.toml`` by custom; files of the task are named from its folder.

    Raises
    ------
    UsageError
        If there is such a file.
    WriteError
        If it cannot be written.
    """
    if path.exists():
        raise UsageError(f"{path}: is there already; move it away, or write to another file")
    declared = task.declared
    if task.folder is not None:
        files = {
            name: os.path.relpath(task.folder / file, path.parent)
            for name in ("train", "valid", "test")
            if (file := getattr(declared.files, name)) is not None
        }
        declared = msgspec.structs.replace(
            declared, files=msgspec.structs.replace(declared.files, **files)
        )
    write_whole(path, declaration_text(declared).encode())


def bench_list(path: Path) -> list[str]:
    """Read the names of the tasks of a benchmark folder.

    Raises
    ------
    UsageError
        If there is no metadata.py, or its list is not a list of names.
    """
    if not (path / METADATA).is_file():
        raise UsageError(
            f"{path}: has no {METADATA}, so it is not a benchmark folder of OmniGenBench; a folder "
            "with train, valid and test files is asked as sequences:FOLDER"
        )
    metadata = ConfigFile(path / METADATA)
    names = metadata.names.get("bench_list")
    if isinstance(names, Unread):
        raise UsageError(
            f"{path / METADATA}, line {names.line}: bench_list is `{names.text}`; expected a "
            "list of names, as this file is read and not run"
        )
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{path / METADATA}: expected a bench_list of names of tasks")
    return names


class _Configured:
    """One task of a benchmark folder, while it is read."""

    def __init__(self, benchmark: Path, name: str) -> None:
        self.benchmark = benchmark
        self.name = name
        parts = name.split(".")
        whole, split = benchmark / name, benchmark.joinpath(*parts)
        if any(part in ("", "..") or "/" in part for part in parts):
            raise UsageError(f"{benchmark / METADATA}: '{name}' is not a name of a task")
        self.folder = whole if (whole / CONFIG).is_file() else split
        self.file = ConfigFile(self.folder / CONFIG)
        # A few have no AutoConfig, and the same names in the file itself.
        self.settings = self.file.config if self.file.config is not None else self.file.names
        self.caveats: list[str] = []

    def task(self) -> SequenceTask:
        """Declare it."""
        called = self._setting("task_name", (str,))
        if called not in (None, self.name):
            self.caveats.append(f"{CONFIG} calls the task {called}.")
        kind, labels = self._question()
        files = self._files()
        columns = self._columns(files.test, kind, labels)
        metrics = tuple(self._metrics(kind))
        if self._setting("structure_in", (bool,)):
            self.caveats.append(
                "OmniGenBench gives models the predicted structure too; here they are given the "
                "sequence alone."
            )
        declared = DeclaredTask(
            id=f"{SEQUENCES}{self.benchmark}#{self.name}",
            title=self.name,
            kind=kind,
            files=files,
            labels=labels,
            columns=columns,
            metrics=metrics,
            also_known_as=self.name,
            source=f"benchmark folder {self.benchmark.name}",
            caveats=tuple(self.caveats),
            training=self._training(),
        )
        return SequenceTask(declared, folder=self.folder)

    def _question(self) -> tuple[Kind, tuple[str, ...]]:
        """Give the kind, and the labels in the order of their numbers."""
        task_type = str(self._setting("task_type", (str,)) or "")
        labels = self._labels()
        if task_type in _KINDS:
            kind = _KINDS[task_type]
            return kind, labels
        if task_type not in _CLASSES:
            raise UsageError(
                f"{self.file.path}: task_type '{task_type}' is none of "
                f"{', '.join(sorted({*_KINDS, *_CLASSES}))}"
            )
        count = len(labels) or self._setting("num_labels", (int,))
        return ("binary" if count == 2 else "multi-class"), labels

    def _labels(self) -> tuple[str, ...]:
        numbers = self._setting("label2id", (dict,))
        if numbers is None:
            return ()
        told = {str(label): number for label, number in numbers.items() if number != _IGNORED}
        if not all(isinstance(number, int) for number in told.values()):
            raise UsageError(f"{self.file.path}: label2id must give each label a whole number")
        if sorted(told.values()) != list(range(len(told))):
            raise UsageError(
                f"{self.file.path}: label2id must number the labels from 0 without gaps; found "
                f"{sorted(told.values())}"
            )
        return tuple(sorted(told, key=lambda label: told[label]))

    def _files(self) -> TaskFiles:
        train = self._named("train_file", "train.json")
        valid = self._named("valid_file", "valid.json")
        test = self._named("test_file", "test.json") or "test.json"
        if train is None:
            return TaskFiles(test=test, valid=valid, no_train=f"{self.folder} has no train file")
        return TaskFiles(test=test, train=train, valid=valid)

    def _named(self, key: str, usual: str) -> str | None:
        """Find a file of the task, from its folder; test files need not be there."""
        named = self._setting(key, (str,)) or usual
        for folder in (self.folder, self.benchmark):
            # A path that is absolute stands for itself.
            if (folder / named).is_file():
                return os.path.relpath(folder / named, self.folder)
        return None

    def _columns(self, test: str, kind: Kind, labels: tuple[str, ...]) -> Columns | None:
        """Say where labels are that a class of the configuration makes."""
        maker = self.settings.get("dataset_cls")
        if not isinstance(maker, OwnClass) or not (self.folder / test).is_file():
            return None
        there = read_records(self.folder / test, str(self.folder / test)).columns
        where = f"class of {CONFIG}, line {maker.line}, which is not run"
        usual = next((name for name in LABEL_NAMES if name in there), None)
        if usual is not None:
            self.caveats.append(
                f"Labels are those of column {usual}: the {where}, may change them."
            )
            return None
        if kind == "token-classes" and {"seq", "mut"} <= set(there):
            self.caveats.append(f"Labels tell mut from seq, which is what the {where}, is for.")
            letters = bool(labels) and set(labels) <= set("ACGTUN")
            derive: Derivation = "original-where-changed" if letters else "changed"
            return Columns(sequence="mut", label="seq", derive=derive)
        for words in maker.words:
            if set(words) <= set(there):
                self.caveats.append(f"Labels are the columns that the {where}, names.")
                scored = "seq_scored" if "seq_scored" in there else None
                return Columns(label=words, scored=scored)
        raise UsageError(
            f"{self.file.path}, line {maker.line}: labels are made by a class, which is not run; "
            f"there are the columns {', '.join(there)}: write a task.toml with [columns]"
        )

    def _metrics(self, kind: Kind) -> Iterator[str]:
        given = self.settings.get("compute_metrics")
        for metric in given if isinstance(given, list) else [given]:
            if metric is None:
                continue
            name = metric.name if isinstance(metric, Named) else None
            if name not in _METRICS:
                what = f"`{name or getattr(metric, 'text', metric)}`"
                self.caveats.append(f"The metric {what} of {CONFIG} is not known here: left out.")
                continue
            average = metric.keywords.get("average", "macro")
            if name == "f1_score" and average != "macro":
                self.caveats.append(f"{CONFIG} asks F1 averaged as {average}; here it is macro.")
            plain = _METRICS[name]
            yield f"mean_{plain}" if (kind, plain) in _OVER_LABELS else plain

    def _training(self) -> TrainingHints:
        seeds = self._setting("seeds", (list, int))
        return TrainingHints(
            epochs=self._setting("epochs", (int,)),
            patience=self._setting("patience", (int,)),
            batch_size=self._setting("batch_size", (int,)),
            learning_rate=self._setting("learning_rate", (float, int)),
            weight_decay=self._setting("weight_decay", (float, int)),
            max_length=self._setting("max_length", (int,)),
            seeds=tuple(seeds) if isinstance(seeds, list) else (seeds,) if seeds else (),
        )

    def _setting(self, key: str, types: tuple[type, ...]) -> Any:
        """Give a setting that must be a literal, None where there is none."""
        value = self.settings.get(key)
        inside = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            inside = list(value.values())
        for part in inside:
            if isinstance(part, Unread):
                raise UsageError(
                    f"{self.file.path}, line {part.line}: {key} is `{part.text}`; expected a "
                    "literal, as this file is read and not run"
                )
        if value is None or isinstance(value, types):
            return value
        raise UsageError(
            f"{self.file.path}: {key} is {value!r}; expected "
            f"{' or '.join(each.__name__ for each in types)}"
        )
