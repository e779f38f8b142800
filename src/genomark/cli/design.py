"""``genomark design``: RNA that folds into a structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.cli.design_work import Work
    from genomark.results.design_report import Designed
    from genomark.rna.design.target import Target

#: Where some targets are not solved in time.
_UNSOLVED = 3
_INTERRUPTED = 130


def design(
    structure: Annotated[
        str | None, typer.Option(metavar="DB", help="A structure: dots and brackets.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Structures: a table with a column structure, FASTA with structures, or one a "
            "line; - for standard input.",
        ),
    ] = None,
    folder: Annotated[
        str, typer.Option(metavar="SPEC", help="The model that says what a sequence folds into.")
    ] = "vienna",
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="SPEC", help="A language model that proposes.")
    ] = "",
    constraint: Annotated[
        str | None,
        typer.Option(metavar="IUPAC", help="Letters allowed at each position of --structure."),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What is made better once the structure is right: probability (which is usual), "
            "defect, energy-gap, gc=0.5, or distance for nothing; may be given several times.",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--time", metavar="SECONDS", help="Of each process, for each target.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another one gives other designs.")] = 0,
    count: Annotated[int, typer.Option(metavar="N", help="Designs for each target.")] = 1,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes; 0 for one a core. No design depends on it.")
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv, .tsv, .parquet, .jsonl, .fa or .fasta to write, instead of printing.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One document that tells all, to write.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="A page with drawings, to write.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.svg",
            help="Draw the best design; of several targets FILE-0001.svg, FILE-0002.svg, ...",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Fold all designs again, in a process of its own.")
    ] = False,
) -> None:
    """Design RNA: sequences that fold into a structure.

    Exit code 0 if all targets are solved, 3 if some are not within the time.

    Ctrl-C ends the search, not the command: what was found is told.

    \b
    Examples:
      genomark design --structure '((((....))))'
      genomark design --structure '((((....))))' --constraint NNNNGNRANNNN
      genomark design --structure '((((....))))' --objective gc=0.5 --count 3
      genomark design --file targets.csv --time 10 -o designs.fa
      genomark design --file targets.csv --verify --report designs.html
    """
    from genomark.cli.design_output import Delivery
    from genomark.cli.design_work import Watch, Work
    from genomark.models.designer import design_question
    from genomark.rna.design.objectives import DEFAULT_OBJECTIVE

    delivery = Delivery(output, json, report, plot)
    _check_numbers(seconds, count, workers)
    targets = _targets(structure, file, constraint)
    asked = objective or [DEFAULT_OBJECTIVE]
    question = design_question(folder, model, asked, seconds, seed, count)
    with Watch(targets) as watch:
        work = Work(targets, question, workers, watch)
        work.run()
    found = _verified(work, folder) if verify else work.found
    settings = {
        "folder": folder,
        "model": model or None,
        "objectives": [str(each) for each in question.objectives],
        "time": seconds,
        "seed": seed,
        "count": count,
        "interrupted": work.interrupted,
    }
    delivery.hand_over(found, question.settings, settings)
    _end(found, work)


def _check_numbers(seconds: float, count: int, workers: int) -> None:
    from genomark.errors import UsageError

    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"--time {seconds:g}: expected seconds, more than 0")
    if count < 1:
        raise UsageError(f"--count {count}: expected 1 or more")
    if workers < 0:
        raise UsageError(f"--workers {workers}: expected 1 or more, or 0 for one a core")


def _targets(structure: str | None, file: str | None, constraint: str | None) -> list[Target]:
    from genomark.cli.design_targets import read_targets
    from genomark.errors import UsageError
    from genomark.rna.design.target import Target

    if structure is not None and file is None:
        return [Target(structure.strip(), constraint)]
    if file is None or structure is not None:
        raise UsageError(
            "Expected either --structure or --file, such as --structure '((((....))))'"
        )
    if constraint is not None:
        raise UsageError(
            "--constraint is for --structure; --file tells it in a column 'constraint'"
        )
    return read_targets(file)


def _verified(work: Work, folder: str) -> list[Designed]:
    """Fold all designs again, where nothing is left of how they were found."""
    from genomark.cli.terminal import status
    from genomark.rna.pool import WorkerPool

    found = work.found
    sequences = [each.sequence for one in found for each in one.designs]
    status(f"folding {len(sequences):,} designs again")
    with WorkerPool(1) as pool:
        try:
            ((_, folded),) = pool.results(_fold_again, [(folder, sequences)], _described)
        except KeyboardInterrupt:
            work.interrupted = True
            status("interrupted: designs are told without having been folded again")
            return found
    structures = iter(folded)
    return [
        replace(one, verified=tuple(each.structure == next(structures) for each in one.designs))
        for one in found
    ]


def _described(job: tuple[str, Sequence[str]]) -> str:
    return f"folding {len(job[1]):,} designs again with '{job[0]}'"


def _fold_again(job: tuple[str, Sequence[str]]) -> list[str]:
    from genomark.models import Folder, load_model

    spec, sequences = job
    model = load_model(spec)
    assert isinstance(model, Folder)
    return [each.structure for each in model.fold(sequences)]


def _end(found: Sequence[Designed], work: Work) -> None:
    """Say how it went, by a line and an exit code."""
    from genomark.cli.terminal import status
    from genomark.errors import ModelError, one_line

    solved = sum(each.solved for each in found)
    status(f"{solved:,} of {len(found):,} solved, {sum(each.seconds for each in found):.2f} s")
    for each in found:
        if each.verified is not None and not all(each.verified):
            wrong = each.designs[each.verified.index(False)]
            raise ModelError(
                f"{one_line(each.target.name)}: {wrong.sequence} does not fold as it did when it "
                "was designed; expected a model that folds a sequence the same way each time"
            )
    if work.failure is not None:
        raise work.failure
    if work.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if solved < len(found):
        raise typer.Exit(_UNSOLVED)
