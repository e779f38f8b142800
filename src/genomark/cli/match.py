"""``genomark match``: the choice of a list that means a term, and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genomark.cli.llm_option import KnowledgeFiles, Llm, asked_matcher

if TYPE_CHECKING:
    from rich.console import Console

    from genomark.matching import Match


class Kind(StrEnum):
    """What terms name."""

    CELL_TYPE = "cell_type"
    BINDING_MOLECULE = "binding_molecule"
    SPECIES = "species"


def match(
    terms: Annotated[
        list[str] | None, typer.Argument(metavar="TERM...", help="What is looked for.")
    ] = None,
    choices: Annotated[
        Path | None,
        typer.Option(
            "--choices",
            "-c",
            metavar="FILE",
            help="One choice a line, or a table with tabs; - for standard input.",
        ),
    ] = None,
    category: Annotated[Kind, typer.Option(help="What terms and choices name.")] = Kind.CELL_TYPE,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of the table. Left out: Cell Type, Molecule or Species, by category.",
        ),
    ] = None,
    assay: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only lines of the table with this Assay."),
    ] = None,
    more_terms: Annotated[
        Path | None,
        typer.Option("--terms", metavar="FILE", help="Further terms, one a line; - for stdin."),
    ] = None,
    knowledge: KnowledgeFiles = None,
    llm: Llm = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a term, a line each.")
    ] = False,
) -> None:
    """Find the choice that means the same as a term: exit code 0, or 1 if any term has none.

    \b
    Examples:
      genomark match "K562 (erythroid precursors)" --choices cell_types.txt
      genomark match "HUVEC" -c targets.txt --assay CAGE
      genomark match "estrogen receptor alpha" -c targets.txt --category binding_molecule
      genomark match --terms terms.txt -c cell_types.txt --json
      genomark match "ZX-77" -c cell_types.txt --knowledge our_lines.obo
    """
    from genomark.cli.match_choices import STDIN, read_choices, read_lines
    from genomark.cli.terminal import console, status
    from genomark.errors import UsageError
    from genomark.models.genes.waiting import Waiting

    if choices is None:
        raise UsageError("no choices: name a file of them with --choices, or - for standard input")
    if str(choices) == str(more_terms) == STDIN:
        raise UsageError("--choices and --terms cannot both be standard input")
    asked = [*(terms or []), *(read_lines(more_terms) if more_terms is not None else [])]
    if not asked:
        raise UsageError("no term: write one, or name a file of them with --terms")
    offered = read_choices(choices, category.value, column, assay)
    matcher = asked_matcher(llm, knowledge)
    out = console()
    matched = 0
    with Waiting(len(asked), "terms") as waiting:
        for term in asked:
            found = matcher.explain(category.value, term, offered)
            matched += found.choice is not None
            _print_json(found) if json else _print(out, found)
            waiting.advance(1)
    status(
        f"{matched:,} of {len(asked):,} terms matched, of {len(offered):,} choices, by "
        f"{matcher.version}"
    )
    if matched < len(asked):
        raise typer.Exit(1)


def _print_json(found: Match) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(found).decode())


def _print(out: Console, found: Match) -> None:
    from rich.markup import escape

    from genomark.errors import one_line

    def shown(text: str) -> str:
        return escape(one_line(text))

    choice = "no match" if found.choice is None else shown(found.choice)
    style = "yellow" if found.choice is None else "bold green"
    lines = [
        f"{shown(found.term)}: [{style}]{choice}[/]",
        f"  confidence {found.confidence:.2f}, {shown(found.stage)}: {shown(found.reason)}",
        *(
            f"  [dim]{each.score:.2f}  {shown(each.choice)} ({shown(each.stage)}: "
            f"{shown(each.evidence)})[/]"
            for each in found.candidates
            if each.choice != found.choice
        ),
        *(f"  [yellow]{shown(note)}[/]" for note in found.notes),
    ]
    for line in lines:
        # Not wrapped: a choice can be copied whole.
        out.print(line, soft_wrap=True)
