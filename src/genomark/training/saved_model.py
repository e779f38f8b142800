"""``fit:FOLDER``: a saved fit before the tasks it can answer, without another training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from genomark.digests import digest_of
from genomark.errors import CapabilityError
from genomark.models import Answers, Fitting, Fold
from genomark.scoring import ModelIdentity
from genomark.sequences import Kind, TaskSplit
from genomark.training.folding import fold_by, tells_structures
from genomark.training.saved import SavedFit, load_fit, read_record

#: Labels a message names before it says that there are more.
_NAMED = 5


class _NoStructures(CapabilityError, AttributeError):
    """Says to `hasattr`, and so to `isinstance(model, Folder)`, that a fit does not fold."""


class SavedModel:
    """A TaskTrainable that was fitted beforehand: it answers tasks of its kind and labels.

    One that was fitted to structures of RNA is a Folder, too.

    Parameters
    ----------
    folder : str
        Of a saved fit.
    trust : {"no", "yes"}
        Whether code that is not genomark's may run, as of `load_fit`.

    Raises
    ------
    UsageError
        If it is none.
    """

    varies_with_seed = False
    #: It was fitted beforehand: nothing is learned of the split it is handed.
    learns = False

    def __init__(self, folder: str, trust: Literal["no", "yes"] = "no") -> None:
        self.folder = Path(folder)
        self._trust = trust == "yes"
        self.record = read_record(self.folder)

    @property
    def info(self) -> ModelIdentity:
        """The model that was fitted, with what it was fitted on."""
        record = self.record
        return ModelIdentity(
            id=f"fit:{self.folder}",
            version=record.model.version,
            digest=digest_of([record.model.digest, record.base, record.weights_sha256]),
            notes=[f"{record.model.id}, {self._beforehand}", *record.model.notes],
        )

    @property
    def _beforehand(self) -> str:
        record, learned = self.record, self.record.learned_from
        return (
            f"fitted beforehand on {record.task} ({learned.train:,} sequences, {learned.valid:,} "
            f"for validation, seed {record.seed})"
        )

    def check_task(self, kind: Kind) -> None:
        """Refuse tasks of another kind."""
        if kind != self.record.kind:
            raise CapabilityError(
                f"'fit:{self.folder}' was fitted to a {self.record.kind} task and cannot answer "
                f"{kind} tasks"
            )

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> _Beforehand:
        """Give the fit as it was saved; nothing is learned of the split.

        Raises
        ------
        CapabilityError
            If the task has other labels.
        """
        self.check_task(split.kind)
        if split.labels != self.record.labels:
            raise CapabilityError(
                f"'fit:{self.folder}' was fitted to {_listed(self.record.labels)}, and "
                f"'{split.task}' asks for {_listed(split.labels)}"
            )
        same = self.record.learned_from.train_digest == split.train.digest
        where = (
            "its training part is that of this task"
            if same
            else "its training part is not that of this task: it may have seen test sequences"
        )
        return _Beforehand(self._loaded, (f"{self._beforehand}; {where}",))

    @property
    def fold(self) -> Callable[..., list[Fold]]:
        """Fold RNA, as `genomark.training.folding` tells.

        Raises
        ------
        CapabilityError
            If the fit was not to structures.
        """
        record = self.record
        if not tells_structures(record.kind, record.labels):
            raise _NoStructures(
                f"'fit:{self.folder}' was fitted to {_listed(record.labels)} ({record.kind}), so "
                "it cannot fold; expected a fit to '(', ')' and '.' (token-classes)"
            )

        def fold(
            sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
        ) -> list[Fold]:
            return fold_by(self._loaded.fitted, record.labels, sequences, progress)

        return fold

    @cached_property
    def _loaded(self) -> SavedFit:
        return load_fit(self.folder, trust=self._trust)


@dataclass(frozen=True)
class _Beforehand:
    """A saved fit, and how it came to be, for a Result."""

    saved: SavedFit
    notes: tuple[str, ...]

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences."""
        return self.saved.answers(sequences)

    @property
    def report(self) -> Mapping[str, Any]:
        """Of the fit that was saved, with what it was fitted on."""
        report = self.saved.report
        return {**report, "notes": [*report.get("notes", ()), *self.notes]}


def _listed(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
    return ", ".join(f"'{label}'" for label in labels[:_NAMED]) + more
