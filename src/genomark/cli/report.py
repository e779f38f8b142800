"""``genomark report``: a run, families of gene properties, or the table of GUANinE, on one page."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genomark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from genomark.results.collection import Results
    from genomark.results.guanine_table import GuanineTable, Score
    from genomark.scoring import Result

_PAGE, _TABLE = ".html", ".csv"


class Suite(StrEnum):
    """What can be reported on."""

    RUN = "run"
    GENES = "genes"
    GUANINE = "guanine"


def report(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RESULTS.json|DIR...",
            help="What run --json wrote, or folders of run --out. None: genomark-results.",
        ),
    ] = None,
    suite: Annotated[
        Suite | None,
        typer.Option(
            help="What to report on. Left out: genes if all results are of tasks on genes, or an "
            "option is given that only genes has; else the run itself."
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Scores of others for reference: CSV as they published it, or JSON of import. "
            "Of guanine without it: those that are declared here.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The page; of guanine also a table (.csv).")
    ] = Path("report.html"),
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Summary of a run. Left out: beside the page, as .md."),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the drawings one by one.")
    ] = None,
    scatter: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Models to compare task by task. None: the two best."),
    ] = None,
    common_tasks: Annotated[
        bool,
        typer.Option("--common-tasks", help="Average only over tasks that all have a value for."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals of means.")] = 0,
) -> None:
    """Write a page on a run, on families of gene properties, or on GUANinE.

    Of a run it has all that was asked and with what: ranked tables, paired differences, answers
    beside the truth, coverage, cost, suites as a whole, what was skipped and failed, and the
    commands that compute it again; a summary in Markdown beside it. Where a folder is named,
    differences and answers come from its predictions. Of gene properties it has means, heat maps,
    two models against each other and every task; of guanine it is one table of models and tasks,
    published scores apart from those computed here. The page is one file that loads nothing from
    elsewhere. Charts of a run need the extra report.

    \b
    Examples:
      genomark report
      genomark report genomark-results results.json --out run.html
      genomark report results.json --suite genes --out families.html --svg drawings
      genomark report --published gene_benchmark_fold_scores.csv --common-tasks
      genomark report --scatter minilm embedding:mine.csv
      genomark report results.json --suite guanine --out guanine.html
    """
    chosen = sources or [Path("genomark-results")]
    results = _read_all(chosen)
    of_genes = published is not None or scatter is not None or common_tasks
    if suite is None:
        suite = Suite.GENES if of_genes else _suite_of(results)
    if suite is not Suite.RUN and markdown is not None:
        raise UsageError(f"--markdown is of a run: the suite {suite.value} has no summary")
    if suite is Suite.RUN:
        if of_genes:
            raise UsageError(
                "--published, --scatter and --common-tasks are of the suites genes and guanine, "
                "not of a run"
            )
        _report_run(chosen, out, markdown, svg)
    elif suite is Suite.GUANINE:
        if svg is not None or scatter is not None:
            raise UsageError("--svg and --scatter are of the suite genes: guanine has no drawings")
        _report_guanine(results, published, out, common_tasks)
    else:
        references = _gene_references(published) if published is not None else ()
        _report_genes(results, references, out, svg, scatter, common_tasks, seed)


def _suite_of(results: Results) -> Suite:
    from genomark.benchmarks.genes.suite import FOLDER, PREFIX

    genes = [name.startswith((PREFIX, FOLDER)) for name in results.benchmarks()]
    return Suite.GENES if genes and all(genes) else Suite.RUN


def _report_run(sources: list[Path], out: Path, markdown: Path | None, svg: Path | None) -> None:
    from genomark.atomic import write_whole
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.results.drawing import on_white
    from genomark.results.run_record import read_run
    from genomark.results.run_report import run_report

    check_ending(out, [_PAGE])
    summary = markdown or out.with_suffix(".md")
    made = run_report(read_run(sources))
    write_whole(out, made.html.encode())
    write_whole(summary, made.markdown.encode())
    for name, drawn in made.drawings.items() if svg is not None else ():
        write_whole(Path(svg or "") / f"{name}.svg", on_white(drawn).encode())
    for note in made.notes:
        status(note)
    status(f"The page is {out}, the summary {summary}{f'; drawings are in {svg}' if svg else ''}")


def _report_genes(
    results: Results,
    references: Iterable[Result],
    out: Path,
    svg: Path | None,
    pair: tuple[str, str] | None,
    common_tasks: bool,
    seed: int,
) -> None:
    from genomark.atomic import write_whole
    from genomark.cli.terminal import status
    from genomark.results.drawing import on_white
    from genomark.results.family_report import family_report

    made = family_report(results, references, pair=pair, common_tasks=common_tasks, seed=seed)
    write_whole(out, made.html.encode())
    for name, drawn in made.drawings.items() if svg is not None else ():
        write_whole(Path(svg or "") / f"{name}.svg", on_white(drawn).encode())
    print_families(made.families)
    status(f"The page is {out}{f'; drawings are in {svg}' if svg else ''}")


def _report_guanine(results: Results, published: Path | None, out: Path, common: bool) -> None:
    from genomark.atomic import write_whole
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.results.collection import load_results
    from genomark.results.guanine_page import guanine_page
    from genomark.results.guanine_scores import declared_guanine_scores, read_guanine_scores
    from genomark.results.guanine_table import guanine_table

    check_ending(out, [_PAGE, _TABLE])
    if published is None:
        references = declared_guanine_scores()
    elif published.suffix == ".json":
        references = load_results(published)
    else:
        references = read_guanine_scores(published)
    table = guanine_table(results, references, common_tasks=common)
    as_table = out.suffix.lower() == _TABLE
    write_whole(out, (table.frame().write_csv() if as_table else guanine_page(table)).encode())
    print_guanine(table)
    status(f"The {'table' if as_table else 'page'} is {out}")


def _read_all(sources: list[Path]) -> Results:
    from genomark.results.collection import Results
    from genomark.results.result_folder import read_results

    read = [read_results(source) for source in sources]
    return Results(
        [each for results in read for each in results],
        [each for results in read for each in results.skipped],
        [each for results in read for each in results.failed],
    )


def _gene_references(path: Path) -> Results:
    from genomark.results.collection import load_results
    from genomark.results.published_scores import read_published_scores

    return load_results(path) if path.suffix == ".json" else read_published_scores(path)


def print_families(families: pl.DataFrame) -> None:
    """Print means over families, one table a family, as `genomark run` prints benchmarks."""
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console

    out = console()
    for (family, measure), rows in families.group_by("family", "measure", maintain_order=True):
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
        table.add_column("model", overflow="fold")
        table.add_column(f"mean {measure}", no_wrap=True)
        table.add_column("tasks", justify="right", no_wrap=True)
        for row in rows.iter_rows(named=True):
            table.add_row(
                escape(printable(row["model"])), escape(_mean(row)), f"{row['n_tasks']:,}"
            )
        out.print()
        out.print(f"[bold]{escape(printable(str(family)))}[/]")
        out.print(table)
        for reason in dict.fromkeys(rows["reason"].drop_nulls()):
            out.print(f"  [dim]{escape(printable(reason))}[/]")


def print_guanine(table: GuanineTable) -> None:
    """Print models with their means and scores, published ones below, then all remarks."""
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console
    from genomark.results.guanine_table import short_name
    from genomark.results.reported import PUBLISHED

    out = console()
    drawn = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    drawn.add_column("model", overflow="fold")
    for task in ("mean", *table.tasks):
        drawn.add_column(short_name(task), justify="right", overflow="fold")
    remarks, above = [], False
    for line in table.lines:
        name = printable(line.name.removeprefix(PUBLISHED) if line.published else line.name)
        if line.published and not above:
            drawn.add_row("[bold]as published:[/]")
        above = line.published
        scores = (line.mean, *(line.scores.get(task) for task in table.tasks))
        style = "dim" if line.published else None
        drawn.add_row(escape(name), *map(_guanine_cell, scores), style=style)
        remarks += [
            f"* {name}, {short_name(task)}: {printable(remark)}"
            for task, score in line.scores.items()
            for remark in score.remarks
        ]
    out.print(drawn)
    for remark in remarks:
        out.print(f"  [dim]{escape(remark)}[/]")


def _guanine_cell(score: Score | None) -> str:
    if score is None or score.value is None:
        return "-"
    return f"{score.value:.1f}{'*' if score.remarks else ''}"


def _mean(row: dict[str, float | None]) -> str:
    if row["value"] is None:
        return "-"
    between = f" [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
    return f"{row['value']:.3f}{between}"


def printable(text: str) -> str:
    """Blank out control characters, with which names of strangers could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
