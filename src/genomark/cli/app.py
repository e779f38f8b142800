"""The ``genomark`` command: its verbs, and how errors reach the user."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Annotated

import typer

from genomark import __version__
from genomark.cli import (
    augment,
    board,
    build,
    cache,
    check,
    compare,
    data,
    design,
    embed,
    explain,
    export,
    finetune,
    fold,
    importing,
    leakage,
    listing,
    match,
    merge,
    new,
    plan,
    predict,
    report,
    run,
    run_shard,
    serve,
    split,
    store,
    study,
    submit,
    tasks,
)
from genomark.errors import GenomarkError, UsageError

app = typer.Typer(
    name="genomark",
    help="Put any genomic model before any benchmark, and get numbers with intervals.",
    epilog="Try: genomark run -m gc -m kmer:k=5 -b simulated-enhancers",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("run-shard")(run_shard.run_shard)
app.command("merge")(merge.merge)
app.command("list")(listing.list_)
app.command("check")(check.check)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("embed")(embed.embed)
app.command("finetune")(finetune.finetune)
app.command("predict")(predict.predict)
app.command("fold")(fold.fold)
app.command("match")(match.match)
app.command("design")(design.design)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("leakage")(leakage.leakage)
app.command("augment")(augment.augment)
app.command("split")(split.split)
app.command("submit")(submit.submit)
app.command("build")(build.build)
app.add_typer(new.app, name="new")
app.add_typer(serve.app, name="serve")
app.add_typer(data.app, name="data")
app.add_typer(tasks.app, name="tasks")
app.add_typer(importing.app, name="import")
app.add_typer(board.app, name="board")
app.add_typer(store.app, name="store")
app.add_typer(cache.app, name="cache")
app.add_typer(study.app, name="study")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"genomark {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Read the options that come before a verb."""


def main() -> None:
    """Run the command line; errors raised on purpose become one line and an exit code."""
    debug = "--debug" in sys.argv
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--debug"]
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("genomark").setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        app()
    except GenomarkError as error:
        _fail(str(error), debug=debug, code=2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        # The reader of a pipe has gone away (`genomark list models | head`): that is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(message: str, *, debug: bool, code: int) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    sys.exit(code)
