"""``genomark finetune``: train a model on labelled sequences, and keep what came of it."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.models import TaskTrainable
    from genomark.scoring import MetricRow
    from genomark.sequences import Kind, LabelledSequences, TaskSplit

_SECONDS_BETWEEN_LINES = 2.0


class TaskKind(StrEnum):
    """Kinds of tasks on labelled sequences."""

    BINARY = "binary"
    MULTI_CLASS = "multi-class"
    MULTI_LABEL = "multi-label"
    REGRESSION = "regression"
    TOKEN_CLASSES = "token-classes"
    TOKEN_REGRESSION = "token-regression"
    PAIR_CLASSES = "pair-classes"
    PAIR_REGRESSION = "pair-regression"


class Method(StrEnum):
    """What is trained of a checkpoint."""

    LORA = "lora"
    FULL = "full"


def finetune(
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="SPEC", help="cnn, gru, kmer, onehot, hf:NAME, or another."
        ),
    ],
    train: Annotated[
        Path, typer.Option(metavar="FILE", help="Labelled sequences: CSV, JSON, FASTA, ...")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="For the fit.")],
    valid: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Says when to stop. Left out: a tenth of --train is set apart."
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Print scores on these sequences.")
    ] = None,
    kind: Annotated[
        TaskKind | None, typer.Option(help="Left out: what the labels look like.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Of the label; repeat for several. Left out: label."),
    ] = None,
    method: Annotated[
        Method | None,
        typer.Option(
            help="Train a low-rank addition to an hf: model, or all of it. Left out: a linear "
            "probe on its vectors."
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Repeat for several fits, each in a folder seed-N. Left out: 0."),
    ] = None,
    select_by: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="On --valid. Left out: the usual one of the kind."),
    ] = None,
    genome: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of regions: FASTA or 2bit.")
    ] = None,
) -> None:
    """Train a model on labelled sequences and save the fit.

    After a kill or Ctrl-C the same command goes on where it was; a fit that is finished is not made
    again.

    \b
    Examples:
      genomark finetune -m cnn --train train.csv --test test.csv -o my_fit
      genomark finetune -m hf:org/name --method lora --train train.json -o my_fit
      genomark finetune -m onehot --train t.tsv --kind regression --label activity -o my_fit
      genomark finetune -m gru --train train.fa --seed 0 --seed 1 --seed 2 -o my_fits
    """
    from genomark.cli.terminal import status
    from genomark.errors import UsageError
    from genomark.models import load_model
    from genomark.training.protocols import as_trainable, protocol_spec
    from genomark.training.saved import check_folder

    if method and not model.startswith("hf:"):
        raise UsageError(f"--method is for checkpoints as hf:NAME, not for '{model}'")
    trainable = as_trainable(load_model(protocol_spec(model, method.value) if method else model))
    seeds = list(dict.fromkeys(seed or [0]))
    if len(seeds) > 1 and not trainable.varies_with_seed:
        raise UsageError(f"'{model}' is the same with every seed; give one --seed")
    folders = [output / f"seed-{each}" for each in seeds] if len(seeds) > 1 else [output]
    for folder in folders:
        check_folder(folder)
    files = _Files(columns=tuple(label or ()), genome=genome)
    split = _split(files, train, valid, kind.value if kind else None, select_by)
    trainable.check_task(split.kind)
    tested = files.like(test) if test else None
    try:
        for folder, each in zip(folders, seeds, strict=True):
            _fit(folder, trainable, split, each)
    except KeyboardInterrupt:
        status("interrupted. What was trained is kept: the same command goes on from there")
        raise typer.Exit(130) from None
    if tested is not None:
        _print_scores(_scores(folders, split, tested))


class _Files:
    """Reads the files of one task: all have the kind and the classes of the first."""

    def __init__(self, columns: tuple[str, ...], genome: Path | None) -> None:
        self._columns = columns
        self._genome = genome
        self._kind: Kind | None = None
        self._labels: tuple[str, ...] | None = None

    def first(self, path: Path, kind: Kind | None) -> LabelledSequences:
        """Read the train file."""
        self._kind = kind
        told = self._read(path)
        self._kind, self._labels = told.kind, told.labels
        if told.kind == "binary":
            # What is told of yes and no names only the class that is yes.
            self._kind, self._labels = "multi-class", None
            self._labels = self._read(path).labels
            self._kind = told.kind
        return told

    def like(self, path: Path) -> LabelledSequences:
        """Read another; one that tells of anything else is refused."""
        return self._read(path)

    def _read(self, path: Path) -> LabelledSequences:
        from genomark.sequences import Columns, read_labelled

        return read_labelled(
            path,
            kind=self._kind,
            labels=self._labels,
            columns=Columns(label=self._columns or None),
            genome=self._genome,
        )


def _split(
    files: _Files, train: Path, valid: Path | None, kind: Kind | None, select_by: str | None
) -> TaskSplit:
    """Read what is learned from; tell where the validation part comes from."""
    from genomark.cli.terminal import status
    from genomark.scoring import TASK_METRICS
    from genomark.sequences import TaskSplit, valid_part
    from genomark.training.selection import Selection

    told = files.first(train, kind)
    metric = select_by or TASK_METRICS[told.kind][0]
    # Refuses, before anything is trained, what is no metric of such a task.
    Selection(metric, told.kind, told.labels)
    if valid is not None:
        return TaskSplit(train.name, told, files.like(valid), metric)
    told, apart, note = valid_part(told)
    status(note)
    return TaskSplit(train.name, told, apart, metric, (note,))


def _fit(folder: Path, model: TaskTrainable, split: TaskSplit, seed: int) -> None:
    """Train with one seed, unless that was done before."""
    from genomark.cli.terminal import status
    from genomark.errors import UsageError
    from genomark.models import Fitting
    from genomark.training.saved import UNFINISHED, check_folder, save_fit

    found = check_folder(folder)
    if found is not None:
        made_of = (found.model.digest, found.learned_from.digest, found.seed)
        if made_of != (model.info.digest, split.digest, seed):
            raise UsageError(
                f"{folder}: holds a fit of another model, other data, another metric or seed; name "
                "another folder, or remove it"
            )
        status(f"{folder}: this fit is there already")
        return
    with _Told(f"{model.info.id}, seed {seed}") as told:
        fitting = Fitting(seed=seed, workspace=folder / UNFINISHED, tell=told.tell)
        fitted = model.fit_task(split, fitting)
    save_fit(folder, fitted, model=model, split=split, seed=seed)
    status(f"{folder}: {_summary(dict(fitted.report), split)}")


def _summary(report: dict[str, object], split: TaskSplit) -> str:
    learned = f"fitted on {len(split.train):,} sequences"
    if "epochs" not in report:
        return learned
    value = report["value"]
    told = f"{value:.4f}" if isinstance(value, float) else "undefined"
    return (
        f"{learned}, best of {report['epochs']} epochs: {report['best_epoch']} "
        f"({split.select_by} {told} on {len(split.valid):,} for validation)"
    )


class _Told:
    """How far a fit has come: in place on a terminal, a line now and then elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = float("-inf")

    def __enter__(self) -> _Told:
        from rich.console import Console
        from rich.text import Text

        from genomark.bars import interactive

        out = Console(stderr=True, emoji=False)
        self._spinner = out.status(Text(self._what)) if interactive() else None
        if self._spinner is not None:
            self._spinner.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()

    def tell(self, line: str) -> None:
        """Show a line."""
        from rich.text import Text

        from genomark.cli.terminal import status

        text = f"{self._what}: {line}"
        if self._spinner is not None:
            self._spinner.update(Text(text))
        elif time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            status(text)


