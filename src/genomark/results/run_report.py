"""The report of a run: one page that loads nothing, and a summary in Markdown.

The page has no scripts and leaves its colours to the reader's light or dark page. All text in both
is escaped: names of models and tasks come from strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from genomark.errors import one_line
from genomark.results.board import Section
from genomark.results.drawing import plain
from genomark.results.page import closed_page
from genomark.results.run_record import RunRecord
from genomark.results.run_view import AcrossView, Drawing, QuestionView, RunView, Table, run_view

TITLE = "Report of a run"
_HOW_TO_READ = (
    "[low, high] is a 95 % interval by bootstrap. Models share a rank where the interval of their "
    "paired difference, on the items that both answered, contains 0. Pointing at a drawing tells "
    "more."
)
_SPECIAL = re.compile(r"([\\`*<>\[\]|&])")

_STYLE = """\
th, td { padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; }
td { white-space: nowrap; } .told td { white-space: normal; }
tr + tr > * { border-top: 1px solid #8884; }
th { font-weight: 600; } h3 { font-size: 1rem; margin-top: 1.4rem; }
h2 { overflow-wrap: anywhere; } small, .quiet { opacity: .75; }
svg { max-width: none; } figure { margin: .4rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; padding: .6rem; }
code, .digest { font: 13px/1.4 ui-monospace, monospace; }
@media print {
  body { max-width: none; margin: 0; font-size: 10pt; } .wide { overflow: visible; }
  svg { max-width: 100%; height: auto; } h2, h3 { break-after: avoid; }
  figure, tr, pre { break-inside: avoid; } details > * { display: block; }
}
"""


@dataclass(frozen=True)
class RunReport:
    """A report.

    Attributes
    ----------
    html, markdown : str
    drawings : dict of str to str
        Images of the page (SVG elements) by name.
    notes : list of str
        What is not in it, and why.
    """

    html: str
    markdown: str
    drawings: Mapping[str, str]
    notes: Sequence[str] = ()


def run_report(record: RunRecord) -> RunReport:
    """Write the report; the same results give the same bytes.

    Parameters
    ----------
    record : RunRecord
    """
    view = run_view(record)
    drawings = {
        f"{number}-{_named(question.title)}-{name}": drawing.svg
        for number, question in enumerate(view.questions, 1)
        for name, drawing in question.drawings.items()
    }
    drawings |= {f"suite-{each.suite}": each.drawing.svg for each in view.across}
    return RunReport(_page(view), _markdown(view), drawings, view.notes)


def _named(title: str) -> str:
    """Make a name of a file of whatever a benchmark is called."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80]


def _page(view: RunView) -> str:
    models, questions = len({row[0] for row in view.models.rows}), len(view.questions)
    parts = [
        f"<h1>{TITLE}</h1><p>{_count(models, 'model')} on {_count(questions, 'benchmark')}. "
        f"{_HOW_TO_READ}</p>",
        _contents(view),
        "<h2>What was run</h2>",
        _html_table(Table(("", ""), view.told), kind="told", head=False) if view.told else "",
        *_titled_table("Models", view.models),
        *_titled_table("Benchmarks", view.benchmarks),
        *(_question(number, each) for number, each in enumerate(view.questions, 1)),
        *map(_across, view.across),
        _list("Skipped and failed", view.left_out),
        _reproducing(view),
        _list("What is not in this report", view.notes),
    ]
    return closed_page(TITLE, "\n".join(filter(None, parts)), width=75, style=_STYLE)


def _contents(view: RunView) -> str:
    entries = "".join(
        f"<li><a href='#benchmark-{number}'>{plain(each.title)}</a>: {plain(_first(each))}</li>"
        for number, each in enumerate(view.questions, 1)
    )
    return f"<ul>{entries}</ul>" if entries else ""


def _first(question: QuestionView) -> str:
    """Say who is ahead."""
    line = question.section.lines[0]
    return f"{line.model} {question.section.metrics[0]} {line.cells[0]}"


def _question(number: int, view: QuestionView) -> str:
    order = ("scores", "differences", "leakage", "answers", "groups", "cost")
    drawn = [view.drawings[name] for name in order if name in view.drawings]
    scores, others = drawn[:1], drawn[1:]
    parts = [
        f"<h2 id='benchmark-{number}'>{plain(view.title)}: {plain(view.section.title)}</h2>",
        _html_table(_ranked(view.section)),
        "".join(f"<small>{plain(note)}</small><br>" for note in view.notes),
        *map(_figure, scores),
        *_titled_table("Training data", view.training),
        *map(_figure, others),
    ]
    if view.pairs.rows:
        table = _html_table(view.pairs)
        parts.append(f"<details open><summary>Every pair</summary>{table}</details>")
    return "\n".join(parts)


def _ranked(section: Section) -> Table:
    rows = [(line.rank, line.model, *line.cells, line.n) for line in section.lines]
    return Table(("rank", "model", *section.metrics, "n"), rows)


def _figure(drawing: Drawing) -> str:
    return f"<h3>{plain(drawing.title)}</h3><figure class='wide'>{drawing.svg}</figure>"


def _across(view: AcrossView) -> str:
    notes = "".join(f"<p class='quiet'>{plain(note)}</p>" for note in view.notes)
    return (
        f"<h2>Over the suite {plain(view.suite)}</h2>{_html_table(view.table)}{notes}"
        f"{_figure(view.drawing)}"
    )


def _reproducing(view: RunView) -> str:
    if not view.commands:
        return ""
    lines = [*view.installing, *view.commands]
    code = "\n".join(plain(line) for line in lines)
    cautions = "".join(f"<li>{plain(each)}</li>" for each in view.cautions)
    return (
        f"<h2>To compute it again</h2><pre><code>{code}</code></pre>"
        f"{f'<ul>{cautions}</ul>' if cautions else ''}"
        "<details><summary>Values and digests that should come out</summary>"
        f"{_html_table(view.digests)}</details>"
    )


def _titled_table(title: str, table: Table) -> Iterable[str]:
    return (f"<h3>{title}</h3>", _html_table(table)) if table.rows else ()


def _html_table(table: Table, *, kind: str = "", head: bool = True) -> str:
    header = "".join(f"<th scope='col'>{plain(name)}</th>" for name in table.header)
    body = "".join(
        f"<tr>{''.join(f'<td>{plain(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    top = f"<thead><tr>{header}</tr></thead>" if head else ""
    of_kind = f" class='{kind}'" if kind else ""
    return f"<div class='wide'><table{of_kind}>{top}<tbody>{body}</tbody></table></div>"


def _list(title: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    return f"<h2>{title}</h2><ul>{''.join(f'<li>{plain(each)}</li>' for each in entries)}</ul>"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _markdown(view: RunView) -> str:
    parts = [f"# {TITLE}", _HOW_TO_READ]
    if view.told:
        parts += ["## What was run", _bullets(f"{name}: {told}" for name, told in view.told)]
    for title, table in (("Models", view.models), ("Benchmarks", view.benchmarks)):
        parts += [f"### {title}", _markdown_table(table)] if table.rows else []
    for question in view.questions:
        section = question.section
        parts.append(f"## {_safe(question.title)}: {_safe(section.title)}")
        parts += [_markdown_table(_ranked(section)), _bullets(question.notes)]
        parts += [_markdown_table(question.pairs)] if question.pairs.rows else []
        parts += [_markdown_table(question.training)] if question.training.rows else []
    for each in view.across:
        parts += [f"## Over the suite {_safe(each.suite)}", _markdown_table(each.table)]
        parts.append(_bullets(each.notes))
    parts += ["## Skipped and failed", _bullets(view.left_out)] if view.left_out else []
    if view.commands:
        code = "\n".join([*view.installing, *view.commands])
        parts += ["## To compute it again", f"```sh\n{code}\n```", _bullets(view.cautions)]
        parts.append(_markdown_table(view.digests))
    parts += ["## What is not in this report", _bullets(view.notes)] if view.notes else []
    return "\n\n".join(filter(None, parts)) + "\n"


def _markdown_table(table: Table) -> str:
    lines = [table.header, ("---",) * len(table.header), *table.rows]
    return "\n".join(f"| {' | '.join(map(_safe, line))} |" for line in lines)


def _bullets(entries: Iterable[str]) -> str:
    return "\n".join(f"- {_safe(each)}" for each in entries)


def _safe(text: str) -> str:
    """Take from text what Markdown, or HTML in it, would read as more than text."""
    return _SPECIAL.sub(r"\\\1", one_line(text))
