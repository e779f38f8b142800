"""``genomark study``: questions that take several models, each made for the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.studies.tokenizers import Study

app = typer.Typer(
    help="Answer questions that take several models, each made for the answer.",
    no_args_is_help=True,
)


@app.callback()
def _studies() -> None:
    """Answer questions that take several models, each made for the answer."""


@app.command("tokenizers")
def tokenizers(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="What to compare.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that keeps all, and from which it goes on.")
    ] = Path("tokenizer-study"),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Left out: one per processor.")
    ] = None,
) -> None:
    """Train tokenizers on a genome, pretrain a network with each, and compare.

    Writes table.csv, study.json and study.svg into DIR. After a kill or Ctrl-C the same command
    goes on where it was; what is finished is not made again.

    \b
    Examples:
      genomark study tokenizers study.toml --out my_study
    """
    from genomark.atomic import write_whole
    from genomark.cli.terminal import status
    from genomark.extras import require_extras
    from genomark.models.hub.files import LIBRARIES

    require_extras("genomark study", {**LIBRARIES, "tokenizers": "hub", "pysam": "genome"})
    # They load torch, and without it say so no better than the line above.
    from genomark.studies.plot import study_svg
    from genomark.studies.table import study_json, study_table
    from genomark.studies.tokenizers import study_tokenizers

    try:
        study = study_tokenizers(config, out, workers=workers)
    except KeyboardInterrupt:
        status("interrupted. What was finished is kept: the same command goes on from there")
        raise typer.Exit(130) from None
    write_whole(out / "table.csv", study_table(study).write_csv().encode())
    write_whole(out / "study.json", study_json(study))
    write_whole(out / "study.svg", study_svg(study).encode())
    _print(study)
    status(f"table.csv, study.json and study.svg are in {out}")


def _print(study: Study) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console
    from genomark.studies.table import benchmarks_of, learned_rows, score_rows

    out = console()

    def show(title: str, columns: list[str], rows: list[tuple[str, ...]]) -> None:
        out.print(f"\n[bold]{escape(title)}[/]")
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
        table.add_column(columns[0], overflow="fold")
        for name in columns[1:]:
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        out.print(table)

    learned = learned_rows(study)
    show(
        "Tokenizers",
        ["tokenizer", "words", "tokens/base", "parameters", "CPU s", "bases/s"],
        [(*row[:4], *row[7:]) for row in learned if row[1]],
    )
    show(
        "Held-out bits per base",
        ["tokenizer", "bits", "for counts", "untrained"],
        [(row[0], *row[4:7]) for row in learned],
    )
    for name, metric in benchmarks_of(study).items():
        columns = ["tokenizer", "pretrained", "untrained", "gain"]
        show(f"{name}: {metric}", columns, score_rows(study, name))
    out.print(
        "\n[low, high]: 95 % intervals, of bits over held-out windows, of scores over sequences; "
        "a gain is the paired difference to the same network before it learned.",
        style="dim",
        markup=False,
    )
