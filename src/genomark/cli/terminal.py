"""What the terminal shows: tables on standard output, everything else on standard error."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from genomark.results import Results, Section, legend, sections

#: Width where output is no terminal, so that a file reads as a terminal of common width does.
_PLAIN_WIDTH = 80


def console() -> Console:
    """Standard output: coloured on a terminal, plain and 80 columns wide elsewhere."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False)


def status(message: str) -> None:
    """Say something about the run itself, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(message), style="dim")


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
            out.print(f"[{style}]{word}[/] {escape(_clean(where))}: {escape(_clean(entry.reason))}")
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
        table.add_row(line.rank, *(escape(_clean(c)) for c in (line.model, *line.cells)), line.n)
    out.print(table)
    for note in (section.subtitle, *section.notes):
        out.print(Padding(f"[dim]{escape(_clean(note))}[/]", (0, 0, 0, 2)))


def _clean(text: str) -> str:
    """Blank out control characters: names and messages may come from strangers."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
