"""``genomark board``: keep hidden labels, invite, receive bundles, close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genomark.cli import board_token

if TYPE_CHECKING:
    import msgspec

    from genomark.results.submission.receipt import Figure, Receipt
    from genomark.results.submission.status import BoardStatus
    from genomark.scoring import MetricRow

#: Hexadecimal characters of a key that tell it from others.
_FINGERPRINT = 16

app = typer.Typer(help="Keep hidden labels and receive submissions.", no_args_is_help=True)
app.add_typer(board_token.app, name="token")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Of the board.")]
Key = Annotated[Path, typer.Option(metavar="FILE", help="The board's key, outside its folder.")]
Threads = Annotated[int, typer.Option(min=1, help="For scoring.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command()
def init(
    folder: Folder,
    key: Key,
    attempts: Annotated[
        int, typer.Option(min=1, help="Of one model within 7 days, on one benchmark.")
    ] = 5,
    attempts_of_key: Annotated[
        int, typer.Option(min=1, help="Of all models of one key, likewise.")
    ] = 20,
    open_to_all: Annotated[
        bool,
        typer.Option(
            "--open", help="Receive bundles of keys not invited too; all of them climb as one."
        ),
    ] = False,
) -> None:
    """Make a board; its key is made where there is none.

    \b
    Example:
      genomark board init ./board --key ~/keys/board.key
    """
    from genomark.cli.terminal import status
    from genomark.results.submission import Board, Limits

    Board.init(folder, key, Limits(attempts, attempts_of_key, open_to_all))
    status(f"The board is {folder}; without {key} nobody can read its labels, you included")


@app.command()
def add(
    folder: Folder,
    benchmark: Annotated[str, typer.Argument(metavar="ID", help="As bundles name it.")],
    key: Key,
    table: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TABLE]", help="CSV, TSV or parquet: item_id, label, truth[, cluster]."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Instead of TABLE: the files of a GUANinE task."),
    ] = None,
    genome: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --data: what coordinates are of, 2bit or FASTA."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Of the benchmark. Left out: as genomark knows it, or 1.")
    ] = None,
    private: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the clusters, scored only by freeze.")
    ] = 0.5,
    step: Annotated[
        float | None,
        typer.Option(help="What figures are rounded to. Left out: by the number of clusters."),
    ] = None,
) -> None:
    """Host a benchmark: encrypt its labels, and choose in secret what is scored at the end.

    \b
    Example:
      genomark board add ./board guanine/cons30 test_labels.csv --key ~/keys/board.key
      genomark board add ./board guanine/gpra_c --data ./guanine --key ~/keys/board.key
    """
    from genomark.cli.terminal import status
    from genomark.errors import UsageError
    from genomark.results.submission import Board, read_test_split, read_test_table

    source = table or data
    if source is None or (table and data) or (genome and not data):
        raise UsageError("Name the labels once: TABLE, or --data DIR and perhaps --genome FILE")
    board = Board.open(folder, key)
    read = read_test_table(source) if table else read_test_split(benchmark, source, genome)
    hosted = board.add(benchmark, read, version=version, private_share=private, step=step)
    status(
        f"{hosted.id}: {hosted.items:,} items sealed ('{read.items[0]}' is one), labels "
        f"{', '.join(hosted.labels)}; {hosted.private_share:.0%} of the clusters are private; "
        f"figures are told in steps of {hosted.step:g}. {source} still holds the labels in the open"
    )


@app.command()
def admit(
    folder: Folder,
    submitter: Annotated[
        str, typer.Argument(metavar="KEY", help="Public key, as genomark submit prints it.")
    ],
    key: Key,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="Of a model: nobody else can take it, and the key takes no other."
        ),
    ] = None,
) -> None:
    """Invite a submitter: one key for each person or group that you vouch for.

    \b
    Example:
      genomark board admit ./board 5f0c... --name "5-mer ridge" --key ~/keys/board.key
    """
    from genomark.cli.terminal import status
    from genomark.results.submission import Board

    Board.open(folder, key).admit(submitter, names or ())
    status(f"{submitter} may submit" + (f" as {', '.join(names)}" if names else ""))


@app.command()
def receive(
    folder: Folder,
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Of submit.")],
    key: Key,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Verify and score bundles; exit 1 if one is refused. Of several, --json is a line for each.

    \b
    Example:
      genomark board receive ./board bundle.zip --key ~/keys/board.key
    """
    from genomark.errors import UsageError
    from genomark.results.submission import Board

    missing = [str(each) for each in bundles if not each.is_file()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file; nothing was received")
    board = Board.open(folder, key, threads=threads)
    refused = False
    for done, bundle in enumerate(bundles):
        with _following(len(bundles)) as show:
            show(done, len(bundles), bundle.name)
            receipt = board.receive(bundle)
        refused = refused or not receipt.accepted
        # At once: what was scored is an attempt, whatever becomes of the rest.
        if as_json:
            _print_json(receipt, lines=len(bundles) > 1)
        else:
            _print_receipt(bundle, receipt)
    if refused:
        raise typer.Exit(1)


@app.command()
def status(folder: Folder, key: Key, as_json: AsJson = False) -> None:
    """List keys, benchmarks, models, attempts, and submissions that are nearly the same.

    \b
    Example:
      genomark board status ./board --key ~/keys/board.key --json
    """
    from genomark.results.submission import Board

    found = Board.open(folder, key).status()
    if as_json:
        _print_json(found)
    else:
        _print_status(found)


@app.command()
def freeze(
    folder: Folder,
    benchmark: Annotated[str, typer.Argument(metavar="ID", help="As in: board status.")],
    key: Key,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Close a benchmark, and score the private share too.

    \b
    Example:
      genomark board freeze ./board guanine/cons30 --key ~/keys/board.key
    """
    from genomark.cli.terminal import status as say
    from genomark.results.submission import Board

    with _following(1) as show:
        final = Board.open(folder, key, threads=threads).freeze(benchmark, show)
    if as_json:
        _print_json(final)
        return
    rows = [
        (
            each.model,
            *map(_row, (each.private[0], each.public[0])),
            str(each.attempts),
            str(each.models_of_key),
        )
        for each in final.models
    ]
    metric = final.models[0].private[0].name if final.models else "score"
    _print_table(("model", f"{metric}, private", "public", "attempts", "key's models"), rows)
    say(f"{benchmark} is closed; all scores are in {folder / 'final'}")


@contextmanager
def _following(total: int) -> Iterator[Callable[[int, int, str], None]]:
    """Draw a bar where somebody watches."""
    from genomark.bars import bar, interactive

    if not interactive():
        yield lambda done, of, text: None
        return
    drawn = bar(total, "items")
    try:
        yield lambda done, of, text: drawn.show(done * total // max(1, of), text)
    finally:
        drawn.close()


def _print_json(document: msgspec.Struct, *, lines: bool = False) -> None:
    import msgspec

    encoded = msgspec.json.encode(document)
    typer.echo((encoded if lines else msgspec.json.format(encoded, indent=2)).decode())


def _print_receipt(bundle: Path, receipt: Receipt) -> None:
    from rich.markup import escape

    from genomark.cli.terminal import console

    out = console()
    if not receipt.accepted:
        reason = escape(receipt.reason or "")
        out.print(f"[red]refused[/] {escape(bundle.name)}: {reason}", soft_wrap=True)
        return
    left = f"{receipt.attempts_left} left"
    if receipt.next_attempt:
        left += f", the next after {receipt.next_attempt}"
    out.print(
        f"[green]scored[/] {escape(str(receipt.model))} on {escape(str(receipt.benchmark))}: "
        f"attempt {receipt.attempt}, {left}",
        soft_wrap=True,
    )
    told = _figure(receipt.released)
    if receipt.improved:
        out.print(f"  new figure: {escape(told)}", soft_wrap=True)
    elif receipt.released:
        out.print(f"  not shown to be better; released: {escape(told)}", soft_wrap=True)
    else:
        out.print(
            "  not shown to be better than chance and than what was released to its key; no "
            "figure is released",
            soft_wrap=True,
        )


def _print_status(found: BoardStatus) -> None:
    from rich.markup import escape

    from genomark.cli.terminal import console

    out = console()
    others = "and all others, as one" if found.open_to_all else "and nobody else"
    count = len(found.invited)
    out.print(f"{count:,} key{'' if count == 1 else 's'} invited, {others}", style="dim")
    for each in found.benchmarks:
        hosted = each.benchmark
        closed = f"closed {each.frozen}" if each.frozen else "open"
        out.print(f"[bold]{escape(hosted.id)}[/]  version {escape(hosted.version)}, {closed}")
        out.print(
            f"  {hosted.items:,} items, {each.scored:,} scored, {each.refused:,} refused",
            style="dim",
        )
        _print_table(
            ("model", "key", "released", "attempts", "left"),
            [
                (
                    model.model,
                    model.key[:_FINGERPRINT] + ("" if model.invited else ", not invited"),
                    _figure(model.released),
                    str(model.attempts),
                    str(model.attempts_left),
                )
                for model in each.models
            ],
        )
    for pair in found.near_identical:
        out.print(
            f"[yellow]nearly the same[/] on {escape(pair.benchmark)}: line {pair.line} of the log "
            f"({escape(pair.model)}, {pair.key[:_FINGERPRINT]}) and {pair.other_line} "
            f"({escape(pair.other_model)}, {pair.other_key[:_FINGERPRINT]}): {pair.correlation:g}",
            soft_wrap=True,
        )
    out.print(f"{found.refused:,} refused in all", style="dim")


def _print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console().print(table)


def _figure(figure: Figure | None) -> str:
    return f"{figure.name} {figure.value:g}" if figure else "-"


def _row(row: MetricRow) -> str:
    if row.value is None:
        return "undefined"
    between = f" [{row.interval[0]:.3f}, {row.interval[1]:.3f}]" if row.interval else ""
    return f"{row.value:.3f}{between}"
