"""A task of GUANinE with its data: what is asked, and what models are fitted on."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from genomark.benchmarks.guanine.few_shot import FEWEST, few_shot_order, learned_rows, parted
from genomark.benchmarks.guanine.options import CURVE, SHARES, GuanineOptions
from genomark.benchmarks.guanine.split_files import SplitFiles
from genomark.benchmarks.guanine.split_rows import CONTEXT, SplitRows, read_split
from genomark.benchmarks.sequences.declared import DeclaredTask, read_shipped
from genomark.benchmarks.sequences.sequence_task import SequenceTask, facts_of
from genomark.datasets.genome import Genome, open_genome
from genomark.errors import DatasetUnavailableError
from genomark.sequences import LabelledSequences, TaskSplit

LAYOUT = "guanine"
#: The published few-shot split.
_FEW_SHOT = "1per"
#: Tasks without a train split, and the one whose train split the authors point to.
_FITTED_ELSEWHERE = {"guanine/clinvar_snv": "guanine/cadd_snv"}
_HUB_NAME = re.compile(r"guanine/\w+")


class GuanineTask(SequenceTask):
    """A task of GUANinE. Its files are read when they are first asked for.

    Parameters
    ----------
    declared : DeclaredTask
    options : GuanineOptions
    """

    def __init__(self, declared: DeclaredTask, options: GuanineOptions) -> None:
        super().__init__(declared)
        self.options = options
        self._read: dict[str, SplitRows] = {}
        self._stages: dict[tuple[str, int], tuple[TaskSplit, SplitRows, SplitRows]] = {}

    @cached_property
    def asked(self) -> SplitRows:
        """What is asked, whole.

        Raises
        ------
        DatasetError
            If the data cannot be had.
        UsageError
            If a file is not as it should be.
        """
        return self._rows(self.options.split)

    def test(self) -> LabelledSequences:
        """Give what is asked."""
        return self.asked.labelled

    def train(self) -> LabelledSequences | None:
        """Give the train split, None where there is none."""
        return None if self.no_split is not None else self._train_rows.labelled

    def valid(self) -> LabelledSequences | None:
        """Give none: what decides between settings is a part of the train split."""
        return None

    def split(self, seed: int = 0) -> TaskSplit | None:
        """Give what models are fitted on last: the largest part of the train split."""
        if self.no_split is not None:
            return None
        return self.stage(self.stages[-1], seed)[0]

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """What models are fitted on, one after the other; of a curve what is large enough."""
        names = self.options.stages
        if self.options.train != CURVE:
            return names
        n = len(self._train_rows.labelled)
        return tuple(name for name in names if round(SHARES[name] * n) >= FEWEST)

    def is_drawn(self, name: str) -> bool:
        """Whether a part of the train split is chosen by seed, and not whole or as published."""
        return name != "train" and not (name == _FEW_SHOT and self._published_few is not None)

    def stage(self, name: str, seed: int = 0) -> tuple[TaskSplit, SplitRows, SplitRows]:
        """Give a part of the train split, and of that what decides between settings.

        Parameters
        ----------
        name : str
            One of `genomark.benchmarks.guanine.options.SHARES`.
        seed : int
            Of the part, and of what of it decides.

        Returns
        -------
        split : TaskSplit
        train, valid : SplitRows
            The rows it is made of.

        Raises
        ------
        DatasetError, UsageError
            As `asked`; or if the part is too small.
        """
        if (name, seed) not in self._stages:
            rows = self._learned(name, seed)
            train, valid = (rows.take(part) for part in parted(rows, seed))
            share = f"{100 * SHARES[name]:g} % of the train split"
            note = (
                f"fitted on {len(rows.labelled):,} sequences ({share}), "
                f"{len(valid.labelled):,} of them set apart to decide between settings"
            )
            split = TaskSplit(
                task=self.id,
                train=train.labelled,
                valid=valid.labelled,
                select_by=self.declared.select_by,
                notes=(note, *self._where_fitted, *self._how_drawn(name)),
            )
            self._stages[name, seed] = split, train, valid
        return self._stages[name, seed]

    @cached_property
    def no_split(self) -> str | None:
        """Why there is nothing to fit on; None where there is."""
        if self.options.train == "none":
            return "train=none was asked for"
        try:
            self._files("train").find(
                "train" if self.options.train != _FEW_SHOT else _FEW_SHOT,
                coordinates=self._coordinates,
            )
        except DatasetUnavailableError as error:
            return f"{self.declared.files.no_train or ''} {error}".strip()
        return None

    def facts(self) -> dict[str, Any]:
        """Count what is in the asked split and, where it is there, in the train split."""
        facts: dict[str, Any] = {"test": facts_of(self.test())}
        train = self.train()
        if train is not None:
            facts["train"] = facts_of(train)
        facts["unverified"] = [self.options.split, *(["train"] if train is not None else [])]
        return facts

    @property
    def _coordinates(self) -> bool:
        """Whether a file of coordinates goes before one of sequences."""
        return self.options.context is not None or bool(self.options.genome)

    @property
    def _where_fitted(self) -> tuple[str, ...]:
        other = _FITTED_ELSEWHERE.get(self.id)
        return (f"fitted on {other}",) if other else ()

    def _how_drawn(self, name: str) -> tuple[str, ...]:
        if name == "train" or self._published_few is not None:
            return ()
        return ("the published few-shot split is not at hand: rows are chosen by seed alone",)

    def _learned(self, name: str, seed: int) -> SplitRows:
        if name == _FEW_SHOT and self._published_few is not None:
            return self._published_few
        train = self._train_rows
        if name == "train":
            return train
        order = few_shot_order(train, self._published_few, seed)
        return train.take(learned_rows(train, order, SHARES[name]))

    @cached_property
    def _train_rows(self) -> SplitRows:
        return self._rows("train")

    @cached_property
    def _published_few(self) -> SplitRows | None:
        try:
            return self._rows(_FEW_SHOT)
        except DatasetUnavailableError:
            return None  # The hundredth part is then drawn by seed, like the others.

    def _rows(self, split: str) -> SplitRows:
        if split not in self._read:
            path = self._files(split).find(split, coordinates=self._coordinates)
            declared = self.declared
            if split in ("train", _FEW_SHOT) and self.id in _FITTED_ELSEWHERE:
                declared = read_shipped(_FITTED_ELSEWHERE[self.id])
            read = read_split(path, declared, self._genome, self.options.context)
            self._read[split] = read
        return self._read[split]

    def _files(self, split: str) -> SplitFiles:
        declared = self.declared
        if split in ("train", _FEW_SHOT) and self.id in _FITTED_ELSEWHERE:
            declared = read_shipped(_FITTED_ELSEWHERE[self.id])
        found = _HUB_NAME.search(declared.origin)
        name = declared.dataset or declared.id
        return SplitFiles(name, found[0] if found else name, self.options.data)

    @cached_property
    def _genome(self) -> Genome | None:
        return open_genome(self.options.genome) if self.options.genome else None

    @property
    def context(self) -> int:
        """Bases of a window that is read from a genome."""
        return self.options.context or CONTEXT
