"""What ``genomark run --profile`` prints."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from genomark.cli.terminal import console
from genomark.runs import PARTS, Profile, advice

#: Evaluations that are told of one by one, and parts of each.
_MOST_EVALUATIONS, _MOST_PARTS = 20, 3


def print_profile(profile: Profile) -> None:
    """Print where the time went, in all and by evaluation, and what would help."""
    out = console()
    where = f"{profile.workers} workers" if profile.workers else "one process"
    out.print()
    out.print(
        f"[bold]time[/]  {profile.wall_seconds:.1f} s, {profile.cpu_seconds:.1f} s of processors, "
        f"{where}"
    )
    table = _table("part", "seconds", "share", "CPU s", "share")
    for name, part in profile.parts.items():
        if part.wall_seconds >= 0.0005 or part.cpu_seconds >= 0.0005:
            table.add_row(
                PARTS[name],
                f"{part.wall_seconds:.2f}",
                _percent(part.wall_seconds, profile.wall_seconds),
                f"{part.cpu_seconds:.2f}",
                _percent(part.cpu_seconds, profile.cpu_seconds),
            )
    out.print(table)
    if len(profile.evaluations) > 1:
        out.print(_evaluations(profile))
    for line in advice(profile):
        out.print(escape(line), style="dim")


def _evaluations(profile: Profile) -> Table:
    """Show the evaluations that took longest, and what took most of each."""
    table = _table("evaluation", "seconds", "share", "most of it")
    wall = {
        subject: sum(part.wall_seconds for part in parts.values())
        for subject, parts in profile.evaluations.items()
    }
    longest = sorted(wall, key=lambda subject: -wall[subject])
    for subject in longest[:_MOST_EVALUATIONS]:
        parts = profile.evaluations[subject]
        most = sorted(parts, key=lambda name: -parts[name].wall_seconds)[:_MOST_PARTS]
        told = ", ".join(
            f"{name} {_percent(parts[name].wall_seconds, wall[subject])}" for name in most
        )
        table.add_row(
            escape(subject),
            f"{wall[subject]:.2f}",
            _percent(wall[subject], profile.wall_seconds),
            told,
        )
    if len(longest) > _MOST_EVALUATIONS:
        rest = sum(wall[subject] for subject in longest[_MOST_EVALUATIONS:])
        table.add_row(
            f"{len(longest) - _MOST_EVALUATIONS} more",
            f"{rest:.2f}",
            _percent(rest, profile.wall_seconds),
            "",
        )
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="left" if name == "most of it" else "right")
    return table


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "-"
