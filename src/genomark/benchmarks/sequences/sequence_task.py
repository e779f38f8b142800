"""A declared task with its data: what is asked, what models are fitted on, and the facts."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genomark.benchmarks.sequences.declared import DeclaredTask, read_shipped
from genomark.datasets import catalogue
from genomark.datasets import path as dataset_path
from genomark.datasets.location import cached, mirrored
from genomark.digests import digest_of
from genomark.errors import DatasetUnavailableError, UsageError
from genomark.sequences import UNTOLD, LabelledSequences, TaskSplit
from genomark.sequences.files import read_labelled
from genomark.sequences.splits import valid_part

#: Begins the id of a user's own task.
SEQUENCES = "sequences:"
#: Of the train sequences, what is set apart where no validation file is declared.
VALID_SHARE = 0.1


class SequenceTask:
    """A task on labelled sequences. Its files are read when they are first asked for.

    Parameters
    ----------
    declared : DeclaredTask
        What its file declares, with its id, such as ``"pgb/promoter_strength.leaf"``.
    folder : Path, optional
        Where its files are; without it they are those of the dataset declared.
    genome : Path, optional
        A genome, for files of coordinates.
    """

    def __init__(
        self,
        declared: DeclaredTask,
        *,
        folder: Path | None = None,
        genome: Path | None = None,
    ) -> None:
        if folder is None and declared.dataset is None:
            raise UsageError(
                f"{declared.id}: neither a folder nor a dataset says where its files are"
            )
        self.id = declared.id
        self.declared = declared
        self.folder = folder
        self.genome = genome
        self._parts: dict[str, LabelledSequences] = {}
        self._splits: dict[int, TaskSplit] = {}

    @property
    def suite(self) -> str:
        """Name of the suite it is of; empty for a user's own task."""
        return self.id.partition("/")[0] if self.folder is None else ""

    @property
    def group(self) -> str:
        """What it shares with its likes within the suite: ``"poly_a"``; empty if it has none."""
        before, dot, _ = self.id.partition("/")[2].partition(".")
        return before if dot and self.folder is None else ""

    def test(self) -> LabelledSequences:
        """Give what is asked.

        Raises
        ------
        DatasetError
            If the data cannot be had.
        UsageError
            If the file is not what the declaration says.
        """
        return self._part(self.declared.files.test)

    def train(self) -> LabelledSequences | None:
        """Give the train file as it is, None where none is declared.

        Raises
        ------
        DatasetError, UsageError
            As `test`.
        """
        file = self.declared.files.train
        return None if file is None else self._part(file)

    def valid(self) -> LabelledSequences | None:
        """Give the validation file as it is, None where none is declared.

        Raises
        ------
        DatasetError, UsageError
            As `test`.
        """
        file = self.declared.files.valid
        return None if file is None else self._part(file)

    def split(self, seed: int = 0) -> TaskSplit | None:
        """Give what models are fitted on.

        Where no validation file is declared, a part of the train file is set apart, never one of
        the test file. Copies of test sequences in either stay: who made the task put them there,
        and scores are told with and without them.

        Parameters
        ----------
        seed : int
            Of the part set apart.

        Returns
        -------
        TaskSplit or None
            None where there is nothing to fit on; `no_split` says why.

        Raises
        ------
        DatasetError, UsageError
            As `test`.
        """
        train = None if self.no_split is not None else self.train()
        if train is None:
            return None
        if seed not in self._splits:
            self._splits[seed] = self._made_split(train, seed)
        return self._splits[seed]

    @cached_property
    def no_split(self) -> str | None:
        """Why there is nothing to fit on; None where there is."""
        files = self.declared.files
        if files.train is None:
            return files.no_train or f"{self.id} declares no train file"
        if self.folder is None and not self._catalogued(files.train):
            try:
                self._located(files.train)
            except DatasetUnavailableError as error:
                return str(error)
        return None

    @cached_property
    def digest(self) -> str:
        """Digest of the question: the test data, and what answers to them are judged by."""
        declared = self.declared
        return digest_of([declared.version, declared.kind, declared.metrics, self.test().digest])

    def facts(self) -> dict[str, Any]:
        """Count what is in the files.

        Returns
        -------
        dict
            By part (``"test"`` and, where there are such, ``"train"`` and ``"valid"``) what
            `facts_of` tells; ``"unverified"``: files of which no catalogue has a checksum.
        """
        parts = {"test": self.test()}
        if self.no_split is None:
            parts |= {
                name: part
                for name, part in (("train", self.train()), ("valid", self.valid()))
                if part is not None
            }
        facts: dict[str, Any] = {name: facts_of(part) for name, part in parts.items()}
        if self.folder is None:
            named = [getattr(self.declared.files, name) for name in parts]
            facts["unverified"] = [file for file in named if not self._catalogued(file)]
        return facts

    def _made_split(self, train: LabelledSequences, seed: int) -> TaskSplit:
        valid = self.valid()
        notes: tuple[str, ...] = ()
        if valid is None:
            train, valid, note = valid_part(train, share=VALID_SHARE, seed=seed)
            notes = (note,)
        return TaskSplit(
            task=self.id,
            train=train,
            valid=valid,
            select_by=self.declared.select_by,
            notes=notes,
        )

    def _part(self, file: str) -> LabelledSequences:
        if file not in self._parts:
            declared = self.declared
            part = read_labelled(
                self._located(file),
                kind=declared.kind,
                labels=declared.labels or None,
                columns=declared.columns,
                genome=self.genome,
            )
            for known, other in self._parts.items():
                if other.labels != part.labels:
                    raise UsageError(
                        f"{self.id}: {known} has the labels {', '.join(other.labels)} and {file} "
                        f"has {', '.join(part.labels)}; declare `labels`"
                    )
            self._parts[file] = part
        return self._parts[file]

    def _catalogued(self, file: str) -> bool:
        known = catalogue().get(self.declared.dataset or "")
        return known is not None and any(each.path == file for each in known.files)

    def _located(self, file: str) -> Path:
        if self.folder is not None:
            if not (self.folder / file).exists():
                raise UsageError(f"{self.folder / file}: there is no such file; {self.id} asks it")
            return self.folder / file
        name = self.declared.dataset or ""
        if self._catalogued(file):
            return dataset_path(name, file)
        # Without a checksum nothing is downloaded, but what a user put there is used.
        for place in (mirrored(name, file), cached(name, file)):
            if isinstance(place, Path) and place.exists():
                return place
        origin = self.declared.origin or self.declared.source or "its origin"
        raise DatasetUnavailableError(
            f"{file} of {self.id} is in no catalogue and not downloaded: take it from {origin} "
            f"and put it at {cached(name, file)}"
        )


