"""``genomark report``: families of gene properties on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from genomark.results.collection import Results


def report(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS.json|DIR", help="What run --json wrote, or the folder of run --out."
        ),
    ] = Path("genomark-results"),
    published: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Scores of others for reference: CSV of gene-benchmark, or JSON of import.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page.")] = Path("report.html"),
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
    """Write a page on families of gene properties: means, heat maps, two models, every task.

    The page is one file that loads nothing from elsewhere.

    \b
    Examples:
      genomark report
      genomark report results.json --out families.html --svg drawings
      genomark report --published gene_benchmark_fold_scores.csv --common-tasks
      genomark report --scatter minilm embedding:mine.csv
    """
    from genomark.atomic import write_whole
    from genomark.cli.terminal import status
    from genomark.results.drawing import on_white
    from genomark.results.family_report import family_report
    from genomark.results.result_folder import read_results

    made = family_report(
        read_results(source),
        _references(published) if published is not None else (),
        pair=scatter,
        common_tasks=common_tasks,
        seed=seed,
    )
    write_whole(out, made.html.encode())
    for name, drawn in made.drawings.items() if svg is not None else ():
        write_whole(Path(svg or "") / f"{name}.svg", on_white(drawn).encode())
    print_families(made.families)
    status(f"The page is {out}{f'; drawings are in {svg}' if svg else ''}")


def _references(path: Path) -> Results:
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


def _mean(row: dict[str, float | None]) -> str:
    if row["value"] is None:
        return "-"
    between = f" [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
    return f"{row['value']:.3f}{between}"


def printable(text: str) -> str:
    """Blank out control characters, with which names of strangers could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
