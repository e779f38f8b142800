"""``genomark compare``: models beside each other, in pairs, with a verdict in words."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genomark.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from genomark.results.model_comparison import (
        Differing,
        ModelComparison,
        PairOnBenchmark,
        PairOverBenchmarks,
    )
    from genomark.results.run_record import Question


def compare(
    first: Annotated[
        Path,
        typer.Argument(
            metavar="A", help="What run --json wrote, or a folder of run --out.", show_default=False
        ),
    ],
    second: Annotated[
        Path | None,
        typer.Argument(metavar="B", help="Another one. Left out: models of A.", show_default=False),
    ] = None,
    models: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            help="Two models; of two sources one of each. Left out: all that there are.",
        ),
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", "-b", metavar="NAME", help="Only this one.")
    ] = None,
    items: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also the items on which they differ most.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Compare models in pairs: which is better, by how much, and how sure that is.

    Where a folder is named and the data are at hand, the difference is computed from the
    predictions, on the items that both answered. Of documents it is the comparison they hold, and
    where they hold none, that of two scores taken for independent, whose interval is mostly wider.
    Over several benchmarks: who wins how often, and Wilcoxon's test with Holm's adjustment.

    \b
    Examples:
      genomark compare results.json --models kmer gc
      genomark compare genomark-results -b kircher2019 --items 5
      genomark compare before.json after.json --json
      genomark compare before/ after/ --models kmer cnn
    """
    import os

    from genomark.cli.terminal import console
    from genomark.results.model_comparison import compare_models, side_by_side
    from genomark.results.run_record import read_run

    mine = _of(read_run([first]).questions, benchmark)
    if second is None:
        questions = _chosen(mine, models) if models else mine
        _one_way(questions, first)
    else:
        theirs = _of(read_run([second]).questions, benchmark)
        if models is not None:
            mine, theirs = _chosen(mine, models[:1]), _chosen(theirs, models[1:])
        _one_way(mine, first)
        _one_way(theirs, second)
        questions = side_by_side(mine, theirs)
    found = compare_models(questions, items, os.cpu_count() or 1)
    if as_json:
        _print_json(found)
    else:
        _print(console(), found)


def _of(questions: Sequence[Question], benchmark: str | None) -> list[Question]:
    if benchmark is None:
        return list(questions)
    found = [each for each in questions if each.asked.benchmark.id == benchmark]
    if not found:
        known = {each.asked.benchmark.id for each in questions}
        raise UnknownNameError("benchmark", benchmark, known)
    return found


def _one_way(questions: Sequence[Question], source: Path) -> None:
    """Refuse a source in which a benchmark was asked in several ways."""
    seen: dict[str, Question] = {}
    for each in questions:
        other = seen.setdefault(each.asked.benchmark.id, each)
        if other is not each:
            raise UsageError(
                f"{source}: {each.asked.benchmark.id} is in it several times, of other versions, "
                "limits or seeds, which are not compared: name a document of one run"
            )


def _chosen(questions: Sequence[Question], names: Sequence[str]) -> list[Question]:
    """Keep the models of these names; a name may leave out what stands after the colon."""
    from genomark.results.run_record import Question

    known = {model for question in questions for model in question.kept}
    wanted = [_model(name, known) for name in names]
    kept = [
        Question(
            each.asked,
            {model: each.kept[model] for model in wanted if model in each.kept},
            each.comparisons,
        )
        for each in questions
    ]
    return [each for each in kept if each.kept]


def _model(name: str, known: set[str]) -> str:
    if name in known:
        return name
    alike = [model for model in known if model.partition(":")[0] == name]
    if len(alike) != 1:
        raise UnknownNameError("model", name, known)
    return alike[0]