def load_declared(name: str, *, genome: Path | None = None) -> SequenceTask:
    """Make the task of an id that is shipped. No data are read yet.

    Raises
    ------
    UnknownNameError
        If there is none of that id.
    """
    return SequenceTask(read_shipped(name), genome=genome)


def facts_of(part: LabelledSequences) -> dict[str, Any]:
    """Count sequences, their lengths, and what is told of them.

    Returns
    -------
    dict
        ``sequences``, ``distinct`` (different ones), ``length`` (shortest, median, longest, in
        bases), and ``labels``: of each its share where something is told, or mean, smallest and
        largest value and how many are measured.
    """
    lengths = sorted(len(sequence) for sequence in part.sequences)
    return {
        "sequences": len(part),
        "distinct": len(set(part.sequences)),
        "length": [lengths[0], float(np.median(lengths)), lengths[-1]] if lengths else [],
        "labels": _of_values(part) if part.kind.endswith("regression") else _shares(part),
    }


def _shares(part: LabelledSequences) -> dict[str, float]:
    if isinstance(part.targets, np.ndarray):
        means = part.targets.mean(axis=0) if len(part) else np.zeros(len(part.labels))
        return {label: float(mean) for label, mean in zip(part.labels, means, strict=True)}
    counts = np.zeros(len(part.labels), dtype=np.int64)
    for target in part.targets:
        counts += np.bincount(target[target != UNTOLD], minlength=len(part.labels))
    told = max(int(counts.sum()), 1)
    return {label: int(n) / told for label, n in zip(part.labels, counts, strict=True)}


def _of_values(part: LabelledSequences) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for k, label in enumerate(part.labels):
        if isinstance(part.targets, np.ndarray):
            values = part.targets[:, k]
        else:
            columns = [target[..., k].ravel() for target in part.targets]
            values = np.concatenate([np.zeros(0), *columns])
        values = values[~np.isnan(values)]
        found[label] = {"measured": len(values)}
        if len(values):
            found[label] |= {
                "mean": float(values.mean()),
                "smallest": float(values.min()),
                "largest": float(values.max()),
            }
    return found
