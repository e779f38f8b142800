"""``genomark check``: whether a Predictor keeps to the protocol, and makes sense."""

from __future__ import annotations

import json as json_
import re
import textwrap
import threading
from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from genomark.bars import Bar
    from genomark.conformance import Options, Report
    from genomark.conformance.exchanges import Exchange, Payload
    from genomark.conformance.report import Asked, Measurement, RuleOutcome

_SECONDS_BEFORE_PROGRESS = 2.0
#: Nothing but its beginning tells one sequence from another.
_LONG_SEQUENCE = re.compile(r"([ACGTNacgtn]{12})[ACGTNacgtn]{12,}")
_TITLES = {
    "1.2": "Endpoints",
    "1.3": "Formats",
    "1.4": "GET /formats",
    "1.5": "GET /help",
    "2.1": "Requests",
    "2.3": "Prediction ranges",
    "2.4": "What is refused",
    "3": "Answers",
    "3.1": "Answers as a whole",
    "3.2": "Tasks of an answer",
    "3.3": "Predictions",
    "3.4": "Scales",
    "3.5": "Tasks that fail",
    "4": "Errors",
    "5": "MsgPack",
    "sanity": "Sanity",
}
#: Of a body, in characters: about two lines.
_MAX_BODY = 130
_MARKS = {"pass": ("pass", "green"), "fail": ("FAIL", "bold red"), "not applicable": ("n/a", "dim")}


class Readout(StrEnum):
    """What can be asked for."""

    POINT = "point"
    TRACK = "track"
    INTERACTION_MATRIX = "interaction_matrix"


def check(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://HOST:PORT of a Predictor.")],
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a JSON document, with all exchanges."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For any one answer.")
    ] = 120.0,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="T", help="As accessibility or binding_ctcf.")
    ] = None,
    cell_type: Annotated[str | None, typer.Option(metavar="C", help="As K562.")] = None,
    species: Annotated[str | None, typer.Option(metavar="S", help="As homo_sapiens.")] = None,
    readout: Annotated[
        list[Readout] | None, typer.Option(help="Repeat for more. None: all are tried.")
    ] = None,
    length: Annotated[
        int, typer.Option(min=50, max=10_000_000, metavar="BP", help="Of the sequences sent.")
    ] = 500,
) -> None:
    """Check that a Predictor keeps to GAME 1.0, and that its predictions make sense.

    Sends some tens of small requests, one after the other. What to ask for is found out where it
    is not said. Exits 1 if a MUST fails.

    \b
    Examples:
      genomark check http://127.0.0.1:8000
      genomark check http://127.0.0.1:8000 --json report.json
      genomark check http://127.0.0.1:8000 --type binding_ctcf --cell-type HepG2
    """
    from genomark.atomic import write_whole
    from genomark.cli.terminal import console, status
    from genomark.conformance import Options, Wanted

    options = Options(
        wanted=Wanted(type_, cell_type, species),
        readouts=tuple(each.value for each in readout or Readout),
        length=length,
        timeout=timeout,
    )
    try:
        report = _checked(url, options)
    except KeyboardInterrupt:
        status("interrupted")
        raise typer.Exit(130) from None
    _print_report(console(), report)
    if json is not None:
        write_whole(json, report.to_json())
        status(f"The report with all exchanges is in {json}")
    if not report.conforms:
        raise typer.Exit(1)


def _checked(url: str, options: Options) -> Report:
    from genomark.conformance import RULES, check_predictor

    waiting = _Waiting(url, len(RULES))
    try:
        return check_predictor(url, options, progress=waiting.show)
    finally:
        waiting.close()


class _Waiting:
    """Says how far a check has come, once it has taken so long that somebody may wonder."""

    def __init__(self, url: str, total: int) -> None:
        self._url = url
        self._total = total
        self._last = (0, "connecting")
        self._bar: Bar | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_SECONDS_BEFORE_PROGRESS, self._begin)
        self._timer.daemon = True
        self._timer.start()

    def show(self, done: int, total: int, text: str) -> None:
        with self._lock:
            self._last = (done, text)
            if self._bar is not None:
                self._bar.show(done, text)

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def _begin(self) -> None:
        from genomark.bars import bar, interactive
        from genomark.cli.terminal import status

        with self._lock:
            # It may have ended while this waited.
            if self._timer.finished.is_set():
                return
            if interactive():
                self._bar = bar(self._total, "items")
                self._bar.show(*self._last)
            else:
                status(f"Checking {self._url}: rule {self._last[0] + 1} of {self._total}...")


