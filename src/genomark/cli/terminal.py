"""What the terminal shows: tables on standard output, everything else on standard error."""

from __future__ import annotations

import sys
import textwrap

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from genomark.results import Results, Section, legend, sections

#: Width where output is no terminal, so that a file reads as a terminal of common width does.
_PLAIN_WIDTH = 80
#: A longer model name would leave no room for two metrics with intervals.
_NAME_WIDTH = 24


def console() -> Console:
    """Standard output: coloured on a terminal, plain and 80 columns wide elsewhere."""
    # A spec such as `py:x:Model` holds what would be taken for the name of an emoji.
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    return Console(width=width, highlight=False, emoji=False)


def status(message: str) -> None:
    """Say something about the run itself, on standard error."""
    out = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    out.print(escape(message), style="dim")


def print_results(results: Results) -> None:
    """Print one table a benchmark, then what was skipped or failed, then how to read it."""
    out = console()
    for section in sections(results):
        _print_section(out, section)
    for word, style, entries in (
        ("skipped", "yellow", results.skipped),
        ("failed", "red", results.failed),
    ):
        for entry in entries:
            where = " × ".join(filter(None, (entry.benchmark, entry.model)))
            # Not wrapped: a path or URL in it can be copied whole.
            out.print(
                f"[{style}]{word}[/] {escape(_clean(where))}: {escape(_clean(entry.reason))}",
                soft_wrap=True,
            )
    if results.results:
        out.print()
        out.print(escape(legend(results)), style="dim")


def _print_section(out: Console, section: Section) -> None:
    out.print()
    out.print(f"[bold]{escape(section.benchmark)}[/]  {escape(section.title)}")
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in section.metrics:
        table.add_column(name, no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    for line in section.lines:
        cells = (_short(line.model), *line.cells)
        table.add_row(line.rank, *(escape(_clean(cell)) for cell in cells), line.n)
    out.print(table)
    names = {model: _short(model) for model in (line.model for line in section.lines)}
    cut = [f"{short} is {model}" for model, short in names.items() if short != model]
    for note in (section.subtitle, *section.notes, *cut):
        for model, short in names.items():
            note = note.replace(f"{model}:", f"{short}:")
        indented = textwrap.fill(
            _clean(note),
            out.width,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        out.print(escape(indented), style="dim", soft_wrap=True)


def _short(model: str) -> str:
    """Cut the middle out of a long name: its kind and its end tell most."""
    if len(model) <= _NAME_WIDTH:
        return model
    kind = model.partition(":")[0][:5]
    return f"{kind}:…{model[len(kind) + 2 - _NAME_WIDTH :]}"


def _clean(text: str) -> str:
    """Blank out control characters: names and messages may come from strangers."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
