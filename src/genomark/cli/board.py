"""``genomark board``: keep hidden labels, receive bundles, close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import msgspec

    from genomark.results.submission.receipt import Figure, Receipt
    from genomark.results.submission.status import BoardStatus
    from genomark.scoring import MetricRow

#: Hexadecimal characters of a key that tell it from others.
_FINGERPRINT = 16

app = typer.Typer(help="Keep hidden labels and receive submissions.", no_args_is_help=True)

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
) -> None:
    """Make a board; its key is made where there is none.

    \b
    Example:
      genomark board init ./board --key ~/keys/board.key
    """
    from genomark.cli.terminal import status
    from genomark.results.submission import Board, Limits

    Board.init(folder, key, Limits(attempts, attempts_of_key))
    status(f"The board is {folder}; without {key} nobody can read its labels, you included")


@app.command()
def add(
    folder: Folder,
    benchmark: Annotated[str, typer.Argument(metavar="ID", help="As bundles name it.")],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE", help="CSV, TSV or parquet: item_id, label, truth[, cluster]."
        ),
    ],
    key: Key,
    version: Annotated[str, typer.Option(help="Of the benchmark.")] = "1",
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
    """
    from genomark.cli.terminal import status
    from genomark.results.submission import Board

    hosted = Board.open(folder, key).add(
        benchmark, table, version=version, private_share=private, step=step
    )
    status(
        f"{hosted.id}: {hosted.items:,} items sealed, labels {', '.join(hosted.labels)}; "
        f"{hosted.private_share:.0%} of the clusters are private; figures are told in steps of "
        f"{hosted.step:g}. {table} still holds the labels in the open"
    )


@app.command()
def receive(
    folder: Folder,
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Of submit.")],
    key: Key,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Verify and score bundles; exit 1 if one is refused.

    \b
    Example:
      genomark board receive ./board bundle.zip --key ~/keys/board.key
    """
    from genomark.results.submission import Board

    board = Board.open(folder, key, threads=threads)
    receipts = []
    with _following(len(bundles)) as show:
        for done, bundle in enumerate(bundles):
            show(done, len(bundles), bundle.name)
            receipts.append(board.receive(bundle))
    if as_json:
        _print_json(receipts if len(receipts) > 1 else receipts[0])
    else:
        for bundle, receipt in zip(bundles, receipts, strict=True):
            _print_receipt(bundle, receipt)
    if not all(receipt.accepted for receipt in receipts):
        raise typer.Exit(1)


@app.command()
def status(folder: Folder, key: Key, as_json: AsJson = False) -> None:
    """List benchmarks, models, attempts, and submissions that are nearly the same.

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
        (each.model, *map(_row, (each.private[0], each.public[0])), str(each.attempts))
        for each in final.models
    ]
    metric = final.models[0].private[0].name if final.models else "score"
    _print_table(("model", f"{metric}, private", "public", "attempts"), rows)
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


def _print_json(document: msgspec.Struct | list[Receipt]) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


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
    told = "; ".join(map(_figure, receipt.released))
    if receipt.improved:
        out.print(f"  new figures: {escape(told)}", soft_wrap=True)
    elif told:
        out.print(f"  not shown to be better; released: {escape(told)}", soft_wrap=True)
    else:
        out.print("  not shown to be better than chance; no figures are released", soft_wrap=True)


def _print_status(found: BoardStatus) -> None:
    from rich.markup import escape

    from genomark.cli.terminal import console

    out = console()
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
                    model.key[:_FINGERPRINT],
                    _figure(model.released[0]) if model.released else "-",
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


def _figure(figure: Figure) -> str:
    name = f"{figure.name} of {figure.group}" if figure.group else figure.name
    between = f" [{figure.interval[0]:g}, {figure.interval[1]:g}]" if figure.interval else ""
    return f"{name} {figure.value:g}{between}"


def _row(row: MetricRow) -> str:
    if row.value is None:
        return "undefined"
    between = f" [{row.interval[0]:.3f}, {row.interval[1]:.3f}]" if row.interval else ""
    return f"{row.value:.3f}{between}"
