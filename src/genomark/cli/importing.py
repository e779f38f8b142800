"""``genomark import``: what other tools have written, results and settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genomark.cli.store_option import StoreOption

if TYPE_CHECKING:
    from genomark.models.genes.gene_benchmark_yaml import Equivalent

#: More tasks than this are told of by their families; a table each would scroll away.
_MOST_TABLES = 12

app = typer.Typer(help="Read what other tools have written.", no_args_is_help=True)


@app.callback()
def _import() -> None:
    """Read what other tools have written."""


@app.command("game")
def import_game(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where an Evaluator wrote.")],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Read the summaries of GAME Evaluators; their numbers have no interval, and say so.

    \b
    Example:
      genomark import game ./predictions --json published.json
    """
    from genomark.atomic import write_whole
    from genomark.cli.store_option import keep_published
    from genomark.cli.terminal import print_results
    from genomark.results import read_game_files

    results = read_game_files(folder)
    print_results(results)
    if json is not None:
        write_whole(json, results.to_json())
    keep_published(store, results)


@app.command("gene-benchmark")
def import_gene_benchmark(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Models and lists of tasks (YAML), or one report (CSV)."
        ),
    ],
    tasks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            envvar="GENE_BENCHMARK_TASKS_FOLDER",
            help="Where the tasks lie. None: those of the suite genes.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a report as one JSON document.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Read the files of gene-benchmark.

    Of models and lists of tasks it says what to type for the same. Scores, of run_task or in the
    long form, become results to lay beside one's own; they have no interval, and say so.

    \b
    Examples:
      genomark import gene-benchmark model.yaml binary_tasks.yaml --tasks ./tasks
      genomark import gene-benchmark task_report.csv --json published.json
    """
    from genomark.errors import UsageError

    reports = [file for file in files if file.suffix.lower() not in (".yaml", ".yml")]
    if not reports:
        if json is not None or store is not None:
            raise UsageError(
                "--json and --store take the results of a report, and there is none among these"
            )
        _say_what_to_type(files, tasks)
    elif len(files) > 1:
        raise UsageError(f"{reports[0]}: a report is read alone; expected one CSV, or YAML files")
    else:
        _import_scores(reports[0], json, store)


def _import_scores(file: Path, json: Path | None, store: str | None) -> None:
    from genomark.atomic import write_whole
    from genomark.cli.report import print_families
    from genomark.cli.store_option import keep_published
    from genomark.cli.terminal import print_results, status
    from genomark.results.families import family_table
    from genomark.results.published_scores import read_published_scores

    results = read_published_scores(file)
    if json is not None:
        write_whole(json, results.to_json())
    keep_published(store, results)
    count = len(results.benchmarks())
    if count <= _MOST_TABLES:
        print_results(results)
    print_families(family_table(results))
    where = f"; they are in {json}" if json is not None else ""
    told = f"{_count(len(results), 'result')} on {_count(count, 'task')}"
    status(f"{told}, as published{where}")


@app.command("guanine")
def import_guanine(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV in the columns of its catalogue.")
    ],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a table, corrections in it.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Read the table of scores that GUANinE publishes: a row a model, a column a task.

    Scores become results that are marked as not computed here; they have no interval and no rank.
    Where the table contradicts itself they stand corrected, with what was printed.

    \b
    Examples:
      genomark import guanine fullscores.csv --json published.json
      genomark report results.json --suite guanine --published published.json
    """
    from genomark.atomic import write_whole
    from genomark.cli.report import print_guanine
    from genomark.cli.store_option import keep_published
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.results.collection import Results
    from genomark.results.guanine_scores import read_guanine_scores
    from genomark.results.guanine_table import guanine_table

    check_ending(csv, [".csv"])
    results = read_guanine_scores(file)
    table = guanine_table(Results([]), results)
    if json is not None:
        write_whole(json, results.to_json())
    if csv is not None:
        write_whole(csv, table.frame().write_csv().encode())
    print_guanine(table)
    keep_published(store, results)
    written = " and ".join(str(each) for each in (json, csv) if each is not None)
    where = f"; they are in {written}" if written else ""
    count = len(results.benchmarks())
    status(f"{_count(len(results), 'result')} on {_count(count, 'task')}, as published{where}")


@app.command("results")
def import_results(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS.json|DIR",
            help="What genomark run --json wrote, or the folder of --out, with its predictions.",
        ),
    ],
    store: Annotated[str, typer.Option(metavar="PLACE", help="Made where there is none.")],
    owner: Annotated[str, typer.Option(help="Whose results they are. Left out: yours.")] = "",
    threads: Annotated[int, typer.Option(min=1, help="For scoring.")] = 1,
) -> None:
    """Add results to a store, computed again from their predictions wherever that can be done.

    What comes out the same is verified; what cannot be computed here is self-reported, and says
    why; what comes out otherwise is refused. Exit status 1 if anything was refused.

    \b
    Examples:
      genomark import results ./genomark-results --store ./store
      genomark import results theirs.json ./their-run --store ./store --owner them
    """
    from genomark.cli.store_option import keep
    from genomark.results.store.receiving import offered

    if not keep(store, offered(places), owner, threads):
        raise typer.Exit(1)


@app.command("published")
def import_published(
    store: Annotated[str, typer.Option(metavar="PLACE", help="Made where there is none.")],
    suite: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Repeat for more. None: all.")
    ] = None,
) -> None:
    """Add to a store what others published of suites, as the tasks' declarations tell it.

    \b
    Example:
      genomark import published --suite rgb --suite guanine --store ./store
    """
    from genomark.cli.store_option import keep_published
    from genomark.results.collection import Results
    from genomark.results.declared_scores import declared_scores, declared_suites

    found = [each for name in suite or declared_suites() for each in declared_scores(name)]
    keep_published(store, Results(found))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say_what_to_type(files: list[Path], folder: Path | None) -> None:
    """Print one command for all models with the same options; notes are comments to a shell."""
    import shlex

    from genomark.cli.report import printable
    from genomark.models.genes.gene_benchmark_yaml import read_plain_yaml, spec_of_model_yaml
    from genomark.results.gene_task_names import read_task_list

    lists = [file for file in files if isinstance(read_plain_yaml(file), list)]
    models = [(file, spec_of_model_yaml(file)) for file in files if file not in lists]
    asked = [name for file in lists for name in read_task_list(file, folder)]
    asked = asked or [f"tasks:{folder}" if folder else "suite:genes"]
    words = [f"-b {shlex.quote(printable(name))}" for name in dict.fromkeys(asked)]
    for options, specs in _by_options([each for _, each in models]).items():
        named = [f"-m {shlex.quote(printable(spec))}" for spec in specs]
        chosen = [f"{name} {shlex.quote(printable(value))}" for name, value in options]
        typer.echo(" \\\n  ".join(["genomark run", *named, *words, *chosen]))
    if not models:
        typer.echo(" \\\n  ".join(["genomark run", *words]))
    told: dict[str, list[str]] = {}
    for file, each in models:
        for note in each.notes:
            told.setdefault(note, []).append(file.name)
    for note, names in told.items():
        typer.echo(printable(f"# {', '.join(names)}: {note}"))


def _by_options(models: list[Equivalent]) -> dict[tuple[tuple[str, str], ...], list[str]]:
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for each in models:
        if each.spec is not None:
            found.setdefault(tuple(each.options.items()), []).append(each.spec)
    return found