def _scores(folders: list[Path], split: TaskSplit, test: LabelledSequences) -> list[MetricRow]:
    """Judge the fits as they were saved."""
    from genomark.benchmarks.sequences.sequence_scores import clusters_of
    from genomark.cli.terminal import status
    from genomark.datasets.similarity import screen
    from genomark.scoring import TaskAnswers, judge_task
    from genomark.training.saved import load_fit

    seen = [*split.train.sequences, *split.valid.sequences]
    rna = any("U" in each for each in test.sequences)
    if near := int(screen(test.sequences, seen, both_strands=not rna).near.sum()):
        status(
            f"{near:,} of {len(test):,} test sequences have a near duplicate among those that were "
            "learned from: scores may flatter"
        )
    answers = TaskAnswers(
        kind=test.kind,
        labels=test.labels,
        answers=tuple(load_fit(each, trust=True).answers(test.sequences) for each in folders),
        truth=test.targets,
        clusters=clusters_of(test),
    )
    clusters = "sequences" if test.groups is None else "groups of sequences"
    rows, _ = judge_task(answers, (), seed=0, cluster=clusters)
    return rows


def _print_scores(rows: list[MetricRow]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("metric", overflow="fold")
    table.add_column("value", no_wrap=True, justify="right")
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("n", no_wrap=True, justify="right")
    for row in rows:
        name = row.name if row.group is None else f"{row.name} {row.group}"
        low_high = "" if row.interval is None else "{:.4f} to {:.4f}".format(*row.interval)
        value = "undefined" if row.value is None else f"{row.value:.4f}"
        told = low_high or row.reason_if_null or ""
        table.add_row(escape(name), value, escape(told), f"{row.n:,}")
    out = console()
    out.print(table)
    out.print(f"intervals: {escape(rows[0].method)}", style="dim")