def _print_report(out: Console, report: Report) -> None:
    from rich.markup import escape

    name = _shown(report.predictor_name or "A Predictor without a name")
    # Not wrapped: the address can be copied whole.
    out.print(f"[bold]{escape(name)}[/] at {escape(_shown(report.url))}", soft_wrap=True)
    asked = report.asked
    readouts = ", ".join(asked.readouts) or "no readout answered"
    _print_text(
        out,
        f"{readouts}; {asked.type} in {asked.cell_type}, {asked.species}; {asked.sequences} "
        f"sequences of {asked.length:,} bp; {report.requests} requests",
        indent="  ",
    )
    for section, rows in groupby(report.outcomes, key=lambda each: each.section):
        title = _TITLES.get(section, "")
        out.print()
        out.print(f"[bold]{escape(f'{section} {title}' if section != 'sanity' else title)}[/]")
        _print_section(out, list(rows), asked)
    for measurement in report.measurements:
        _print_text(out, _worded(measurement), indent="       ")
    out.print()
    _print_counts(out, report)


def _print_section(out: Console, rows: list[RuleOutcome], asked: Asked) -> None:
    from rich.markup import escape

    reasons = dict.fromkeys(row.detail for row in rows if row.status == "not applicable")
    if len(reasons) == 1 and all(row.status == "not applicable" for row in rows):
        reason = next(iter(reasons))
        _print_text(out, f"n/a {len(rows)} rule{'s' * (len(rows) > 1)}: {reason}", indent="  ")
        return
    for row in rows:
        mark, style = _MARKS[row.status]
        line = f"  [{style}]{mark:<4}[/] {row.level:<6} {escape(row.sentence)}"
        out.print(line, soft_wrap=True)
        if row.status == "fail":
            for text in _evidence(row, asked):
                _print_text(out, text, indent="       ", hanging="         ")
    for reason in reasons:
        _print_text(out, f"n/a: {reason}", indent="       ", hanging="         ")


def _evidence(row: RuleOutcome, asked: Asked) -> Iterator[str]:
    yield f"{row.id}: {row.detail}"
    if row.exchange is not None:
        yield f"sent {_sent(row.exchange, asked)}"
        if row.exchange.status is not None:
            yield f"got {_got(row.exchange)}"


def _sent(exchange: Exchange, asked: Asked) -> str:
    usual = {"Accept": "application/json", "Content-Type": "application/json"}
    headers = [f"{k}: {v}" for k, v in exchange.headers.items() if usual.get(k) != v]
    if exchange.request is not None and "Content-Type" not in exchange.headers:
        headers.append("no Content-Type")
    body = _special(exchange.request, asked)
    return " ".join(
        [
            f"{exchange.method} {exchange.path}",
            *([f"({'; '.join(headers)})"] if headers else ()),
            body,
        ]
    )


def _special(payload: Payload | None, asked: Asked) -> str:
    """Show of a request what is not as in the plain one, and its sequences only in brief."""
    try:
        request = json_.loads(payload.text) if payload and not payload.cut else None
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return _abridged(payload)
    task = {"type": asked.type, "cell_type": asked.cell_type, "species": asked.species}
    plain: list[tuple[str, object]] = [("prediction_tasks", [{"name": "check", **task}])]
    plain += [("readout", readout) for readout in asked.readouts[:1]]
    special = [each for each in request.items() if each not in plain]
    # Last, since it is what tells least.
    special.sort(key=lambda each: each[0] == "sequences")
    return _brief(json_.dumps(dict(special), ensure_ascii=False))


def _got(exchange: Exchange) -> str:
    body = _abridged(exchange.answer)
    return f"{exchange.status} {exchange.content_type or 'without a type'}: {body or 'no body'}"


def _abridged(payload: Payload | None) -> str:
    if payload is None:
        return ""
    return f"({payload.bytes:,} bytes)" if payload.encoding == "base64" else _brief(payload.text)


def _brief(text: str) -> str:
    shown = _LONG_SEQUENCE.sub(r"\1...", " ".join(text.split()))
    return _shown(shown if len(shown) <= _MAX_BODY else f"{shown[:_MAX_BODY]}...")


def _shown(text: str) -> str:
    """Make one printable line of what a server said."""
    from genomark.errors import one_line

    return one_line(text)


def _worded(measurement: Measurement) -> str:
    title = f"{measurement.title}:"
    if measurement.correlation is None and measurement.mean_difference is None:
        return f"{title} not measured ({measurement.detail})"
    r, gap = measurement.correlation, measurement.mean_difference
    numbers = ["r is not defined" if r is None else f"r = {r:.3f}"]
    numbers += [] if gap is None else [f"mean difference {gap:.1%} of range"]
    return f"{title} {', '.join(numbers)}, n = {measurement.n}"


def _print_counts(out: Console, report: Report) -> None:
    for level, count in report.counts.items():
        _print_text(
            out,
            f"{level}: {count.passed} passed, {count.failed} failed, "
            f"{count.not_applicable} not applicable",
        )
    style = "bold green" if report.conforms else "bold red"
    out.print(f"[{style}]{report.verdict}[/]")


def _print_text(out: Console, text: str, indent: str = "", hanging: str = "") -> None:
    from rich.markup import escape

    for line in textwrap.wrap(
        _shown(text), out.width, initial_indent=indent, subsequent_indent=hanging or indent
    ):
        out.print(escape(line), soft_wrap=True, style="dim" if indent else None)
