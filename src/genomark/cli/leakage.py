"""``genomark leakage``: which items of a benchmark a model has seen, and what that is worth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from genomark.cli.tables import TABLE_ENDINGS, check_ending
from genomark.errors import UsageError, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from genomark.bars import Bar
    from genomark.benchmarks import Asking, Benchmark
    from genomark.benchmarks.material import Material
    from genomark.benchmarks.scored import Scored
    from genomark.benchmarks.seen_items import SeenItems
    from genomark.models.training_material import TrainingMaterial
    from genomark.scoring import Leakage

#: Letters of the longest bar of the histogram.
_WIDEST = 40
#: Benchmarks a message names.
_NAMED = 10
#: Seconds without a word.
_PATIENCE = 2.0


def leakage(
    benchmark: Annotated[
        str,
        typer.Argument(
            metavar="BENCHMARK", help="As for run -b; of a suite, one.", show_default=False
        ),
    ],
    train: Annotated[
        list[str],
        typer.Option(
            metavar="SET|FILE",
            help="enformer, borzoi-folds, FASTA, a table, or BED[:LABEL+LABEL] with --assembly. "
            "Repeat for more.",
            show_default=False,
        ),
    ],
    assembly: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of BED files, such as hg38.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of run --out: also the score of each model there by similarity.",
        ),
    ] = None,
    identity: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Of an alignment from which on an item was seen."),
    ] = 0.8,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look for so many items, evenly spaced.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A row an item: .parquet, .tsv, .csv, ...")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The summary as one JSON document.")
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --results: draw score against similarity."),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="What looks for sequences: genomark or blastn.")
    ] = "genomark",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads. Left out: one per processor.")
    ] = None,
) -> None:
    """Look for the items of a benchmark in what a model was trained on.

    Each item has the identity, similarity and strand of the nearest training sequence, and the
    share of it that training regions cover.

    \b
    Examples:
      genomark leakage kircher2019 --train borzoi-folds
      genomark leakage lentimpra-k562 --train train.fasta --out items.parquet
      genomark leakage lentimpra-k562 --train train.fasta --results genomark-results
      genomark leakage kircher2019 --train mine.bed:train --assembly hg38 --json leakage.json
    """
    import os

    from genomark.atomic import write_whole
    from genomark.benchmarks.leakage_panel import share_panel
    from genomark.benchmarks.seen_items import ENGINES
    from genomark.cli.tables import table_bytes
    from genomark.cli.terminal import console, status
    from genomark.models.training_material import training_material, training_of_file

    check_ending(out, TABLE_ENDINGS)
    check_ending(json, (".json",))
    check_ending(svg, (".svg",))
    if svg is not None and results is None:
        raise UsageError("--svg draws scores: name the folder of a run with --results")
    if engine not in ENGINES:
        raise UsageError(f"--engine '{engine}': expected {' or '.join(ENGINES)}")
    declared = [training_of_file(each, assembly) for each in train]
    made = _one(benchmark)
    threads = workers or os.cpu_count() or 1
    # Whatever can be refused is refused before the search, which may take long.
    material = _material(made, limit)
    answers = {} if results is None else _answers(made, results, limit, threads)
    training = training_material(declared)
    if training.is_empty:
        raise UsageError("--train none: nothing was trained on, and so no item was seen")
    seen = _looked_up(made, material, training, identity, engine, threads)
    told = list(training.told)
    summary = share_panel(seen, made.headlines[0], told, "")
    screen = console()
    _print_summary(screen, made, seen, summary)

    def write(path: Path, content: bytes) -> None:
        write_whole(path, content)
        status(f"written to {path}")

    if out is not None:
        write(out, table_bytes(seen.items, out))
    panels = _panels(made, answers, seen, told)
    _print_models(screen, panels)
    if json is not None:
        write(json, _document(made, summary, panels))
    if svg is not None:
        write(svg, _drawn(made, panels, svg))


def _one(name: str) -> Benchmark:
    from genomark.benchmarks import expand, load_benchmark

    names = expand([name])
    if len(names) != 1:
        raise UsageError(
            f"'{name}' is {len(names):,} benchmarks, and one is looked into at a time: "
            f"{', '.join(names[:_NAMED])}"
        )
    return load_benchmark(names[0])


def _material(benchmark: Benchmark, limit: int | None) -> Material:
    material = benchmark.material(limit)
    if material is None:
        raise UsageError(
            f"'{benchmark.id}' cannot be compared yet: it does not tell the sequences or places of "
            "its items"
        )
    return material


def _looked_up(
    benchmark: Benchmark,
    material: Material,
    training: TrainingMaterial,
    identity: float,
    engine: str,
    threads: int,
) -> SeenItems:
    from genomark.benchmarks.seen_items import seen_items

    with _Waiting(len(training.sequences)) as waiting:
        found = seen_items(
            material,
            training,
            identity=identity,
            engine=engine,
            threads=threads,
            progress=waiting.add,
        )
    if found.reason is not None:
        raise UsageError(f"'{benchmark.id}' cannot be compared: {found.reason}")
    return found


class _Waiting:
    """Shows how far the search has come, once it takes a while and somebody watches."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, more: int) -> None:
        """Count training sequences as compared."""
        from genomark.bars import bar, interactive

        self._done += more
        if self._bar is None and interactive() and time.monotonic() - self._began > _PATIENCE:
            self._bar = bar(self._total, "items")
        if self._bar is not None:
            self._bar.show(self._done, "training sequences")