def _print_json(found: ModelComparison) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _print(out: Console, found: ModelComparison) -> None:
    from rich.markup import escape

    from genomark.errors import one_line

    benchmarks = dict.fromkeys(pair.benchmark for pair in found.pairs)
    for benchmark in benchmarks:
        pairs = [each for each in found.pairs if each.benchmark == benchmark]
        metric = f"{pairs[0].metric}, {pairs[0].better} is better"
        out.print()
        out.print(f"[bold]{escape(one_line(benchmark))}[/]  {escape(metric)}")
        for pair in pairs:
            _say(out, _verdict(pair))
        for note in dict.fromkeys(filter(None, map(_rests_on, pairs))):
            _say(out, note, style="dim")
        for pair in pairs:
            _print_items(out, [each for each in found.items if _is_of(each, pair)])
    if found.over:
        counted = "pair" if len(found.over) == 1 else "pairs"
        holm = f"Wilcoxon's test, adjusted by Holm for {len(found.over)} {counted}"
        out.print()
        out.print(f"[bold]over {len(benchmarks)} benchmarks[/]  {holm}")
        for each in found.over:
            _say(out, _over(each))


def _say(out: Console, text: str, style: str | None = None) -> None:
    """Print a sentence, what does not fit in a line further in."""
    from rich.markup import escape

    from genomark.errors import one_line

    told = textwrap.fill(
        one_line(text),
        out.width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    out.print(escape(told), style=style, soft_wrap=True)


def _verdict(pair: PairOnBenchmark) -> str:
    from genomark.results.model_comparison import better_of

    if pair.difference is None:
        return f"{pair.model_a} and {pair.model_b}: {pair.note}"
    # Written as of the better one, from which the other is taken.
    first = pair.tied or better_of(pair.metric, "a", "b", pair.difference) == "a"
    sign = 1 if first else -1
    models = (pair.model_a, pair.model_b) if first else (pair.model_b, pair.model_a)
    figures = f"difference {sign * pair.difference:.3f}"
    if pair.interval is not None:
        low, high = sorted(sign * end for end in pair.interval)
        figures += f" [{low:.3f}, {high:.3f}]"
    if pair.superiority is not None:
        share = pair.superiority if first else 1 - pair.superiority
        figures += f", ahead in {100 * share:.1f} % of replicates"
    if pair.n:
        figures += f", on {pair.n:,} shared items"
    if pair.tied is None:
        return f"{models[0]} and {models[1]}: {figures}; without an interval there is no verdict"
    if pair.tied:
        return f"{models[0]} and {models[1]} are tied: {figures}"
    return f"{models[0]} is better than {models[1]}: {figures}"


def _rests_on(pair: PairOnBenchmark) -> str:
    if pair.how == "document":
        return "paired differences as the document holds them"
    if pair.how == "same":
        return "both gave the same answers: one digest of predictions"
    if pair.how == "independent":
        why = f": {pair.note}" if pair.note else ""
        return f"of two scores taken for independent, mostly wider than of paired items{why}"
    if pair.how == "none" and pair.difference is not None:
        return pair.note or ""
    return ""


def _over(pair: PairOverBenchmarks) -> str:
    rate = "" if pair.win_rate is None else f" (win rate {100 * pair.win_rate:.0f} %)"
    p = "" if pair.adjusted is None else f"; p {pair.p:.3f}, adjusted {pair.adjusted:.3f}"
    apart = "told apart" if pair.apart else "not told apart"
    return (
        f"{pair.model_a} against {pair.model_b}: better on {pair.wins}, worse on {pair.losses} of "
        f"{pair.benchmarks}{rate}{p}: {apart}"
    )


def _is_of(item: Differing, pair: PairOnBenchmark) -> bool:
    return (item.benchmark, item.model_a, item.model_b) == (
        pair.benchmark,
        pair.model_a,
        pair.model_b,
    )


def _print_items(out: Console, items: Sequence[Differing]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.errors import one_line

    if not items:
        return
    table = Table(box=None, padding=(0, 1, 0, 2), header_style="dim", pad_edge=True)
    table.add_column("item", overflow="fold")
    for name in ("truth", items[0].model_a, items[0].model_b, "SD apart"):
        table.add_column(escape(one_line(name)), justify="right")
    for each in items:
        name = f"{each.item} {each.group}".strip()
        truth = "" if each.truth is None else f"{each.truth:.3f}"
        answers = (f"{each.answer_a:.3f}", f"{each.answer_b:.3f}", f"{each.apart:.1f}")
        table.add_row(escape(one_line(name)), truth, *answers)
    out.print(table)