def _print_summary(out: Console, benchmark: Benchmark, seen: SeenItems, panel: Leakage) -> None:
    from rich.markup import escape

    out.print()
    out.print(f"[bold]{escape(one_line(benchmark.id))}[/]  {escape(benchmark.title)}")
    for told in panel.training_data:
        out.print(f"  trained on {escape(told)}", soft_wrap=True)
    assert panel.share is not None
    assert panel.interval is not None
    low, high = (100 * end for end in panel.interval)
    out.print(
        f"  seen: {panel.seen:,} of {panel.n:,} items, {100 * panel.share:.1f} % "
        f"[{low:.1f}, {high:.1f}]; "
        f"{panel.n_distinct:,} groups of items that share no sequence and no place"
    )
    out.print(f"  whole and unchanged: {panel.exact:,} items")
    strands = seen.items.filter("seen")["strand"].drop_nulls()
    if len(strands):
        ours = int((strands == "+").sum())
        out.print(f"  on the strand as given {ours:,}, on the other {len(strands) - ours:,}")
    left = seen.items.height - panel.n
    if left:
        out.print(f"  {left:,} items could not be compared")
    for line in _histogram(seen):
        out.print(escape(line))


def _histogram(seen: SeenItems) -> list[str]:
    """Draw how many items are how similar, in steps of a tenth."""
    import numpy as np

    from genomark.benchmarks.leakage_panel import STEPS, steps_of

    steps = steps_of(seen.items["similarity"].drop_nulls().to_numpy())
    counts = np.bincount(steps, minlength=STEPS).tolist()
    lines = ["  similarity  items"]
    for step, count in enumerate(counts):
        bar = "█" * max(1 if count else 0, round(_WIDEST * count / max(counts)))
        between = f"{step / STEPS:.1f} to {(step + 1) / STEPS:.1f}"
        lines.append(f"  {between} {count:>7,} {bar}".rstrip())
    return lines


def _answers(
    benchmark: Benchmark, folder: Path, limit: int | None, threads: int
) -> dict[str, tuple[Scored, Asking]]:
    """Read what each model of a folder answered to the items that are looked for."""
    from genomark.benchmarks import Asking
    from genomark.results.run_record import read_run

    if not folder.is_dir():
        is_file = folder.exists()
        raise UsageError(
            f"--results {folder}: {'is a file' if is_file else 'no such folder'}; expected the "
            "folder of genomark run --out"
        )
    question = [
        each
        for each in read_run([folder]).questions
        if (each.asked.benchmark.id, each.asked.benchmark.digest, each.asked.limit)
        == (benchmark.id, benchmark.digest, limit)
    ]
    kept = {model: each for one in question for model, each in one.kept.items() if each.predictions}
    if not kept:
        limited = "" if limit is None else f" --limit {limit}"
        raise UsageError(
            f"{folder}: no predictions of '{benchmark.id}' as it is now"
            f"{limited and f' with{limited}'}; run it first: "
            f"genomark run -b {benchmark.id}{limited} --out {folder}"
        )
    found = {}
    for model, each in kept.items():
        assert each.predictions is not None
        scored = benchmark.scored(each.predictions, limit)
        found[model] = scored, Asking(each.result.seed, threads)
    return found


def _panels(
    benchmark: Benchmark,
    answers: Mapping[str, tuple[Scored, Asking]],
    seen: SeenItems,
    told: list[str],
) -> dict[str, Leakage]:
    from genomark.benchmarks.leakage_panel import leakage_panel

    metric = benchmark.headlines[0]
    return {
        model: leakage_panel(scored, asking, seen, metric, told, "")
        for model, (scored, asking) in answers.items()
    }


def _print_models(out: Console, panels: dict[str, Leakage]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.results.leakage_words import between, clean_of, difference_of, row_of

    for model, panel in panels.items():
        out.print()
        out.print(f"[bold]{escape(one_line(model))}[/]  {panel.metric}")
        out.print(f"  all {row_of(panel.all)}; not seen {clean_of(panel)}", soft_wrap=True)
        out.print(f"  all less not seen {difference_of(panel)}", soft_wrap=True)
        table = Table(box=None, padding=(0, 1, 0, 2), header_style="dim", pad_edge=True)
        for name in ("similarity", "items", panel.metric):
            table.add_column(name, justify="right" if name == "items" else "left")
        for each in panel.bins:
            value = each.reason_if_null or "undefined"
            if each.value is not None:
                value = between(each.value, each.interval)
            table.add_row(f"{each.low:.1f} to {each.high:.1f}", f"{each.n:,}", value)
        out.print(table)


def _document(benchmark: Benchmark, summary: Leakage, panels: dict[str, Leakage]) -> bytes:
    import msgspec

    document = {"benchmark": benchmark.identity, "leakage": summary, "models": panels}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _drawn(benchmark: Benchmark, panels: dict[str, Leakage], path: Path) -> bytes:
    from genomark.results.drawing import on_white
    from genomark.results.leakage_curve import leakage_curve

    drawn = leakage_curve(
        {name: each.bins for name, each in panels.items()}, benchmark.headlines[0]
    )
    if drawn is None:
        raise UsageError(
            f"{path} was not written: no model has a score on '{benchmark.id}' at any similarity"
        )
    return on_white(drawn).encode()
